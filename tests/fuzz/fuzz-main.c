/* SPDX-License-Identifier: MIT */
/* fuzz-main: runs a fuzz target over files, for builds without libFuzzer. */
#include <glib.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const guchar *data, size_t size);

int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		g_autofree char *data = NULL;
		gsize size = 0;
		if (!g_file_get_contents(argv[i], &data, &size, NULL)) {
			fprintf(stderr, "cannot read '%s'\n", argv[i]);
			return 1;
		}
		LLVMFuzzerTestOneInput((const guchar *) data, size);
	}
	return 0;
}
