#!/usr/bin/env python3
"""Checks that libraries and programs use no symbol of LibTorch, and that the training library does.

usage: check_libtorch_free.py NM TRAINING_LIBRARY FILE…
"""

import re
import subprocess
import sys

LIBTORCH = re.compile(r"\b(at|c10|torch)::")


def symbols(nm: str, path: str) -> list[str]:
    options = [] if path.endswith(".a") else ["-D"]
    lines = subprocess.run([nm, "-C", *options, path], check=True, capture_output=True, text=True).stdout.splitlines()
    return [line[19:] for line in lines if LIBTORCH.search(line)]


def main(nm: str, training: str, files: list[str]) -> int:
    found = [f"{path} uses {symbol}" for path in files for symbol in symbols(nm, path)]
    if not symbols(nm, training):
        found.append(f"{training} uses no symbol of LibTorch: are its symbols found at all?")
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
