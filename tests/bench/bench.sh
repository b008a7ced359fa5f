#!/bin/sh
# SPDX-License-Identifier: MIT
#
# bench.sh BUILD [NAME...]   fxq against ONNX Runtime; BUILD/bench.json
#
# Networks are NAME.fp32.onnx and NAME.int8.onnx of FXQ_MODELS. ONNX Runtime is
# npm's onnxruntime-node, of which nothing is run but its shared object; the
# header, which that lacks, is Debian trixie's. Both are kept in BUILD/bench.
# BENCH_SECONDS (0.7) is how long each of three runs each network, on one thread
# and again on two.
set -eu
build=${1:?usage: bench.sh BUILD [NAME...]}
shift
models=${FXQ_MODELS:-}
kept=$build/bench
compile=$build/userspace/tools/fxq-run
skip() {
	echo "SKIP: $*"
	exit 0
}
[ -n "$models" ] || skip "FXQ_MODELS names no folder of networks"
ls "$models"/*.fp32.onnx >/dev/null 2>&1 ||
	skip "$models has no NAME.fp32.onnx"
command -v npm >/dev/null || skip "npm is not installed"
mkdir -p "$kept"
kept=$(cd "$kept" && pwd)

library=$kept/libonnxruntime.so.1
if [ ! -r "$library" ]; then
	rm -rf "$kept/package"
	(cd "$kept" && npm pack --silent onnxruntime-node@1.30.0 >name &&
		tar -xzf "$(tail -n 1 name)" \
			package/bin/napi-v6/linux/x64/libonnxruntime.so.1) ||
		skip "npm does not give onnxruntime-node"
	mv "$kept/package/bin/napi-v6/linux/x64/libonnxruntime.so.1" "$library"
	rm -rf "$kept/package" "$kept"/*.tgz "$kept/name"
fi

# A list of packages of its own: the computer's may be of another release.
if [ ! -r "$kept/include/onnxruntime_c_api.h" ]; then
	mirror=$(apt-get indextargets --format '$(SITE)' \
		'Created-By: Packages' | grep -m 1 '/debian/*$') ||
		skip "apt names no mirror of Debian"
	apt=$kept/apt
	mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
	key=/usr/share/keyrings/debian-archive-keyring.gpg
	echo "deb [signed-by=$key] $mirror trixie main" >"$apt/sources.list"
	(cd "$apt" && for step in update "download libonnxruntime-dev"; do
		apt-get -q -o Dir::Etc::sourcelist="$apt/sources.list" \
			-o Dir::Etc::sourceparts=/dev/null \
			-o Dir::State::lists="$apt/lists" \
			-o Dir::Cache="$apt/cache" -o APT::Sandbox::User=root \
			$step || exit 1
	done) >"$apt/log" 2>&1 || skip "no libonnxruntime-dev, see $apt/log"
	dpkg-deb -x "$apt"/libonnxruntime-dev_*.deb "$apt/x"
	rm -rf "$kept/include"
	cp -r "$apt/x/usr/include/onnxruntime" "$kept/include"
	rm -rf "$apt"
fi
meson configure "$build" -Dtests=true -Donnxruntime="$kept/include" >/dev/null
ninja -C "$build" --quiet >/dev/null

# Speed does not depend on the numbers that a network was calibrated on.
[ $# -gt 0 ] || set -- $(cd "$models" && ls *.fp32.onnx | sed 's/\.fp32\.onnx$//')
for name in "$@"; do
	ln -sf "$(realpath "$models")/$name.fp32.onnx" \
		"$(realpath "$models")/$name.int8.onnx" "$kept/"
	"$compile" compile "$models/$name.fp32.onnx" --calibrate random \
		--calibrate-count 4 -o "$kept/$name.fxq" \
		>"$kept/$name.log" 2>&1 || echo "$name: $(tail -n 1 "$kept/$name.log")"
done
"$build/tests/bench/race" --ort "$library" --output "$build/bench.json" \
	--seconds "${BENCH_SECONDS:-0.7}" "$kept" "$@"
