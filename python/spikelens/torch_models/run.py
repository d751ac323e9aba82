"""Follows a run of a model with an example: whole, or step by step."""

from __future__ import annotations

import importlib
from dataclasses import replace

import numpy as np
import torch

from spikelens import _core

from .cells import Cell, TimeAxis
from .functions import finished
from .graph import Refusal
from .trace import Trace
from .values import ALL, STATIC, Value

LIBRARIES = ("snntorch", "spikingjelly", "norse", "sinabs")


class Run:
    """One try of following a model: its trace and its outputs."""

    def __init__(self, trace: Trace, outputs) -> None:
        self.trace = trace
        self.outputs = outputs  # [(tensor or list of one tensor a step, Value or Unknown)]


def describe(model) -> dict[int, Cell | Refusal]:
    """Of the modules that are neurons: what they are, or why they cannot be represented."""
    loaded = libraries(model)
    table: dict[int, Cell | Refusal] = {}
    for module in model.modules():
        for library in loaded:
            try:
                cell = library.describe(module)
            except Refusal as reason:
                cell = reason
            if cell is not None:
                table[id(module)] = cell
    return table


def libraries(model):
    """The files of this folder for the libraries that the model's modules come from."""
    return [importlib.import_module(f".{name}", __package__) for name in LIBRARIES if uses(model, name)]


def reset(model, table) -> None:
    for library in libraries(model):
        if hasattr(library, "reset_model"):
            library.reset_model(model)
    for cell in table.values():
        if isinstance(cell, Cell):
            cell.reset()


def uses(model, library: str) -> bool:
    return any(base.__module__.split(".")[0] == library for module in model.modules() for base in type(module).__mro__)


def input_shape(example, layout, shape) -> tuple[int, int, int]:
    found = tuple(example.shape[layout.index(label)] if label in layout else 1 for label in "CHW")
    if shape is None:
        return found
    shape = tuple(int(n) for n in shape)
    if len(shape) != 3 or int(np.prod(shape)) != int(np.prod(found)) or found[1:] != (1, 1):
        raise _core.InputError(f"shape = {shape} is not (C, H, W) of the example's {found[0]} features")
    return shape


def input_value(trace: Trace, layout: str, shaped: bool) -> Value:
    dims = tuple(("C", "H", "W") if label == "C" and shaped else (label,) for label in layout)
    dims = tuple(tuple(one for one in group if trace.sizes.of(one, trace.graph.input) > 1) for group in dims)
    return Value(trace.graph.input, dims, ALL if "T" in layout else STATIC)


FAILURES = (TimeAxis, RuntimeError, ValueError, IndexError, AssertionError, TypeError, AttributeError)


def follow(model, table, example, layout, steps, shape) -> Run:
    """The model takes the whole example; where it cannot, another way that its neurons may want it."""
    squeezed = any(isinstance(cell, Cell) and cell.squeezed for cell in table.values())
    if "T" in layout:
        ways = ["whole"] + ["flat"] * squeezed + ["steps"]
    else:
        ways = ["whole"] + ["TN", "NT"] * (steps is not None)
    failures, refused = [], None
    for way in ways:
        try:
            run = attempt(model, table, example, layout, steps, shape, way)
        except FAILURES as reason:
            failures.append(f"{WAYS[way]}: {reason}")
            continue
        if any(isinstance(value, Value) for _, value in run.outputs):
            return run if way != "whole" or "T" in layout else again(run, model, table, example, layout, steps, shape)
        refused = refused or run
    if refused:
        return refused
    raise Refusal("the model does not run with the example, " + "; ".join(failures))


WAYS = {
    "whole": "given whole",
    "flat": "given samples and steps as one axis",
    "steps": "given step by step",
    "TN": "given images at every step, time first",
    "NT": "given images at every step, samples first",
}


def again(run: Run, model, table, example, layout, steps, shape) -> Run:
    """A model that computes one step of images is called for each step."""
    counts = {instance.calls for instance in run.trace.instances if not instance.whole}
    if run.trace.sizes.steps is None and steps == 1:
        run.trace.sizes.steps = 1
    if steps is not None and run.trace.sizes.steps not in (None, steps):
        raise Refusal(f"steps = {steps}, but the model runs for {run.trace.sizes.steps}")
    if counts != {1} or steps in (None, 1):
        return run
    return attempt(model, table, example, layout, steps, shape, "steps")


