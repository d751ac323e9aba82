"""From the steps of a run to one network: what each neuron reads at every step, and its recurrence."""

from __future__ import annotations

import numpy as np

from .graph import Graph, Node, Refusal, walk
from .steps import merged


def roll(graph: Graph, output: Node, steps: int) -> list[tuple]:
    """Gives every neuron that the output depends on the one input that stands for all steps, without delays. Returns
    these neurons, each after those that it reads."""
    done = set()
    while (node := next((n for n in walk(output) if n.kind == "neuron" and id(n) not in done), None)) is not None:
        done.add(id(node))
        roll_neuron(graph, node, steps)
    return [(node.cell, node) for node in walk(output) if node.kind == "neuron"]


def roll_neuron(graph: Graph, node: Node, steps: int) -> None:
    instance = node.cell
    if not instance.whole and instance.calls != steps:
        raise Refusal(f"{instance.where}: was called {instance.calls} times, but the model runs for {steps} steps")
    node.inputs = [common_input(graph, instance)]
    if any(child.kind == "delay" for child in before(node)):
        node.inputs = [take_recurrence(instance, node, graph)]
    left = next((child for child in before(node) if child.kind == "delay"), None)
    if left:
        raise Refusal(f"{instance.where}: reads {left.where} one step later; only a layer's own spikes come back to it")


def before(node: Node) -> list[Node]:
    """What a neuron's input is made of, up to other neurons."""
    found, stack = [], list(node.inputs)
    while stack:
        child = stack.pop()
        found.append(child)
        if child.kind not in ("neuron", "delay"):
            stack.extend(child.inputs)
    return found


def common_input(graph: Graph, instance) -> Node:
    first, *later = instance.inputs
    whole = merged(graph, instance.inputs)
    if whole is not None:
        return whole
    if any(node is not later[0] for node in later) or at_rest(graph, later[0]) is not first:
        step = next((i + 1 for i, node in enumerate(later) if node is not later[0]), 0)
        raise Refusal(f"{instance.where}: what it reads at step {step} is not made like what it reads at the others")
    return later[0]


def at_rest(graph: Graph, node: Node):
    """What a node is at the first step, where all delayed values are 0: a node, or an array where it is constant."""
    if node.kind == "delay":
        return response_to_nothing(node.inputs[0])
    if node.kind == "cat":
        parts = [at_rest(graph, child) for child in node.inputs]
        parts = [
            graph.add("zeros", [], child.shape, "") if isinstance(part, np.ndarray) else part
            for part, child in zip(parts, node.inputs)
        ]
        return graph.add("cat", parts, node.shape, node.where)
    if node.kind == "full" and node.inputs[0].kind == "cat":
        return graph.add("full", [at_rest(graph, node.inputs[0])], node.shape, node.where, **node.attributes)
    if node.kind != "add":
        return node
    parts = [at_rest(graph, child) for child in node.inputs]
    constants = [part for part in parts if isinstance(part, np.ndarray)]
    others = [part for part in parts if not isinstance(part, np.ndarray)]
    if len(others) != 1:
        return node
    if not constants[0].any():
        return others[0]
    extent = (node.shape[0],) + constants[0].shape[1:]
    parts = [np.broadcast_to(part, extent) for part in (np.ones((1, 1, 1)), np.zeros((1, 1, 1)), constants[0])]
    return graph.add("affine", others, node.shape, node.where, scale=parts[0], mean=parts[1], shift=parts[2])


def response_to_nothing(node: Node) -> np.ndarray:
    zero = np.zeros((node.shape[0], 1, 1))
    if node.weighted:
        bias = node.bias
        return zero if bias is None else bias.reshape(-1, 1, 1)
    if node.kind == "affine":
        return (0 - node.mean) * node.scale + node.shift
    return zero


def take_recurrence(instance, node: Node, graph: Graph) -> Node:
    """The neuron's input without its own spikes of the step before, which become its recurrence."""
    given = node.inputs[0]
    if instance.recurrence:
        raise Refusal(f"{instance.where}: has a recurrence of its own and another around it")
    if given.kind == "full" and given.inputs[0].kind == "cat":
        return split_weights(instance, node, given, graph)
    if given.kind == "add" and sum(child.kind == "delay" for child in given.inputs) == 1:
        delay = next(child for child in given.inputs if child.kind == "delay")
        rest = next(child for child in given.inputs if child.kind != "delay")
        instance.recurrence = own_recurrence(instance, node, delay.inputs[0])
        return rest
    raise Refusal(f"{instance.where}: its spikes come back to it, but not in a sum with its input")


def own_recurrence(instance, node: Node, back: Node):
    if back is node:
        return "one", np.ones(node.shape[0]), None
    if back.inputs == [node]:
        if back.kind == "full":
            return "all", back.weight, back.bias
        if back.kind == "conv" and back.shape == node.shape and back.stride == (1, 1) and back.groups == 1:
            return "conv", back.weight, back.bias
        if back.kind == "affine" and not back.mean.any() and not back.shift.any() and back.scale.shape[1:] == (1, 1):
            return "one", back.scale[:, 0, 0], None
    raise Refusal(f"{instance.where}: the spikes that come back to it are not its own, or pass more than one layer")


def split_weights(instance, node: Node, given: Node, graph: Graph) -> Node:
    """Weights on [input, own spikes of the step before]."""
    parts = given.inputs[0].inputs
    if len(parts) != 2 or parts[1].kind != "delay" or parts[1].inputs[0] is not node:
        raise Refusal(f"{instance.where}: expected its input and then its own spikes in one concatenation")
    inputs = int(np.prod(parts[0].shape))
    instance.recurrence = ("all", given.weight[:, inputs:], None)
    return graph.add("full", [parts[0]], given.shape, given.where, weight=given.weight[:, :inputs], bias=given.bias)
