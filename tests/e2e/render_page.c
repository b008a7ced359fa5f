// SPDX-License-Identifier: MIT
/*
 * render_page.c - a page of text as a picture
 *
 *	render_page FONT.ttf SEED [LINE | word | other] >page.pgm
 *
 * Text detectors want text: lines of words in sizes, places and greys that
 * follow from the seed, drawn with a font of the system's. Where each line
 * stands is told on standard error: left, top, right, bottom in pixels, and
 * what it says. Readers want one line: that with the number LINE, counted from
 * 0, cut out; or one word at the left of a strip, in the shape that they take. The
 * lists behind "word" and "other" have no word in common.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ft2build.h>
#include FT_FREETYPE_H

#define SIDE	640
#define STRIP_WIDTH	320
#define STRIP_HEIGHT	48

struct extent {
	int left, top, right, bottom;
};

struct page {
	uint8_t pixels[SIDE][SIDE];
	uint8_t ink;
	uint32_t state;
	FT_Face face;
	struct extent line[SIDE];
	int n_lines;
};

static const char *const words[] = {
	"accelerator", "an", "and", "array", "before", "bus", "clock", "core",
	"cycle", "each", "engine", "fence", "four", "from", "graph", "in",
	"kernel", "layer", "Linux", "memory", "network", "of", "open", "page",
	"queue", "reads", "ring", "scale", "stream", "tensor", "the", "time",
	"to", "weights", "1024", "128", "2^20", "32", "64 KiB", "7.3",
};

/* None of the list above: who was calibrated on those has not seen these. */
static const char *const others[] = {
	"address", "again", "always", "answer", "apple", "autumn", "bottle",
	"bridge", "butter", "camera", "candle", "circle", "copper", "corner",
	"cotton", "desk", "door", "eight", "empty", "evening", "farm",
	"finger", "flower", "forest", "garden", "glass", "green", "harbour",
	"heavy", "house", "iron", "island", "journey", "jump", "kitchen",
	"ladder", "letter", "light", "mango", "market", "Monday", "morning",
	"nine", "north", "number", "orange", "paper", "pencil", "people",
	"picture", "quick", "rabbit", "river", "school", "seven", "silver",
	"simple", "small", "south", "square", "station", "street", "summer",
	"table", "ticket", "under", "valley", "village", "water", "weather",
	"window", "winter", "yellow", "zebra", "1871", "2048", "365", "4.5",
	"90", "640",
};

/* The next of a sequence that is the same everywhere, below @n. */
static uint32_t draw(struct page *p, uint32_t n)
{
	p->state = p->state * 1664525u + 1013904223u;
	return (p->state >> 8) % n;
}

static void blend(struct page *p, const FT_Bitmap *b, int left, int top,
		  struct extent *e)
{
	for (int y = 0; y < (int)b->rows; y++)
		for (int x = 0; x < (int)b->width; x++) {
			int at_x = left + x, at_y = top + y;
			int a = b->buffer[y * b->pitch + x];
			uint8_t *to;

			if (at_x < 0 || at_y < 0 || at_x >= SIDE ||
			    at_y >= SIDE || !a)
				continue;
			to = &p->pixels[at_y][at_x];
			*to = (uint8_t)((*to * (255 - a) + p->ink * a) / 255);
			e->left = at_x < e->left ? at_x : e->left;
			e->top = at_y < e->top ? at_y : e->top;
			e->right = at_x + 1 > e->right ? at_x + 1 : e->right;
			e->bottom = at_y + 1 > e->bottom ? at_y + 1 : e->bottom;
		}
}

/* Draws @text with its baseline at @y and returns where the pen then is. */
static int put_text(struct page *p, const char *text, int x, int y,
		    struct extent *e)
{
	for (; *text; text++) {
		FT_GlyphSlot glyph = p->face->glyph;

		if (FT_Load_Char(p->face, (FT_ULong)*text, FT_LOAD_RENDER))
			continue;
		blend(p, &glyph->bitmap, x + glyph->bitmap_left,
		      y - glyph->bitmap_top, e);
		x += (int)(glyph->advance.x >> 6);
	}
	return x;
}

