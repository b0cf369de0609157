# Short names for what CMake does. Builds stand in build/<preset>; see CMakePresets.json.
PREFIX ?= /usr/local
export PREFIX

.PHONY: help demo test test-live lint asan tsan bench install clean build-deps dev-deps live-deps release

help:
	@echo 'make demo       count the words of a text, kill the worker in the middle, compare'
	@echo 'make test       debug build, all tests'
	@echo 'make test-live  tests beside MinIO, versitygw and HDFS, which it gets and starts'
	@echo 'make lint       formatter, clang-tidy, layers, house rules, static analyzer'
	@echo 'make asan       all tests under the address, leak and undefined behaviour sanitizers'
	@echo 'make tsan       tests under the thread sanitizer'
	@echo 'make bench      build the benchmarks into build/bench'
	@echo 'make install    release build into PREFIX ($(PREFIX))'
	@echo 'make clean      remove build/'
	@echo 'Each installs the Debian packages that it needs and that are missing.'

build-deps:
	@scripts/install-deps.sh build

dev-deps:
	@scripts/install-deps.sh dev

live-deps: dev-deps
	@scripts/install-deps.sh live
	@tests/live/get_servers.sh

release: build-deps
	cmake --preset release
	cmake --build --preset release

demo: release
	CAIRN_BIN=$(CURDIR)/build/release/bin/cairn scripts/demo.sh

test: dev-deps
	cmake --preset debug
	cmake --build --preset debug
	ctest --preset debug

# CAIRN_LIVE_FULL=1 for the counts that a release reports. A test is run once more before it has failed,
# since eight servers must come up in time; ctest prints both runs.
test-live: live-deps
	cmake --preset debug
	cmake --build --preset debug
	ctest --preset live --repeat until-pass:2

# GCC 12's sanitizers do not start where the kernel randomises more address bits than they know.
NO_ASLR = $(shell setarch -R true 2>/dev/null && echo setarch -R)

asan tsan: dev-deps
	cmake --preset $@
	cmake --build --preset $@
	$(NO_ASLR) ctest --preset $@

lint: dev-deps
	scripts/lint.sh

bench: build-deps
	cmake --preset bench
	cmake --build --preset bench

install: release
	cmake --install build/release --prefix "$(PREFIX)"

clean:
	rm -rf build
