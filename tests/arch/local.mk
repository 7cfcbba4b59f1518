# The switch on other machines; contrib/check.sh runs it.

dist_noinst_SCRIPTS += %D%/run.sh
