# Networks compiled on the host give the same bytes here, through fxq.ko, as on
# the embedded device there: one input each, then 500 pictures, then eight
# processes at once on two devices.
modprobe fxq
cd /images || exit 1
count=0
failed=0
folder=/tmp/models
mkdir $folder

# result NAME STATUS
result() {
	count=$((count + 1))
	[ "$2" = 0 ] && echo "    ok $count $1" && return
	echo "    not ok $count $1"
	failed=1
}

# infer DEVICE NAME EXPECTED INPUT...   the same as EXPECTED?
infer() {
	device=$1 name=$2 expected=$3
	shift 3
	to=$folder/$expected
	[ -e "$name.so" ] && set -- --plugin "./$name.so" "$@"
	fxq-run infer "$name.fxq" --device "$device" "$@" -o "$to" &&
		cmp "$to" "$expected"
	status=$?
	rm -f "$to"
	return $status
}

fxq-run devices
fxq-run devices --json | grep -q '"address": "0000:00:04.0"'
result devices $?
for image in *.fxq; do
	infer accel0 "${image%.fxq}" "${image%.fxq}.npz" -i random
	result "${image%.fxq}" $?
done
for name in fmnist_res fmnist_mb; do
	fxq-run eval $name.fxq --device 0000:00:04.0 --data pictures.idx \
		--labels classes.idx --json |
		sed -n '/"images"\|top1/p' | cmp - $name.eval
	result "$name, eval on 500 pictures" $?
	infer /dev/accel/accel1 $name $name.classes.npy pictures.idx
	result "$name, 500 pictures" $?
done

pids=
for i in 0 1 2 3 4 5 6 7; do
	mine=fmnist_res
	[ $((i / 2 % 2)) = 0 ] || mine=fmnist_mb
	(
		status=0
		folder=/tmp/models$i
		mkdir $folder
		for image in *.fxq; do
			infer accel$((i % 2)) "${image%.fxq}" \
				"${image%.fxq}.npz" -i random || status=1
		done
		infer accel$((i % 2)) $mine $mine.classes.npy pictures.idx ||
			status=1
		exit $status
	) & pids="$pids $!"
done
for pid in $pids; do
	wait "$pid"
	result "one of eight at once" $?
done
echo "    1..$count"
exit $failed
