// SPDX-License-Identifier: GPL-3.0-or-later
#include "proto/base/state.h"

#include <pwd.h>
#include <unistd.h>

#include "proto/base/mem.h"

char *state_home(void)
{
	const char *home = getenv("ASSAY_HOME");
	if (home && *home)
		return xstrdup(home);
	if ((home = getenv("XDG_STATE_HOME")) && *home)
		return xasprintf("%s/assay", home);
	if (!(home = getenv("HOME")) || !*home) {
		const struct passwd *user = getpwuid(getuid());
		home = user ? user->pw_dir : "/tmp";
	}
	return xasprintf("%s/.local/state/assay", home);
}
