# A device that was built for another contract is refused in a sentence; those
# beside it work.
modprobe fxq || exit 1
device=/sys/bus/pci/devices/0000:00:06.0
dmesg -c >/dev/null
echo 1 >/sys/bus/pci/rescan
[ -e $device ] || { echo "there is no third device"; exit 1; }
[ ! -e $device/driver ] || { echo "it was taken"; exit 1; }
dmesg | grep fxq
dmesg | grep -q 'fxq 0000:00:06.0: .*device was built for contract 0badc0de, this driver for [0-9a-f]\{8\}: use those of one release' ||
	{ echo "no such sentence"; exit 1; }
[ ! -e /dev/accel/accel2 ] || { echo "there is a node"; exit 1; }
# Asked for by its name it is refused as well.
echo 0000:00:06.0 >/sys/bus/pci/drivers/fxq/bind && exit 1
fxq-work /dev/accel/accel0 >/dev/null && fxq-work /dev/accel/accel1 >/dev/null
