// SPDX-License-Identifier: MIT
/*
 * vfio.c - the commands of the vfio-user protocol
 *
 * Each command is a function that looks at the body of its message, acts on
 * the function behind it and leaves the body of the answer. What it refuses it
 * answers with an errno, and nothing has changed then. Whatever the bodies
 * contain, only a stream that no longer makes sense ends a connection.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>
#include <linux/vfio.h>

#include "vfio.h"

#define READ_WRITE	(VFIO_REGION_INFO_FLAG_READ | \
			 VFIO_REGION_INFO_FLAG_WRITE)

#define AT_A_TIME	64	/* messages, before others get a turn */

/* struct reply - what goes back: @len bytes, none unless said otherwise */
struct reply {
	uint8_t body[sizeof(struct vfio_access) + VFIO_MAX_DATA];
	uint32_t len;
};

static void set_reply(struct reply *r, const void *body, uint32_t len)
{
	memcpy(r->body, body, len);
	r->len = len;
}

/* A copy of the body's first @len bytes, where there are that many. */
static int get_body(const struct vfio_message *m, void *to, uint32_t len)
{
	if (vfio_body_bytes(m) < len)
		return -EINVAL;
	memcpy(to, m->body, len);
	return 0;
}

/*
 * The capabilities that both sides have and that differ from what goes without
 * saying. The client asks for REGION_WRITE_MULTI with "write_multiple"; it
 * then also posts its writes, which spares it a wait at each doorbell.
 */
static json_t *common_capabilities(const json_t *asked)
{
	json_t *caps = json_object_get(asked, "capabilities");
	json_t *ours = json_object();

	json_object_set_new(ours, "max_msg_fds", json_integer(VFIO_MAX_FDS));
	json_object_set_new(ours, "max_data_xfer_size",
			    json_integer(VFIO_MAX_DATA));
	json_object_set_new(ours, "max_dma_maps",
			    json_integer(VFIO_MAX_RANGES));
	if (json_is_true(json_object_get(caps, "write_multiple")))
		json_object_set_new(ours, "write_multiple", json_true());
	return json_pack("{so}", "capabilities", ours);
}

static int put_capabilities(struct reply *r, const struct vfio_version *v,
			    const json_t *asked)
{
	json_t *answer = common_capabilities(asked);
	size_t room = sizeof(r->body) - sizeof(*v) - 1, n;

	if (!answer)
		return -ENOMEM;
	set_reply(r, v, sizeof(*v));
	n = json_dumpb(answer, (char *)r->body + sizeof(*v), room,
		       JSON_COMPACT);
	json_decref(answer);
	if (!n || n > room)
		return -ENOMEM;
	r->body[sizeof(*v) + n] = '\0';
	r->len = sizeof(*v) + n + 1;
	return 0;
}

static int do_version(struct vfio_client *c, struct reply *r)
{
	const struct vfio_message *m = &c->message;
	struct vfio_version v;
	const char *text = (const char *)m->body + sizeof(v);
	json_t *asked = NULL;
	uint32_t len;
	int ret = get_body(m, &v, sizeof(v));

	if (ret || c->greeted || v.major != 0)
		return -EINVAL;
	len = vfio_body_bytes(m) - sizeof(v);
	if (len) {
		if (text[len - 1] != '\0')
			return -EINVAL;
		asked = json_loadb(text, strlen(text), 0, NULL);
		if (!asked)
			return -EINVAL;
	}
	v.minor = 0;
	ret = put_capabilities(r, &v, asked);
	json_decref(asked);
	c->greeted = !ret;
	return ret;
}

static int do_map(struct vfio_client *c, struct reply *r)
{
	const uint32_t known = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE;
	struct vfio_message *m = &c->message;
	struct vfio_map map;

	if (get_body(m, &map, sizeof(map)) || map.argsz < sizeof(map))
		return -EINVAL;
	if (!(map.flags & VFIO_DMA_MAP_FLAG_READ) || map.flags & ~known ||
	    m->n_fds > 1)
		return -EINVAL;
	/* The message closes its descriptor: a mapping keeps the file. */
	return vfio_memory_add(&c->function->memory, map.addr, map.size,
			       m->n_fds ? m->fds[0] : -1, map.offset,
			       map.flags & VFIO_DMA_MAP_FLAG_WRITE);
}

