// SPDX-License-Identifier: MIT
/*
 * compare_html.c - a comparison as a page: a bar for each layer
 *
 * Two bars in each row, noise over the whole network and the layer's own, both
 * in dB on one scale, so that the eye sees where noise enters and where it only
 * passes through.
 */
#include <math.h>
#include <stdlib.h>

#include "compare.h"

#define ROW	20		/* pixels */
#define LEFT	260
#define PER_DB	6
#define MAX_DB	80

static void write_bar(FILE *to, double db, int y, int height,
		      const char *class)
{
	if (isnan(db))
		return;
	fprintf(to, "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\"/>\n",
		class, LEFT, y, PER_DB * fmin(fmax(db, 0), MAX_DB), height);
}

static void write_layer(FILE *to, const struct layer *l, int y)
{
	double whole = deviation_db(&l->whole), own = deviation_db(&l->alone);

	fprintf(to, "<g><title>scale %g, zero point %d, %llu of %llu clipped</title>\n",
		(double)l->node->out[0].scale, l->node->out[0].zero_point,
		(unsigned long long)l->clipped, (unsigned long long)l->count);
	fprintf(to, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">", LEFT - 8,
		y + 13);
	fx_print_html_text(l->node->name, to);
	fputs("</text>\n", to);
	write_bar(to, own, y + 2, ROW - 4, "own");
	write_bar(to, whole, y + 5, ROW - 10, "whole");
	fprintf(to, "<text x=\"%.0f\" y=\"%d\">%.1f / %.1f dB</text></g>\n",
		LEFT + PER_DB * fmin(fmax(fmax(own, whole), 0), MAX_DB) + 6,
		y + 13, whole, own);
}

static bool is_seen(const struct layer *l)
{
	return !isnan(deviation_db(&l->whole)) &&
	       !isnan(deviation_db(&l->alone));
}

void compare_html(const struct comparison *c, const char *name, FILE *to)
{
	int y = 0, rows = 0;

	for (size_t i = 0; i < c->n; i++)
		rows += is_seen(&c->layers[i]);
	fputs("<!DOCTYPE html>\n<meta charset=\"utf-8\">\n<title>", to);
	fx_print_html_text(name, to);
	fputs("</title>\n<style>\n"
	      "body { font: 13px monospace; margin: 16px }\n"
	      "h1 { font-size: 16px }\n"
	      ".own { fill: #cdd9ee } .whole { fill: #3465a4 }\n"
	      "g:hover .whole { fill: #c44 }\n"
	      "</style>\n<h1>", to);
	fx_print_html_text(name, to);
	fprintf(to, "</h1>\n<p>Signal to quantization noise of each layer over %llu samples: dark after all\nthat was rounded before it, pale by itself, with float's inputs.</p>\n",
		(unsigned long long)c->samples);
	fprintf(to, "<svg width=\"%d\" height=\"%d\">\n",
		LEFT + PER_DB * MAX_DB + 160, rows * ROW);
	for (size_t i = 0; i < c->n; i++) {
		if (!is_seen(&c->layers[i]))
			continue;
		write_layer(to, &c->layers[i], y);
		y += ROW;
	}
	fputs("</svg>\n", to);
	for (size_t i = 0; i < c->notes.n; i++) {
		fprintf(to, "<p>%s: ", c->notes.list[i].kind);
		fx_print_html_text(c->notes.list[i].text, to);
		fputs("</p>\n", to);
	}
	for (size_t i = 0; i < c->n_outputs; i++) {
		char *text = output_text(c, i);

		fputs("<p>output ", to);
		fx_print_html_text(text ? text : "", to);
		fputs("</p>\n", to);
		free(text);
	}
}
