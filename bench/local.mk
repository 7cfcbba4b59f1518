# `make bench` builds and runs the benchmarks; `make all` and `make check` leave them alone. A
# contestant that cannot be built here (no Go) is said and left out.
#
#   make bench BENCH_FLAGS=--quick          other options: bench/README.md
#   make bench BENCH_RESULTS=some/folder    default: bench/results in the build folder

EXTRA_PROGRAMS += %D%/corun_bench

%C%_corun_bench_SOURCES = \
	%D%/bench.h \
	%D%/corun_bench.c \
	%D%/row_chan.c \
	%D%/row_memory.c \
	%D%/row_mutex.c \
	%D%/row_resize.c \
	%D%/row_switch.c \
	%D%/row_time.c
%C%_corun_bench_LDADD = libcorun.la

gobench_files = \
	%D%/peers/go/chan.go \
	%D%/peers/go/go.mod \
	%D%/peers/go/main.go \
	%D%/peers/go/memory.go \
	%D%/peers/go/mutex.go \
	%D%/peers/go/resize.go \
	%D%/peers/go/switch.go \
	%D%/peers/go/time.go

dist_noinst_SCRIPTS += %D%/idle.sh
EXTRA_DIST += \
	$(gobench_files) \
	%D%/README.md \
	%D%/results/results.json \
	%D%/results/results.md \
	%D%/run.py

CLEANFILES += \
	%D%/corun_bench$(EXEEXT) \
	%D%/gobench

GO = go
PYTHON3 = python3
BENCH_FLAGS =
BENCH_RESULTS = %D%/results

# Needs no network and writes nothing into the source folder.
%D%/gobench: $(gobench_files)
	@$(MKDIR_P) %D%
	$(AM_V_GEN)out=`pwd`/$@ && cd $(srcdir)/%D%/peers/go && \
		CGO_ENABLED=0 GOPROXY=off GOTOOLCHAIN=local GOWORK=off \
		$(GO) build -buildvcs=false -trimpath -o "$$out" .

# An old gobench must not stand for one that no longer builds.
bench: %D%/corun_bench$(EXEEXT)
	@if $(GO) version >/dev/null 2>&1; then \
		$(MAKE) $(AM_MAKEFLAGS) %D%/gobench || { rm -f %D%/gobench; \
			echo "bench: the Go peer could not be built" >&2; }; \
	else \
		rm -f %D%/gobench; \
	fi
	$(PYTHON3) $(srcdir)/%D%/run.py --corun %D%/corun_bench$(EXEEXT) --go %D%/gobench \
		--go-command "$(GO)" --compiler "$(CC) $(CFLAGS)" --results $(BENCH_RESULTS) \
		$(BENCH_FLAGS)

# What an idle daemon costs.
bench-idle: all
	$(srcdir)/%D%/idle.sh .

.PHONY: bench bench-idle
