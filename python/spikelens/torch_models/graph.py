"""The network as a graph of operations, each of which stands for all time steps."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np


class Refusal(Exception):
    """A part of a model that cannot be represented; the sentence says which and why."""


def as_array(values: Any) -> np.ndarray:
    """Numbers of a tensor or an array, in double precision."""
    values = values.detach().cpu() if hasattr(values, "detach") else values
    return np.asarray(values, dtype=np.float64)


@dataclass(eq=False)
class Node:
    """An operation on the outputs of others.

    kind        attributes
    input       –
    full        weight [out, in], bias [out] or None
    conv        weight [out, in/groups, k, k], bias, stride, padding, dilation (pairs), groups
    affine      scale, mean, shift: (x − mean) · scale + shift, each [C, H, W] or [C, 1, 1]
    norm        scale, shift: x · scale + shift, each [T, C, 1, 1], of each step
    pool        pool (max, average, sum), size, stride, padding (pairs), ceil: windows beyond the padding count
    spatial     rows [H', H], columns [W', W]: a linear map of each channel's map
    add, and, iand, cat, complement (1 − x), delay (the value one step before), zeros
    neuron      cell: the `Instance` that fires
    state       cell, name: a state of it, not its spikes
    """

    kind: str
    inputs: list[Node]
    shape: tuple[int, int, int]
    where: str
    attributes: dict[str, Any] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["attributes"][name]
        except KeyError:
            raise AttributeError(name) from None

    @property
    def weighted(self) -> bool:
        return self.kind in ("full", "conv")


def _key(value: Any) -> Any:
    """Something that is equal where the contents are."""
    if isinstance(value, np.ndarray):
        return value.shape, value.dtype.str, hashlib.blake2b(np.ascontiguousarray(value).data).digest()
    return value if isinstance(value, (str, int, float, tuple, type(None))) else id(value)


class Graph:
    """Makes nodes; equal operations on equal inputs are one node, so a loop over time gives each node once."""

    def __init__(self, shape: tuple[int, int, int]) -> None:
        self._known: dict[Any, Node] = {}
        self.input = Node("input", [], shape, "the input")

    def add(self, kind: str, inputs: list[Node], shape, where: str, **attributes: Any) -> Node:
        key = (kind, tuple(map(id, inputs)), tuple((name, _key(value)) for name, value in sorted(attributes.items())))
        if key not in self._known:
            self._known[key] = Node(kind, list(inputs), tuple(int(n) for n in shape), where, attributes)
        return self._known[key]


def walk(output: Node) -> list[Node]:
    """All nodes that the output depends on, each after its inputs; what a delay reads is no earlier node."""
    order: list[Node] = []
    state: dict[int, int] = {}
    stack = [(output, False)]
    while stack:
        node, left = stack.pop()
        if left:
            state[id(node)] = 2
            order.append(node)
            continue
        if id(node) in state:
            continue
        state[id(node)] = 1
        stack.append((node, True))
        if node.kind != "delay":
            stack.extend((child, False) for child in reversed(node.inputs) if id(child) not in state)
    return order


def users(order: list[Node]) -> dict[int, list[Node]]:
    """Who reads each node."""
    readers: dict[int, list[Node]] = {id(node): [] for node in order}
    for node in order:
        for child in node.inputs:
            readers.setdefault(id(child), []).append(node)
    return readers
