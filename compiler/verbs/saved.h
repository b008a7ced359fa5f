/* SPDX-License-Identifier: MIT */
/*
 * saved.h - modules of the verbs, as files bring them
 *
 * Nobody constructs these classes but the verbs, which then rely on what their
 * members are. What a file brings is checked to be as they would have made it.
 * Each check returns -EINVAL with the sentence in m->error.
 */
#ifndef FXQ_SAVED_H
#define FXQ_SAVED_H

#include <fxq/nn.h>

/* A class that verbs make modules of, by its name; NULL if there is none. */
const struct fx_class *saved_class_named(const char *name);
/* Is it one of them? */
bool saved_is_class(const struct fx_class *class);
/* May a file give @m, a layer, this member that its class does not make? */
bool saved_takes(const struct fx_module *m, const struct fx_member *member);
/* @m, of such a class, whose members are all there. */
int saved_check(struct fx_module *m);
/* Whether nodes of @gm are what convert_fx() takes them for, if it is prepared. */
int saved_check_prepared(struct fx_module *gm);

#endif /* FXQ_SAVED_H */
