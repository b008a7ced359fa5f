# lib.sh - what the scripts of this folder share; sourced
#
# The cache holds a small Debian root with compiler, headers and QEMU, and the
# kernels that are booted. It is made once; FXQ_VM_CACHE says where.

cache=${FXQ_VM_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/fxq-vm}
root=$cache/root
kernels=$cache/kernels

die() {
	echo "$(basename "$0"): $*" >&2
	exit 1
}

as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Runs a command in the root, with a /proc of its own: objtool asks it how much
# stack there is. The mount goes with the command.
in_root() {
	as_root unshare --mount sh -c 'mount -t proc proc "$0/proc" && exec \
		chroot "$0" env PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C "$@"' \
		"$root" "$@"
}

# The releases that are booted, oldest first.
releases() {
	ls "$kernels" 2>/dev/null | sort -V
}

# Runs a program of the root without entering it, so that files and sockets
# keep their names: its own loader finds its own libraries.
from_root() {
	program=$root/$1
	shift
	"$root/lib64/ld-linux-x86-64.so.2" --argv0 "$(basename "$program")" \
		--library-path "$root/usr/lib/x86_64-linux-gnu" "$program" "$@"
}

qemu() {
	QEMU_MODULE_DIR=$root/usr/lib/x86_64-linux-gnu/qemu \
		from_root usr/bin/qemu-system-x86_64 \
		-L "$root/usr/share/qemu" -L "$root/usr/share/seabios" "$@"
}
