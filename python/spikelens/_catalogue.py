"""What there is to choose from, as the C++ registries tell it."""

from __future__ import annotations

import html
import json
from functools import cache
from textwrap import fill
from typing import Any

from spikelens import _core
from spikelens._arrays import shown


class Contract(dict):
    """What a method or a metric promises: its fields by name, also as attributes."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self]

    def __repr__(self) -> str:
        facts = [f"{name}: {self[name]}" for name in ("meaning", "better", "range", "cost", "source") if name in self]
        for option in self.get("option_list", []):
            standard = f"={option['default']}" if option["default"] is not None else ""
            facts.append(f"option {option['option']}{standard} ({option['expected']}): {option['meaning']}")
        head = f"{self.get('method') or self.get('metric')}: {self['title']}"
        return "\n".join([head, *(fill(f, 100, initial_indent="  ", subsequent_indent="    ") for f in facts)])


class Contracts(dict[str, Contract]):
    """Contracts by name. Printed, it is a list of names and titles."""

    def __repr__(self) -> str:
        width = max(map(len, self), default=0)
        return "\n".join(f"{name:{width}}  {contract['title']}" for name, contract in self.items())

    def _repr_html_(self) -> str:
        cells = (
            f"<tr><td><code>{html.escape(n)}</code></td><td>{html.escape(c['title'])}</td></tr>"
            for n, c in self.items()
        )
        return f"<table>{''.join(cells)}</table>"


@cache
def _catalogue() -> dict[str, Any]:
    return json.loads(_core.catalogue())


def methods() -> Contracts:
    """Every explanation method by name: title, meaning of values, options, cost, source.

    >>> print(spikelens.methods()["grad2d"].title)
    Surrogate gradient, summed over time
    """
    return Contracts({entry["method"]: Contract(entry) for entry in _catalogue()["methods"]})


def metrics() -> Contracts:
    """Every metric of explanations by name: title, direction, range, cost, source.

    >>> spikelens.metrics()["insertion"].better
    'higher'
    """
    return Contracts({entry["metric"]: Contract(entry) for entry in _catalogue()["metrics"]})


def method_text(method: str, options: dict[str, Any]) -> str:
    """ "ig2d:steps=64": a method with options as the library reads it."""
    return ":".join([str(method), *(f"{name}={_option(value)}" for name, value in options.items())])


def _option(value: Any) -> str:
    text = format(value, ".17g") if isinstance(value, float) else str(value)
    return shown(value) if "\n" in text else text
