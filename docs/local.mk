# What is written for those who read the code.

dist_noinst_DATA += %D%/daemon.md %D%/internals.md %D%/task-states.md
