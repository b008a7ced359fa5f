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

static void table_row(struct table *t, const struct fxq_device_info *info,
		      const struct fxq_device_caps *c)
{
	table_cell(t, "%s", info->name);
	table_cell(t, "%s", info->address);
	table_cell(t, "%s %s", info->driver, info->driver_version);
	table_cell(t, "%u", c->macs);
	table_cell(t, "%g", c->clock_khz / 1e6);
	table_cell(t, "%u", c->spm_bytes >> 10);
	table_cell(t, "%u", c->acc_bytes >> 10);
	table_cell(t, "%u", c->max_descriptors);
	table_cell(t, "%u", c->max_inflight);
}

static json_t *json_row(const struct fxq_device_info *info,
			const struct fxq_device_caps *c)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I}",
			 "name", info->name, "address", info->address,
			 "driver", info->driver,
			 "driver_version", info->driver_version,
			 "contract", info->contract,
			 "macs_per_cycle", (json_int_t)c->macs,
			 "clock_khz", (json_int_t)c->clock_khz,
			 "spm_bytes", (json_int_t)c->spm_bytes,
			 "acc_bytes", (json_int_t)c->acc_bytes,
			 "max_descriptors", (json_int_t)c->max_descriptors,
			 "max_inflight", (json_int_t)c->max_inflight);
}

/*
 * Adds the device @name to the list and, if there is one, to the table; one
 * that does not open says why.
 */
static bool list_device(const char *name, struct table *t, json_t *list)
{
	struct fxq_device_caps caps;
	struct fxq_device_info info;
	struct fxq_device *dev;

	if (fxq_device_open(name, NULL, &dev)) {
		json_array_append_new(list, json_pack("{s:s, s:o}", "name", name,
			"error", json_text(fxq_error())));
		complain(TOOL_DEVICE, "%s", fxq_error());
		return false;
	}
	fxq_device_caps(dev, &caps);
	fxq_device_info(dev, &info);
	if (t)
		table_row(t, &info, &caps);
	json_array_append_new(list, json_row(&info, &caps));
	fxq_device_close(dev);
	return true;
}

int cmd_devices(int argc, char **argv)
{
	static const char *const heads[] = {
		"<device", "<address", "<driver", ">MACs a cycle", ">GHz",
		">scratchpad KiB", ">accumulators KiB", ">descriptors",
		">in flight", NULL
	};
	struct options o = { 0 };
	struct table *t = NULL;
	json_t *list = json_array();
	const char *name;
	bool all = true;
	int code;

	argp_parse(&argp, argc, argv, ARGP_NO_HELP, NULL, &o);
	if (!o.json)
		t = table_new(heads);
	for (unsigned int i = 0; (name = fxq_device_name(i)); i++)
		all &= list_device(name, t, list);
	if (o.json) {
		code = print_json(list);
	} else {
		json_decref(list);
		table_print(t, stdout);
		code = finish_output();
	}
	return code ? code : all ? TOOL_OK : TOOL_DEVICE;
}
