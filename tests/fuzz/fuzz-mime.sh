#!/bin/sh
# Build fuzz-mime with clang and run it for so many seconds (default 60). New inputs stay in a folder that is removed.
set -eu
seconds=${1:-60}
top=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
flags="-g -O1 -std=gnu11 -I$top -fsanitize=address,undefined -fno-sanitize-recover=undefined -DTODOKE_MODULE_DIR=\"$work\""
clang=${CLANG:-clang-14}
cd "$top"
$clang $flags -fsanitize=fuzzer-no-link -fPIC -shared -o "$work/todoke-mime.so" \
	agent/message/mime-module.c agent/message/mime-charset.c agent/message/mime-compose.c $(pkg-config --cflags --libs gmime-3.0)
$clang $flags -fsanitize=fuzzer -o "$work/fuzz-mime" tests/fuzz/fuzz-mime.c \
	agent/message/address-list.c agent/message/headers.c agent/message/html-text.c agent/message/message.c \
	agent/message/mime.c agent/message/mime-load.c agent/message/mime-tree.c agent/base/fs.c agent/base/status.c \
	$(pkg-config --cflags --libs glib-2.0) -ldl
mkdir "$work/new"
TODOKE_MODULE_DIR=$work "$work/fuzz-mime" -max_total_time="$seconds" -max_len=20000 -timeout=10 -rss_limit_mb=1000 \
	-artifact_prefix="${FUZZ_ARTIFACTS:-./}" "$work/new" tests/fuzz/corpus-mime
