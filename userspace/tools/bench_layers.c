// SPDX-License-Identifier: MIT
/*
 * bench_layers.c - the profile of fxq-run bench, as a table and as JSON
 */
#include <inttypes.h>

#include "profile.h"

static const char *const bounds[BOUNDS] = {
	[BOUND_COMPUTE] = "compute",
	[BOUND_BYTES] = "bytes",
	[BOUND_VECTOR] = "vector",
	[BOUND_CPU] = "cpu",
};

static const char *const kinds[] = {
	[PROFILE_LAYER] = "device",
	[PROFILE_CPU] = "cpu",
	[PROFILE_REST] = "rest",
};

/* Of what the processor multiplies at most, in 0..1. */
static double peak_share(uint64_t macs, uint64_t ns, double peak)
{
	return ns && peak > 0 ? macs / (ns * 1e-9 * peak) : 0;
}

static void maybe(struct table *t, bool is, double value)
{
	if (is)
		table_cell(t, "%.1f", value);
	else
		table_cell(t, "-");
}

static void add_bound(struct table *t, const struct profile_row *r)
{
	table_cell(t, "%s", bounds[r->bound]);
	maybe(t, r->kind == PROFILE_LAYER, 100 * r->spent[r->bound]);
}

static void add_row(struct table *t, const struct profile_row *r, double peak)
{
	table_cell(t, "%s", r->layer ? r->layer : "(rest)");
	table_cell(t, "%s", r->op ? r->op : "submit, complete");
	table_cell(t, "%.1f", r->ns * 1e-3);
	table_cell(t, "%.1f", 100 * r->share);
	if (r->macs)
		table_cell(t, "%" PRIu64, r->macs);
	else
		table_cell(t, "-");
	maybe(t, r->macs && peak > 0, 100 * peak_share(r->macs, r->ns, peak));
	maybe(t, r->cost.bytes, r->cost.bytes / 1024.0);
	if (r->cost.cycles)
		table_cell(t, "%" PRIu64, r->cost.cycles);
	else
		table_cell(t, "-");
	maybe(t, r->macs && r->cost.cycles,
	      100 * utilization(r->macs, r->cost.cycles));
}

int bench_layers_print(struct profile *p)
{
	static const char *const heads[] = {
		"<layer", "<operator", ">us", ">% of all", ">MACs",
		">% of peak", ">KiB", ">cycles", ">% of array", "<bound by",
		">%", NULL
	};
	struct profile_row sum = { .layer = "sum", .op = "" };
	const struct profile_row *rows;
	const char *loop;
	double peak = profile_peak(p, &loop);
	struct table *t;
	size_t n;
	int code;

	code = profile_rows(p, &rows, &n);
	if (code)
		return code;
	t = table_new(heads);
	for (size_t i = 0; i < n; i++) {
		add_row(t, &rows[i], peak);
		add_bound(t, &rows[i]);
		sum.ns += rows[i].ns;
		sum.share += rows[i].share;
		sum.macs += rows[i].macs;
		sum.cost.bytes += rows[i].cost.bytes;
		sum.cost.cycles += rows[i].cost.cycles;
	}
	add_row(t, &sum, peak);
	table_cell(t, "-");
	table_cell(t, "-");
	table_print(t, stdout);
	if (peak > 0)
		printf("peak        %.0f GOP/s, measured beside with %s\n",
		       2e-9 * peak, loop);
	return TOOL_OK;
}

static json_t *spent_json(const struct profile_row *r)
{
	json_t *spent = json_object();

	for (int b = 0; b < BOUNDS; b++)
		json_object_set_new(spent, bounds[b], json_real(r->spent[b]));
	return spent;
}

static json_t *row_json(const struct profile_row *r, double peak)
{
	const struct layer_cost *c = &r->cost;

	return json_pack("{s:o, s:o, s:s, s:I, s:f, s:I, s:f, s:I, s:s,"
			 " s:o, s:I, s:f, s:I, s:I, s:I}",
		"layer", r->layer ? json_text(r->layer) : json_null(),
		"operator", r->op ? json_text(r->op) : json_null(),
		"kind", kinds[r->kind],
		"ns", (json_int_t)r->ns, "share", r->share,
		"macs", (json_int_t)r->macs,
		"peak_share", peak_share(r->macs, r->ns, peak),
		"bytes", (json_int_t)c->bytes,
		"bound", bounds[r->bound], "spent", spent_json(r),
		"cycles", (json_int_t)c->cycles,
		"utilization", utilization(r->macs, c->cycles),
		"mx_cycles", (json_int_t)c->mx,
		"vx_cycles", (json_int_t)c->vx,
		"bus_cycles", (json_int_t)c->bus);
}

int bench_layers_json(struct profile *p, json_t *to)
{
	json_t *layers = json_array();
	const struct profile_row *rows;
	const char *loop;
	double peak = profile_peak(p, &loop);
	size_t n;
	int code = profile_rows(p, &rows, &n);

	for (size_t i = 0; !code && i < n; i++)
		json_array_append_new(layers, row_json(&rows[i], peak));
	json_object_set_new(to, "peak", json_string(loop));
	json_object_set_new(to, "peak_gops", json_real(2e-9 * peak));
	json_object_set_new(to, "layers", layers);
	return code;
}
