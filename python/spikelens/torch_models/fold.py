"""Makes the graph one that the engine has: normalisation goes into weights, pools of the input into the first
weights."""

from __future__ import annotations

import numpy as np

from .graph import Graph, Node, Refusal, users, walk
from .steps import take_after, take_before


def fold(graph: Graph, output: Node) -> Node:
    """The output's node of the folded graph."""
    while (node := next((found for found in walk(output) if found.kind == "affine"), None)) is not None:
        output = replace(output, node, fold_affine(graph, output, node))
    for rewrite in (
        fold_pairs,
        fold_spatial,
        fold_input_pools,
        separate_input,
        weights_of_recurrence,
    ):
        for node in walk(output):
            made = rewrite(graph, output, node)
            if made is not None and made is not node:
                output = replace(output, node, made)
    for node in walk(output):
        check(node)
    return output


def replace(output: Node, old: Node, new: Node) -> Node:
    for node in walk(output):
        if node is not new:
            node.inputs = [new if child is old else child for child in node.inputs]
    return new if output is old else output


# normalisation


def fold_affine(graph: Graph, output: Node, node: Node):
    """What stands for the scale and shift: in the weights before or after it, past a pool, or a layer of its own."""
    readers = users(walk(output))
    below = node.inputs[0]
    if node is not output or below.weighted:
        if can_absorb(below, node, readers):
            absorb(below, node.scale, node.mean, node.shift)
            return below
    if node is not output and all(can_take(child, node) for child in readers[id(node)]):
        for child in readers[id(node)]:
            take(child, node)
        return below
    if node is not output and all(can_pass(child, node, child is output) for child in readers[id(node)]):
        for child in readers[id(node)]:
            let_pass(graph, child, node, readers[id(child)])
        return below
    return as_convolution(graph, node, below)


def can_pass(child: Node, node: Node, last: bool) -> bool:
    """Whether a pool may come before a scale."""
    scales = not offset(node).any() and node.scale.shape[1:] == (1, 1)
    return child.kind == "pool" and scales and not last and (child.pool != "max" or bool((node.scale > 0).all()))


def let_pass(graph: Graph, child: Node, node: Node, readers: list[Node]) -> None:
    after = graph.add(
        "affine", [child], child.shape, node.where, scale=node.scale, mean=0 * node.scale, shift=0 * node.scale
    )
    for reader in readers:
        reader.inputs = [after if below is child else below for below in reader.inputs]


def can_absorb(below: Node, node: Node, readers) -> bool:
    if len(readers[id(below)]) > 1:
        return False
    per_channel = all(part.shape[1:] == (1, 1) for part in (node.scale, node.mean, node.shift))
    if below.weighted or below.kind == "norm":
        return per_channel
    if below.kind == "pool" and per_channel:
        if not (node.scale > 0).all() if below.pool == "max" else any(below.padding):
            return False
        return can_absorb(below.inputs[0], node, readers)
    if below.kind == "add" and per_channel:
        return all(can_absorb(child, node, readers) for child in below.inputs)
    return False


def absorb(below: Node, scale, mean, shift) -> None:
    """The order of operations is the importer's, so that both give the same bits."""
    if below.weighted:
        shape = (-1,) + (1,) * (below.weight.ndim - 1)
        below.attributes["weight"] = below.weight * scale.reshape(shape)
        if below.bias is None and not mean.any() and not shift.any():
            return
        bias = 0.0 if below.bias is None else below.bias
        below.attributes["bias"] = (bias - mean.reshape(-1)) * scale.reshape(-1) + shift.reshape(-1)
    elif below.kind == "norm":
        take_after(below, scale, shift - mean * scale)
    elif below.kind == "pool":
        area = below.size[0] * below.size[1] if below.pool == "sum" else 1
        absorb(below.inputs[0], scale, mean / area, shift / area)
    else:
        absorb(below.inputs[0], scale, mean, shift)
        for child in below.inputs[1:]:
            absorb(child, scale, 0 * mean, 0 * shift)


def double(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float64)


def offset(node: Node):
    """x · scale + offset is what the node gives."""
    return node.shift - node.mean * node.scale


def can_take(child: Node, node: Node) -> bool:
    if child.kind == "full":
        return True
    flat = node.scale.shape[1:] == (1, 1)
    if child.kind == "norm":
        return all(part.shape[1:] == (1, 1) for part in (node.scale, node.mean, node.shift))
    return child.kind == "conv" and flat and (child.padding == (0, 0) or not offset(node).any())


def take(child: Node, node: Node) -> None:
    """Into the weights, or the factors of each step, that read it."""
    if child.kind == "norm":
        return take_before(child, node.scale, offset(node))
    shape = node.shape
    scale, more = (np.broadcast_to(part, shape) for part in (node.scale, offset(node)))
    if child.kind == "full":
        moved = double(child.weight) @ more.reshape(-1)
        child.attributes["weight"] = child.weight * scale.reshape(1, -1)
    else:
        groups, inputs = child.groups, child.weight.shape[1]
        outputs = child.weight.shape[0] // groups
        by_output = lambda part: np.repeat(part[:, 0, 0].reshape(groups, inputs), outputs, axis=0)
        moved = (double(child.weight).sum((2, 3)) * by_output(more)).sum(1)
        child.attributes["weight"] = child.weight * by_output(scale)[:, :, None, None]
    if moved.any() or child.bias is not None:
        child.attributes["bias"] = moved + (0.0 if child.bias is None else child.bias)


