# After all tests nothing is left behind: no user of the module, no page of a
# buffer. Pages of buffers are pinned, and nothing else pins any here.
[ ! -e /sys/module/fxq ] || rmmod fxq || exit 1
# Each CPU adds what it counted once a second.
for i in 1 2 3 4 5; do
	grep -q '^Unevictable: *0 kB' /proc/meminfo && exit 0
	sleep 1
done
grep Unevictable /proc/meminfo
exit 1
