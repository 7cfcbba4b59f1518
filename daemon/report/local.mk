# What is said of the CPU, for the daemon and corunctl alike.
