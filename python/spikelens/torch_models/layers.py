"""What torch's functions that compute make of a `Value`: weights, normalisation, pools, sums, products."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .functions import added_steps, arguments, axis, finished, is_steps, scaled_sum
from .graph import Refusal
from .steps import norm
from .values import ALL, Partial, Summed, Value


def pair(value) -> tuple[int, int]:
    """A window's rows and columns; a one-dimensional window has one row."""
    value = tuple(int(v) for v in value) if hasattr(value, "__len__") else (int(value),)
    return value * 2 if len(value) == 1 else value


def line(value) -> int:
    return int(value[0]) if hasattr(value, "__len__") else int(value)


def weights(tensor) -> np.ndarray:
    """Looks at a tensor's numbers where they lie."""
    return tensor.detach().cpu().numpy()


def numbers(tensor) -> np.ndarray:
    return tensor.detach().cpu().double().numpy()


def require_map(value: Value, trace, axes: int, name: str) -> None:
    """The last axes are channels (and rows) and columns, of one dimension the last row only."""
    labels = ("C", "W") if axes == 2 else ("C", "H", "W")
    expected = tuple(() if trace.sizes.of(label, value.node) == 1 else (label,) for label in labels)
    if axes == 2 and value.node.shape[1] != 1 or value.dims[-axes:] != expected:
        letters = "NCW" if axes == 2 else "NCHW"
        raise Refusal(
            f"{name} of a tensor whose last axes are not {', '.join(labels)} of {value.node.where}; layout says what "
            f'axes the example has, such as "{letters}" or "T{letters}"'
        )


def map_dims(trace, value: Value, node, axes: int):
    return value.dims[:-axes] + trace.sizes.dims("CW" if axes == 2 else "CHW", node)


