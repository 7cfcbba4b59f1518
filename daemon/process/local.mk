# Child processes: start, end, output, cgroups.
