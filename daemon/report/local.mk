# What is said of the CPU, for the daemon and corunctl alike.

report_sources = \
	%D%/nearest.c \
	%D%/nearest.h
