# A device that no reset brings back asks for help, and works again after it.
modprobe fxq || exit 1
control=/dev/ttyS2
[ -c $control ] || { echo "no control socket on $control"; exit 4; }
stty -F $control raw -echo
device=/sys/bus/pci/devices/0000:00:04.0
busybox uevent sh -c 'env >>/tmp/events' >/dev/null 2>&1 & listener=$!
sleep 0.3
fxq-work >/dev/null || exit 1

echo remove >$control
fxq-work -n 3 && { echo "a device that is not there did work"; exit 1; }
sleep 1
kill $listener 2>/dev/null
dmesg | grep fxq
dmesg | grep -q 'fxq 0000:00:04.0: given up: unbind, reset and bind it again' ||
	{ echo "nothing in the log"; exit 1; }
# The other device is not disturbed.
fxq-work /dev/accel/accel1 >/dev/null || exit 1
grep -E 'WEDGED|DEVNAME' /tmp/events
grep -q '^WEDGED=rebind,bus-reset$' /tmp/events || { echo "no event"; exit 1; }

# It comes back reset, and is found again.
echo 1 >$device/remove
echo insert >$control
sleep 0.5
echo 1 >/sys/bus/pci/rescan
fxq-work >/dev/null || exit 1
