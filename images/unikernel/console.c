// SPDX-License-Identifier: GPL-3.0-or-later
/* console - a 16550A at the address of COM1 (datasheet: TI PC16550D), polled.
 *
 * Up to 16 bytes go out for each look at the status register, as many as the FIFO holds: every
 * access is an exit from the guest. */
#include "images/unikernel/console.h"

#include "images/unikernel/io.h"

#define COM1		  0x3f8
#define DATA		  (COM1 + 0) /* the divisor's low byte while DIVISOR_ACCESS */
#define INTERRUPTS	  (COM1 + 1) /* the divisor's high byte */
#define FIFO_CONTROL	  (COM1 + 2)
#define LINE_CONTROL	  (COM1 + 3)
#define MODEM_CONTROL	  (COM1 + 4)
#define LINE_STATUS	  (COM1 + 5)
#define DIVISOR_ACCESS	  0x80
#define EIGHT_BITS	  0x03
#define FIFO_ENABLE_CLEAR 0x07
#define READY_TO_SEND	  0x03 /* DTR and RTS */
#define FIFO_EMPTY	  0x20
#define ALL_SENT	  0x40
#define FIFO_BYTES	  16
#define PATIENCE	  1000000 /* looks at the status, far more than 16 bytes at 115200 baud need */

static unsigned int room; /* bytes that the FIFO surely takes */

void console_init(void)
{
	io_out8(INTERRUPTS, 0);
	io_out8(LINE_CONTROL, DIVISOR_ACCESS);
	io_out8(DATA, 1); /* 115200 baud */
	io_out8(INTERRUPTS, 0);
	io_out8(LINE_CONTROL, EIGHT_BITS);
	io_out8(FIFO_CONTROL, FIFO_ENABLE_CLEAR);
	io_out8(MODEM_CONTROL, READY_TO_SEND);
	room = 0;
}

static void wait_for(uint8_t bits)
{
	for (int i = 0; i < PATIENCE && !(io_in8(LINE_STATUS) & bits); i++)
		;
}

static void put(char c)
{
	if (!room) {
		wait_for(FIFO_EMPTY);
		room = FIFO_BYTES;
	}
	io_out8(DATA, (uint8_t)c);
	room--;
}

void console_write(const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] == '\n')
			put('\r');
		put(bytes[i]);
	}
}

void console_print(const char *string)
{
	while (*string)
		console_write(string++, 1);
}

static void print_number(uint64_t value, unsigned int base)
{
	char digits[20];
	size_t first = sizeof(digits);

	do {
		digits[--first] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	console_write(digits + first, sizeof(digits) - first);
}

void console_print_hex(uint64_t value)
{
	console_print("0x");
	print_number(value, 16);
}

void console_print_uint(uint64_t value)
{
	print_number(value, 10);
}

void console_drain(void)
{
	wait_for(ALL_SENT);
}
