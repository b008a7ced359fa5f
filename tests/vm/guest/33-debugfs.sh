# debugfs shows contexts, mappings and the ring while a client has them.
set -e
modprobe fxq
cd /sys/kernel/debug/accel/0000:00:04.0
cat contexts ring
[ "$(wc -l <contexts)" = 1 ]
mkfifo /tmp/hold
fxq-work -w -n 5 </tmp/hold >/tmp/work & pid=$!
exec 3>/tmp/hold
until grep -q drm-engine-npu /tmp/work; do sleep 0.1; done
client=$(sed -n 's/^drm-client-id:[[:space:]]*//p' /tmp/work)
cycles=$(sed -n 's/^cycles: //p' /tmp/work)
cat contexts mappings ring
# Header and one context: client, state, error, inflight, runs, cycles.
[ "$(awk 'NR == 2 { print $2, $3, $4, $5, $6, $7 }' contexts)" = \
	"$client ready 0 0 5 $cycles" ]
[ "$(awk 'NR > 1 && $3 == 262144 && $4 == "read-write" && $5 == 1' mappings |
	wc -l)" = 2 ]
field() { sed -n "s/^$1: *//p" ring; }
[ "$(field produced)" = "$(field consumed)" ]
[ "$(field completed)" = "$(field consumed)" ]
[ "$(field strange)" = 0 ]
[ "$(field runs)" = 0 ]
exec 3>&-
wait $pid
rm /tmp/hold
# What a context leaves is freed from a workqueue.
tries=0
while [ "$(wc -l <contexts)" != 1 ] && [ $tries -lt 20 ]; do
	tries=$((tries + 1))
	sleep 0.1
done
[ "$(wc -l <contexts)" = 1 ]
# Readers while the driver goes do no harm.
(while cat contexts mappings ring; do :; done) >/dev/null 2>&1 & pid=$!
sleep 0.5
echo 0000:00:04.0 >/sys/bus/pci/drivers/fxq/unbind
sleep 0.5
kill $pid 2>/dev/null || true
cd /
echo 0000:00:04.0 >/sys/bus/pci/drivers/fxq/bind
cat /sys/kernel/debug/accel/0000:00:04.0/ring >/dev/null
