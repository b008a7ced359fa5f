# /proc/PID/fdinfo tells what a file has used, and nothing of what others have.
set -e
modprobe fxq
key() { sed -n "s/^$1:[[:space:]]*\([0-9]*\).*/\1/p" "$2"; }
fxq-work -n 20 -c 50 >/tmp/busy
fxq-work -n 1 >/tmp/idle
cat /tmp/busy

grep -q '^drm-driver:.fxq$' /tmp/busy
grep -q '^drm-pdev:.0000:00:04.0$' /tmp/busy
for name in drm-engine-npu drm-cycles-npu drm-maxfreq-npu drm-total-memory; do
	[ "$(key $name /tmp/busy)" -gt 0 ] || { echo "$name is missing"; exit 1; }
done
# Cycles are those of the context, and of this file alone.
[ "$(key drm-cycles-npu /tmp/busy)" = "$(key cycles /tmp/busy)" ]
[ "$(key drm-cycles-npu /tmp/idle)" = "$(key cycles /tmp/idle)" ]
[ "$(key drm-engine-npu /tmp/idle)" -lt "$(key drm-engine-npu /tmp/busy)" ]
# Two buffers of 256 KiB, of which the device has used every page.
[ "$(key drm-total-memory /tmp/busy)" = 512 ]
[ "$(key drm-resident-memory /tmp/busy)" = 512 ]

# The time of a client that is watched is real time: never more than has passed.
mkfifo /tmp/hold
start=$(cut -d. -f1 /proc/uptime)
fxq-work -w -n 200 -c 50 </tmp/hold >/tmp/watched & pid=$!
exec 3>/tmp/hold
until grep -q drm-engine-npu /tmp/watched; do sleep 1; done
passed=$(($(cut -d. -f1 /proc/uptime) - start + 1))
[ $(($(key drm-engine-npu /tmp/watched) / 1000000000)) -le $passed ]
grep -h drm-engine /proc/$pid/fdinfo/* | grep -q "$(key drm-engine-npu /tmp/watched)"
exec 3>&-
wait $pid
rm /tmp/hold
