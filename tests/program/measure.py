#!/usr/bin/env python3
"""Runs a program and writes what it took: its exit status, wall and processor time in seconds, peak memory in KiB.

usage: measure.py RESULT PROGRAM [ARGUMENT…]

A process's peak memory begins with what the process that starts it has: this one is small.
"""

import os
import sys
import time

started = time.monotonic()
process = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(process, 0)
wall = time.monotonic() - started
with open(sys.argv[1], "w") as result:
    print(os.waitstatus_to_exitcode(status), wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, file=result)
