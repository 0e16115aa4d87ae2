// SPDX-License-Identifier: GPL-3.0-or-later
#include "controller/report/screen.h"

#include <langinfo.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

#include "proto/base/clock.h"
#include "proto/base/mem.h"
#include "proto/base/text.h"

void screen_init(struct screen *screen, FILE *out, int width, bool color)
{
	*screen = (struct screen){
		.out = out,
		.width = width > 0 ? width : 0,
		.color = color,
		.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0,
	};
}

const char *screen_plus_minus(const struct screen *screen)
{
	return screen->utf8 ? "\u00b1" : "+-";
}

const char *screen_times(const struct screen *screen)
{
	return screen->utf8 ? "\u00d7" : "x";
}

char *screen_clean(const struct screen *screen, const char *s)
{
	autotext struct text text = {0};
	mbstate_t state = {0};
	size_t left = s ? strlen(s) : 0;
	while (left) {
		unsigned char byte = (unsigned char)*s;
		wchar_t wide = 0;
		size_t size = 1;
		bool printable = byte >= 0x20 && byte < 0x7f;
		if (byte >= 0x80 && screen->utf8) {
			size = mbrtowc(&wide, s, left, &state);
			printable = size <= left && wcwidth(wide) >= 0;
			if (size > left) { /* not valid, or cut off */
				state = (mbstate_t){0};
				size = 1;
			}
		}
		if (printable)
			text_add_bytes(&text, s, size);
		else
			text_add(&text, byte == '\n' || byte == '\t' ? " " : "?");
		s += size;
		left -= size;
	}
	return text_take(&text);
}

size_t screen_columns(const char *clean)
{
	mbstate_t state = {0};
	size_t columns = 0, left = strlen(clean);
	while (left) {
		wchar_t wide;
		size_t size = mbrtowc(&wide, clean, left, &state);
		if (size == 0 || size > left) { /* no UTF-8 locale: a byte a column */
			state = (mbstate_t){0};
			size = 1;
			columns++;
		} else {
			int width = wcwidth(wide);
			columns += width > 0 ? (size_t)width : 0;
		}
		clean += size;
		left -= size;
	}
	return columns;
}

void screen_wrap(const struct screen *screen, const char *lead, int rest, const char *text)
{
	autofree char *clean = screen_clean(screen, text);
	char *place = NULL;
	size_t column = screen_columns(lead);
	bool begun = false;
	fputs(lead, screen->out);
	for (char *word = strtok_r(clean, " ", &place); word; word = strtok_r(NULL, " ", &place)) {
		size_t columns = screen_columns(word);
		if (begun && screen->width && column + 1 + columns > (size_t)screen->width) {
			fprintf(screen->out, "\n%*s", rest, "");
			column = (size_t)rest;
			begun = false;
		}
		fprintf(screen->out, "%s%s", begun ? " " : "", word);
		column += columns + begun;
		begun = true;
	}
	fputc('\n', screen->out);
}

void screen_time(uint64_t wall_ns, char *ret, size_t size)
{
	time_t seconds = (time_t)(wall_ns / NSEC_PER_SEC);
	struct tm tm;
	if (wall_ns == 0 || !gmtime_r(&seconds, &tm) ||
	    strftime(ret, size, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
		mem_strcpy(ret, size, "-");
}

void screen_heading(const struct screen *screen, const char *text)
{
	autofree char *clean = screen_clean(screen, text);
	fprintf(screen->out, "\n%s%s%s\n", screen->color ? "\033[1m" : "", clean,
		screen->color ? "\033[0m" : "");
}
