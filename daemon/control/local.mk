# The control server: HTTP over a Unix socket.
