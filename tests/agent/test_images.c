// SPDX-License-Identifier: GPL-3.0-or-later
#include "agent/images.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/base/file.h"
#include "proto/base/mem.h"

struct place {
	char folder[64];
	char *file;
	struct run_spec *spec;
};

static const char content[] = "the kernel";

static int set_up(void **state)
{
	struct place *p = xcalloc(1, sizeof(*p));
	STRCPY_FIXED(p->folder, "/tmp/assay-images-XXXXXX");
	if (!mkdtemp(p->folder))
		return -1;
	p->file = xasprintf("%s/kernel", p->folder);
	if (file_write_atomic(p->file, content, strlen(content), 0644, NULL) < 0)
		return -1;
	p->spec = run_spec_new();
	struct guest_spec *g = &p->spec->guest;
	struct image_ref *image = ARRAY_PUSH(g->images, g->n_images);
	STRCPY_FIXED(image->name, "uk");
	hash_bytes(content, strlen(content), image->sha256);
	image->path = xstrdup(p->file);
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;
	file_remove_tree(p->folder, NULL);
	run_spec_free(p->spec);
	free(p->file);
	free(p);
	return 0;
}

static char *token(const struct place *p)
{
	return xasprintf(IMAGE_TOKEN "%s", p->spec->guest.images[0].sha256);
}

static void tokens_become_paths_everywhere(void **state)
{
	struct place *p = *state;
	struct guest_spec *g = &p->spec->guest;
	autofree char *t = token(p), *twice = xasprintf("a=%s,b=%s.", t, t);
	autofree char *expected = xasprintf("a=%s,b=%s.", p->file, p->file);
	g->kernel = xstrdup(t);
	g->append = xstrdup("nothing of that");
	strv_push(&g->command, "prog");
	strv_push(&g->command, twice);
	struct disk_spec *d = ARRAY_PUSH(g->disks, g->n_disks);
	d->file = xstrdup(t);
	assert_int_equal(images_resolve(g, NULL, NULL), 0);
	assert_string_equal(g->kernel, p->file);
	assert_string_equal(g->append, "nothing of that");
	assert_string_equal(g->command[1], expected);
	assert_string_equal(g->disks[0].file, p->file);
}

static void what_cannot_be_is_said(void **state)
{
	struct place *p = *state;
	struct guest_spec *g = &p->spec->guest;
	struct err err = ERR_NONE;
	g->kernel = xstrdup(IMAGE_TOKEN "0000"); /* not the hash of any image, and too short */
	assert_int_equal(images_resolve(g, NULL, &err), -EINVAL);
	free(g->kernel);
	g->kernel = NULL;
	assert_int_equal(file_write_atomic(p->file, "other", 5, 0644, NULL), 0);
	assert_int_equal(images_resolve(g, NULL, &err), -ESTALE);
	assert_non_null(strstr(err.text, "changed since the plan was made"));
	assert_int_equal(unlink(p->file), 0);
	assert_int_equal(images_resolve(g, NULL, &err), -ENOENT);
	assert_non_null(strstr(err.text, "uk"));
	assert_non_null(strstr(err.text, p->file));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(tokens_become_paths_everywhere, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_cannot_be_is_said, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
