# The tests of the OpenCL driver, whose first device is a node here; external
# memory from another driver; PyOpenCL with the demo's network on two nodes and
# the embedded device, in one context.
modprobe fxq
modprobe vgem
[ -x /programs/test_opencl_program ] || { echo "built without -Dtests=true"; exit 4; }
count=0
failed=0

# result NAME STATUS
result() {
	count=$((count + 1))
	[ "$2" = 0 ] && echo "    ok $count $1" && return
	echo "    not ok $count $1"
	failed=1
}

for name in buffer builtin event extension program rect refuse; do
	test_opencl_$name >/tmp/out 2>&1
	status=$?
	[ $status = 0 ] || cat /tmp/out
	result $name $status
done
test_opencl_extension 2>&1 | grep -q 'OK.*external_memory_is_shared'
result "a dma-buf of vgem" $?
if [ -e /images/opencl.y.npy ]; then
	cd /images || exit 1
	PYOPENCL_NO_CACHE=1 debian-python3 -B /programs/opencl.py fmnist_res.fxq opencl.x.npy \
		opencl.y.npy >/tmp/out 2>&1
	result PyOpenCL $?
	cat /tmp/out
	grep -q 'accel0 makes' /tmp/out && grep -q 'accel1 convolves' /tmp/out
	result "on both nodes" $?
fi
echo "    1..$count"
exit $failed
