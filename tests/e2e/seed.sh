#!/bin/sh
# The two example networks as programs and as plugins: traced, compiled, run on
# the embedded device, post-processing whole on the CPU.
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

fail() {
	echo "seed.sh: $1" >&2
	exit 1
}

# What a program prints from its table on begins like torch's listing.
"$EXAMPLES/fx_wrap_training" >"$tmp/training"
head -n 1 "$tmp/training" | grep -qx 'Run softmax' ||
	fail "tracing the first network does not print 'Run softmax' first"
grep -q '^call_function *softmax ' "$tmp/training" ||
	fail "the first network's table has no softmax"
grep -qx 'evaluation: float32 in [0-9]* cycles' "$tmp/training" ||
	fail "the first network did not run on the device"

"$EXAMPLES/fx_wrap_method" >"$tmp/method"
grep -q '^call_method *_post_process ' "$tmp/method" ||
	fail "the second network's table has no _post_process"
tail -n 4 "$tmp/method" >"$tmp/tail"
sed -i 's/[0-9]* cycles/N cycles/' "$tmp/tail"
cat >"$tmp/want" <<'END'
Run softmax
training: float32 in N cycles
Run argmax
evaluation: int64 in N cycles
END
cmp "$tmp/want" "$tmp/tail" ||
	fail "the second network on the device: $(cat "$tmp/tail")"

# The same through fxq-run, with the network's .c file as a plugin.
plugin=$EXAMPLES/fx_wrap_method_plugin.so
"$FXQ_RUN" compile "$plugin" -o "$tmp/net.fxq" --calibrate random \
	>"$tmp/out" 2>&1 || fail "compile: $(cat "$tmp/out")"
head -c 49152 /dev/zero >"$tmp/x.raw"
"$FXQ_RUN" infer "$tmp/net.fxq" --plugin "$plugin" --train \
	--input "@$tmp/x.raw" >"$tmp/out"
head -n 1 "$tmp/out" | grep -qx 'Run softmax' ||
	fail "infer --train: $(cat "$tmp/out")"
grep -q 'float32 1x3x64x64' "$tmp/out" || fail "$(cat "$tmp/out")"
"$FXQ_RUN" infer "$tmp/net.fxq" --plugin "$plugin" --eval \
	--input "@$tmp/x.raw" >"$tmp/out"
head -n 1 "$tmp/out" | grep -qx 'Run argmax' ||
	fail "infer --eval: $(cat "$tmp/out")"
grep -q 'int64 1x64x64' "$tmp/out" || fail "$(cat "$tmp/out")"

# Unbound, the function is named, and the three ways to bring it.
if "$FXQ_RUN" infer "$tmp/net.fxq" --eval --input "@$tmp/x.raw" \
	>/dev/null 2>"$tmp/err"; then
	fail "an unbound function was run"
fi
for word in _post_process fxq_register_function --plugin built-in; do
	grep -q -e "$word" "$tmp/err" || fail "no '$word' in: $(cat "$tmp/err")"
done

# A wrapped function with a lowering is the device's; the model's own is a loop.
plugin=$EXAMPLES/lowering_plugin.so
"$FXQ_RUN" show "$plugin" >"$tmp/out"
grep -q 'call_function.*quick_gelu' "$tmp/out" || fail "$(cat "$tmp/out")"
"$FXQ_RUN" compile "$plugin" -o "$tmp/net.fxq" --calibrate random \
	>"$tmp/out" 2>&1 || fail "lowering: $(cat "$tmp/out")"
grep -q ': 1 device and ' "$tmp/out" || fail "$(cat "$tmp/out")"
"$FXQ_RUN" infer "$tmp/net.fxq" -i random -o "$tmp/1.npy" ||
	fail "a program is asked for the code that was lowered"
"$FXQ_RUN" verify "$plugin" --calibrate random >"$tmp/out" 2>&1
grep -q ' 0 differ, 1 of 1 outputs equal' "$tmp/out" || fail "$(cat "$tmp/out")"

# Three regions with the program's functions between and behind: the middle
# ones have the shape that calibration saw, the last one's is what it finds.
plugin=$EXAMPLES/three_regions_plugin.so
"$FXQ_RUN" compile "$plugin" -o "$tmp/net.fxq" --calibrate random \
	>"$tmp/out" 2>&1 || fail "three regions: $(cat "$tmp/out")"
grep -q ': 3 device and ' "$tmp/out" || fail "$(cat "$tmp/out")"
head -c 49152 /dev/zero >"$tmp/zeros.raw"
"$FXQ_RUN" infer "$tmp/net.fxq" --plugin "$plugin" -i random -o "$tmp/1.npy"
"$FXQ_RUN" infer "$tmp/net.fxq" --plugin "$plugin" -i "@$tmp/zeros.raw" \
	-o "$tmp/2.npy"
[ "$(wc -c <"$tmp/1.npy")" != "$(wc -c <"$tmp/2.npy")" ] ||
	fail "two inputs with equally many peaks"
"$FXQ_RUN" verify "$plugin" --calibrate random >"$tmp/out" 2>&1
grep -q ' 0 differ, 1 of 1 outputs equal' "$tmp/out" || fail "$(cat "$tmp/out")"
"$FXQ_RUN" check "$plugin" >"$tmp/out"
grep -q ': 3 operators on the device, ' "$tmp/out" || fail "$(cat "$tmp/out")"
