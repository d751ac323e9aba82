#!/usr/bin/env python3
"""Writes python/spikelens/_core.pyi, the types of the extension that is installed: write_python_stub.py

A test compares the file with what this would write.
"""

import pathlib

from nanobind.stubgen import StubGen
from spikelens import _core

STUB = pathlib.Path(__file__).parents[1] / "python" / "spikelens" / "_core.pyi"
# The errors say that they live in spikelens, where users see them, and are made here.
IMPORTED = "from spikelens import InputError as InputError, RunError as RunError\n"
MADE = "class InputError(ValueError): ...\n\nclass RunError(RuntimeError): ...\n"


def stub() -> str:
    generator = StubGen(_core)
    generator.put(_core)
    text = generator.get()
    assert text.count(IMPORTED) == 1
    return text.replace(IMPORTED, MADE)


if __name__ == "__main__":
    STUB.write_text(stub())