def as_convolution(graph: Graph, node: Node, below: Node) -> Node:
    """A convolution of one place, each channel by itself; it reads spikes or the input."""
    if any(part.shape[1:] != (1, 1) for part in (node.scale, node.mean, node.shift)):
        raise Refusal(f"{node.where}: scales every place by itself, and no fully connected layer stands beside it")
    more = offset(node).reshape(-1)
    return each_channel(
        graph, below, node.where, np.ones((1, 1)), node.scale.reshape(-1), more if more.any() else None, (0, 0)
    )


def each_channel(graph: Graph, below: Node, where: str, kernel, scale, bias, padding) -> Node:
    channels = below.shape[0]
    extents = [n + 2 * p - k + 1 for n, p, k in zip(below.shape[1:], padding, kernel.shape)]
    return graph.add(
        "conv",
        [below],
        (channels, *extents),
        where,
        weight=scale.reshape(-1, 1, 1, 1) * kernel[None, None],
        bias=bias,
        stride=(1, 1),
        padding=padding,
        dilation=(1, 1),
        groups=channels,
    )


def fold_pairs(graph: Graph, output: Node, node: Node):
    """Two fully connected layers without a neuron between are one."""
    below = node.inputs[0] if node.kind == "full" else None
    if below is None or below.kind != "full" or len(users(walk(output))[id(below)]) > 1:
        return None
    moved = 0.0 if below.bias is None else double(node.weight) @ below.bias
    if below.bias is not None or node.bias is not None:
        node.attributes["bias"] = moved + (0.0 if node.bias is None else node.bias)
    node.attributes["weight"] = double(node.weight) @ double(below.weight)
    node.inputs = list(below.inputs)
    return node


# pools


def fold_spatial(graph: Graph, output: Node, node: Node):
    """Adaptive means of windows that overlap or repeat: into the fully connected layer after them."""
    if node.kind != "spatial":
        return None
    readers = users(walk(output))[id(node)]
    if not readers or any(child.kind != "full" for child in readers):
        raise Refusal(f"{node.where}: windows that overlap need a fully connected layer after them")
    for child in readers:
        weight = double(child.weight).reshape(-1, *node.shape)
        weight = np.einsum("ocyx,yh,xw->ochw", weight, node.rows, node.columns)
        child.attributes["weight"] = weight.reshape(weight.shape[0], -1)
    return node.inputs[0]


def fold_input_pools(graph: Graph, output: Node, node: Node):
    """Means and sums of the input's windows: into the weights after them."""
    if node.kind != "pool" or node.inputs[0].kind != "input":
        return None
    below = node.inputs[0]
    readers = users(walk(output))[id(node)]
    tiled = node.size == node.stride and all(n % s == 0 for n, s in zip(below.shape[1:], node.size))
    if node.pool == "max" or any(node.padding) or not tiled or any(not child.weighted for child in readers):
        raise Refusal(
            f"{node.where}: a pool of the input is folded into weights; expected means or sums of windows that tile "
            "it, "
            "with weights after them"
        )
    unit = 1 / (node.size[0] * node.size[1]) if node.pool == "average" else 1.0
    for child in readers:
        widen(child, node, unit)
    return below


def widen(child: Node, node: Node, unit: float) -> None:
    """Weights on windows as weights on what the windows hold."""
    spread = lambda weight: weight.repeat(node.size[0], axis=-2).repeat(node.size[1], axis=-1) * unit
    if child.kind == "full":
        weight = spread(double(child.weight).reshape(-1, *node.shape))
        child.attributes["weight"] = weight.reshape(weight.shape[0], -1)
        return
    if child.dilation != (1, 1):
        raise Refusal(f"{child.where}: has dilation after a pool of the input")
    child.attributes["weight"] = spread(double(child.weight))
    for name in ("stride", "padding"):
        child.attributes[name] = tuple(n * s for n, s in zip(child.attributes[name], node.size))


# the engine's terms


def separate_input(graph: Graph, output: Node, node: Node):
    """Only weights read the network's input: before anything else stands a convolution that gives it unchanged."""
    if node.kind != "input":
        return None
    copy = None
    for child in users(walk(output))[id(node)]:
        if not child.weighted:
            copy = copy or each_channel(
                graph, node, f"{child.where}, of the input", np.ones((1, 1)), np.ones(node.shape[0]), None, (0, 0)
            )
            child.inputs = [copy if below is node else below for below in child.inputs]
    return node


def weights_of_recurrence(graph: Graph, output: Node, node: Node):
    """A recurrent neuron has weights of its own before it: where it reads spikes as they are, these give them
    unchanged."""
    if node.kind != "neuron" or not node.cell.recurrence:
        return None
    below = node.inputs[0]
    if not below.weighted and not sends_currents(below):
        node.inputs = [each_channel(graph, below, node.where, np.ones((1, 1)), np.ones(node.shape[0]), None, (0, 0))]
    return node


def sends_currents(node: Node) -> bool:
    if node.kind in ("neuron", "input", "state"):
        return node.kind == "state"
    return node.weighted or node.kind == "norm" or any(sends_currents(child) for child in node.inputs)


def check(node: Node) -> None:
    if node.kind in ("complement", "delay", "zeros", "affine", "spatial"):
        raise Refusal(f"{node.where}: {node.kind} of what it reads has no place in a network")
    if node.kind == "state":
        raise Refusal(f"{node.where}: its state is read by the rest of the model; expected its spikes")
    if node.weighted or node.kind in ("and", "iand"):
        for child in node.inputs:
            if sends_currents(child):
                raise Refusal(
                    f"{node.where}: reads {child.where}, which sends no spikes: a neuron must stand between them"
                )
