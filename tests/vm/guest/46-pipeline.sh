# The tests of pipelines, written for the embedded device, on a node.
modprobe fxq
[ -x /programs/test_pipeline ] || { echo "built without -Dtests=true"; exit 4; }
CMOCKA_MESSAGE_OUTPUT=TAP test_pipeline accel0 >/tmp/out 2>/tmp/err
status=$?
# A test that skips itself is none that failed.
sed -n 's/^not ok\(.*# SKIP\)/    ok\1/p; t; s/^ok\|^not ok\|^1\.\./    &/p' /tmp/out
cat /tmp/err
exit $status
