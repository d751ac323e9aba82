#!/usr/bin/env python3
"""Writes docs/python_reference.md from the docstrings of the package that is installed: write_python_reference.py

A test compares the file with what this would write.
"""

import inspect
import pathlib
import textwrap

import spikelens

ROOT = pathlib.Path(__file__).parents[1]
REFERENCE = ROOT / "docs" / "python_reference.md"
HEAD = """# Python: reference

`scripts/write_python_reference.py` writes this page from the docstrings; [python.md](python.md) lists the pages that go
task by task. `spikelens.methods()` and `spikelens.metrics()` list the methods and the metrics with their options, costs
and sources.
"""


def signature(thing: object) -> str:
    try:
        parameters = inspect.signature(thing).parameters.values()
    except ValueError:
        return "()"
    words = [str(p.replace(annotation=p.empty)) for p in parameters if p.name not in ("self", "cls")]
    keywords = [
        i for i, p in enumerate(p for p in parameters if p.name not in ("self", "cls")) if p.kind == p.KEYWORD_ONLY
    ]
    if keywords:
        words.insert(keywords[0], "*")
    return f"({', '.join(words)})"


def block(name: str, thing: object, level: int) -> list[str]:
    """A heading, the call, the docstring, and where the source is."""
    shown = name + (signature(thing) if callable(thing) and not _is_error(thing) else "")
    call = textwrap.fill(shown, 100, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)
    text = inspect.cleandoc(getattr(thing, "__doc__", None) or "")
    lines = [f"{'#' * level} {name}", "", "```", call, "", text, "```", ""]
    module = getattr(thing, "__module__", "")
    if level == 2 and module.startswith("spikelens."):
        path = f"python/{module.replace('.', '/')}.py"
        lines += [f"Source: [{path}](../{path})", ""]
    return lines


def _is_error(thing: object) -> bool:
    return isinstance(thing, type) and issubclass(thing, Exception)


def members(thing: type) -> list[tuple[str, object]]:
    """Public methods and properties that are documented."""
    return [
        (name, value)
        for name, value in vars(thing).items()
        if not name.startswith("_")
        and getattr(value, "__doc__", None)
        and (callable(value) or isinstance(value, property))
    ]


def reference() -> str:
    lines = [HEAD]
    for name in sorted(set(spikelens.__all__) - {"attr"}, key=lambda name: (name.lower(), name)):
        thing = getattr(spikelens, name)
        lines += block(name, thing, 2)
        for member, value in members(thing) if isinstance(thing, type) and not _is_error(thing) else ():
            lines += block(f"{name}.{member}", value, 3)
    lines += block("attr.Method", spikelens.attr.Method, 2) + block(
        "attr.Method.attribute", spikelens.attr.Method.attribute, 3
    )
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    REFERENCE.write_text(reference())
