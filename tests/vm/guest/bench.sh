# What null jobs cost; run by itself, with nothing else in the guest.
modprobe fxq
submit /dev/accel/accel0 /dev/ttyS2
