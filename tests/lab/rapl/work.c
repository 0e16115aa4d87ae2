// SPDX-License-Identifier: GPL-3.0-or-later
/* work - `work sleep|busy MS` sleeps or computes that long between the lines BEGIN and END.
 * The pause around both keeps the process as a whole far longer than the shortest window. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PAUSE_US 150000

static double now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void compute(double until_ms)
{
	volatile unsigned x = 1;
	while (now_ms() < until_ms)
		for (int i = 0; i < 1000; i++)
			x = x * 1664525U + 1013904223U;
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	unsigned ms = (unsigned)atoi(argv[2]);
	usleep(PAUSE_US);
	puts("BEGIN");
	fflush(stdout);
	if (strcmp(argv[1], "busy") == 0)
		compute(now_ms() + ms);
	else
		usleep(ms * 1000);
	puts("END");
	fflush(stdout);
	usleep(PAUSE_US);
	return 0;
}
