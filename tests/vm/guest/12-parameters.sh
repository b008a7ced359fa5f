# Parameters that the module cannot be loaded with are refused in a sentence.
# refuses PARAMETER SENTENCE
refuses() {
	dmesg -c >/dev/null
	modprobe fxq $1
	[ ! -e /sys/bus/pci/devices/0000:00:04.0/driver ] ||
		{ echo "$1 was taken"; exit 1; }
	dmesg | grep -q "fxq 0000:00:04.0: .*: $2\$" ||
		{ echo "of $1 it is said:"; dmesg; exit 1; }
	rmmod fxq
}
for depth in 0 2 3 100 512; do
	refuses ring_depth=$depth \
		"ring_depth is $depth; a power of two from 4 to 256 is needed"
done
for bits in 0 23 40 4294967295; do
	refuses va_bits=$bits "va_bits is $bits; 24 to 39 are possible"
done
refuses job_timeout_ms=0 "job_timeout_ms is 0, and every run would be a hang: give it milliseconds"
set -e
modprobe fxq ring_depth=4 va_bits=24
fxq-work -n 5 >/dev/null
