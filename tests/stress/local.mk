# Long, heavy, and each element accounted for; run.sh builds and runs them.

stress_programs = \
	%D%/gap \
	%D%/resize \
	%D%/throttled

%C%_gap_SOURCES = %D%/gap.c
%C%_gap_LDADD = libcorun.la
%C%_resize_SOURCES = %D%/resize.c
%C%_resize_LDADD = libcorun.la
%C%_throttled_SOURCES = %D%/throttled.c
%C%_throttled_LDADD = libcorun.la

EXTRA_PROGRAMS += $(stress_programs)
CLEANFILES += $(stress_programs)
dist_noinst_SCRIPTS += %D%/run.sh
