"""Normalisations that differ between the steps of time: what a run does at each step as one node for all of them."""

from __future__ import annotations

import numpy as np

from .graph import Graph, Node, Refusal


def merged(graph: Graph, nodes: list[Node]) -> Node | None:
    """The node that stands for these, one for each step, which differ in their scales and shifts alone; None where they
    differ in more."""
    first = nodes[0]
    if all(node is first for node in nodes):
        return first
    if first.kind in ("input", "neuron", "state", "delay") or any(not alike(node, first) for node in nodes):
        return None
    inputs = [merged(graph, list(children)) for children in zip(*[node.inputs for node in nodes])]
    if None in inputs:
        return None
    if first.kind != "affine":
        return graph.add(first.kind, inputs, first.shape, first.where, **first.attributes)
    extent = np.broadcast_shapes(*[part.shape for node in nodes for part in (node.scale, node.mean, node.shift)])
    stacked = lambda parts: np.stack([np.broadcast_to(part, extent) for part in parts])
    return norm(
        graph,
        inputs[0],
        first.where,
        stacked([node.scale for node in nodes]),
        stacked([node.shift - node.mean * node.scale for node in nodes]),
    )


def alike(node: Node, first: Node) -> bool:
    """Whether two operations are one, but for their inputs and for what they scale and shift by."""
    if (node.kind, node.shape, len(node.inputs)) != (first.kind, first.shape, len(first.inputs)):
        return False
    return node.kind == "affine" or all(
        np.array_equal(value, first.attributes[name]) for name, value in node.attributes.items()
    )


def norm(graph: Graph, below: Node, where: str, scale, shift) -> Node:
    """x · scale + shift with [T, C, 1, 1] of each; other numbers are refused."""
    if scale.shape[2:] != (1, 1) or shift.shape[2:] != (1, 1):
        raise Refusal(f"{where}: scales every place by itself at each step; expected one number for each channel")
    extent = (len(scale), below.shape[0], 1, 1)
    return graph.add(
        "norm",
        [below],
        below.shape,
        where,
        scale=np.broadcast_to(scale, extent).copy(),
        shift=np.broadcast_to(shift, extent).copy(),
    )


def take_before(node: Node, scale, shift) -> None:
    """Into a norm that reads x · scale + shift, [C, 1, 1]."""
    node.attributes["shift"] = node.shift + node.scale * shift
    node.attributes["scale"] = node.scale * scale


def take_after(node: Node, scale, shift) -> None:
    """Into a norm that is scaled and shifted, by [C, 1, 1]."""
    node.attributes["scale"] = node.scale * scale
    node.attributes["shift"] = node.shift * scale + shift
