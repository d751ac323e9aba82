"""What torch's functions that move numbers, or sum them over axes, do to a `Value`."""

from __future__ import annotations

import math
from dataclasses import replace

from .graph import Refusal
from .steps import merged
from .values import ALL, STATIC, Filling, Partial, Summed, Unknown, Value, regroup


def arguments(args, kwargs, *names):
    """The arguments by name; those that were not given are absent."""
    found = dict(zip(names, args))
    found.update({name: value for name, value in kwargs.items() if name in names})
    return found


def axis(dim: int, ndim: int) -> int:
    return dim + ndim if dim < 0 else dim


def same(trace, name, args, kwargs, out):
    return trace.value(args[0])


def reshaped(trace, name, args, kwargs, out):
    value = trace.value(args[0])
    return value.of(value.node, regroup(value, out.shape, trace.sizes, name))


def permuted(trace, name, args, kwargs, out):
    value, ndim = trace.value(args[0]), args[0].dim()
    order = list(range(ndim))
    if name == "permute":
        given = (
            args[1:]
            if len(args) > 2 or (len(args) == 2 and isinstance(args[1], int))
            else (args[1] if len(args) > 1 else kwargs["dims"])
        )
        order = [axis(dim, ndim) for dim in given]
    elif name in ("transpose", "swapaxes", "swapdims"):
        found = arguments(args, kwargs, "input", "dim0", "dim1")
        a, b = axis(found["dim0"], ndim), axis(found["dim1"], ndim)
        order[a], order[b] = order[b], order[a]
    elif name == "t":
        order.reverse()
    elif name in ("movedim", "moveaxis"):
        found = arguments(args, kwargs, "input", "source", "destination")
        order.insert(axis(found["destination"], ndim), order.pop(axis(found["source"], ndim)))
    return value.of(value.node, [value.dims[i] for i in order])


def expanded(trace, name, args, kwargs, out):
    """expand, repeat: of the same input at every step, copies along one new axis are the steps."""
    value = trace.value(args[0])
    dims = [()] * (out.dim() - len(value.dims)) + list(value.dims)
    grown = [i for i, group in enumerate(dims) if out.shape[i] != trace.sizes.group(group, value.node)]
    if not grown:
        return value.of(value.node, dims)
    if len(grown) > 1 or dims[grown[0]] or value.when != STATIC:
        raise Refusal(f"{name} copies a tensor along an axis that is not time")
    trace.sizes.found_steps(out.shape[grown[0]], name)
    dims[grown[0]] = ("T",)
    return replace(value, dims=tuple(dims), when=ALL)


def at_step(trace, value: Value, dim: int, index: int) -> Value:
    """One step of an axis T, or what stands along an axis of length 1."""
    group = value.dims[dim]
    dims = value.dims[:dim] + value.dims[dim + 1 :]
    if group == ():
        return value.of(value.node, dims)
    if group != ("T",) or value.when != ALL:
        raise Refusal(f"one index of an axis that is not time ({'·'.join(group)})")
    return replace(value, dims=dims, when=index % trace.sizes.steps)


def selected(trace, name, args, kwargs, out):
    found = arguments(args, kwargs, "input", "dim", "index")
    return at_step(trace, trace.value(args[0]), axis(found["dim"], args[0].dim()), int(found["index"]))


def unbound(trace, name, args, kwargs, out):
    dim = axis(arguments(args, kwargs, "input", "dim").get("dim", 0), args[0].dim())
    return [at_step(trace, trace.value(args[0]), dim, i) for i in range(len(out))]


def split(trace, name, args, kwargs, out):
    """Parts of one step each."""
    found = arguments(args, kwargs, "input", "size", "dim")
    dim, value = axis(found.get("dim", 0), args[0].dim()), trace.value(args[0])
    if any(part.shape[dim] != 1 for part in out):
        raise Refusal(f"{name} into parts of several numbers")
    parts = [at_step(trace, value, dim, i) for i in range(len(out))]
    return [part.of(part.node, part.dims[:dim] + ((),) + part.dims[dim:]) for part in parts]


