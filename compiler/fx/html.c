// SPDX-License-Identifier: MIT
/*
 * html.c - the graph as one page: a row for each node, and lines between them
 *
 * Rows stand in execution order, so all edges lead down. A value keeps a lane
 * to the left of the rows from where it is made to its last use; a node takes
 * over the lane of an input that ends in it, so that a chain is a straight line.
 */
#include <stdlib.h>
#include <string.h>

#include "fx_priv.h"

#define ROW		24	/* pixels */
#define LANE		14
#define MAX_LANES	64	/* values beyond share the last one */

/*
 * struct page
 * @lane, @row: of each node, by its place on the list
 * @until: the node that a lane is taken until, or NULL
 */
struct page {
	FILE *to;
	const struct fx_graph *g;
	struct fx_node **last;
	int *lane, *row;
	struct fx_node *until[MAX_LANES];
	int n_lanes, n_rows;
};

static const char head[] =
	"<style>\n"
	"body { font: 13px monospace; margin: 16px; position: relative }\n"
	"h1 { font-size: 16px; height: 24px; margin: 0 }\n"
	"table { border-collapse: collapse }\n"
	"td { height: 24px; padding: 0 10px; white-space: nowrap; max-width: 48em;\n"
	"     overflow: hidden; text-overflow: ellipsis }\n"
	"tr:hover td { background: #eef }\n"
	"svg { position: absolute; left: 0; top: 24px }\n"
	"path { fill: none; stroke: #99a; stroke-width: 1.5 }\n"
	".device { fill: #2a2 } .cpu { fill: #c44 } .undecided { fill: #447 }\n"
	"</style>\n";

void fx_print_html_text(const char *s, FILE *to)
{
	for (; *s; s++)
		switch (*s) {
		case '&': fputs("&amp;", to); break;
		case '<': fputs("&lt;", to); break;
		case '>': fputs("&gt;", to); break;
		case '"': fputs("&quot;", to); break;
		default: fputc((unsigned char)*s < ' ' ? ' ' : *s, to);
		}
}

/* Lanes */

struct freeing {
	struct page *page;
	struct fx_node *user;
	int lane;			/* the first that ends here, or -1 */
};

static void free_lane(struct fx_node *in, void *ctx)
{
	struct freeing *f = ctx;
	int lane = f->page->lane[node_box(in)->order];

	if (fx_node_is_const(in) || f->page->until[lane] != f->user ||
	    f->page->last[node_box(in)->order] != f->user)
		return;
	f->page->until[lane] = NULL;
	if (f->lane < 0)
		f->lane = lane;
}

static int take_lane(struct page *p, struct fx_node *n)
{
	struct freeing f = { p, n, -1 };
	struct fx_node *last = p->last[node_box(n)->order];
	int lane;

	fx_node_visit(n, free_lane, &f);
	lane = f.lane < 0 ? 0 : f.lane;
	while (p->until[lane] && lane < MAX_LANES - 1)
		lane++;
	p->until[lane] = last;
	if (lane >= p->n_lanes)
		p->n_lanes = lane + 1;
	return lane;
}

static void place(struct page *p)
{
	fx_for_each_node(n, p->g) {
		if (fx_node_is_const(n))
			continue;
		p->row[node_box(n)->order] = p->n_rows++;
		p->lane[node_box(n)->order] = take_lane(p, n);
	}
}

/* The picture */

static int x_of(const struct page *p, struct fx_node *n)
{
	return LANE + p->lane[node_box(n)->order] * LANE;
}

static int y_of(const struct page *p, struct fx_node *n)
{
	return ROW / 2 + p->row[node_box(n)->order] * ROW;
}

struct drawing {
	const struct page *page;
	struct fx_node *user;
};

/* Down the value's own lane, and over to its user's in the last step. */
static void draw_edge(struct fx_node *in, void *ctx)
{
	struct drawing *d = ctx;
	int x0 = x_of(d->page, in), y0 = y_of(d->page, in);
	int x1 = x_of(d->page, d->user), y1 = y_of(d->page, d->user);

	if (fx_node_is_const(in))
		return;
	fprintf(d->page->to, "<path d=\"M%d %dV%dL%d %d\"/>\n", x0, y0,
		y1 - ROW / 2, x1, y1);
}

static void draw_node(const struct page *p, struct fx_node *n)
{
	static const char *const classes[] = {
		[FX_PLACE_UNDECIDED] = "undecided",
		[FX_PLACE_DEVICE] = "device",
		[FX_PLACE_CPU] = "cpu",
	};

	fprintf(p->to, "<circle cx=\"%d\" cy=\"%d\" r=\"4\" class=\"%s\"/>\n",
		x_of(p, n), y_of(p, n), classes[n->place]);
}

static void draw(const struct page *p)
{
	fprintf(p->to, "<svg width=\"%d\" height=\"%d\">\n",
		(p->n_lanes + 1) * LANE, p->n_rows * ROW);
	fx_for_each_node(n, p->g) {
		struct drawing d = { p, n };

		if (!fx_node_is_const(n))
			fx_node_visit(n, draw_edge, &d);
	}
	fx_for_each_node(n, p->g)
		if (!fx_node_is_const(n))
			draw_node(p, n);
	fputs("</svg>\n", p->to);
}

/* The rows */

static void write_cell(FILE *to, const char *text)
{
	fputs("<td title=\"", to);
	fx_print_html_text(text, to);
	fputs("\">", to);
	fx_print_html_text(text, to);
	fputs("</td>", to);
}

static void write_row(const struct page *p, struct fx_node *n)
{
	char *types = types_text(n), *making = NULL;
	bool known = n->n_out && n->out[0].dtype != FXQ_DTYPE_NONE;
	size_t size;
	FILE *text = open_memstream(&making, &size);

	if (!text)
		abort();
	write_making(text, n);
	fclose(text);

	fputs("<tr>", p->to);
	write_cell(p->to, n->name);
	write_cell(p->to, making);
	write_cell(p->to, known ? types : "");
	write_cell(p->to, n->source ? n->source : "");
	write_cell(p->to, n->reason ? n->reason : "");
	fputs("</tr>\n", p->to);
	free(making);
	free(types);
}

void fx_graph_print_html(const struct fx_graph *g, const char *title, FILE *to)
{
	unsigned int count = graph_number_nodes((struct fx_graph *)g);
	struct page p = { .to = to, .g = g };
	struct arena arena = {};

	p.last = arena_alloc(&arena, (count + 1) * sizeof(*p.last), 8);
	p.lane = arena_alloc(&arena, (count + 1) * sizeof(*p.lane), 8);
	p.row = arena_alloc(&arena, (count + 1) * sizeof(*p.row), 8);
	graph_last_users(g, p.last);
	place(&p);

	fputs("<!DOCTYPE html>\n<meta charset=\"utf-8\">\n<title>", to);
	fx_print_html_text(title, to);
	fprintf(to, "</title>\n%s<h1>", head);
	fx_print_html_text(title, to);
	fprintf(to, "</h1>\n");
	draw(&p);
	fprintf(to, "<table style=\"margin-left: %dpx\">\n",
		(p.n_lanes + 1) * LANE);
	fx_for_each_node(n, g)
		if (!fx_node_is_const(n))
			write_row(&p, n);
	fputs("</table>\n", to);
	arena_finish(&arena);
}
