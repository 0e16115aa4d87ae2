// SPDX-License-Identifier: GPL-3.0-or-later
#include <errno.h>
#include <jansson.h>

#include "controller/campaign/campaign.h"
#include "proto/base/mem.h"

char *submission_to_json(const struct submission *s)
{
	json_t *sets = json_array();
	for (size_t i = 0; i < strv_count(s->sets); i++)
		json_array_append_new(sets, json_string(s->sets[i]));
	json_t *root = json_pack("{s:s, s:o, s:I, s:s*}", "path", s->path, "sets", sets, "runs",
				 (json_int_t)s->runs, "images", s->images);
	char *text = json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(root);
	return text;
}

int submission_from_json(const char *json, struct submission *ret, struct err *err)
{
	json_error_t why;
	json_t *root = json_loads(json ? json : "", 0, &why), *set;
	size_t i;
	if (!json_is_object(root)) {
		json_decref(root);
		return err_say(err, EINVAL, "what the campaign was submitted with is not JSON: %s",
			       why.text);
	}
	json_t *runs = json_object_get(root, "runs");
	const char *path = json_string_value(json_object_get(root, "path"));
	*ret = (struct submission){
		.path = xstrdup(path ? path : "recipe"),
		.runs = json_is_integer(runs) ? json_integer_value(runs) : -1,
		.images = xstrdup(json_string_value(json_object_get(root, "images"))),
	};
	json_array_foreach(json_object_get(root, "sets"), i, set) {
		if (json_is_string(set))
			strv_push(&ret->sets, json_string_value(set));
	}
	json_decref(root);
	return 0;
}

void submission_done(struct submission *s)
{
	free(s->path);
	strv_free(s->sets);
	free(s->images);
	*s = (struct submission){0};
}
