# Modules: shared objects that run as coroutines.
