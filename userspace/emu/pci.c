// SPDX-License-Identifier: MIT
/*
 * pci.c - the configuration space of the PCI function
 *
 * One table says what each field reads as after power-on and which of its bits
 * software may write; everything else is zero and stays so. Three capabilities:
 * power management (D0 and D3hot; D0 is entered reset), PCI Express (with
 * function-level reset) and MSI-X.
 */
#include <string.h>

#include <linux/pci_regs.h>

#include <fxq/fxq_regs.h>

#include "pci.h"

#define CAP_PM		0x40
#define CAP_EXPRESS	0x50	/* version 2: 60 bytes */
#define CAP_MSIX	0x90

#define ADDRESS_MASK	(0xffffffffu & ~(FXQ_BAR_BYTES - 1u))

/*
 * struct field - @bytes (1, 2 or 4) at @offset
 * @value: after power-on
 * @writable: bits that take what is written
 */
struct field {
	uint16_t offset;
	uint8_t bytes;
	uint32_t value, writable;
};

static const struct field fields[] = {
	{ PCI_VENDOR_ID, 2, FXQ_PCI_VENDOR },
	{ PCI_DEVICE_ID, 2, FXQ_PCI_DEVICE },
	{ PCI_COMMAND, 2, 0, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER |
		PCI_COMMAND_PARITY | PCI_COMMAND_SERR |
		PCI_COMMAND_INTX_DISABLE },
	{ PCI_STATUS, 2, PCI_STATUS_CAP_LIST },
	{ PCI_REVISION_ID, 1, FXQ_VERSION_VALUE },
	{ PCI_CLASS_PROG, 1, FXQ_PCI_CLASS & 0xff },
	{ PCI_CLASS_DEVICE, 2, FXQ_PCI_CLASS >> 8 },
	{ PCI_CACHE_LINE_SIZE, 1, 0, 0xff },
	{ PCI_BASE_ADDRESS_0 + 4 * FXQ_BAR_REGS, 4,
		PCI_BASE_ADDRESS_MEM_TYPE_32, ADDRESS_MASK },
	{ PCI_BASE_ADDRESS_0 + 4 * FXQ_BAR_MSIX, 4,
		PCI_BASE_ADDRESS_MEM_TYPE_32, ADDRESS_MASK },
	{ PCI_SUBSYSTEM_VENDOR_ID, 2, FXQ_PCI_VENDOR },
	{ PCI_SUBSYSTEM_ID, 2, FXQ_PCI_SUBDEVICE },
	{ PCI_CAPABILITY_LIST, 1, CAP_PM },
	{ PCI_INTERRUPT_LINE, 1, 0, 0xff },

	{ CAP_PM, 2, PCI_CAP_ID_PM | CAP_EXPRESS << 8 },
	{ CAP_PM + PCI_PM_PMC, 2, 3 },		/* of version 1.2; no PME */
	{ CAP_PM + PCI_PM_CTRL, 2, 0, PCI_PM_CTRL_STATE_MASK },

	{ CAP_EXPRESS, 2, PCI_CAP_ID_EXP | CAP_MSIX << 8 },
	{ CAP_EXPRESS + PCI_EXP_FLAGS, 2, 2 | PCI_EXP_TYPE_ENDPOINT << 4 },
	{ CAP_EXPRESS + PCI_EXP_DEVCAP, 4,
		PCI_EXP_DEVCAP_RBER | PCI_EXP_DEVCAP_FLR },
	{ CAP_EXPRESS + PCI_EXP_DEVCTL, 2,
		PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_READRQ_512B,
		PCI_EXP_DEVCTL_CERE | PCI_EXP_DEVCTL_NFERE |
		PCI_EXP_DEVCTL_FERE | PCI_EXP_DEVCTL_URRE |
		PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_PAYLOAD |
		PCI_EXP_DEVCTL_NOSNOOP_EN | PCI_EXP_DEVCTL_READRQ },
	{ CAP_EXPRESS + PCI_EXP_LNKCAP, 4, PCI_EXP_LNKCAP_SLS_2_5GB | 1 << 4 },
	{ CAP_EXPRESS + PCI_EXP_LNKCTL, 2, 0, PCI_EXP_LNKCTL_RCB |
		PCI_EXP_LNKCTL_CCC | PCI_EXP_LNKCTL_ES },
	{ CAP_EXPRESS + PCI_EXP_LNKSTA, 2, PCI_EXP_LNKSTA_CLS_2_5GB | 1 << 4 },

	{ CAP_MSIX, 2, PCI_CAP_ID_MSIX },
	{ CAP_MSIX + PCI_MSIX_FLAGS, 2, FXQ_VECTORS - 1,
		PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL },
	{ CAP_MSIX + PCI_MSIX_TABLE, 4, FXQ_MSIX_TABLE | FXQ_BAR_MSIX },
	{ CAP_MSIX + PCI_MSIX_PBA, 4, FXQ_MSIX_PBA | FXQ_BAR_MSIX },
};