def indexed(trace, name, args, kwargs, out):
    value, index = trace.value(args[0]), args[1]
    index = list(index) if isinstance(index, tuple) else [index]
    if Ellipsis in [i for i in index if i is Ellipsis]:
        place = next(k for k, i in enumerate(index) if i is Ellipsis)
        missing = args[0].dim() - sum(i is not None for i in index) + 1
        index[place : place + 1] = [slice(None)] * missing
    dim = 0
    for i in index:
        if i is None:
            value = value.of(value.node, value.dims[:dim] + ((),) + value.dims[dim:])
            dim += 1
        elif isinstance(i, int):
            value = at_step(trace, value, dim, i)
        elif isinstance(i, slice):
            length = trace.sizes.group(value.dims[dim], value.node)
            if i.indices(length) != (0, length, 1):
                raise Refusal("a part of an axis is taken by an index")
            dim += 1
        else:
            raise Refusal("numbers are picked by a tensor or a list of indices")
    return value


def stacked(trace, name, args, kwargs, out):
    """Of all steps of one node, in order: the axis T."""
    found = arguments(args, kwargs, "tensors", "dim")
    parts = [trace.value(part) for part in found["tensors"]]
    dim = axis(found.get("dim", 0), out.dim())
    value = in_order(trace, parts, name)
    dims = value.dims[:dim] + (("T",) if len(parts) > 1 else (),) + value.dims[dim:]
    return replace(value, dims=dims, when=ALL if len(parts) > 1 else value.when)


def in_order(trace, parts, name) -> Value:
    """The first of values that are one node's at all steps."""
    first = parts[0]
    for step, part in enumerate(parts):
        if not isinstance(part, Value):
            raise Refusal(
                part.reason if isinstance(part, Unknown) else f"{name} of a constant and of what depends on the input"
            )
        if part.dims != first.dims or part.when not in (step, STATIC):
            raise Refusal(f"{name} puts together tensors that are not the steps of one, in order")
    node = merged(trace.graph, [part.node for part in parts])
    if node is None:
        raise Refusal(f"{name} puts together tensors that are not the steps of one, in order")
    trace.sizes.found_steps(len(parts), name)
    return first.of(node)


def is_steps(trace, parts, dim: int) -> bool:
    """Whether a concatenation is one of steps: along an axis without a label, all of one node."""
    values = [trace.tracked(part) for part in parts]
    if not all(isinstance(value, Value) for value in values) or len(values) < 2:
        return False
    return all(v.node is values[0].node and v.dims[dim] == () and v.when == step for step, v in enumerate(values))


def reduced(trace, name, args, kwargs, out):
    """mean and sum: over time, over a whole map, or both."""
    value, ndim = trace.value(args[0]), args[0].dim()
    found = arguments(args, kwargs, "input", "dim", "keepdim")
    given = found.get("dim", kwargs.get("axis"))
    given = list(range(ndim)) if given is None else [given] if isinstance(given, int) else list(given)
    over = {axis(dim, ndim) for dim in given}
    labels = {label for dim in over for label in value.dims[dim]}
    keep = found.get("keepdim", False)
    dims = [() if i in over else group for i, group in enumerate(value.dims) if keep or i not in over]
    if "N" in labels:
        raise Refusal(f"{name} mixes samples")
    if "T" in labels:
        if value.when != ALL:
            raise Refusal(f"{name} over time of what was summed before")
        value = replace(value, when=Summed(1 / trace.sizes.steps if name == "mean" else 1.0))
    space = {label for label in "HW" if trace.sizes.of(label, value.node) > 1}
    if labels - {"T"}:
        if labels - {"T"} != space:
            raise Refusal(f"{name} over axes {', '.join(sorted(labels))}: expected time, or all rows and columns")
        kind = "average" if name == "mean" else "sum"
        value = value.of(trace.pool(value.node, kind, value.node.shape[1:], value.node.shape[1:]))
    return value.of(value.node, dims)