static const char *draw_word(struct page *p, bool other)
{
	return other ? others[draw(p, sizeof(others) / sizeof(*others))] :
		       words[draw(p, sizeof(words) / sizeof(*words))];
}

static void put_line(struct page *p, int y, int size)
{
	struct extent e = { SIDE, SIDE, 0, 0 };
	int x = 20 + (int)draw(p, 120);
	int end = SIDE - 30 - (int)draw(p, 250);
	char said[SIDE] = "";

	FT_Set_Pixel_Sizes(p->face, 0, (FT_UInt)size);
	while (x < end - 5 * size) {
		const char *w = draw_word(p, false);

		x = put_text(p, w, x, y, &e) + size / 3;
		strcat(strcat(said, " "), w);
	}
	if (e.left >= e.right)
		return;
	p->line[p->n_lines++] = e;
	fprintf(stderr, "%d %d %d %d%s\n", e.left, e.top, e.right, e.bottom,
		said);
}

static void put_page(struct page *p)
{
	uint8_t paper = (uint8_t)(255 - draw(p, 60));
	int y = 20, size;

	p->ink = (uint8_t)draw(p, 80);
	memset(p->pixels, paper, sizeof(p->pixels));
	for (;;) {
		size = 18 + (int)draw(p, 27);
		y += size + 10 + (int)draw(p, 30);
		if (y > SIDE - 20)
			return;
		put_line(p, y, size);
	}
}

/* A word of a list, or letters and digits that no list has. */
static struct extent put_word(struct page *p, bool other)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	struct extent e = { SIDE, SIDE, 0, 0 };
	int size = 24 + (int)draw(p, 10);
	char word[16] = "";

	p->ink = (uint8_t)draw(p, 80);
	memset(p->pixels, (uint8_t)(255 - draw(p, 60)), sizeof(p->pixels));
	if (draw(p, 2)) {
		do
			strcpy(word, draw_word(p, other));
		while (strpbrk(word, " ^"));
	} else {
		for (uint32_t n = 4 + draw(p, 6), i = 0; i < n; i++)
			word[i] = letters[draw(p, sizeof(letters) - 1)];
	}
	FT_Set_Pixel_Sizes(p->face, 0, (FT_UInt)size);
	put_text(p, word, 4 + (int)draw(p, 12), 34 + (int)draw(p, 4), &e);
	fprintf(stderr, "%s\n", word);
	return (struct extent){ 0, 0, STRIP_WIDTH, STRIP_HEIGHT };
}

static void write_part(const struct page *p, struct extent e)
{
	printf("P5\n%d %d\n255\n", e.right - e.left, e.bottom - e.top);
	for (int y = e.top; y < e.bottom; y++)
		fwrite(&p->pixels[y][e.left], 1, (size_t)(e.right - e.left),
		       stdout);
}

int main(int argc, char **argv)
{
	static struct page p;
	FT_Library library;
	bool other = argc == 4 && !strcmp(argv[3], "other");
	bool word = other || (argc == 4 && !strcmp(argv[3], "word"));
	int line;

	if (argc != 3 && argc != 4) {
		fprintf(stderr, "usage: render_page FONT.ttf SEED [LINE | word | other] >page.pgm\n");
		return 64;
	}
	if (FT_Init_FreeType(&library) ||
	    FT_New_Face(library, argv[1], 0, &p.face)) {
		fprintf(stderr, "%s: not a font\n", argv[1]);
		return EXIT_FAILURE;
	}
	p.state = (uint32_t)strtoul(argv[2], NULL, 10);
	if (word)
		p.line[p.n_lines++] = put_word(&p, other);
	else
		put_page(&p);

	line = word ? 0 : argc == 4 ? atoi(argv[3]) : -1;
	if (line >= p.n_lines) {
		fprintf(stderr, "the page has %d lines\n", p.n_lines);
		return EXIT_FAILURE;
	}
	write_part(&p, line < 0 ? (struct extent){ 0, 0, SIDE, SIDE } :
				  p.line[line]);
	FT_Done_Face(p.face);
	FT_Done_FreeType(library);
	return fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
