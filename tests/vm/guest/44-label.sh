# 10,000 pictures of a file through a network, their labels into another, one by
# one and in a queue; then their bytes through one that takes int8, in chains from
# file to file. The first come to what the host found. What the kernel counts for
# them, beyond what a few take, is what the programs tell.
modprobe fxq
cd /images || exit 1
calls=/sys/kernel/tracing/events/raw_syscalls/sys_enter

# copies FILE [FROM]   its bytes, 20 times
copies() {
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		tail -c +"${2:-1}" "$1"
	done
}

# counted N PROGRAM ARGS...   runs it on N pictures; $counted and $told are the
# system calls of it
counted() {
	n=$1
	shift
	echo "hist:keys=id if comm == \"$1\"" >$calls/trigger
	"$@" accel0 >/tmp/told || return 1
	counted=$(sed -n 's/^ *Hits: *//p' $calls/hist)
	echo '!hist:keys=id' >$calls/trigger
	told=$(awk "{ n += \$(NF - 2) * $n } END { print int(n + .5) }" /tmp/told)
}

# compare BEFORE READS   $counted is BEFORE more than $told, which is rounded, and
# READS that comparing more results takes.
compare() {
	cat /tmp/told
	echo "the kernel counted $counted system calls, $1 of them to begin and end with, the program tells $told"
	rest=$((counted - $1 - $2 - told))
	[ $rest -ge -10 ] && [ $rest -le 10 ]
}

# idx BYTES   a header of as many pictures as BYTES say, and 10,000 of them
idx() {
	printf '\0\0\010\003%b\0\0\0\034\0\0\0\034' "$1"
	copies pictures.idx 17
}

idx '\0\0\0\001' >/tmp/pictures
counted 1 label fmnist_res.fxq /tmp/pictures /tmp/labels || exit 1
before=$((counted - told))
idx '\0\0\047\020' >/tmp/pictures
counted 10000 label fmnist_res.fxq /tmp/pictures /tmp/labels || exit 1
compare $before 4 || exit 1
head -c 508 /tmp/labels | tail -c 500 >/tmp/first
tail -c 500 fmnist_res.labels | cmp - /tmp/first || exit 1
rm /tmp/pictures

head -c 784 int8.records >/tmp/records
counted 1 chain int8.image /tmp/records /tmp/results || exit 1
before=$((counted - told))
copies int8.records >/tmp/records
counted 10000 chain int8.image /tmp/records /tmp/results || exit 1
compare $before 48 || exit 1
copies int8.results | cmp - /tmp/results
