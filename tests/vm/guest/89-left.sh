# After all tests nothing is left behind: no user of the module, no page of a
# buffer. Pages of buffers are pinned, and nothing else pins any here.
[ ! -e /sys/module/fxq ] || rmmod fxq || exit 1
grep Unevictable /proc/meminfo
grep -q '^Unevictable: *0 kB' /proc/meminfo
