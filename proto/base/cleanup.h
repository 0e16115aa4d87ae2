// SPDX-License-Identifier: GPL-3.0-or-later
/* cleanup - variables that release themselves at the end of their scope.
 *
 * Every type that owns something defines such a word beside itself:
 *	CLEANUP_DEFINE(spool, struct spool *, spool_close)   ->   autospool struct spool *s = NULL;
 * Giving ownership away is one visible word: take(p) for pointers, take_fd(fd) for descriptors. */
#ifndef ASSAY_BASE_CLEANUP_H
#define ASSAY_BASE_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CLEANUP_DEFINE(word, type, release)        \
	static inline void cleanup_##word(type *p) \
	{                                          \
		release(*p);                       \
	}

#define autoclean(word) __attribute__((cleanup(cleanup_##word)))

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_fclose(FILE **f)
{
	if (*f)
		fclose(*f);
}

static inline void cleanup_strv(char ***v)
{
	for (char **s = *v; s && *s; s++)
		free(*s);
	free(*v);
}

#define autofree   autoclean(free)
#define autoclose  autoclean(close)
#define autofclose autoclean(fclose)
#define autostrv   autoclean(strv)

#define take(p)                         \
	({                              \
		typeof(p) taken_ = (p); \
		(p) = NULL;             \
		taken_;                 \
	})

#define take_fd(fd)                \
	({                         \
		int taken_ = (fd); \
		(fd) = -1;         \
		taken_;            \
	})

#endif