#define FIELDS	(sizeof(fields) / sizeof(fields[0]))

static uint16_t get16(const struct pci_config *c, uint32_t offset)
{
	return c->value[offset] | c->value[offset + 1] << 8;
}

void pci_config_reset(struct pci_config *c)
{
	uint32_t i, b;

	memset(c, 0, sizeof(*c));
	for (i = 0; i < FIELDS; i++)
		for (b = 0; b < fields[i].bytes; b++)
			c->value[fields[i].offset + b] =
				fields[i].value >> 8 * b;
}

void pci_config_read(const struct pci_config *c, uint32_t offset, void *data,
		     uint32_t len)
{
	memcpy(data, c->value + offset, len);
}

/* The bits of the byte at @offset that software may write. */
static uint8_t writable_bits(uint32_t offset)
{
	uint32_t i;

	for (i = 0; i < FIELDS; i++) {
		const struct field *f = &fields[i];

		if (offset >= f->offset && offset < f->offset + f->bytes)
			return f->writable >> 8 * (offset - f->offset);
	}
	return 0;
}

static uint32_t power_state(const struct pci_config *c)
{
	return c->value[CAP_PM + PCI_PM_CTRL] & PCI_PM_CTRL_STATE_MASK;
}

/* D1 and D2 do not exist: the state stays as it is, as the standard says. */
static void refuse_power_state(struct pci_config *c, uint32_t was)
{
	uint8_t *ctrl = &c->value[CAP_PM + PCI_PM_CTRL];

	if (power_state(c) != 0 && power_state(c) != 3)
		*ctrl = (*ctrl & ~PCI_PM_CTRL_STATE_MASK) | was;
}

enum pci_effect pci_config_write(struct pci_config *c, uint32_t offset,
				 const void *data, uint32_t len)
{
	const uint32_t flr = CAP_EXPRESS + PCI_EXP_DEVCTL + 1;
	const uint8_t flr_bit = PCI_EXP_DEVCTL_BCR_FLR >> 8;
	const uint8_t *from = data;
	uint32_t was = power_state(c), i;

	for (i = 0; i < len; i++) {
		uint8_t *byte = &c->value[offset + i];
		uint8_t bits = writable_bits(offset + i);

		*byte = (*byte & ~bits) | (from[i] & bits);
	}
	refuse_power_state(c, was);
	if (offset <= flr && flr < offset + len && from[flr - offset] & flr_bit)
		return PCI_EFFECT_RESET;
	return was == 3 && power_state(c) == 0 ? PCI_EFFECT_RESET :
	       PCI_EFFECT_NONE;
}

bool pci_is_master(const struct pci_config *c)
{
	return get16(c, PCI_COMMAND) & PCI_COMMAND_MASTER && !power_state(c);
}

bool pci_has_memory(const struct pci_config *c)
{
	return get16(c, PCI_COMMAND) & PCI_COMMAND_MEMORY && !power_state(c);
}
