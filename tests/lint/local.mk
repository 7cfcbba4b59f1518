# What can be said about the source without running it; contrib/check.sh runs them.

EXTRA_DIST += tests/tap.sh
dist_noinst_SCRIPTS += \
	%D%/exports.sh \
	%D%/layers.sh \
	%D%/spawn_symbols.sh \
	tests/vm.sh
