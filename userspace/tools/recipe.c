// SPDX-License-Identifier: MIT
/*
 * recipe.c - how to train, in the words of a command line
 */
#include <stdlib.h>
#include <string.h>

#include "train.h"

double parse_real(struct argp_state *state, const char *option,
		  const char *text, double lo, double hi)
{
	char *end;
	double v = strtod(text ? text : "", &end);

	if (!text || end == text || *end || !(v >= lo && v <= hi))
		argp_error(state, "%s needs a number from %g to %g, not '%s'",
			   option, lo, hi, text ? text : "");
	return v;
}

#define NAME(id, name)	name,

/* "sgd,momentum=0.9,decay=5e-4,nesterov,matrices" */
void parse_optimizer(struct argp_state *state, char *text, struct fx_optim *o)
{
	static const char *const kinds[] = { FX_OPTIMS(NAME) NULL };
	enum { MOMENTUM, NESTEROV, DECAY, MATRICES };
	static char *const tokens[] = {
		"momentum", "nesterov", "decay", "matrices", NULL
	};
	char *rest = text + strcspn(text, ","), *value;

	if (*rest)
		*rest++ = '\0';
	o->kind = parse_choice(state, "--optimizer", text, kinds);
	o->momentum = 0;
	o->nesterov = false;
	while (*rest) {
		switch (getsubopt(&rest, tokens, &value)) {
		case MOMENTUM:
			o->momentum = parse_real(state, "momentum", value, 0,
						 0.9999);
			break;
		case NESTEROV:
			o->nesterov = true;
			break;
		case DECAY:
			o->weight_decay = parse_real(state, "decay", value, 0,
						     1);
			break;
		case MATRICES:
			o->decay_matrices = true;
			break;
		default:
			argp_error(state, "--optimizer knows momentum=, nesterov, decay= and matrices, not '%s'",
				   value);
		}
	}
}

void parse_schedule(struct argp_state *state, char *text,
		    struct fx_schedule *s)
{
	static const char *const kinds[] = { FX_SCHEDULES(NAME) NULL };
	enum { WARMUP, LAST };
	static char *const tokens[] = { "warmup", "last", NULL };
	char *rest = text + strcspn(text, ","), *value;

	if (*rest)
		*rest++ = '\0';
	s->kind = parse_choice(state, "--schedule", text, kinds);
	while (*rest) {
		switch (getsubopt(&rest, tokens, &value)) {
		case WARMUP:
			s->warmup = parse_real(state, "warmup", value, 0, 1);
			break;
		case LAST:
			s->last = parse_real(state, "last", value, 0, 1);
			break;
		default:
			argp_error(state, "--schedule knows warmup= and last=, not '%s'",
				   value);
		}
	}
}

void parse_augment(struct argp_state *state, char *text, struct fx_augment *a)
{
	enum { CROP, FLIP, CUTOUT };
	static char *const tokens[] = { "crop", "flip", "cutout", NULL };
	char *value;

	while (*text) {
		switch (getsubopt(&text, tokens, &value)) {
		case CROP:
			a->crop = (int64_t)parse_real(state, "crop", value, 0,
						      1024);
			break;
		case FLIP:
			a->flip = true;
			break;
		case CUTOUT:
			a->cutout = (int64_t)parse_real(state, "cutout", value,
							0, 1024);
			break;
		default:
			argp_error(state, "--augment knows crop=, flip and cutout=, not '%s'",
				   value);
		}
	}
}
