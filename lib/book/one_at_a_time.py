"""Run a command while no other process holds a lock: ``python one_at_a_time.py LOCK COMMAND ...``.

For the installation, so with the standard library alone. The lock is held by the command's own
processes and goes with the last of them, however they end.
"""

import fcntl
import os
import sys

held = os.open(sys.argv[1], os.O_CREAT | os.O_RDWR)
os.set_inheritable(held, True)
try:
    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    print(f"Another process is at work and holds {sys.argv[1]}: waiting (Ctrl-C stops)", flush=True)
    fcntl.flock(held, fcntl.LOCK_EX)
os.execvp(sys.argv[2], sys.argv[2:])
