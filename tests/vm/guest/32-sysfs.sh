# Attributes of the PCI device say how busy it is and what it takes of memory.
set -e
modprobe fxq
cd /sys/bus/pci/devices/0000:00:04.0
grep . npu_*
[ "$(cat npu_memory_utilization)" = 0 ]
[ "$(cat npu_memory_total)" -gt $((512 << 20)) ]
sleep 1.2
[ "$(cat npu_busy_percent)" = 0 ]

# Busy in the second that has passed, and idle two seconds later.
mkfifo /tmp/hold
fxq-work -w -n 2000 -c 50 </tmp/hold >/tmp/work & pid=$!
exec 3>/tmp/hold
busy=0 tries=0
while ! grep -q drm-engine-npu /tmp/work && [ $tries -lt 100 ]; do
	now=$(cat npu_busy_percent)
	[ "$now" -le 100 ]
	[ "$now" -le $busy ] || busy=$now
	tries=$((tries + 1))
	sleep 0.1
done
echo "at most $busy % busy"
[ "$busy" -ge 50 ]
[ "$(cat npu_memory_utilization)" = $((512 << 10)) ]
until grep -q drm-engine-npu /tmp/work; do sleep 0.5; done
sleep 2
[ "$(cat npu_busy_percent)" = 0 ]

# Memory is given back with the file.
exec 3>&-
wait $pid
[ "$(cat npu_memory_utilization)" = 0 ]
rm /tmp/hold
