# What null jobs cost; run by itself, with nothing else in the guest. First with
# the rings that the driver makes by default, which have six runs in the
# device's hands, then with rings that have room for all that are in flight.
for depth in 8 64; do
	tries=0
	# What was freed last keeps the module for a moment.
	until rmmod fxq 2>/dev/null || [ ! -e /sys/module/fxq ]; do
		tries=$((tries + 1))
		[ $tries -lt 50 ] || { rmmod fxq; exit 1; }
		sleep 0.2
	done
	modprobe fxq ring_depth=$depth
	submit /dev/accel/accel0 /dev/ttyS2 || exit
done
