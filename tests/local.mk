# A unit test needs one line in unit_tests and one _SOURCES line. Flags come from AM_*; a
# per-target flag needs a comment that says why.
