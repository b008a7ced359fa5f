# The module loads by its name and goes again, and loads by what the device is:
# the alias that udev gives to modprobe.
set -e
for i in 1 2 3; do
	modprobe fxq
	grep -q '^fxq ' /proc/modules
	rmmod fxq
done
modprobe "$(cat /sys/bus/pci/devices/0000:00:04.0/modalias)"
grep -q '^fxq ' /proc/modules
dmesg | grep fxq
ls /dev/accel /sys/class/accel
