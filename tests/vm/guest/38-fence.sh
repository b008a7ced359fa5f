# A fence outlives its file, context and run, and never its module's code.
set -e
modprobe fxq
mkfifo /tmp/hold
fxq-work -s </tmp/hold >/tmp/work & pid=$!
exec 3>/tmp/hold
until grep -q closed /tmp/work; do sleep 0.1; done
sleep 1	# what the file leaves is freed from a workqueue
# Where fences keep their driver's functions the module stays; else it goes.
if rmmod fxq 2>/dev/null; then
	echo "the module is gone, the fence is not"
else
	echo "the fence holds the module"
fi
exec 3>&-
wait $pid
sleep 1
! grep -q '^fxq ' /proc/modules || rmmod fxq
modprobe fxq
fxq-work >/dev/null
rm /tmp/hold
