# Random input for the parsers; run.sh builds and runs them with clang's libFuzzer.

EXTRA_DIST += \
	%D%/fuzz.h \
	%D%/fuzz_cgroup.c \
	%D%/fuzz_quota.c \
	%D%/without-configure/config.h
dist_noinst_SCRIPTS += %D%/run.sh