def added_steps(a: Value, b: Value) -> Value | None:
    """The sum of steps of one node, where this is one more of them."""
    if a.node is not b.node or a.dims != b.dims or not isinstance(b.when, int):
        return None
    if isinstance(a.when, Partial) and a.when.factor != 1:
        return None
    done = a.when.count if isinstance(a.when, Partial) else a.when + 1 if isinstance(a.when, int) else None
    return replace(a, when=Partial(done + 1)) if done == b.when else None


def finished(trace, value: Value) -> Value:
    """A sum, or a tensor of steps, that has reached the last step has all."""
    if isinstance(value.when, Partial) and value.when.count == trace.sizes.steps:
        return replace(value, when=Summed(value.when.factor))
    if isinstance(value.when, Filling) and value.when.count == trace.sizes.steps:
        return replace(value, when=ALL)
    return value


def scaled_sum(value: Value, factor: float) -> Value:
    if not math.isfinite(factor) or factor == 0:
        raise Refusal(f"a sum over time is multiplied by {factor}")
    return replace(value, when=replace(value.when, factor=value.when.factor * factor))


def filled(trace, name, args, kwargs, out):
    """tensor[t] = step t, in order, of a tensor that was zero."""
    tensor, index, given = args
    index = list(index) if isinstance(index, tuple) else [index]
    places = [i for i, part in enumerate(index) if isinstance(part, int)]
    if len(places) != 1 or any(part not in (slice(None), Ellipsis) for i, part in enumerate(index) if i not in places):
        raise Refusal("a part of a tensor is overwritten that is not one step")
    before, value = trace.tracked(tensor), trace.value(given)
    step = index[places[0]]
    count = before.when.count if isinstance(before, Value) and isinstance(before.when, Filling) else 0
    if step != count or value.when not in (step, STATIC) or (count and before.node is not value.node):
        raise Refusal(f"{name} of steps that do not follow each other")
    trace.sizes.found_steps(tensor.shape[places[0]], name)
    dims = value.dims[: places[0]] + (("T",) if tensor.shape[places[0]] > 1 else (),) + value.dims[places[0] :]
    return replace(value, dims=dims, when=Filling(step + 1))


SAME = (
    "contiguous",
    "clone",
    "detach",
    "detach_",
    "to",
    "float",
    "type",
    "cpu",
    "requires_grad_",
    "type_as",
    "alias",
    "data",
    "float_",
    "double",
    "positive",
    "pin_memory",
    "identity",
)
RESHAPED = (
    "reshape",
    "view",
    "flatten",
    "unflatten",
    "unsqueeze",
    "squeeze",
    "ravel",
    "view_as",
    "reshape_as",
    "unsqueeze_",
    "squeeze_",
    "_unsafe_view",
)
HANDLERS = (
    dict.fromkeys(SAME, same)
    | dict.fromkeys(RESHAPED, reshaped)
    | dict.fromkeys(("permute", "transpose", "t", "movedim", "moveaxis", "swapaxes", "swapdims"), permuted)
)
HANDLERS |= {
    "expand": expanded,
    "repeat": expanded,
    "expand_as": expanded,
    "select": selected,
    "unbind": unbound,
    "split": split,
    "chunk": split,
    "__getitem__": indexed,
    "stack": stacked,
    "mean": reduced,
    "sum": reduced,
    "__setitem__": filled,
}
RANDOM = {
    "rand",
    "randn",
    "randint",
    "rand_like",
    "randn_like",
    "randint_like",
    "bernoulli",
    "bernoulli_",
    "normal",
    "normal_",
    "uniform_",
    "poisson",
    "multinomial",
    "random_",
    "exponential_",
    "randperm",
}
READ = {"item", "tolist", "numpy", "__bool__", "__float__", "__int__", "__index__", "__array__", "__contains__"}
CONSTANTS = {
    "zeros_like",
    "ones_like",
    "full_like",
    "new_zeros",
    "new_ones",
    "new_full",
    "empty_like",
    "new_empty",
    "new_tensor",
}