static int do_unmap(struct vfio_client *c, struct reply *r)
{
	struct vfio_memory *memory = &c->function->memory;
	struct vfio_unmap unmap;
	int ret = 0;

	if (get_body(&c->message, &unmap, sizeof(unmap)) ||
	    unmap.argsz < sizeof(unmap) ||
	    unmap.flags & ~VFIO_DMA_UNMAP_FLAG_ALL)
		return -EINVAL;
	if (!(unmap.flags & VFIO_DMA_UNMAP_FLAG_ALL))
		ret = vfio_memory_remove(memory, unmap.addr, unmap.size);
	else if (unmap.addr || unmap.size)
		ret = -EINVAL;
	else
		vfio_memory_clear(memory);
	set_reply(r, &unmap, sizeof(unmap));
	return ret;
}

static int do_device_info(struct vfio_client *c, struct reply *r)
{
	const uint32_t len = offsetof(struct vfio_device_info, num_irqs) + 4;
	struct vfio_device_info info;

	if (get_body(&c->message, &info, len) || info.argsz < len)
		return -EINVAL;
	info.argsz = len;
	info.flags = VFIO_DEVICE_FLAGS_RESET | VFIO_DEVICE_FLAGS_PCI;
	info.num_regions = VFIO_PCI_NUM_REGIONS;
	info.num_irqs = VFIO_PCI_NUM_IRQS;
	set_reply(r, &info, len);
	return 0;
}

static uint64_t region_bytes(uint32_t region)
{
	if (region == VFIO_PCI_CONFIG_REGION_INDEX)
		return PCI_CONFIG_BYTES;
	if (region <= VFIO_PCI_BAR5_REGION_INDEX)
		return fxq_function_bar_bytes(region);
	return 0;
}

static int do_region_info(struct vfio_client *c, struct reply *r)
{
	struct vfio_region_info info;

	if (get_body(&c->message, &info, sizeof(info)) ||
	    info.argsz < sizeof(info) || info.index >= VFIO_PCI_NUM_REGIONS)
		return -EINVAL;
	info = (struct vfio_region_info){
		.argsz = sizeof(info),
		.index = info.index,
		.size = region_bytes(info.index),
		.flags = region_bytes(info.index) ? READ_WRITE : 0,
	};
	set_reply(r, &info, sizeof(info));
	return 0;
}

static uint32_t irq_count(uint32_t index)
{
	return index == VFIO_PCI_MSIX_IRQ_INDEX ? FXQ_VECTORS : 0;
}

/*
 * Of error interrupts there is no talk: told that there are none, QEMU would
 * warn its user about it.
 */
static int do_irq_info(struct vfio_client *c, struct reply *r)
{
	struct vfio_irq_info info;

	if (get_body(&c->message, &info, sizeof(info)) ||
	    info.argsz < sizeof(info) || info.index >= VFIO_PCI_NUM_IRQS ||
	    info.index == VFIO_PCI_ERR_IRQ_INDEX)
		return -EINVAL;
	info.argsz = sizeof(info);
	info.count = irq_count(info.index);
	info.flags = info.count ? VFIO_IRQ_INFO_EVENTFD |
				  VFIO_IRQ_INFO_MASKABLE : 0;
	set_reply(r, &info, sizeof(info));
	return 0;
}

/* Eventfds for all of the vectors, or for none: then they are let go. */
static int connect_irqs(struct vfio_client *c, const struct vfio_irq_set *set)
{
	struct vfio_message *m = &c->message;
	int ret;

	if (m->n_fds && m->n_fds != set->count)
		return -EINVAL;
	ret = vfio_irqs_connect(&c->function->irqs, set->start, set->count,
				m->n_fds ? m->fds : NULL);
	if (!ret)
		m->n_fds = 0;
	return ret;
}