def convolved(trace, name, args, kwargs, out):
    found = arguments(args, kwargs, "input", "weight", "bias", "stride", "padding", "dilation", "groups")
    value, weight = trace.value(args[0]), weights(trace.constant(found["weight"], name))
    flat = name == "conv1d"
    require_map(value, trace, 2 if flat else 3, name)
    if flat:
        weight = weight[:, :, None, :]
    stride, dilation, padding = found.get("stride", 1), found.get("dilation", 1), found.get("padding", 0)
    stride, dilation = ((1, line(stride)), (1, line(dilation))) if flat else (pair(stride), pair(dilation))
    extent = [d * (k - 1) for d, k in zip(dilation, weight.shape[2:])]
    if isinstance(padding, str):
        if padding == "same" and any(e % 2 for e in extent):
            raise Refusal("padding 'same' pads one side more than the other under a kernel of even size")
        padding = tuple(e // 2 for e in extent) if padding == "same" else (0, 0)
    else:
        padding = (0, line(padding)) if flat else pair(padding)
    if any(p > e for p, e in zip(padding, extent)):
        raise Refusal(f"a padding of {padding} beyond the kernel's reach")
    shape = (out.shape[-2], 1, out.shape[-1]) if flat else tuple(out.shape[-3:])
    bias = bias_of_step(trace, value, found.get("bias"), name)
    node = trace.graph.add(
        "conv",
        [value.node],
        shape,
        trace.where(),
        weight=weight,
        bias=bias,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=int(found.get("groups", 1)),
    )
    return value.of(node, map_dims(trace, value, node, 2 if flat else 3))


def linear(trace, name, args, kwargs, out):
    found = arguments(args, kwargs, "input", "weight", "bias")
    value, weight = trace.value(args[0]), weights(trace.constant(found["weight"], name))
    features = [label for label in "CHW" if value.node.shape["CHW".index(label)] > 1]
    order = list(value.dims[-1])
    if sorted(order) != sorted(features):
        raise Refusal(f"{name} of an axis that does not hold all features of {value.node.where}, {value.node.shape}")
    sizes = [trace.sizes.of(label, value.node) for label in order]
    weight = weight.reshape([weight.shape[0], *sizes]).transpose([0] + [1 + order.index(label) for label in features])
    return full(trace, value, weight.reshape(weight.shape[0], -1), bias_of_step(trace, value, found.get("bias"), name))


def full(trace, value: Value, weight, bias) -> Value:
    """Weights on all features, which are the last axis."""
    node = trace.graph.add("full", [value.node], (weight.shape[0], 1, 1), trace.where(), weight=weight, bias=bias)
    return value.of(node, value.dims[:-1] + trace.sizes.dims("C", node))


def bias_of_step(trace, value: Value, bias, name: str):
    """A bias; of weights that are applied to a sum over time, which add it once, each step's part of it."""
    if bias is None:
        return None
    bias = numbers(trace.constant(bias, name))
    if isinstance(value.when, Partial):
        raise Refusal(f"{name} of a sum over some of the steps")
    return bias / (trace.sizes.steps * value.when.factor) if isinstance(value.when, Summed) else bias


def normalised(trace, name, args, kwargs, out):
    found = arguments(
        args, kwargs, "input", "running_mean", "running_var", "weight", "bias", "training", "momentum", "eps"
    )
    value = trace.value(args[0])
    if found.get("training") or found.get("running_var") is None:
        raise Refusal("batch normalisation by the statistics of the batch; expected running averages")
    per_step(value, name)
    var, mean = numbers(found["running_var"]), numbers(found["running_mean"])
    weight, bias = found.get("weight"), found.get("bias")
    gamma = np.ones_like(var) if weight is None else numbers(trace.constant(weight, name))
    beta = np.zeros_like(var) if bias is None else numbers(trace.constant(bias, name))
    scale = gamma / np.sqrt(var + found.get("eps", 1e-5))
    group = value.dims[1] if len(value.dims) > 1 else ()
    return affine(trace, value, *(spread(trace, value, part, group) for part in (scale, mean, beta)))


def per_step(value: Value, name: str) -> None:
    if isinstance(value.when, (Summed, Partial)):
        raise Refusal(f"{name} of a sum over time")


def spread(trace, value: Value, vector: np.ndarray, group) -> np.ndarray:
    """One number for each place of an axis, as [C, 1, 1] or [C, H, W]."""
    labels = [label for label in "CHW" if label in group]
    if labels != list(group):
        raise Refusal("the axis that is normalised is not one of channels")
    return vector.reshape([value.node.shape["CHW".index(label)] if label in labels else 1 for label in "CHW"])


def affine(trace, value: Value, scale, mean, shift) -> Value:
    where = trace.where()
    full = [
        np.broadcast_to(part, (value.node.shape[0],) + np.shape(scale + mean + shift)[1:])
        for part in (scale, mean, shift)
    ]
    node = trace.graph.add("affine", [value.node], value.node.shape, where, scale=full[0], mean=full[1], shift=full[2])
    return value.of(node)


def pooled(trace, name, args, kwargs, out):
    flat, kind = name.endswith("1d"), "max" if name.startswith("max") else "sum" if name.startswith("lp") else "average"
    names = {
        "max": ("input", "size", "stride", "padding", "dilation", "ceil_mode", "return_indices"),
        "average": ("input", "size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override"),
        "sum": ("input", "norm_type", "size", "stride", "ceil_mode"),
    }[kind]
    kwargs = {"size" if key == "kernel_size" else key: v for key, v in kwargs.items()}
    found, value = arguments(args, kwargs, *names), trace.value(args[0])
    per_window = (lambda v: (1, line(v))) if flat else pair
    size = per_window(found["size"])
    given = found.get("stride")
    stride = size if given is None or given == () or given == [] else per_window(given)
    padding = (0, line(found.get("padding", 0))) if flat else pair(found.get("padding", 0))
    if pair(found.get("dilation", 1)) != (1, 1) or found.get("return_indices") or found.get("divisor_override"):
        raise Refusal(f"{name} with dilation, indices or a divisor of its own")
    if kind == "sum" and float(found["norm_type"]) != 1:
        raise Refusal(f"{name} of another power than 1")
    if flat and value.dims[-2:] in (((), ("C",)), ((), ())) and value.node.shape[1:] == (1, 1):
        return voted(trace, value, kind, size[1], stride[1])
    require_map(value, trace, 2 if flat else 3, name)
    if found.get("count_include_pad") is False and padding != (0, 0):
        raise Refusal(f"{name} that does not count its padding")
    if kind == "max":
        per_step(value, name)
    node = trace.pool(value.node, kind, size, stride, padding, (1, out.shape[-1]) if flat else tuple(out.shape[-2:]))
    if node.kind == "pool" and node.ceil and kind != "max":
        raise Refusal(f"{name} with ceil_mode: windows that do not fit count, and their means are of fewer values")
    return value.of(node, map_dims(trace, value, node, 2 if flat else 3))


def voted(trace, value: Value, kind: str, size: int, stride: int) -> Value:
    """Means of groups of outputs: SpikingJelly's VotingLayer. They are weights."""
    channels = value.node.shape[0]
    outputs = (channels - size) // stride + 1
    if kind == "max":
        raise Refusal("the maximum of groups of channels")
    weight = np.zeros((outputs, channels))
    for i in range(outputs):
        weight[i, i * stride : i * stride + size] = 1 / size if kind == "average" else 1
    return full(trace, value, weight, None)


def adaptive(trace, name, args, kwargs, out):
    value, flat = trace.value(args[0]), name.endswith("1d")
    require_map(value, trace, 2 if flat else 3, name)
    rows, columns = value.node.shape[1:]
    wanted = (1, out.shape[-1]) if flat else tuple(out.shape[-2:])
    if name.startswith("adaptive_max") or (rows % wanted[0] == 0 and columns % wanted[1] == 0):
        if rows % wanted[0] or columns % wanted[1]:
            raise Refusal(f"{name} of a map whose size {rows}×{columns} is no multiple of {wanted[0]}×{wanted[1]}")
        size = (rows // wanted[0], columns // wanted[1])
        node = trace.pool(value.node, "max" if "max" in name else "average", size, size)
    else:
        node = trace.graph.add(
            "spatial",
            [value.node],
            (value.node.shape[0], *wanted),
            trace.where(),
            rows=windows(rows, wanted[0]),
            columns=windows(columns, wanted[1]),
        )
    return value.of(node, map_dims(trace, value, node, 2 if flat else 3))


def windows(length: int, outputs: int) -> np.ndarray:
    """PyTorch's adaptive means along one axis, [outputs, length]."""
    matrix = np.zeros((outputs, length))
    for i in range(outputs):
        start, stop = i * length // outputs, -(-(i + 1) * length // outputs)
        matrix[i, start:stop] = 1 / (stop - start)
    return matrix


def dropped(trace, name, args, kwargs, out):
    found = arguments(args, kwargs, "input", "p", "training")
    if found.get("training", True) and found.get("p", 0.5) > 0:
        raise Refusal("dropout while training")
    return trace.value(args[0])


def constant_array(trace, value: Value, other, out) -> np.ndarray:
    """A number or a constant tensor as it meets the value's axes: [C, 1, 1], [C, H, W] or one number."""
    if isinstance(other, (int, float)):
        return np.full((1, 1, 1), float(other))
    found = trace.canonical(other.expand(out.shape), value)
    if not bool((found == found[:1, :1]).all()):
        raise Refusal("a constant that differs between steps or samples")
    array = numbers(found[0, 0])
    return array[:, :1, :1] if (array == array[:, :1, :1]).all() else array


def factors_of_steps(trace, value: Value, other, out) -> np.ndarray | None:
    """A constant tensor that differs between steps and not between samples, [T, C, 1, 1] or [T, C, H, W]."""
    if value.when != ALL or "T" not in value.labels or isinstance(other, (int, float)):
        return None
    found = trace.canonical(other.expand(out.shape), value)
    if bool((found == found[:, :1]).all()) or not bool((found == found[:1]).all()):
        return None
    array = numbers(found[0])
    return array[:, :, :1, :1] if (array == array[:, :, :1, :1]).all() else array


def added(trace, name, args, kwargs, out):
    """a + alpha · b, a − b, and the reversed forms of the operators."""
    a, b = args[0], args[1]
    alpha = float(kwargs.get("alpha", 1)) * (-1.0 if "sub" in name else 1.0)
    if name in ("rsub", "__rsub__"):
        a, b = b, a
        if name == "rsub":
            alpha = -1.0
    x, y = trace.tracked(a), trace.tracked(b)
    if isinstance(x, Value) and isinstance(y, Value):
        if alpha != 1:
            raise Refusal("one tensor is subtracted from another, or scaled while it is added")
        return both(trace, "add", x, y)
    value, other, sign = (x, b, 1.0) if isinstance(x, Value) else (y, a, alpha)
    shift = constant_array(trace, value, other, out) * (alpha if isinstance(x, Value) else 1.0)
    if sign == 1 and not shift.any():
        return value
    per_step(value, name)
    if sign == -1 and (shift == 1).all():
        return value.of(trace.graph.add("complement", [value.node], value.node.shape, trace.where()))
    zero = np.zeros((1, 1, 1))
    return affine(trace, value, zero + sign, zero, shift)


def both(trace, kind: str, x: Value, y: Value) -> Value:
    if kind == "add":
        steps = added_steps(x, y)
        if steps:
            return finished(trace, steps)
    x, y = trace.aligned(x, y)
    if x.dims != y.dims or x.node.shape != y.node.shape:
        raise Refusal(f"two tensors of axes {x.dims} and {y.dims} meet in one operation")
    if kind == "and":
        for one, other in ((x, y), (y, x)):
            if other.node.kind == "complement":
                node = trace.graph.add("iand", [one.node, other.node.inputs[0]], one.node.shape, trace.where())
                return one.of(node)
    return x.of(trace.graph.add(kind, [x.node, y.node], x.node.shape, trace.where()))


def multiplied(trace, name, args, kwargs, out):
    x, y = trace.tracked(args[0]), trace.tracked(args[1])
    divides = "div" in name
    if isinstance(x, Value) and isinstance(y, Value):
        if divides:
            raise Refusal("one tensor is divided by another")
        per_step(x, name)
        return both(trace, "and", x, y)
    if divides and (not isinstance(x, Value) or kwargs.get("rounding_mode") or "floor" in name):
        raise Refusal(f"{name} of a constant by a tensor, or rounded")
    value, other = (x, args[1]) if isinstance(x, Value) else (y, args[0])
    by_step = factors_of_steps(trace, value, other, out)
    if by_step is not None:
        scale = 1 / by_step if divides else by_step
        return value.of(norm(trace.graph, value.node, trace.where(), scale, 0 * scale))
    factor = constant_array(trace, value, other, out)
    factor = 1 / factor if divides else factor
    value = finished(trace, value)
    if isinstance(value.when, (Summed, Partial)) and (factor == factor.flat[0]).all():
        return scaled_sum(value, float(factor.flat[0]))
    if (factor == 1).all():
        return value
    zero = np.zeros((1, 1, 1))
    return affine(trace, value, factor, zero, zero)


def joined(trace, name, args, kwargs, out):
    """Steps, or channels."""
    found = arguments(args, kwargs, "tensors", "dim")
    parts, dim = found["tensors"], axis(found.get("dim", kwargs.get("axis", 0)), out.dim())
    if is_steps(trace, parts, dim):
        first = trace.value(parts[0])
        trace.sizes.found_steps(len(parts), name)
        return replace(first, dims=first.dims[:dim] + (("T",),) + first.dims[dim + 1 :], when=ALL)
    values = trace.aligned(*[trace.or_zeros(part, parts, dim) for part in parts])
    places = {value.dims[:dim] + value.dims[dim + 1 :] for value in values}
    if (
        len(places) > 1
        or any(value.dims[dim] not in (("C",), ()) for value in values)
        or len({value.node.shape[1:] for value in values}) > 1
    ):
        raise Refusal(f"{name} along an axis that is neither channels nor time, or of features that are flat already")
    shape = (sum(value.node.shape[0] for value in values), *values[0].node.shape[1:])
    node = trace.graph.add("cat", [value.node for value in values], shape, trace.where())
    return values[0].of(node, values[0].dims[:dim] + trace.sizes.dims("C", node) + values[0].dims[dim + 1 :])


def softened(trace, name, args, kwargs, out):
    """Of the scores at the end: they keep their order."""
    value = finished(trace, trace.value(args[0]))
    trace.notes.append(f"{name} of the output is left out: scores are what it is applied to, in the same order")
    trace.put_softened(out, args[0], name)
    return value


def rectified(trace, name, args, kwargs, out):
    value = trace.value(args[0])
    if value.node.kind in ("neuron", "pool") and bool((args[0] >= 0).all()):
        return value
    raise Refusal(f"{name} is no spiking neuron")


HANDLERS = {
    "conv1d": convolved,
    "conv2d": convolved,
    "linear": linear,
    "batch_norm": normalised,
    "relu": rectified,
    "cat": joined,
    "concat": joined,
    "concatenate": joined,
    "softmax": softened,
    "log_softmax": softened,
}
HANDLERS |= {f"{kind}_pool{d}d": pooled for kind in ("max", "avg", "lp") for d in (1, 2)}
HANDLERS |= {f"adaptive_{kind}_pool{d}d": adaptive for kind in ("max", "avg") for d in (1, 2)}
HANDLERS |= dict.fromkeys(("dropout", "dropout1d", "dropout2d", "feature_dropout", "alpha_dropout"), dropped)
HANDLERS |= dict.fromkeys(
    "add sub rsub __add__ __radd__ __iadd__ __sub__ __rsub__ __isub__ add_ sub_ subtract".split(), added
)
HANDLERS |= dict.fromkeys(
    "mul div __mul__ __rmul__ __imul__ __truediv__ __itruediv__ mul_ div_ multiply divide true_divide".split(),
    multiplied,
)
