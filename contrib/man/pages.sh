#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
#   pages.sh SKIFF SCDOC DIRECTORY COMMAND...
#
# Writes skiff.1 and a page for each command ("volume create" is one word) into a directory.
set -eu
skiff=$1 scdoc=$2 directory=$3
shift 3

# page NAME WORDS...
page() {
	name=$1
	shift
	"$skiff" help --man "$@" >"$directory/$name.scd"
	"$scdoc" <"$directory/$name.scd" >"$directory/$name"
}

page skiff.1
for command in "$@"; do
	# shellcheck disable=SC2086  # a command may be two words
	page "skiff-$(echo "$command" | tr ' ' '-').1" $command
done
