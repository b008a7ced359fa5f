/* SPDX-License-Identifier: MIT */
/*
 * vfio_wire.h - vfio-user messages, as they cross the socket
 *
 * The part of the protocol that QEMU speaks as a client. All in the host's
 * byte order. Flags and indices are those of <linux/vfio.h>; the structures
 * that begin with @argsz are the ioctls' of the same names.
 */
#ifndef FXQ_VFIO_WIRE_H
#define FXQ_VFIO_WIRE_H

#include <assert.h>
#include <stdint.h>

enum vfio_command {
	VFIO_USER_VERSION = 1,
	VFIO_USER_DMA_MAP = 2,
	VFIO_USER_DMA_UNMAP = 3,
	VFIO_USER_DEVICE_GET_INFO = 4,
	VFIO_USER_DEVICE_GET_REGION_INFO = 5,
	VFIO_USER_DEVICE_GET_IRQ_INFO = 7,
	VFIO_USER_DEVICE_SET_IRQS = 8,
	VFIO_USER_REGION_READ = 9,
	VFIO_USER_REGION_WRITE = 10,
	VFIO_USER_DEVICE_RESET = 13,
	VFIO_USER_REGION_WRITE_MULTI = 15,
	VFIO_USER_COMMANDS
};

#define VFIO_USER_TYPE_MASK	0xfu
#define VFIO_USER_REQUEST	0u
#define VFIO_USER_REPLY		1u
#define VFIO_USER_NO_REPLY	(1u << 4)
#define VFIO_USER_ERROR		(1u << 5)

/* @size counts the header; @error is an errno, with VFIO_USER_ERROR. */
struct vfio_header {
	uint16_t id;
	uint16_t command;
	uint32_t size;
	uint32_t flags;
	uint32_t error;
};

/* Followed by JSON, with its NUL. */
struct vfio_version {
	uint16_t major;
	uint16_t minor;
};

struct vfio_map {
	uint32_t argsz;
	uint32_t flags;		/* VFIO_DMA_MAP_FLAG_* */
	uint64_t offset;	/* in the file */
	uint64_t addr;
	uint64_t size;
};

struct vfio_unmap {
	uint32_t argsz;
	uint32_t flags;		/* VFIO_DMA_UNMAP_FLAG_* */
	uint64_t addr;
	uint64_t size;
};

/* Followed by @count bytes, where there are data. */
struct vfio_access {
	uint64_t offset;
	uint32_t region;
	uint32_t count;
};

/* REGION_WRITE_MULTI: a count of 64 bits, then so many of these. */
struct vfio_write_one {
	uint64_t offset;
	uint32_t region;
	uint32_t count;
	uint8_t data[8];
};

static_assert(sizeof(struct vfio_header) == 16, "header");
static_assert(sizeof(struct vfio_map) == 32, "DMA_MAP");
static_assert(sizeof(struct vfio_unmap) == 24, "DMA_UNMAP");
static_assert(sizeof(struct vfio_access) == 16, "REGION_READ, REGION_WRITE");
static_assert(sizeof(struct vfio_write_one) == 24, "REGION_WRITE_MULTI");

#endif /* FXQ_VFIO_WIRE_H */
