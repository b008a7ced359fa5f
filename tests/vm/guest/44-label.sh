# 10,000 pictures of a file through a network, their labels into another, one by
# one and in a queue; the first come to what the host found. What the kernel
# counts for them, beyond what a single picture takes, is what the program tells.
modprobe fxq
cd /images || exit 1
calls=/sys/kernel/tracing/events/raw_syscalls/sys_enter

# label_counted N BYTES   labels N pictures, which BYTES say in an idx file;
# $counted and $told are the system calls of it
label_counted() {
	{
		printf '\0\0\010\003%b\0\0\0\034\0\0\0\034' "$2"
		for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
			tail -c +17 pictures.idx
		done
	} >/tmp/pictures
	echo 'hist:keys=id if comm == "label"' >$calls/trigger
	label fmnist_res.fxq /tmp/pictures /tmp/labels accel0 >/tmp/told ||
		return 1
	counted=$(sed -n 's/^ *Hits: *//p' $calls/hist)
	echo '!hist:keys=id' >$calls/trigger
	told=$(awk "{ n += \$(NF - 2) * $1 } END { print int(n + .5) }" /tmp/told)
}

label_counted 1 '\0\0\0\001' || exit 1
before=$((counted - told))
label_counted 10000 '\0\0\047\020' || exit 1
cat /tmp/told
echo "the kernel counted $counted system calls, $before of them to begin and end with, the program tells $told"
# What is told is rounded, and comparing more labels takes four reads more.
rest=$((counted - before - told))
[ $rest -ge -10 ] && [ $rest -le 14 ] || exit 1
head -c 508 /tmp/labels | tail -c 500 >/tmp/first
tail -c 500 fmnist_res.labels | cmp - /tmp/first
