/* SPDX-License-Identifier: MIT */
/*
 * pci.h - the configuration space of the PCI function
 */
#ifndef FXQ_PCI_H
#define FXQ_PCI_H

#include <stdbool.h>
#include <stdint.h>

#define PCI_CONFIG_BYTES	4096	/* of PCI Express; 256 are used */

struct pci_config {
	uint8_t value[PCI_CONFIG_BYTES];
};

/* What a write asks of the function, beside the value that it leaves. */
enum pci_effect {
	PCI_EFFECT_NONE,
	PCI_EFFECT_RESET,	/* FLR, or D3hot to D0 */
};

/* Values as after power-on. */
void pci_config_reset(struct pci_config *c);
/* [offset, offset + len) is inside. */
void pci_config_read(const struct pci_config *c, uint32_t offset, void *data,
		     uint32_t len);
/*
 * Changes the bits that software may change. On PCI_EFFECT_RESET the function
 * is the caller's to reset, and this with it.
 */
enum pci_effect pci_config_write(struct pci_config *c, uint32_t offset,
				 const void *data, uint32_t len);

/* May the function read and write memory, and so interrupt? */
bool pci_is_master(const struct pci_config *c);
/* Does it answer at its BARs? */
bool pci_has_memory(const struct pci_config *c);

#endif /* FXQ_PCI_H */
