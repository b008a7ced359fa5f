# A fault and a hang each leave a coredump, which fxq-run puts into words.
modprobe fxq || exit 1
control=/dev/ttyS2
[ -c $control ] || { echo "no control socket on $control"; exit 4; }
stty -F $control raw -echo
plan() { echo "plan $1" >$control; }
dumps=/sys/class/devcoredump
# Those of earlier tests are kept for minutes; a write drops them.
for old in $dumps/devcd*/data; do
	[ ! -e "$old" ] || echo 1 >"$old"
done
# take NAME: the dump that is there, into /tmp/NAME, and out of the way
take() {
	tries=0
	until [ -e $dumps/devcd*/data ]; do
		tries=$((tries + 1))
		[ $tries -lt 50 ] || { echo "no coredump of $1"; exit 1; }
		sleep 0.1
	done
	cat $dumps/devcd*/data >/tmp/$1
	echo 1 >$(echo $dumps/devcd*/data)
}
has() { grep -qE "$2" /tmp/$1 || { echo "$1 has no: $2"; cat /tmp/$1; exit 1; }; }

# The transfer of descriptor 20 of 100 fails; three runs of one context.
plan dma@21
fxq-work -n 3 -c 50 >/tmp/work && { echo "nothing failed"; exit 1; }
take fault
cut -c -100 /tmp/fault
cause=$(sed -n 's/^cause: //p' /tmp/work)
has fault '^fxq-coredump 1$'
has fault '^device: 0000:00:04.0$'
has fault "^client: $(sed -n 's/^drm-client-id:[[:space:]]*//p' /tmp/work)$"
has fault '^error: -5$'
has fault "^cause: $cause$"
has fault '^index: 20$'
has fault '^tag: 7$'
has fault '^descriptors: 100$'
has fault '^descriptor 4: 01'
has fault '^descriptor 36: 01'
[ "$(grep -c '^descriptor ' /tmp/fault)" = 33 ] || exit 1
fxq-run dump /tmp/fault >/tmp/fault.words || exit 1
cat /tmp/fault.words
has fault.words 'ended with -5'
has fault.words 'descriptor 20 of 100, tag 7'
has fault.words '^> +20 '

# A run that hangs until it is stopped; the next context is not disturbed.
plan hang@1
fxq-work -n 1 -c 50 >/tmp/work && { echo "nothing hung"; exit 1; }
take hang
has hang '^error: -62$'
fxq-run dump /tmp/hang >/tmp/hang.words || exit 1
head -n 12 /tmp/hang.words
plan
fxq-work -n 3 || exit 1
[ ! -e $dumps/devcd*/data ] || { echo "a good run left a coredump"; exit 1; }
# The text needs no driver once it is there.
plan dma@1
fxq-work >/dev/null
sleep 0.5
rmmod fxq || exit 1
take late
has late '^error: -5$'
modprobe fxq
