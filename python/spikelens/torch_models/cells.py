"""Neurons: what a library's module is in this project's terms, and the calls of it that a run makes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from .graph import Node, Refusal
from .values import ALL, STATIC, Unknown, Value


class TimeAxis(Exception):
    """A neuron that takes one step met a tensor of all steps: the model is to be called step by step."""


@dataclass
class Cell:
    """A library's neuron. `neuron` has the fields of include/spikelens/snn/neuron.h by their names, each a number or
    a tensor that PyTorch broadcasts against the neuron's input; what is missing has its default."""

    neuron: dict[str, Any]
    time: str = (
        "step"  # "step": one call is one step; "TN", "NT": one call has all steps along the first or second axis
    )
    fires: bool = True  # else it gives its potential
    spikes: Callable = lambda output: output  # of the module's output
    potential: Callable = lambda output: None  # likewise, None where it is not given
    incoming: Callable = lambda args, kwargs: []  # states that are passed in, empty where the module keeps them
    outgoing: Callable = lambda output: []  # likewise
    keeps_state: bool = True  # from call to call, where no state is passed in
    rest: float = 0.0  # value of the potential at the start
    weight: Any = None  # weights [out, in] of its own on the input
    recurrence: tuple | None = None  # ("all" | "one" | "conv", weight, bias or None)
    gives_last: bool = False  # all steps go in, the last potential comes out
    factor: float = 1.0  # what a spike counts
    squeezed: tuple[int, int] | None = None  # the input is flattened over (samples, steps)
    reset: Callable = lambda: None  # back to the start
    surrogate: Callable | None = None  # its derivative at places of U − θ, arrays
    through_reset: bool = False  # whether its gradient flows through the reset
    at_most_one: bool = True  # else it may fire several times in a step, which the run must not show
    below_after_reset: bool = False  # after a reset the potential must not be above the threshold in the run
    floor: float | None = None  # a lower bound of the potential, which the run must not show


@dataclass(eq=False)
class Instance:
    """A neuron in the network: a module, and what a run showed of it."""

    cell: Cell
    where: str
    inputs: list[Node] = field(default_factory=list)  # at each step called, or once for all
    calls: int = 0
    whole: bool = False  # all steps in one call
    fields: dict[str, Any] = field(default_factory=dict)  # numbers, or arrays [C] or [C, H, W]
    currents: list = field(default_factory=list)  # what it was given, [N, T or 1, C, H, W] a call
    outputs: list = field(default_factory=list)
    recurrence: tuple | None = None

    def __post_init__(self) -> None:
        self.recurrence = self.cell.recurrence


def values_of_field(trace, given, value: Value, like):
    """A field as one number, [C] or [C, H, W]."""
    import torch

    if not isinstance(given, torch.Tensor):
        return float(given)
    if given.numel() == 1:
        return float(given.detach())
    found = trace.canonical(given.detach().expand(like.shape), value)
    if not bool((found == found[:1, :1]).all()):
        raise Refusal("a neuron's parameter that differs between samples or steps")
    array = found[0, 0].cpu().float().numpy()
    if (array == array.flat[0]).all():
        return float(array.flat[0])
    return array[:, 0, 0].copy() if (array == array[:, :1, :1]).all() else array.copy()


def call(trace, module, cell: Cell, original, args, kwargs):
    """Runs the module, without a look inside, and notes what the call says about the network."""
    first = args[0] if args else next(iter(kwargs.values()))
    states = [state for state in cell.incoming(args, kwargs) if state is not None]
    with trace.suspended():
        output = original(*args, **kwargs)
    try:
        with trace.suspended():
            note_call(trace, module, cell, first, states, output)
    except Refusal as reason:
        for tensor in trace.tensors_in(output):
            trace.put(tensor, Unknown(trace.named(str(reason))))
    return output


def note_call(trace, module, cell: Cell, first, states, output) -> None:
    value = trace.tracked(first)
    if isinstance(value, Unknown):
        raise Refusal(value.reason)
    if value is None:
        raise Refusal("a neuron whose input does not depend on the model's input")
    spikes = cell.spikes(output)
    if cell.squeezed:
        value = unsqueezed(trace, value, cell)
    if cell.weight is not None:
        value = weighted(trace, value, cell, spikes)
    instance = find_instance(trace, module, cell, states)
    when = step_of(trace, instance, cell, value)
    node = trace.neuron_node(instance, value.node)
    if not instance.fields:
        instance.fields = {
            name: values_of_field(trace, given, value, spikes_like(cell, spikes, value, trace))
            for name, given in cell.neuron.items()
            if not isinstance(given, (str, bool))
        }
        instance.fields |= {name: given for name, given in cell.neuron.items() if isinstance(given, (str, bool))}
    instance.currents.append((first, value, cell.weight))
    out = replace(value, node=node, when=when)
    instance.outputs.append((spikes, put_output(trace, instance, cell, first, out, spikes)))
    last = one_step(out, trace.sizes.steps - 1) if instance.whole else out
    for name, tensor in states_of(cell, output):
        if tensor is not spikes:
            trace.put(tensor, last.of(trace.state_node(instance, name)))


