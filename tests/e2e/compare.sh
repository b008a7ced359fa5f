#!/bin/sh
# What int8 costs, by layer: compare says what verify says, and more.
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
net=$SOURCE/userspace/examples/models/fmnist_res.onnx

fail() {
	echo "compare.sh: $1" >&2
	exit 1
}

# compare ARGUMENT...: the table, without its head
compare() {
	"$FXQ_RUN" compare "$net" -c random "$@" >"$tmp/out" 2>"$tmp/err" ||
		fail "compare $*: $(cat "$tmp/err")"
	sed '1d; /^qconfig\|^not fused\|^on the CPU\|^shared\|^output\|^most\|samples$/d' \
		"$tmp/out" >"$tmp/rows"
}

# column NAME ROW: a number by its place under the head
column() {
	awk -v head="$1" -v row="$2" '
	NR == 1 { end = index($0, head) + length(head) - 1 }
	$1 == row {
		n = split(substr($0, 1, end), words, " ")
		print words[n]
	}' "$tmp/out"
}

# The same ratios as those of verify, which sums on its own.
"$FXQ_RUN" verify "$net" -c random >"$tmp/verify" 2>/dev/null
compare --samples 1
for layer in relu conv2d_4 global_avg_pool; do
	want=$(awk -v l=$layer '$1 == l { print $4 }' "$tmp/verify")
	is=$(column 'SQNR dB' $layer)
	[ "$is" = "$want" ] || fail "$layer has $is dB, and in verify $want"
done
grep -qw NO "$tmp/rows" && fail "the device differs"
[ "$(grep -c ' yes$' "$tmp/rows")" = 13 ] || fail "not 13 layers on the device"

# Before the first layer nothing but the input was rounded, and deep layers have
# less noise of their own than they have in all.
first=$(column 'SQNR dB' relu) own=$(column 'own dB' relu)
[ "$first" = "$own" ] || fail "relu: $first dB in all, $own by itself"
deep=$(column 'SQNR dB' flatten) own=$(column 'own dB' flatten)
awk "BEGIN { exit !($own > $deep + 3) }" ||
	fail "flatten: $deep dB in all, $own by itself"

# The float network that rounds in the same places is the same, but for ties.
for layer in relu relu_3 flatten; do
	off=$(column 'fake LSB' $layer)
	awk "BEGIN { exit !($off <= 2) }" || fail "$layer: fake is $off LSB off"
done

# The extremes that were seen clip nothing; a narrow percentile does.
clipped=$(column 'clipped %' relu_3)
[ "$clipped" = 0.000 ] || fail "min-max clips $clipped %"
compare --samples 2 --observer percentile=90
clipped=$(column 'clipped %' relu_3)
awk "BEGIN { exit !($clipped > 1 && $clipped < 40) }" ||
	fail "a percentile of 90 clips $clipped %"

# Most sensitive first.
compare --samples 1 --sensitivity --html "$tmp/page.html"
first=$(head -n 1 "$tmp/rows" | cut -d' ' -f1)
grep -q "^most sensitive: $first," "$tmp/out" || fail "$first stands first"
[ "$(grep -c '<g>' "$tmp/page.html")" = 13 ] || fail "not 13 bars"
if grep -q 'https\?://\|src=\|<script' "$tmp/page.html"; then
	fail "the page needs something from elsewhere"
fi

"$FXQ_RUN" compare "$net" -c random --samples 1 --json >"$tmp/json" 2>/dev/null
grep -q '"bits_left": [0-9]' "$tmp/json" || fail "$(head "$tmp/json")"

# What the graphs say stands in all three.
"$FXQ_RUN" compare "$net" -c random --samples 1 --observer mse --json \
	--html "$tmp/page.html" >"$tmp/json" 2>/dev/null
compare --samples 1 --observer mse
reason='linear_1: the border between float and int8'
said='activations int8 with a scale each, by observer mse'
for file in out json page.html; do
	grep -q "$said; weights int8 with a scale for each output channel" \
		"$tmp/$file" || fail "$file does not tell the qconfig"
	grep -q "$reason" "$tmp/$file" || fail "$file does not tell '$reason'"
done

# Where scales come from, if nothing observed them here.
"$FXQ_RUN" compile "$net" -c random --save-scales "$tmp/scales.json" \
	-o "$tmp/net.fxq" >/dev/null 2>&1
"$FXQ_RUN" compare "$net" --scales "$tmp/scales.json" --samples 1 \
	>"$tmp/out" 2>/dev/null
grep -q "^qconfig: activations int8 with the scales of $tmp/scales.json$" \
	"$tmp/out" || fail "$(cat "$tmp/out")"
"$FXQ_RUN" compare "$SOURCE/tests/golden/ort/fmnist_res.int8.onnx" \
	--samples 1 >"$tmp/out" 2>/dev/null
grep -q '^qconfig: activations int8 with the scales that the model brings$' \
	"$tmp/out" || fail "$(cat "$tmp/out")"

# An output that is no float is counted.
"$FXQ_RUN" compare "$EXAMPLES/fx_wrap_method_plugin.so" -c random --samples 2 \
	>"$tmp/out" 2>/dev/null
grep -q '^output _post_process: [0-9]* of 8192 elements the same$' "$tmp/out" ||
	fail "$(cat "$tmp/out")"

# One whose length depends on its values is not.
"$FXQ_RUN" compare "$EXAMPLES/three_regions_plugin.so" -c random --samples 1 \
	--html "$tmp/page.html" >"$tmp/out" 2>/dev/null
for file in out page.html; do
	grep -q 'output find_peaks: not compared: it has no floats, or another shape than float gives it' \
		"$tmp/$file" || fail "$file: $(grep output "$tmp/$file")"
done
grep -q '^shared: module relu is called 2 times' "$tmp/out" ||
	fail "$(cat "$tmp/out")"
