# Each program of tests/kselftest, its tests as subtests. Addresses run short for
# the one that is about that alone.
export FXQ_CONTROL=/dev/ttyS2
status=0
count=0

# subtest PROGRAM
subtest() {
	name=${1##*-}
	count=$((count + 1))
	echo "kselftest: $name" >/dev/kmsg
	if "$1" >/tmp/kselftest 2>&1; then
		result="ok"
	else
		result="not ok"
		status=1
	fi
	echo "    # Subtest: $name"
	grep -v -e '^TAP version' -e '^# *\(RUN\|OK\|PASSED:\|Starting\|Totals:\) ' \
		/tmp/kselftest | sed 's/^/        /'
	echo "    $result $count - $name"
}

# What the programs left is freed in its own time, a moment.
unload() {
	tries=0
	until rmmod fxq 2>/dev/null; do
		tries=$((tries + 1))
		if [ $tries -gt 50 ]; then
			echo "something is left over, fxq cannot go:" \
				"$(grep '^fxq ' /proc/modules)"
			exit 1
		fi
		usleep 100000
	done
}

modprobe vgem
modprobe fxq
for program in /programs/kselftest-*; do
	[ $program = /programs/kselftest-addresses ] || subtest $program
done
unload
modprobe fxq va_bits=26
subtest /programs/kselftest-addresses
unload
echo "    1..$count"
rmmod vgem
exit $status
