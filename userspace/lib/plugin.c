// SPDX-License-Identifier: MIT
/*
 * plugin.c - functions from a shared object
 */
#include <dlfcn.h>
#include <string.h>

#include <fxq/plugin.h>

#include "priv.h"

/* A path without a slash means the current folder, not the loader's path. */
static void *open_object(const char *path)
{
	char local[4096];

	if (strchr(path, '/') || strlen(path) + 3 > sizeof(local))
		return dlopen(path, RTLD_NOW | RTLD_LOCAL);
	strcpy(local, "./");
	strcat(local, path);
	return dlopen(local, RTLD_NOW | RTLD_LOCAL);
}

/* Registers all functions or, when one is refused, none. */
static int register_all(const struct fxq_plugin *plugin)
{
	const struct fxq_function *const *f = plugin->functions;
	size_t n;
	int ret;

	for (n = 0; f && f[n]; n++) {
		ret = fxq_register_function(f[n], NULL);
		if (ret)
			goto unregister;
	}
	return 0;

unregister:
	while (n--)
		fxq_unregister_function(f[n]->name);
	return ret;
}

FXQ_PUBLIC int fxq_plugin_load(const char *path)
{
	const struct fxq_plugin *plugin;
	void *object = open_object(path);
	int ret;

	if (!object)
		return fxq_fail(-ENOEXEC, "plugin %s cannot be loaded: %s",
				fxq_quote(path), fxq_quote(dlerror()));
	plugin = dlsym(object, "fxq_plugin");
	if (!plugin) {
		ret = fxq_fail(-ENOEXEC,
			       "plugin %s has no fxq_plugin; end it with FXQ_PLUGIN() of fxq/plugin.h",
			       fxq_quote(path));
		goto close_object;
	}
	if (plugin->abi != FXQ_PLUGIN_ABI) {
		ret = fxq_fail(-ENOEXEC,
			       "plugin %s was built for plugin ABI %u, this library has %u; build it again",
			       fxq_quote(path), plugin->abi, FXQ_PLUGIN_ABI);
		goto close_object;
	}

	ret = register_all(plugin);
	if (!ret)
		return 0;

close_object:
	dlclose(object);
	return ret;
}
