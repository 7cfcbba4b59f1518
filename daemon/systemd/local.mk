# What systemd is told, and what it tells.
