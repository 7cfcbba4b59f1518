#!/usr/bin/env python3
"""ctl_server.py SOCKET DIR - a server that answers what a test has put there, right or wrong

Each request is a line of DIR/requests: method, path, body. Its answer, bytes as they are, is the file
DIR/reply_v1_tasks for the path /v1/tasks, or DIR/reply for all others. What comes after it is in
DIR/then: "close"; "hold": nothing, until the client goes; "flood": more of it, until the client goes.
"""
import os
import socket
import sys
import threading

SOCKET, DIR = sys.argv[1:]


def read(name, default=b""):
    try:
        with open(os.path.join(DIR, name), "rb") as file:
            return file.read()
    except FileNotFoundError:
        return default


def note(line):
    with open(os.path.join(DIR, "requests"), "a", encoding="latin-1") as file:
        file.write(line + "\n")


def receive(connection):
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return None
        data += more
    head, body = data.split(b"\r\n\r\n", 1)
    lines = head.decode("latin-1").split("\r\n")
    fields = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
    while len(body) < int(fields.get("content-length", 0)):
        body += connection.recv(65536)
    method, path, _ = lines[0].split(" ")
    note(f"{method} {path} {body.decode('latin-1')}".rstrip())
    return path


def serve(connection):
    with connection:
        path = receive(connection)
        if path is None:
            return
        name = "reply" + path.split("?")[0].replace("/", "_")
        try:
            connection.sendall(read(name, None) or read("reply"))
            then = read("then", b"close").decode().strip()
            while then == "flood":
                connection.sendall(b"x" * 65536)
            if then == "hold":
                connection.recv(1)
        except (BrokenPipeError, ConnectionResetError):
            pass
        note("gone")


listener = socket.socket(socket.AF_UNIX)
listener.bind(SOCKET + ".new")
listener.listen(16)
os.rename(SOCKET + ".new", SOCKET)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
