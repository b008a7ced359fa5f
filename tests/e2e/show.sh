#!/bin/sh
# Graphs as people look at them: fxq-run show, and the graph as a library.
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
method=$EXAMPLES/fx_wrap_method_plugin.so
training=$EXAMPLES/fx_wrap_training_plugin.so

fail() {
	echo "show.sh: $1" >&2
	exit 1
}

# show ARGUMENT...: into out, no complaint but what the model itself prints
show() {
	"$FXQ_RUN" show "$@" >"$tmp/out" 2>"$tmp/err" ||
		fail "show $*: $(cat "$tmp/err")"
}

has() {
	grep -q -e "$1" "$tmp/out" || fail "no '$1' in: $(cat "$tmp/out")"
}

show "$method"
has '^call_module  *conv .*fx_wrap_method.c:[0-9]* FxWrapExampleNet$'
has '^call_method  *_post_process .*fx_wrap_method.c:[0-9]* _post_process$'

# In torch's style the program's own listing, addresses aside.
show "$method" --style=torch
"$EXAMPLES/fx_wrap_method" | sed -n '1,/^output/p' >"$tmp/want"
cmp "$tmp/want" "$tmp/out" || fail "$(diff "$tmp/want" "$tmp/out")"
show "$training" --train --style=torch
has '^call_function  softmax .*<function softmax at 0x7f[0-9a-f]\{10\}>'
show "$training" --train --code --style=torch
has 'softmax = torch.nn.functional.softmax(relu, dim = 1, _stacklevel = 3, dtype = None);  relu = None'
show "$training" --train --graph
has '^    %softmax : .#users=1. = call_function.target=torch.nn.functional.softmax.'

# What a flag decided is told with its place.
show "$training" --train --notes
has "^fx_wrap_training.c:[0-9]*: training read as true; with false the graph \
would have argmax instead of softmax; wrap _post_process to keep both$"
show "$method" --notes
[ -s "$tmp/out" ] && fail "a wrapped method reads a flag while it is traced"

# The C code is C.
show "$method" --code
cp "$tmp/out" "$tmp/code.c"
cc -Wall -Werror -fsyntax-only -I "$SOURCE/compiler/include" \
	-I "$SOURCE/uapi" "$tmp/code.c" || fail "the code does not compile"

# Pictures: each node once, each edge, nothing from elsewhere.
show "$method" --dot
has '"conv" -> "bn"'
[ "$(grep -c 'label=' "$tmp/out")" = 7 ] || fail "not seven boxes"
net=$SOURCE/userspace/examples/models/fmnist_res.onnx
show "$net" --dot
edges=$(grep -c ' -> ' "$tmp/out")
show "$net" --html
[ "$(grep -c '<circle' "$tmp/out")" = "$(grep -c '<tr>' "$tmp/out")" ] ||
	fail "nodes and rows differ"
[ "$(grep -c '<path' "$tmp/out")" = "$edges" ] || fail "not $edges edges"
if grep -q 'https\?://\|src=\|<script' "$tmp/out"; then
	fail "the page needs something from elsewhere"
fi

# An ONNX file has modules too, once they are written down.
show "$net" --save "$tmp/net.fxg" --modules
show "$tmp/net.fxg"
has '^call_module  *_0_0_0_conv  *0_0_0_Conv '
show "$tmp/net.fxg" --code
has 'fx_call(fx_module_at(self, "0_0_0_Conv"), x)'
for model in "$net" "$tmp/net.fxg"; do
	"$FXQ_RUN" quantize "$model" --calibrate random --calibrate-count 4 \
		-o "$tmp/${model##*.}.fxg" 2>"$tmp/err" ||
		fail "quantize $model: $(cat "$tmp/err")"
done
cmp "$tmp/onnx.fxg" "$tmp/fxg.fxg" ||
	fail 'saved with its modules, it becomes other integers'

# The examples.
"$EXAMPLES/hardswish_to_relu6" >"$tmp/out"
has 'relu6_1 = torch.nn.functional.relu6(relu6)'
if grep -q hardswish "$tmp/out"; then
	fail "a hardswish is left"
fi
"$EXAMPLES/count_macs" "$net" >"$tmp/out"
has '^ *9345920  in all$'
