# An idle device sleeps, and wakes for whoever has work; so does the machine.
modprobe fxq || exit 1
device=/sys/bus/pci/devices/0000:00:04.0
ring=/sys/kernel/debug/accel/0000:00:04.0/ring
fail() { echo "$*"; exit 1; }
# becomes STATE: within five seconds
becomes() {
	tries=0
	until [ "$(cat $device/power/runtime_status)" = $1 ]; do
		tries=$((tries + 1))
		[ $tries -lt 50 ] || fail "not $1"
		sleep 0.1
	done
}

for round in 1 2 3; do
	becomes suspended
	grep -q '^asleep: *1' $ring || fail "the driver does not know of it"
	[ "$(cat $device/power_state)" = D3hot ] || fail "not in D3hot"
	fxq-work -n 5 >/tmp/work || { cat /tmp/work; fail "round $round"; }
done

# Objects made and dropped while it sleeps do not wake it.
mkfifo /tmp/hold
becomes suspended
fxq-work -n 0 -w </tmp/hold >/tmp/work & pid=$!
exec 3>/tmp/hold
until grep -q drm-engine-npu /tmp/work; do sleep 0.1; done
[ "$(cat $device/power/runtime_status)" = suspended ] || fail "a context woke it"
exec 3>&-
wait $pid
[ "$(cat $device/power/runtime_status)" = suspended ] || fail "a close woke it"

# While runs are there it stays awake, however often it is asked to sleep.
echo 0 >$device/power/autosuspend_delay_ms
for round in 1 2 3 4 5 6 7 8 9 10; do
	fxq-work -n 20 >/tmp/work || { cat /tmp/work; fail "no delay"; }
done
becomes suspended
echo 1000 >$device/power/autosuspend_delay_ms

# The machine goes to sleep under load, as far as devices do.
for module in suspend; do
	echo 1 >/sys/module/$module/parameters/pm_test_delay
done
for level in devices platform; do
	echo $level >/sys/power/pm_test
	fxq-work -n 3000 -c 20 >/tmp/work & pid=$!
	sleep 1
	echo freeze >/sys/power/state || fail "no sleep at level $level"
	wait $pid || { cat /tmp/work; fail "runs did not survive level $level"; }
	becomes suspended
	echo freeze >/sys/power/state || fail "no sleep while asleep"
	fxq-work -n 5 >/tmp/work || { cat /tmp/work; fail "after $level"; }
done
echo none >/sys/power/pm_test

# It sleeps for real, its memory alone with power, until the clock wakes it: once
# while a program works, once while the device sleeps already. Nothing would end
# a "freeze": QEMU's clock raises its ACPI event in S3 alone.
echo deep >/sys/power/mem_sleep || fail "no S3"
for runs in 3000 0; do
	before=$(cat /sys/power/suspend_stats/success)
	echo 0 >/sys/class/rtc/rtc0/wakealarm
	fxq-work -n $runs -c 20 >/tmp/work & pid=$!
	sleep 1
	echo +3 >/sys/class/rtc/rtc0/wakealarm || fail "the clock has no alarm"
	echo mem >/sys/power/state || fail "no sleep in S3"
	[ "$(cat /sys/power/suspend_stats/success)" = $((before + 1)) ] ||
		fail "it did not sleep in S3"
	wait $pid || { cat /tmp/work; fail "runs did not survive S3"; }
	fxq-work -n 5 >/tmp/work || { cat /tmp/work; fail "after S3"; }
	fxq-work -n 5 /dev/accel/accel1 >/tmp/work || fail "accel1 after S3"
	becomes suspended
done

# Unbinding wakes it, binding lets it sleep again.
becomes suspended
echo 0000:00:04.0 >/sys/bus/pci/drivers/fxq/unbind
echo 0000:00:04.0 >/sys/bus/pci/drivers/fxq/bind
fxq-work >/tmp/work || fail "not after binding"
becomes suspended
rm /tmp/hold
