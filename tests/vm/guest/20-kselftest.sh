# Each program of tests/kselftest, its tests as subtests.
export FXQ_CONTROL=/dev/ttyS2
modprobe vgem
modprobe fxq
status=0
count=0
for program in /programs/kselftest-*; do
	name=${program##*-}
	count=$((count + 1))
	echo "kselftest: $name" >/dev/kmsg
	if "$program" >/tmp/kselftest 2>&1; then
		result="ok"
	else
		result="not ok"
		status=1
	fi
	echo "    # Subtest: $name"
	grep -v -e '^TAP version' -e '^# *\(RUN\|OK\|PASSED:\|Starting\|Totals:\) ' \
		/tmp/kselftest | sed 's/^/        /'
	echo "    $result $count - $name"
done
echo "    1..$count"

# What the programs left is freed in its own time, a moment.
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
rmmod vgem
exit $status
