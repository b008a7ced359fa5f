# 10,000 pictures of a file through a network, their labels into another, one by
# one and in a queue; the first come to what the host found. The kernel counts no
# more system calls than the program tells, but for a few to begin with.
modprobe fxq
cd /images || exit 1
{
	printf '\0\0\010\003\0\0\047\020\0\0\0\034\0\0\0\034'
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		tail -c +17 pictures.idx
	done
} >/tmp/pictures
calls=/sys/kernel/tracing/events/raw_syscalls/sys_enter
echo 'hist:keys=common_pid if comm == "label"' >$calls/trigger 2>/dev/null
label fmnist_res.fxq /tmp/pictures /tmp/labels accel0 >/tmp/told || exit 1
counted=$(sed -n 's/^ *Hits: *//p' $calls/hist 2>/dev/null)
told=$(awk '{ n += $(NF - 2) } END { print int(n * 10000) }' /tmp/told)
cat /tmp/told
echo "the kernel counted ${counted:-no} system calls, the program tells $told"
[ "${counted:-0}" -lt $((told + 2000)) ] || exit 1
head -c 508 /tmp/labels | tail -c 500 >/tmp/first
tail -c 500 fmnist_res.labels | cmp - /tmp/first
