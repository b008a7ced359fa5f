# Faults, kills and unplugs under load, and afterwards nothing is left behind.
modprobe fxq job_timeout_ms=50
# Half a load is none.
echo 2 >/proc/sys/kernel/io_uring_disabled
! stress 0000:00:04.0 /dev/ttyS2 1 0 0 2>/tmp/error || exit 1
grep -q 'set kernel.io_uring_disabled to 0' /tmp/error || exit 1
echo 0 >/proc/sys/kernel/io_uring_disabled
stress 0000:00:04.0 /dev/ttyS2 ${FAULTS:-60} ${KILLS:-10} ${UNPLUGS:-5} || exit 1
# What was in flight when its process died is given back a moment later.
for i in 1 2 3 4 5 6 7 8 9 10; do
	rmmod fxq 2>/dev/null && exit 0
	sleep 0.5
done
echo "fxq is still in use: $(cat /sys/module/fxq/refcnt)"
exit 1
