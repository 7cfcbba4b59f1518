# Scripts for people and for continuous integration.

EXTRA_DIST += \
	%D%/setup.sh
dist_noinst_SCRIPTS += \
	%D%/check.sh \
	%D%/quickstart.sh