def put_output(trace, instance: Instance, cell: Cell, first, out: Value, spikes) -> Value:
    """Notes what the spikes, or the potential of a neuron without, are."""
    from .layers import affine

    if cell.squeezed:
        out = replace(trace.value(first), node=out.node, when=out.when)
    if not cell.fires:
        out = out.of(trace.state_node(instance, "potential"))
    if isinstance(spikes, list):
        for step, potential in enumerate(spikes):
            trace.put(potential, one_step(out, step))
    elif cell.gives_last:
        trace.put(spikes, one_step(out, trace.sizes.steps - 1))
    elif cell.factor != 1:
        zero = np.zeros((1, 1, 1))
        trace.put(spikes, affine(trace, out, zero + cell.factor, zero, zero))
    else:
        trace.put(spikes, out)
    return out


def one_step(value: Value, step: int) -> Value:
    return replace(value, dims=tuple(group for group in value.dims if group != ("T",)), when=step)


def states_of(cell: Cell, output):
    potential = cell.potential(output)
    named = [("potential", potential)] if potential is not None else []
    return named + [("state", state) for state in cell.outgoing(output) if state is not potential]


def spikes_like(cell: Cell, spikes, value: Value, trace):
    """A tensor of the shape that the neuron's parameters are broadcast against."""
    return spikes.reshape([trace.sizes.group(group, value.node) for group in value.dims]) if cell.squeezed else spikes


def unsqueezed(trace, value: Value, cell: Cell) -> Value:
    """[(N, T), C, H, W] as [N, T, C, H, W]."""
    if value.dims[0] != tuple(label for label in "NT" if trace.sizes.of(label, value.node) > 1):
        raise Refusal(
            "a squeezed layer whose first axis is not samples and then steps; its batch_size must be the example's"
        )
    return value.of(value.node, trace.sizes.dims("NT", value.node) + value.dims[1:])


def weighted(trace, value: Value, cell: Cell, spikes) -> Value:
    from .layers import full, weights

    if sorted(value.dims[-1]) != sorted(label for label in "CHW" if trace.sizes.of(label, value.node) > 1):
        raise Refusal("weights of a neuron on an axis that does not hold all features")
    return full(trace, value, weights(cell.weight), None)


def find_instance(trace, module, cell: Cell, states) -> Instance:
    """By the states that are passed in: those that an instance gave at its last call are its own. A module that keeps
    its state is one instance."""
    known = [trace.tracked(state) for state in states]
    for value in known:
        if isinstance(value, Unknown):
            raise Refusal("its state was changed between two steps: " + value.reason)
        if isinstance(value, Value):
            instance = value.node.attributes.get("cell")
            if instance is None or instance.cell is not cell:
                raise Refusal("its state is another layer's output")
            if value.when not in (instance.calls - 1, ALL):
                raise Refusal("its state is not that of the step before")
            return instance
    if not states and cell.keeps_state and id(module) in trace.hidden:
        return trace.hidden[id(module)]
    for state in states:
        if state.numel() and not bool(((state == 0) | (state == cell.rest)).all()):
            raise Refusal("its state at the first step is not the state at rest")
    instance = Instance(cell, trace.where())
    trace.instances.append(instance)
    if not states:
        trace.hidden[id(module)] = instance
    return instance


def step_of(trace, instance: Instance, cell: Cell, value: Value):
    """Which steps a call computes: `when` of its output."""
    instance.calls += 1
    if cell.time == "step":
        if "T" in value.labels:
            raise TimeAxis(trace.named("takes one step at a time, but was given all steps at once"))
        step = instance.calls - 1
        if value.when not in (STATIC, step) and not (value.when == ALL and step == 0):
            raise Refusal(f"is given step {value.when} at its call {step}")
        return step
    if instance.calls > 1:
        raise Refusal("was called twice with all steps")
    place = 0 if cell.time == "TN" else 1
    if value.when not in (ALL, STATIC, 0):
        raise Refusal("is given a part of the steps")
    if value.dims[place] not in (("T",), ()):
        raise Refusal(f"expects time along axis {place}, which is {'·'.join(value.dims[place])}")
    if "T" not in value.labels:
        trace.sizes.found_steps(1, instance.where)
    instance.whole = True
    return ALL
