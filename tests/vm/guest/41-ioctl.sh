# A segment of a network by the ioctls alone, in C with libdrm and libelf, and in
# Python without anything: the same bytes as from libfxq on the host.
modprobe fxq
cd /images || exit 1
[ -e segment.out.raw ] || { echo "the host has no python3"; exit 4; }
set -e
count=0
for node in /dev/accel/accel0 /dev/accel/accel1; do
	ioctl fmnist_res.fxq $node <segment.in >/tmp/segment
	cmp /tmp/segment segment.out.raw
	echo "    ok $((count += 1)) ioctl on $node"
	python3 -B -S /programs/ioctl.py fmnist_res.fxq $node <segment.in \
		>/tmp/segment
	cmp /tmp/segment segment.out.raw
	echo "    ok $((count += 1)) ioctl.py on $node"
done
echo "    1..4"
# What does not fit is said.
! ioctl fmnist_res.fxq </dev/null 2>/tmp/error
grep -q 'takes 784 bytes and there are fewer' /tmp/error
! ioctl /init 2>/tmp/error
grep -q 'no image' /tmp/error
! ioctl fmnist_res.fxq /dev/null <segment.in 2>/tmp/error
grep -q 'FXQ_BO_CREATE' /tmp/error
