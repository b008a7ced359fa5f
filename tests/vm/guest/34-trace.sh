# Events tell of each run, mapping and ban.
set -e
modprobe fxq
cd /sys/kernel/tracing
ls events/fxq
echo 1 >events/fxq/enable
echo >trace
fxq-work -n 3 >/tmp/work
# What a context leaves is unmapped from a workqueue.
tries=0
while [ "$(grep -c ' fxq_unmap:' trace)" != 4 ] && [ $tries -lt 50 ]; do
	tries=$((tries + 1))
	sleep 0.1
done
echo 0 >events/fxq/enable
cp trace /tmp/trace
sed '/^#/d; s/^ *//' /tmp/trace
count() { grep -c " $1: .*$2" /tmp/trace || true; }
client=$(sed -n 's/^drm-client-id:[[:space:]]*//p' /tmp/work)
cycles=$(sed -n 's/^cycles: //p' /tmp/work)
[ "$(count fxq_run_submit "0000:00:04.0 client=$client context=1 job=1 ")" = 3 ]
[ "$(count fxq_run_end "client=$client .* cycles=$((cycles / 3)) cause=0 error=0")" = 3 ]
# Two buffers, the stream, and a piece of memory for binding tables.
[ "$(count fxq_map)" = 4 ]
[ "$(count fxq_unmap)" = 4 ]
# A context that goes is banned, so that nothing is submitted to it any more.
[ "$(count fxq_ctx_ban error=-125)" = 1 ]
[ "$(count fxq_reset)" = 0 ]
