# Each program of tests/kselftest, its tests as subtests.
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
rmmod fxq && rmmod vgem && exit $status
echo "# something is left over: fxq cannot go"
exit 1
