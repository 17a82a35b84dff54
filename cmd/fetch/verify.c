/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verify: make a layer's tar again from its files and compare its digest. What is wrong goes to
 * stdout, nothing if it is fine.
 */
#include <stdio.h>

#include "cmd/fetch/fetch_verb.h"
#include "libpod/base/error.h"
#include "storage/layer.h"
#include "storage/save.h"

static bool swallow(void *data, const void *bytes, size_t size, GError **error)
{
	return true;
}

int fetch_verify(FetchCall *call, GError **error)
{
	static const FetchOption rows[] = {{0}};
	g_autoptr(GPtrArray) operands = g_ptr_array_new();
	if (!fetch_parse(call, rows, operands, error) || !fetch_open(call, error))
		return FETCH_FAILED;
	for (guint i = 0; i < operands->len; i++) {
		g_autofree char *chain_id =
			g_strconcat("sha256:", (const char *)operands->pdata[i], NULL);
		g_autoptr(GError) problem = NULL;
		g_autoptr(Layer) layer = layer_lookup(call->store, chain_id, &problem);
		if (layer)
			(void)layer_export(call->store, layer, swallow, NULL, &problem);
		if (problem)
			printf("%s\n", problem->message);
	}
	return 0;
}
