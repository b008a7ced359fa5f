# The module loads by its name and goes again.
set -e
for i in 1 2 3; do
	modprobe fxq
	grep -q '^fxq ' /proc/modules
	rmmod fxq
done
modprobe fxq
dmesg | grep fxq
ls /dev/accel /sys/class/accel
