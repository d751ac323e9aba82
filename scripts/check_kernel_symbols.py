#!/usr/bin/env python3
"""Checks that object files compiled for one instruction set define no function that the linker may share with others.

An inline function compiled with -mavx512f here and plainly elsewhere is one symbol to the linker, which may keep this
copy: then the program dies on machines without AVX-512, far from any kernel. usage: check_kernel_symbols.py NM OBJECT…
"""

import subprocess
import sys

WEAK_FUNCTION = "W"  # nm's letter; weak data holds no instructions


def shared_functions(nm: str, path: str) -> list[str]:
    lines = subprocess.run(
        [nm, "-C", "--defined-only", path], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    return [fields[2] for fields in (line.split(maxsplit=2) for line in lines) if fields[1] == WEAK_FUNCTION]


def main(nm: str, objects: list[str]) -> int:
    found = [f"{path} defines {symbol}" for path in objects for symbol in shared_functions(nm, path)]
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found or not objects else 0


sys.exit(main(sys.argv[1], sys.argv[2:]))
