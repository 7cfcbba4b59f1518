# Configuration: one table of options, the parser, the checks.
