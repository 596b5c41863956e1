# Pagewalk's targets. `make` alone lists them.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# The Swift toolchain's own folder: its clang, ld.lld and swiftc know the guest's target. The compiler is asked where it
# lives, because `swift` on the PATH may be a link or a version manager's shim. Asked when first needed, and once.
toolchain = $(eval toolchain := $(shell swiftc -print-target-info \
  | sed -n 's|.*"runtimeResourcePath": "\(.*\)/lib/swift".*|\1/bin|p'))$(toolchain)

# What the images' own makefiles build with and add to.
GUEST_CLANG = $(toolchain)/clang
GUEST_SWIFTC = $(toolchain)/swiftc
GUEST_LD = $(toolchain)/ld.lld
GUEST_TRIPLE := i686-unknown-none-elf
IMAGE_DIR := .build/images
IMAGES :=

# Tests see the modules' inner parts, which takes other compiler flags than the product's: two folders, so that
# neither build throws the other's away.
TEST_BUILD := .build/test
TEST_FLAGS := -c release -Xswiftc -enable-testing --scratch-path $(TEST_BUILD)

FORMATTED := $(wildcard Sources Tests Benchmarks firmware images Package.swift)

.PHONY: help build run test test-build test-web goldens capture-vectors images bench bench-vmalloc lint check-all linux test-linux clean prerequisites

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s  %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

# $(call quietly,WHAT,COMMAND): a line that says what is done, and the command's output only if it fails.
define quietly
@mkdir -p .build; log=$$(mktemp .build/log.XXXXXX); echo '$(1)'; \
  if $(2) > "$$log" 2>&1; then rm -f "$$log"; else cat "$$log" >&2; rm -f "$$log"; exit 1; fi
endef

build: prerequisites ## build .build/release/pagewalk
	$(call quietly,Building pagewalk below .build: the first time some minutes and about 400 MB of disk,swift build -c release --product pagewalk)

run: build images ## boot the mini-kernel in a machine with 6 GiB
	@echo 'Booting $(IMAGE_DIR)/minikernel.elf'
	@.build/release/pagewalk run --memory 6G $(IMAGE_DIR)/minikernel.elf

# Images and tests are built side by side: the emulator is one module, whose compilation leaves the other cores idle.
test: prerequisites ## run all tests (FILTER=NAME: those whose name matches)
	+@$(MAKE) --no-print-directory $(if $(findstring jobserver,$(MAKEFLAGS)),,-j2) images test-build
	@echo 'Running the tests: some minutes on two cores'
	@swift test $(TEST_FLAGS) --disable-xctest --skip-build $(if $(FILTER),--filter '$(FILTER)') 2>&1 | awk -f Tests/progress.awk

# What it needs is installed by Debian, and for Python from PyPI below .build; the screenshots are for people to look at.
WEB_TESTS := .build/web
WEB_PAGEWALK ?= .build/release/pagewalk
test-web: $(if $(filter .build/release/%,$(WEB_PAGEWALK)),build) images ## test the page in a real browser: Debian's chromium, driven by selenium
	$(call quietly,Installing chromium and selenium where they are missing,Tests/Web/prepare.sh $(WEB_TESTS))
	$(WEB_TESTS)/python/bin/python Tests/Web/test_page.py $(WEB_PAGEWALK) $(IMAGE_DIR) $(WEB_TESTS)/screenshots
	@echo 'Screenshots: $(WEB_TESTS)/screenshots'

test-build:
	$(call quietly,Building the tests below $(TEST_BUILD): the first time some minutes and about 700 MB of disk,swift build $(TEST_FLAGS) --build-tests)

goldens: build images ## record the golden traces of Tests/Golden anew
	Tests/Golden/record.sh .build/release/pagewalk

capture-vectors: prerequisites test-build ## ask this host's processor what each instruction does (docs/vectors.md)
	@mkdir -p Tests/Vectors
	PAGEWALK_CAPTURE_VECTORS=$(CURDIR)/Tests/Vectors/ia32.vectors swift test $(TEST_FLAGS) --disable-xctest --skip-build --filter 'VectorTests/capture'

images: ## build the guest images into .build/images

bench: build images ## measure speed (PEERS=1: beside QEMU and Bochs)
	swift build -c release --product pagewalk-bench
	.build/release/pagewalk-bench $(if $(PEERS),--peers)

bench-vmalloc: build $(IMAGE_DIR)/vmalloc-bench.elf ## measure vmalloc: list or tree, eager or lazy flush, small or large pages
	.build/release/pagewalk run --memory 1G $(IMAGE_DIR)/vmalloc-bench.elf

linux: ## fetch Debian's i386 kernel and busybox with apt into .build/linux
	@images/linux/fetch.sh .build/linux

# Not among the tests of make test: those need no network.
test-linux: build linux ## boot Debian's kernel to a shell and try commands there (PACKED=1: its bzImage too)
	@images/linux/test.sh .build/release/pagewalk .build/linux vmlinux
	@images/linux/screen-test.sh .build/release/pagewalk .build/linux
	@images/linux/disk-test.sh .build/release/pagewalk .build/linux
	@images/linux/snapshot-test.sh .build/release/pagewalk .build/linux
	@$(if $(PACKED),images/linux/test.sh .build/release/pagewalk .build/linux vmlinuz)

lint: ## check the formatting of all Swift
	swift format lint --strict --recursive $(FORMATTED)

check-all: lint ## lint, then all tests with their slow sweeps (vectors, fuzz)
	PAGEWALK_SLOW=1 $(MAKE) test

clean: ## remove everything that was built
	rm -rf .build

include $(wildcard images/*.mk)
images: $(IMAGES)

# libelf reads guest images, libdw their line tables, libedit edits the debugger's lines, libzstd compresses traces, libmpfr computes sines and logarithms, pkg-config finds them, the decoder's tests ask objdump, and the gdb server's tests run gdb. Quick and silent when all is there.
packages := libelf-dev libdw-dev libedit-dev libzstd-dev libmpfr-dev pkg-config binutils gdb
prerequisites:
	@command -v swift > /dev/null || { echo 'Swift 6.3 is needed on the PATH: https://www.swift.org/install' >&2; exit 1; }
	@if pkg-config --exists libelf libdw libedit libzstd mpfr 2> /dev/null && command -v objdump > /dev/null && command -v gdb > /dev/null; then exit 0; fi; \
	if ! command -v apt-get > /dev/null; then root=none; \
	elif [ "$$(id -u)" = 0 ]; then root=; \
	elif sudo -n true 2> /dev/null; then root=sudo; \
	else root=none; fi; \
	if [ "$$root" = none ]; then \
	  echo 'Please install: $(packages) (Debian: apt-get install $(packages))' >&2; exit 1; \
	fi; \
	echo 'Installing $(packages)'; \
	log=$$(mktemp); \
	$$root apt-get update -qq > "$$log" 2>&1 || true; \
	$$root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(packages) >> "$$log" 2>&1 \
	  || { cat "$$log" >&2; exit 1; }; \
	rm -f "$$log"