/* Is it one kind of data and one action, on vectors that there are? */
static bool irq_set_is_valid(const struct vfio_irq_set *set, uint32_t body)
{
	const uint32_t data = set->flags & VFIO_IRQ_SET_DATA_TYPE_MASK;
	const uint32_t action = set->flags & VFIO_IRQ_SET_ACTION_TYPE_MASK;
	const uint32_t vectors = irq_count(set->index);

	if (set->flags & ~(data | action) || __builtin_popcount(data) != 1 ||
	    __builtin_popcount(action) != 1)
		return false;
	if (set->argsz < sizeof(*set) || set->start > vectors ||
	    set->count > vectors - set->start)
		return false;
	return data != VFIO_IRQ_SET_DATA_BOOL ||
	       body - sizeof(*set) >= set->count;
}

static int do_set_irqs(struct vfio_client *c, struct reply *r)
{
	const struct vfio_message *m = &c->message;
	struct vfio_irqs *irqs = &c->function->irqs;
	struct vfio_irq_set set;
	const uint8_t *wanted = NULL;

	if (get_body(m, &set, sizeof(set)) ||
	    !irq_set_is_valid(&set, vfio_body_bytes(m)))
		return -EINVAL;
	if (set.flags & VFIO_IRQ_SET_DATA_EVENTFD)
		return set.flags & VFIO_IRQ_SET_ACTION_TRIGGER ?
		       connect_irqs(c, &set) : -ENOTSUP;
	if (set.flags & VFIO_IRQ_SET_DATA_BOOL)
		wanted = m->body + sizeof(set);
	if (!(set.flags & VFIO_IRQ_SET_ACTION_TRIGGER))
		vfio_irqs_mask(irqs, set.start, set.count, wanted,
			       set.flags & VFIO_IRQ_SET_ACTION_MASK);
	else if (!set.count && !set.start && !wanted)
		vfio_irqs_reset(irqs);
	else
		vfio_irqs_trigger(irqs, set.start, set.count, wanted);
	return 0;
}

/* Is [offset, offset + count) inside a region that there is? */
static bool access_is_valid(uint32_t region, uint64_t offset, uint64_t count)
{
	uint64_t bytes = region_bytes(region);

	return count && count <= VFIO_MAX_DATA && offset < bytes &&
	       count <= bytes - offset;
}

static int do_read(struct vfio_client *c, struct reply *r)
{
	struct vfio_access a;
	uint8_t *data = r->body + sizeof(a);

	if (get_body(&c->message, &a, sizeof(a)) ||
	    !access_is_valid(a.region, a.offset, a.count))
		return -EINVAL;
	set_reply(r, &a, sizeof(a));
	if (a.region == VFIO_PCI_CONFIG_REGION_INDEX)
		fxq_function_config_read(c->function, a.offset, data, a.count);
	else
		fxq_function_bar_read(c->function, a.region, a.offset, data,
				      a.count);
	r->len += a.count;
	return 0;
}

static void write_region(struct vfio_client *c, uint32_t region,
			 uint64_t offset, const void *data, uint32_t count)
{
	if (region == VFIO_PCI_CONFIG_REGION_INDEX)
		fxq_function_config_write(c->function, offset, data, count);
	else
		fxq_function_bar_write(c->function, region, offset, data,
				       count);
}

static int do_write(struct vfio_client *c, struct reply *r)
{
	const struct vfio_message *m = &c->message;
	struct vfio_access a;

	if (get_body(m, &a, sizeof(a)) ||
	    !access_is_valid(a.region, a.offset, a.count) ||
	    a.count > vfio_body_bytes(m) - sizeof(a))
		return -EINVAL;
	write_region(c, a.region, a.offset, m->body + sizeof(a), a.count);
	set_reply(r, &a, sizeof(a));
	return 0;
}

