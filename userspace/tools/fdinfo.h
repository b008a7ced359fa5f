/* SPDX-License-Identifier: MIT */
/*
 * fdinfo.h - what processes use of fxq devices, as the kernel counts it
 */
#ifndef FXQ_TOOL_FDINFO_H
#define FXQ_TOOL_FDINFO_H

#include <stddef.h>
#include <stdint.h>

/*
 * struct client - an open file of a device node; the process is the first that
 * was found to have it
 * @device: PCI address
 * @id: of the file, among those of the device
 * @ns: that the device has worked for it
 * @cycles: modelled, of its runs
 * @total, @resident: bytes of its buffers
 */
struct client {
	int pid;
	char command[32];
	char device[32];
	uint64_t id;
	uint64_t ns, cycles;
	uint64_t total, resident;
};

struct clients {
	struct client *c;
	size_t n;
};

/*
 * Looks through /proc, mounted at @proc; of other users' processes only root
 * sees the files. 0, or a negative errno with the sentence in io_error().
 */
int clients_read(const char *proc, struct clients *ret);
void clients_free(struct clients *clients);
/* The one of the same file; NULL if there is none. */
const struct client *clients_find(const struct clients *clients,
				  const struct client *c);

#endif /* FXQ_TOOL_FDINFO_H */
