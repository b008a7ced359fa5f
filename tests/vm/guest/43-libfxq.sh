# The tests of libfxq's calls, written for the embedded device, on a node.
modprobe fxq
[ -x /programs/test_libfxq ] || { echo "built without -Dtests=true"; exit 4; }
status=0
for name in libfxq functions queue; do
	CMOCKA_MESSAGE_OUTPUT=TAP test_$name accel0 >/tmp/out 2>/tmp/err ||
		status=1
	# A test that skips itself is none that failed.
	sed -n 's/^not ok\(.*# SKIP\)/    ok\1/p; t
		s/^ok\|^not ok\|^1\.\./    &/p' /tmp/out
	cat /tmp/err
done
exit $status