/* All or none: every write is looked at before the first is done. */
static int do_write_multi(struct vfio_client *c, struct reply *r)
{
	const struct vfio_message *m = &c->message;
	struct vfio_write_one w[VFIO_MAX_BODY / sizeof(struct vfio_write_one)];
	uint64_t n, i;

	if (get_body(m, &n, sizeof(n)) ||
	    n > (vfio_body_bytes(m) - sizeof(n)) / sizeof(w[0]))
		return -EINVAL;
	memcpy(w, m->body + sizeof(n), n * sizeof(w[0]));
	for (i = 0; i < n; i++)
		if (w[i].count > sizeof(w[i].data) ||
		    !access_is_valid(w[i].region, w[i].offset, w[i].count))
			return -EINVAL;
	for (i = 0; i < n; i++)
		write_region(c, w[i].region, w[i].offset, w[i].data,
			     w[i].count);
	set_reply(r, &n, sizeof(n));
	return 0;
}

static int do_reset(struct vfio_client *c, struct reply *r)
{
	fxq_function_reset(c->function);
	return 0;
}

static int (*const commands[VFIO_USER_COMMANDS])(struct vfio_client *c,
						 struct reply *r) = {
	[VFIO_USER_VERSION] = do_version,
	[VFIO_USER_DMA_MAP] = do_map,
	[VFIO_USER_DMA_UNMAP] = do_unmap,
	[VFIO_USER_DEVICE_GET_INFO] = do_device_info,
	[VFIO_USER_DEVICE_GET_REGION_INFO] = do_region_info,
	[VFIO_USER_DEVICE_GET_IRQ_INFO] = do_irq_info,
	[VFIO_USER_DEVICE_SET_IRQS] = do_set_irqs,
	[VFIO_USER_REGION_READ] = do_read,
	[VFIO_USER_REGION_WRITE] = do_write,
	[VFIO_USER_DEVICE_RESET] = do_reset,
	[VFIO_USER_REGION_WRITE_MULTI] = do_write_multi,
};

static int act(struct vfio_client *c, struct reply *r)
{
	uint32_t command = c->message.header.command;

	if (!c->greeted && command != VFIO_USER_VERSION)
		return -EINVAL;
	if (command >= VFIO_USER_COMMANDS || !commands[command])
		return -ENOTSUP;
	return commands[command](c, r);
}

/* Acts on the whole message that has arrived, and answers it. */
static int answer(struct vfio_client *c)
{
	struct reply r = { .len = 0 };
	int ret = act(c, &r);

	return vfio_message_reply(&c->message, c->stream, -ret, r.body, r.len);
}

static void explain(struct vfio_client *c, int error)
{
	const struct vfio_message *m = &c->message;
	const char *why;

	switch (error) {
	case -ENOTCONN:
		why = m->have ? "it closed in the middle of a message" :
				"it closed";
		break;
	case -EMSGSIZE:
		why = "it announces a message of a size that there is not";
		break;
	case -EMFILE:
		why = "it sends more file descriptors than a message may have";
		break;
	case -EBADMSG:
		why = "it sends what is no request";
		break;
	case -ETIMEDOUT:
		why = "it does not take its replies";
		break;
	default:
		why = strerror(-error);
	}
	snprintf(c->why, sizeof(c->why), "%s", why);
}

void vfio_client_init(struct vfio_client *c, struct fxq_function *f,
		      struct vfio_stream *stream)
{
	memset(c, 0, sizeof(*c));
	c->function = f;
	c->stream = stream;
}

void vfio_client_finish(struct vfio_client *c)
{
	vfio_message_finish(&c->message);
	fxq_function_detach(c->function);
}

int vfio_serve(struct vfio_client *c)
{
	int ret = 0, i;

	for (i = 0; i < AT_A_TIME; i++) {
		ret = vfio_message_receive(&c->message, c->stream);
		if (!ret)
			return 0;
		if (ret > 0)
			ret = answer(c);
		if (ret < 0)
			break;
		vfio_message_finish(&c->message);
	}
	if (!ret)
		return 0;
	explain(c, ret);
	if (ret == -ENOTCONN && c->message.have)
		ret = -EPIPE;
	return ret;
}
