#!/bin/sh
# SPDX-License-Identifier: MIT
# Every command of fxq-run that a page, the README or a help text shows is one
# that it takes: where there are no files each ends for want of them, or of a
# device, and none for its arguments. first_model.sh runs those of its page.
# Every option that a help text lists is in the manual.
set -eu
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT

# Indented lines that begin with fxq-run, joined where they go on; of each the
# first command, without what the shell does with input and output.
shown() {
	awk '/^ +(build\/userspace\/tools\/)?fxq-run / || on {
		line = line $0
		on = sub(/\\$/, "", line)
		if (on)
			next
		sub(/^ *[^ ]*fxq-run/, "", line)
		sub(/ (\||&&) .*/, "", line)
		gsub(/ [<>][^ ]+/, "", line)
		print line
		line = ""
	}' "$@"
}

verbs=$("$FXQ_RUN" --help | sed -n 's/^  \([a-z]*\)  .*/\1/p')
{
	shown "$SOURCE/README.md"
	find "$SOURCE/Documentation" -name '*.rst' ! -name first-model.rst \
		-exec cat {} + | shown
	for verb in $verbs; do
		"$FXQ_RUN" "$verb" --help | tail -n 1 | shown
	done
} | sort -u >commands
[ "$(wc -l <commands)" -ge 60 ] || { cat commands; exit 1; }

# Its first line tells it from an image.
echo 'fxq-coredump 1' >fault

failed=0
while read -r command; do
	code=0
	# shellcheck disable=SC2086
	"$FXQ_RUN" $command >out 2>err </dev/null || code=$?
	case $code in
	0 | 3 | 4)	;;
	*)	echo "fxq-run $command: exit $code"
		cat err
		failed=1 ;;
	esac
done <commands

for verb in $verbs; do
	for option in $("$FXQ_RUN" "$verb" --help |
			grep -o -- '--[a-z][a-z0-9-]*' | sort -u); do
		grep -qF -- "**$option**" \
			"$SOURCE/Documentation/man/fxq-run.rst" || {
			echo "fxq-run $verb $option: not in the manual"
			failed=1
		}
	done
done
exit $failed
