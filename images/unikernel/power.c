// SPDX-License-Identifier: GPL-3.0-or-later
/* power - ACPI soft-off (S5) on the three machines of QEMU that we know, without parsing ACPI.
 *
 * q35 and pc are told by their host bridge; the address of their power registers is in PCI
 * configuration space, where the firmware put it (Intel ICH9 datasheet 13.1.12 and 13.8.3.3, PIIX4
 * datasheet 7.2.1). microvm has no PCI but a Generic Event Device with a sleep control register at
 * a fixed address (QEMU include/hw/i386/microvm.h, include/hw/acpi/generic_event_device.h;
 * ACPI 6.5, 4.8.3.7). Power-off is asynchronous: the CPU goes on for a while after asking for it.
 */
#include "images/unikernel/power.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "images/unikernel/console.h"
#include "images/unikernel/io.h"

#define PCI_ADDRESS	 0xcf8
#define PCI_DATA	 0xcfc
#define PCI_ENABLE	 0x80000000u
#define PM_BASE		 0x40	/* register of both power management functions */
#define PM_BASE_BITS	 0xff80 /* PIIX4 has one more bit, of no use: the block is 64 bytes */
#define PM1_CONTROL	 4	/* within the block */
#define SLEEP_ENABLE	 (1 << 13)
#define GED_SLEEP	 0xfea00200ul
#define GED_SLEEP_S5	 (5 << 2)
#define GED_SLEEP_ENABLE (1 << 5)
#define KEYBOARD_COMMAND 0x64
#define KEYBOARD_RESET	 0xfe
#define DELAY_PORT	 0x80
#define PATIENCE	 2000000000ull /* ticks, about a second */

static const struct chipset {
	uint32_t host_bridge; /* device and vendor of bus 0, device 0 */
	uint32_t device;      /* that has PM_BASE, on bus 0 */
	uint32_t function;
} chipsets[] = {
	{0x29c08086, 31, 0}, /* q35: ICH9 LPC bridge */
	{0x12378086, 1, 3},  /* pc: PIIX4 power management */
};

static uint32_t pci_read(uint32_t device, uint32_t function, uint32_t reg)
{
	io_out32(PCI_ADDRESS, PCI_ENABLE | device << 11 | function << 8 | reg);
	return io_in32(PCI_DATA);
}

static void wait(void)
{
	uint64_t start = io_timestamp();

	while (io_timestamp() - start < PATIENCE)
		io_in8(DELAY_PORT);
}

static void chipset_off(const struct chipset *c)
{
	uint16_t base = pci_read(c->device, c->function, PM_BASE) & PM_BASE_BITS;

	io_out16((uint16_t)(base + PM1_CONTROL), SLEEP_ENABLE); /* type 0 is S5 on both */
	wait();
}

static void ged_off(void)
{
	*(volatile uint8_t *)GED_SLEEP = GED_SLEEP_S5 | GED_SLEEP_ENABLE;
	wait();
}

void power_off(void)
{
	const uint32_t host_bridge = pci_read(0, 0, 0);
	bool known = false;

	console_drain();
	for (size_t i = 0; i < sizeof(chipsets) / sizeof(chipsets[0]); i++) {
		if (chipsets[i].host_bridge == host_bridge) {
			known = true;
			chipset_off(&chipsets[i]);
		}
	}
	if (!known)
		ged_off();
	console_print("unikernel: the machine does not power off; resetting it\n");
	console_drain();
	io_out8(KEYBOARD_COMMAND, KEYBOARD_RESET);
	for (;;)
		__asm__ volatile("cli; hlt");
}
