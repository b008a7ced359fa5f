#!/bin/sh
# SPDX-License-Identifier: MIT
#
# fetch_ort.sh FOLDER   ONNX Runtime for the race: library and header
#
# libonnxruntime.so.1 is that of npm's onnxruntime-node, of which nothing is
# run, and include/, which that lacks, Debian trixie's. What is in FOLDER
# already is not asked for again. ONNXRUNTIME names a library to take instead.
# Where one of the two is not to be had it says so, and ends with 77.
set -eu
to=${1:?usage: fetch_ort.sh FOLDER}
mkdir -p "$to"
to=$(cd "$to" && pwd)
skip() {
	echo "SKIP: no ONNX Runtime: $*"
	exit 77
}

fetch_library() {
	command -v npm >/dev/null || skip "npm is not installed, and" \
		"neither $to/libonnxruntime.so.1 nor ONNXRUNTIME is there"
	tmp=$(mktemp -d)
	trap 'rm -rf "$tmp"' EXIT
	(cd "$tmp" && npm pack --silent onnxruntime-node@1.30.0 >name &&
		tar -xzf "$(tail -n 1 name)" \
			package/bin/napi-v6/linux/x64/libonnxruntime.so.1) ||
		skip "npm does not give onnxruntime-node"
	mv "$tmp/package/bin/napi-v6/linux/x64/libonnxruntime.so.1" "$to/"
}

# A list of packages of its own: the computer's may be of another release.
fetch_header() {
	mirror=$(apt-get indextargets --format '$(SITE)' \
		'Created-By: Packages' | grep -m 1 '/debian/*$') ||
		skip "apt names no mirror of Debian to take its header from"
	apt=$to/apt
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
	cp -r "$apt/x/usr/include/onnxruntime" "$to/include"
	rm -rf "$apt"
}

if [ -n "${ONNXRUNTIME:-}" ]; then
	[ -r "$ONNXRUNTIME" ] || skip "ONNXRUNTIME=$ONNXRUNTIME is not there"
	ln -sf "$(realpath "$ONNXRUNTIME")" "$to/libonnxruntime.so.1"
fi
[ -r "$to/libonnxruntime.so.1" ] || fetch_library
header=onnxruntime_c_api.h
[ -r "$to/include/$header" ] || [ -r "/usr/include/onnxruntime/$header" ] ||
	fetch_header
