# What libfxq makes of trouble: the run at fault is told in a sentence, those
# beside it give their results, and so do those after it.
modprobe fxq
cd /images || exit 1
control=/dev/ttyS2
[ -c $control ] || { echo "no control socket on $control"; exit 4; }
stty -F $control raw -echo
set -e
plan() { echo "plan $1" >$control; sleep 0.3; }
count=0
passed() { count=$((count + 1)); echo "    ok $count $1"; }
# said TEXT: in /tmp/out, or it is shown and the test fails
said() { grep -qE "$1" /tmp/out || { echo "no '$1' in:"; cat /tmp/out; exit 1; }; }
run() { fxq-recover fmnist_res.fxq accel0 "$@" >/tmp/out 2>&1; }

run 40
said '^right: 40$'
passed 'nothing happens'

plan dma@300
run 60
said '^failed: layer .*: descriptor [0-9]+ \((load|store)\) of step 1 failed: '
said '^failed: 1$'
said '^right: 59$'
passed 'a transfer fails'

plan hang@10:soft
run 40
said '^failed: layer .*: .*hung'
said '^failed: 1$'
said '^right: 39$'
passed 'a run hangs'

plan hang@10:hard
run 40 16
said '^failed: layer .*: .*hung'
said '^failed: 1$'
said '^right: 39$'
passed 'a run hangs until reset, among sixteen'

# One of each kind in one life of a program: three contexts are made anew.
plan dma@300,dma@700,hang@50:soft
run 100
said '^failed: 3$'
said '^right: 97$'
passed 'three contexts in a row are banned'
plan irq@3=lost,complete@9=late:30ms
run 40
said '^right: 40$'
passed 'an interrupt is lost, a completion late'

# Another program on the same node is not disturbed.
fxq-recover fmnist_mb.fxq accel0 200 >/tmp/other 2>&1 & pid=$!
plan hang@20:soft
run 40 || true
wait $pid
cat /tmp/other >>/tmp/out
[ "$(grep -c '^failed: layer' /tmp/out)" = 1 ]
[ "$(sed -n 's/^right: //p' /tmp/out | awk '{ n += $1 } END { print n }')" = 239 ]
passed 'two programs, one hang'

# Who may not is told by whom he may.
mkdir -p /etc
printf 'root:x:0:0::/:/bin/sh\nuser:x:1000:1000::/:/bin/sh\n' >/etc/passwd
printf 'root:x:0:\nuser:x:1000:\n' >/etc/group
chmod 660 /dev/accel/accel0 /dev/accel/accel1
as_user() { su -s /bin/sh user -c "cd /images && /programs/fxq-run $*"; }
status=0
as_user infer fmnist_res.fxq --device accel0 -i random >/tmp/out 2>&1 ||
	status=$?
said 'group render \(udev rule 60-fxq.rules\)'
[ $status = 4 ]
as_user infer fmnist_res.fxq -i random >/tmp/out 2>&1
status=0
as_user devices --json >/tmp/out 2>&1 || status=$?
said '"error": "accel0 may not be opened'
said '"name": "embedded"'
[ $status = 4 ]
passed 'no permission'

# A device goes while a program has runs on it.
mkfifo /tmp/go
fxq-recover fmnist_res.fxq accel1 100 </tmp/go >/tmp/out 2>&1 & pid=$!
exec 3>/tmp/go
until grep -q halfway /tmp/out; do sleep 0.1; done
echo 0000:00:05.0 >/sys/bus/pci/drivers/fxq/unbind
echo >&3
wait $pid
exec 3>&-
rm /tmp/go
said 'accel1 is gone'
said '^wrong: 0$'
[ ! -e /sys/class/accel/accel1 ]
echo 0000:00:05.0 >/sys/bus/pci/drivers/fxq/bind
fxq-recover fmnist_res.fxq 0000:00:05.0 20 >/tmp/out
said '^right: 20$'
passed 'unbound and bound again'

# What a process has used is seen, while it is there.
mkfifo /tmp/go
fxq-recover fmnist_res.fxq accel0 40 </tmp/go >/tmp/work 2>&1 & pid=$!
exec 3>/tmp/go
until grep -q halfway /tmp/work; do sleep 0.1; done
fxq-run top --once >/tmp/out
said "^ *$pid  0000:00:04.0 .*fxq-recover$"
fxq-run top --json >/tmp/out
said '"cycles": [1-9]'
said '"busy_ns": [1-9]'
said '"resident_bytes": [1-9]'
exec 3>&-
wait $pid
rm /tmp/go
passed 'top'
echo "    1..$count"
