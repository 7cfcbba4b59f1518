#!/usr/bin/env python3
"""ctl_terminal.py COLUMNS COMMAND... - run it on a terminal so wide, and print what it wrote there"""
import fcntl
import os
import pty
import struct
import sys
import termios

master, slave = pty.openpty()
fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, int(sys.argv[1]), 0, 0))
child = os.fork()
if child == 0:
    os.dup2(slave, 1)
    os.close(slave)
    os.close(master)
    os.execvp(sys.argv[2], sys.argv[2:])
os.close(slave)
written = b""
try:
    while data := os.read(master, 65536):
        written += data
except OSError:  # the last writer has closed it
    pass
sys.stdout.buffer.write(written.replace(b"\r\n", b"\n"))
sys.stdout.flush()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
