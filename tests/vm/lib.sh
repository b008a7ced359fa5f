# lib.sh - what the scripts of this folder share; sourced
#
# The cache holds a small Debian root with compiler, headers and QEMU, and the
# kernels that are booted. It is made once; FXQ_VM_CACHE says where.

here=$(cd "$(dirname "$0")" && pwd)
cache=${FXQ_VM_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/fxq-vm}
root=$cache/root
kernels=$cache/kernels
sources=$cache/sources

die() {
	echo "$(basename "$0"): $*" >&2
	exit 1
}

as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Runs a command in the root, with a /proc of its own: objtool asks it how much
# stack there is. The mount goes with the command. Where / is a directory of
# another root, it is no mount to be made private.
in_root() {
	as_root unshare --mount --propagation unchanged sh -c '
		mount --make-rprivate / 2>/dev/null
		mount -t proc proc "$0/proc" && exec \
		chroot "$0" env PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C "$@"' \
		"$root" "$@"
}

# The releases that are booted, oldest first.
releases() {
	ls "$kernels" 2>/dev/null | sort -V
}

# Runs a program of the root without entering it, so that files and sockets
# keep their names: its own loader finds its own libraries. With exec=exec in the
# shell's place, so that who kills that kills the program.
from_root() {
	program=$root/$1
	shift
	${exec:-} "$root/lib64/ld-linux-x86-64.so.2" --argv0 "$(basename "$program")" \
		--library-path "$root/usr/lib/x86_64-linux-gnu" "$program" "$@"
}

qemu() {
	export QEMU_MODULE_DIR="$root/usr/lib/x86_64-linux-gnu/qemu"
	from_root usr/bin/qemu-system-x86_64 \
		-L "$root/usr/share/qemu" -L "$root/usr/share/seabios" "$@"
}

kernel_of() {
	find "$kernels/$1/" -name 'vmlinuz*' | head -n 1
}

# What guests of a release run on: KVM where it boots one, which is tried once.
# That /dev/kvm is there says nothing yet.
accelerator() {
	tried=$cache/accelerator-$1
	[ -s "$tried" ] || probe_kvm "$1" >"$tried"
	cat "$tried"
}

probe_kvm() {
	tree=$(mktemp -d)
	cp "$root/bin/busybox" "$tree/"
	printf '#!/busybox sh\n/busybox poweroff -f\n' >"$tree/init"
	chmod +x "$tree/init"
	(cd "$tree" && find . | "$root/bin/busybox" cpio -o -H newc |
		gzip -1 >initramfs.gz) 2>/dev/null
	answer=tcg,thread=multi
	if [ -w /dev/kvm ] && (exec 9>&-; timeout 20 sh -c '. "$0"; qemu "$@"' \
			"$here/lib.sh" -nodefaults -no-reboot -display none \
			-accel kvm -cpu max -m 256M -kernel "$(kernel_of "$1")" \
			-initrd "$tree/initramfs.gz" -serial stdio \
			-append "console=ttyS0 panic=-1") 2>&1 </dev/null |
			grep -q 'Power down'; then
		answer=kvm
	fi
	rm -rf "$tree"
	echo "$answer"
}
