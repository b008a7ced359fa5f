#!/bin/sh
# SPDX-License-Identifier: MIT
#
# run.sh BUILD RELEASE [--shell]   boots a kernel of the cache with DEVICES (2)
# fxq devices and runs what initramfs.sh packed, or a shell on this terminal.
# Tests get one device more, that claims another contract and is refused.
#
# Each device is a process fxq-emu that QEMU attaches over vfio-user; guest
# memory is shared with it. ttyS2 and ttyS3 of the guest are the control sockets
# of the first two, so that a test can plan faults. BUILD/vm/RELEASE gets
# console.log and tap.
set -eu
. "$(dirname "$0")/lib.sh"
build=$(cd "${1:?usage: run.sh BUILD RELEASE [--shell]}" && pwd)
release=${2:?usage: run.sh BUILD RELEASE [--shell]}
[ "$release" != newest ] || release=$(releases | tail -n 1)
shell=${3:-}
devices=${DEVICES:-2}
out=$build/vm/$release
emu=$build/userspace/emu/fxq-emu
initramfs=$("$(dirname "$0")/initramfs.sh" "$build" "$release")
kernel=$(kernel_of "$release")
sockets=$(mktemp -d)
running=
controls=
trap 'kill $running 2>/dev/null || true; rm -rf "$sockets"' EXIT

set -- -nodefaults -no-reboot -display none -smp 2 -m 1G \
	-object memory-backend-memfd,id=mem,size=1G,share=on \
	-machine q35,memory-backend=mem
i=0
last=$devices
[ "$shell" != --shell ] || last=$((devices - 1))
while [ $i -le "$last" ] && [ -x "$emu" ]; do
	other=
	[ $i -lt "$devices" ] || other="--contract 0badc0de"
	"$emu" --socket "$sockets/$i" --control "$sockets/control$i" \
		${EMU_OPTIONS:-} $other \
		>"$out/emu$i.log" 2>&1 9>&- &
	running="$running $!"
	tries=0
	until [ -S "$sockets/$i" ] && [ -S "$sockets/control$i" ]; do
		tries=$((tries + 1))
		[ $tries -lt 100 ] ||
			die "fxq-emu does not listen: $(cat "$out/emu$i.log")"
		sleep 0.1
	done
	set -- "$@" -device '{"driver": "vfio-user-pci", "addr": "'$((4 + i))'",
		"socket": {"type": "unix", "path": "'"$sockets/$i"'"}}'
	[ $i -ge 2 ] || controls="$controls -serial unix:$sockets/control$i"
	i=$((i + 1))
done

set -- "$@" -accel "$(accelerator "$release")" -cpu max \
	-kernel "$kernel" -initrd "$initramfs"
line="console=ttyS0 panic=-1 quiet loglevel=4 ${GUEST_ENV:-}"
if [ "$shell" = --shell ]; then
	qemu "$@" -append "$line fxq.shell" -serial mon:stdio -serial null \
		$controls
	exit
fi
: >"$out/tap"
qemu_status=0
(exec=exec && qemu "$@" -append "$line" \
	-serial "file:$out/console.log" -serial "file:$out/tap" $controls) &
machine=$!
running="$running $machine"
waited=0
while kill -0 $machine 2>/dev/null; do
	sleep 1
	waited=$((waited + 1))
	[ $waited -lt "${VM_TIMEOUT:-600}" ] || { kill -9 $machine; break; }
done
wait $machine || qemu_status=$?
tr -d '\r' <"$out/tap" >"$out/tap.txt"
mv "$out/tap.txt" "$out/tap"
if ! grep -q '^1\.\.' "$out/tap"; then
	echo "not ok $release did not finish (QEMU ended with $qemu_status after $waited s)" >>"$out/tap"
	tail -n 40 "$out/console.log" | sed 's/^/# /' >>"$out/tap"
fi
cat "$out/tap"
! grep -q '^not ok' "$out/tap"
