#!/bin/bash
# SPDX-License-Identifier: MIT
# completion.sh FXQ_RUN SOURCE   what the shell offers behind fxq-run
#
# Commands are those of --help, choices are those that the tool itself names when
# it refuses another, and a file is offered only where one is wanted.
set -u
run=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
touch a-file
failed=0
# shellcheck source=userspace/tools/fxq-run.bash-completion
. "$2/userspace/tools/fxq-run.bash-completion"

fail() {
	echo "FAILED: $*"
	failed=1
}

# offers WORD...: behind fxq-run, of which the last is being written
offers() {
	COMP_WORDS=("$run" "$@") COMP_CWORD=$# COMPREPLY=()
	_fxq_run
	echo "${COMPREPLY[*]}"
}

# is WANTED WORD...
is() {
	local wanted=$1 got
	shift
	got=$(offers "$@")
	[ "$got" = "$wanted" ] || fail "fxq-run $*: '$got', not '$wanted'"
}

is 'compile compare' comp
is '--within' eval --wi
is 'a-file' compile a
is 'rgb' compile --order r
is 'rgb' compile --order = r
is 'embedded' bench --device embed

commands=$(offers '')
for command in check show build compile quantize train qat info infer eval \
	bench profile verify compare dump devices top; do
	[[ " $commands " = *" $command "* ]] || fail "no $command in: $commands"
done

# choice COMMAND OPTION
choice() {
	local said
	said=$("$run" "$1" "$2" nothing x 2>&1 |
		sed -n "s/.*$2 is one of \(.*\), not 'nothing'.*/\1/p")
	[ -n "$said" ] || fail "$1 $2 names no choice"
	is "${said//,/}" "$1" "$2" ''
}
choice compile --observer
choice compile --order
choice compile --layout
choice compile --range
choice show --style
choice train --optimizer
choice qat --schedule
nets=$("$run" compile "$2/userspace/examples/models/fmnist_mb.onnx" -c random \
	--post nothing -o x.fxq 2>&1 | sed -n 's/^\([a-z-]\{1,\}\)  .*/\1/p')
is "${nets//$'\n'/ }" compile --post ''

for command in $commands; do
	[[ $command != -* ]] || continue
	for option in $("$run" "$command" --help | grep -oE -- '--[a-z-]+=[^ ]+'); do
		[[ $(offers "$command" "${option%%=*}" '') = *a-file* ]] &&
			is_file=1 || is_file=0
		case ${option#*=} in
		DATA | FILE* | *@FILE | MODEL)
			[ $is_file = 1 ] || fail "$command $option: no files" ;;
		*)
			[ $is_file = 0 ] || fail "$command $option: files" ;;
		esac
	done
done
exit $failed
