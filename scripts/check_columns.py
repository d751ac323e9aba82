#!/usr/bin/env python3
"""Checks that no line of a text file has more than 120 columns.

usage: check_columns.py [FILE…]      (by default all files that git knows or would add; exit 77: this is no checkout)

What cannot be broken is not looked at: rows of Markdown tables, lines with an address or a checksum, and files that
programs write.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
MOST = 120
WRITTEN_BY_PROGRAMS = (".ipynb", ".pyi")
UNBREAKABLE = re.compile(r"https?://|sha256:")


def files_of_git() -> list[str]:
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True)
    if listed.returncode != 0:
        print(f"SKIPPED: {listed.stderr.strip()}", file=sys.stderr)
        sys.exit(77)
    return [name for name in listed.stdout.split("\0") if name]


def long_lines(path: pathlib.Path):
    try:
        text = path.read_text(encoding="utf-8")
    except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
        return  # not text, or deleted and not yet committed
    for number, line in enumerate(text.split("\n"), 1):
        in_table = path.suffix == ".md" and line.lstrip().startswith("|")
        if len(line) > MOST and not in_table and not UNBREAKABLE.search(line):
            yield f"{path.relative_to(ROOT)}:{number}: {len(line)} columns, expected at most {MOST}"


def main(names: list[str]) -> int:
    paths = [ROOT / name for name in names or files_of_git()]
    found = [line for path in paths if path.suffix not in WRITTEN_BY_PROGRAMS for line in long_lines(path)]
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


sys.exit(main(sys.argv[1:]))
