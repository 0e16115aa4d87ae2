// SPDX-License-Identifier: GPL-3.0-or-later
/* keys - CURVE key pairs in files, and whose keys are known. Secret files have mode 0600 in a
 * folder of mode 0700; a laxer mode is refused in words that hold the chmod which mends it.
 *
 * Both files are lines of text; those that start with '#' are comments:
 *
 *	<name>.key	public <40 characters of Z85>
 *			secret <40 characters of Z85>
 *	<name>.pub	public <40 characters of Z85>		(mode 0644: it is for copying)
 *
 * The .pub file of a peer can be put beside one's own key and read with keys_load_public(). */
#ifndef ASSAY_WIRE_KEYS_H
#define ASSAY_WIRE_KEYS_H

#include <stdbool.h>

#include "proto/base/err.h"

enum { KEY_TEXT_SIZE = 41 }; /* Z85, with NUL */

struct key_pair {
	char public_key[KEY_TEXT_SIZE];
	char secret_key[KEY_TEXT_SIZE];
};

/* <folder>/<name>.key (both lines) and <folder>/<name>.pub. Makes them where they are missing,
 * atomically: two programs that start at once get the same pair. -EACCES: a mode is too lax. */
int keys_load_or_make(const char *folder, const char *name, struct key_pair *ret, struct err *err);
/* Only the public key, from <folder>/<name>.pub, which others may not write. */
int keys_load_public(const char *folder, const char *name, char ret[KEY_TEXT_SIZE],
		     struct err *err);
bool keys_valid(const char *key);	 /* 40 characters of Z85 */
void keys_forget(struct key_pair *pair); /* wipes the secret */

#endif