def attempt(model, table, example, layout, steps, shape, way: str) -> Run:
    reset(model, table)
    found = input_shape(example, layout, shape)
    samples = example.shape[layout.index("N")]
    if way in ("TN", "NT"):
        example, layout = shown(example, layout, steps, way)
    known = example.shape[layout.index("T")] if "T" in layout else steps if way == "steps" else None
    trace = Trace(model, table, found, samples, known)
    value = input_value(trace, layout, shape is not None)
    example = like_weights(example, model)
    with trace.watching(model):
        if way == "steps":
            result = each_step(trace, model, example, value, layout)
        else:
            if way == "flat":
                example, value = flattened(trace, example, value, layout)
            trace.put(example, value)
            result = model(example)
    count_steps(trace)
    reset(model, table)
    return Run(trace, outputs_of(trace, result, way != "steps"))


def shown(example, layout: str, steps: int, way: str):
    """Images at every step."""
    place = layout.index("N") + (way == "NT")
    shape = example.shape[:place] + (steps,) + example.shape[place:]
    return example.unsqueeze(place).expand(shape), layout[:place] + "T" + layout[place:]


def like_weights(example, model):
    """A copy of the example, of the type and where the model's weights are."""
    weight = next((parameter for parameter in model.parameters() if parameter.is_floating_point()), torch.zeros(()))
    if weight.dtype not in (torch.float32, torch.float64):
        raise _core.InputError(f"the model computes in {weight.dtype}; expected float32, as model.float() makes it")
    return example.detach().to(weight.device, weight.dtype, copy=True)


def flattened(trace: Trace, example, value: Value, layout):
    """[(N, T), C, H, W]"""
    order = [layout.index(label) for label in "NTCHW" if label in layout]
    dims = [value.dims[i] for i in order]
    with trace.suspended():
        return example.permute(order).flatten(0, 1), value.of(value.node, (dims[0] + dims[1], *dims[2:]))


def count_steps(trace: Trace) -> None:
    """Steps of a model that loops over time itself: how often its neurons were called."""
    counts = [instance.calls for instance in trace.instances if not instance.whole]
    if trace.sizes.steps is None and counts and max(counts) > 1:
        trace.sizes.steps = max(counts)


def each_step(trace: Trace, model, example, value: Value, layout):
    """Calls the model for each step; a state that it takes and gives as its second output goes from call to call."""
    results, state = [], None
    place = layout.index("T") if "T" in layout else None
    for step in range(trace.sizes.steps):
        given, seen = example, value
        if place is not None:
            with trace.suspended():
                given = example.select(place, step).clone()
            seen = replace(value, dims=value.dims[:place] + value.dims[place + 1 :], when=step)
        trace.put(given, seen)
        result = model(given) if state is None else model(given, state)
        if isinstance(result, tuple) and len(result) == 2 and takes_state(model):
            result, state = result
        results.append(result)
    return results


def takes_state(model) -> bool:
    code = getattr(type(model).forward, "__code__", None)
    return code is not None and "state" in code.co_varnames[: code.co_argcount]


def outputs_of(trace: Trace, result, whole: bool):
    """The outputs; lists of one tensor for each step are one output."""
    if whole:
        parts = (
            result
            if isinstance(result, (tuple, list))
            else list(result.values())
            if isinstance(result, dict)
            else [result]
        )
        if (
            isinstance(parts, (list, tuple))
            and len(parts) == trace.sizes.steps
            and len(parts) > 1
            and is_series(trace, parts)
        ):
            parts = [list(parts)]
    else:
        parts = [list(series) for series in zip(*[trace.tensors_in(step) for step in result])]
    found = []
    for part in parts:
        if isinstance(part, (list, tuple)) and is_series(trace, part):
            found.append((list(part), replace(trace.tracked(part[0]), when=ALL)))
        else:
            found += [(tensor, trace.tracked(tensor)) for tensor in trace.tensors_in(part)]
    return [(tensor, finished(trace, value) if isinstance(value, Value) else value) for tensor, value in found if value]


def is_series(trace: Trace, parts) -> bool:
    """One node at every step, in order."""
    values = [trace.tracked(part) if isinstance(part, torch.Tensor) else None for part in parts]
    return len(values) == trace.sizes.steps and all(
        isinstance(value, Value) and value.node is values[0].node and value.when == step
        for step, value in enumerate(values)
    )
