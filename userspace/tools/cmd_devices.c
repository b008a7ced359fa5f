// SPDX-License-Identifier: MIT
/*
 * cmd_devices.c - what there is to run on
 */
#include <stdio.h>

#include "tool.h"

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case ARGP_KEY_INIT:
		options_init(state->input, state);
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s' is one argument too many", arg);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_child children[] = { { &common_argp }, { NULL } };

static const struct argp argp = {
	NULL, parse, NULL,
	"Lists the devices of this computer and what they can do."
	"\vFor example:\n  fxq-run devices --json",
	children, help_filter
};

static void table_row(struct table *t, const char *name,
		      const struct fxq_device_caps *c)
{
	table_cell(t, "%s", name);
	table_cell(t, "%u", c->macs);
	table_cell(t, "%g", c->clock_khz / 1e6);
	table_cell(t, "%u", c->spm_bytes >> 10);
	table_cell(t, "%u", c->acc_bytes >> 10);
	table_cell(t, "%u", c->max_descriptors);
	table_cell(t, "%u", c->max_inflight);
}

static json_t *json_row(const char *name, const struct fxq_device_caps *c)
{
	return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "name", name,
			 "macs_per_cycle", (json_int_t)c->macs,
			 "clock_khz", (json_int_t)c->clock_khz,
			 "spm_bytes", (json_int_t)c->spm_bytes,
			 "acc_bytes", (json_int_t)c->acc_bytes,
			 "max_descriptors", (json_int_t)c->max_descriptors,
			 "max_inflight", (json_int_t)c->max_inflight);
}

int cmd_devices(int argc, char **argv)
{
	static const char *const heads[] = {
		"<device", ">MACs a cycle", ">GHz", ">scratchpad KiB",
		">accumulators KiB", ">descriptors", ">in flight", NULL
	};
	struct options o = { 0 };
	struct table *t = table_new(heads);
	json_t *list = json_array();
	const char *name;
	int err;

	argp_parse(&argp, argc, argv, ARGP_NO_HELP, NULL, &o);
	for (unsigned int i = 0; (name = fxq_device_name(i)); i++) {
		struct fxq_device_caps caps;
		struct fxq_device *dev;

		err = fxq_device_open(name, NULL, &dev);
		if (err)
			return complain(TOOL_DEVICE, "%s", fxq_error());
		fxq_device_caps(dev, &caps);
		fxq_device_close(dev);
		table_row(t, name, &caps);
		json_array_append_new(list, json_row(name, &caps));
	}
	if (o.json)
		return print_json(list);
	json_decref(list);
	table_print(t, stdout);
	return TOOL_OK;
}
