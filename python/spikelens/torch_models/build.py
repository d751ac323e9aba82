"""From a model and an example to a checked network."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from spikelens import _core
from spikelens._arrays import whole_number
from spikelens.network import Network

from . import check, emit, fold, rolling, surrogates
from .graph import Node, Refusal
from .run import Run, describe, follow
from .trace import Trace
from .values import ALL, Summed, Unknown, Value

LAYOUTS = {2: "NC", 3: "TNC", 4: "NCHW", 5: "TNCHW"}


def build(model, example, *, steps, layout, shape, output):
    if not isinstance(model, torch.nn.Module):
        raise _core.InputError(f"from_torch reads an nn.Module, not {type(model).__name__}")
    model = getattr(model, "_orig_mod", model)  # what torch.compile wraps
    example = example_of(example)
    layout = layout_of(example, layout)
    steps = None if steps is None else whole_number(steps, "steps", 1, 65535)
    if "T" in layout and steps is not None and steps != example.shape[layout.index("T")]:
        raise _core.InputError(f"steps = {steps}, but the example has {example.shape[layout.index('T')]} steps")
    modes = [(module, module.training) for module in model.modules()]
    try:
        model.eval()
        with torch.no_grad():
            return built(model, example, layout, steps, shape, output)
    except Refusal as reason:
        raise _core.InputError(str(reason)) from None
    finally:
        for module, training in modes:
            module.training = training


def example_of(example):
    """A tensor of finite numbers, and some samples of them."""
    try:
        example = torch.as_tensor(example)
    except (TypeError, ValueError, RuntimeError) as reason:
        raise _core.InputError(f"the example is no array: {reason}") from None
    if example.numel() == 0 or not bool(torch.isfinite(example).all()):
        raise _core.InputError("the example must hold samples of finite numbers")
    return example


def layout_of(example, layout):
    """The letters of an example's axes, or what is wrong with them."""
    if layout is None:
        layout = LAYOUTS.get(example.dim())
    if layout is None or len(layout) != example.dim():
        raise _core.InputError(
            f'an example of {example.dim()} axes needs a layout of as many letters, for example "TNCHW"'
        )
    if len(set(layout)) != len(layout) or set(layout) - set("TNCHW") or not {"N", "C"} <= set(layout):
        raise _core.InputError(f"the layout '{layout}' must name N and C, and may name T, H and W, each once")
    return layout


def built(model, example, layout, steps, shape, output):
    table = describe(model)
    made = made_of(follow(model, table, example, layout, steps, shape), output)
    if made.run.trace.read:
        for other in others(example):
            require_same_network(made, made_of(follow(model, table, other, layout, steps, shape), output))
        made.run.trace.notes.append(
            f"{made.run.trace.read[0]} reads numbers that depend on the input; other inputs gave the same network"
        )
    core = _core.network(
        made.emitted.text, list(made.run.trace.graph.input.shape), made.run.trace.sizes.steps, made.emitted.tensors
    )
    notes = made.run.trace.notes
    surrogate = surrogates.common([instance for instance, _ in made.reached], notes)
    network = Network(core, surrogate=surrogate, layout=layout_of_spikes(layout), notes=notes)
    network.comparison = compare(made, network, example, layout)
    return network


def others(example):
    """Other inputs: one of less, and one of what is not there."""
    some = (torch.arange(example.numel(), device=example.device) % 2).reshape(example.shape)
    return example.flip(-1) * some, example.max() + example.min() - example


def layout_of_spikes(layout: str) -> str | None:
    if "T" not in layout:
        return None
    return "TNCHW" if layout.index("T") < layout.index("N") else "NTCHW"


@dataclass
class Made:
    """What a run gave."""

    run: Run
    number: int  # of the output that counts
    value: Value  # which it is
    readout: str  # how scores come from it
    scale: float  # of it that scores do not have
    emitted: emit.Emitted
    reached: list  # neurons that count, with their nodes
    upstream: dict  # id of a neuron's node: the neurons that it reads


def made_of(run: Run, output) -> Made:
    trace = run.trace
    if run.outputs and not any(isinstance(found, Value) for _, found in run.outputs):
        raise Refusal(run.outputs[0][1].reason)
    if trace.sizes.steps is None:
        raise Refusal("the model shows no steps; expected `steps` for images, or neurons that are called over time")
    number, value, readout, scale = choose(run, output)
    if scale != 1 and value.when == ALL:
        trace.notes.append(f"the model's output is its last spikes times {scale:.6g}; scores are the spikes' mean")
    if number:
        trace.notes.append(f"output {number} of the model counts")
    node, leak = value.node, None
    reached = rolling.roll(trace.graph, node, trace.sizes.steps)
    if readout == "potential":
        node, leak = leaky_readout(trace, node.attributes["cell"])
        reached = reached[:-1]  # without the readout itself
    upstream = {id(neuron): sources(neuron) for _, neuron in reached}
    emitted = emit.Emitter(fold.fold(trace.graph, node)).run(leak)
    return Made(run, number, value, readout, scale, emitted, reached, upstream)


def require_same_network(made: Made, other: Made) -> None:
    """Where Python reads numbers of the run, what it makes of them may be taken for constants: another input shows
    it."""
    a, b = made.emitted, other.emitted
    if a.text != b.text or any(not np.array_equal(tensor, b.tensors[name]) for name, tensor in a.tensors.items()):
        raise Refusal(
            f"{made.run.trace.read[0]} reads numbers that depend on the input, and the network depends on them"
        )


# the output


def choose(run: Run, output):
    """The output that counts: its number, value, how scores come from it, and its scale."""
    if not run.outputs:
        raise Refusal("no output of the model depends on its input in a way that can be followed")
    if output is not None and not 0 <= output < len(run.outputs):
        raise Refusal(f"output = {output}; the model has outputs 0 to {len(run.outputs) - 1}")
    first = None
    for number, (_, value) in enumerate(run.outputs):
        if output is not None and number != output:
            continue
        try:
            value, scale = without_scale(value)
            return number, value, readout_of(run.trace, value), scale
        except Refusal as reason:
            first = first or reason
    raise first


def without_scale(value):
    """A scale of spikes that all classes share is left out, and given: it is no part of the network's scores."""
    scale = 1.0
    while isinstance(value, Value) and is_scale(value.node) and not fold.sends_currents(value.node.inputs[0]):
        scale *= float(value.node.scale.flat[0])
        value = replace(value, node=value.node.inputs[0])
    return value, scale


def is_scale(node: Node) -> bool:
    if node.kind != "affine" or node.mean.any() or node.shift.any():
        return False
    return bool(node.scale.flat[0] > 0 and (node.scale == node.scale.flat[0]).all())


def readout_of(trace: Trace, value) -> str:
    """ "count" for sums over time of what the last layer sends, "potential" for a last potential."""
    if isinstance(value, Unknown):
        raise Refusal(value.reason)
    node, last = value.node, trace.sizes.steps - 1
    if node.kind == "state":
        cell = node.attributes["cell"].cell
        if node.attributes["name"] != "potential" or (cell.fires and cell.neuron.get("reset") != "none"):
            raise Refusal(
                f"{node.where}: the output is a state of it; expected its spikes, or the potential of a neuron that "
                "never "
                "resets"
            )
        if value.when not in (ALL, last):
            raise Refusal(
                f"{node.where}: the output is its potential summed over time, or at another step than the last"
            )
        return "potential"
    if value.when != ALL and not isinstance(value.when, Summed) and not (value.when == last == 0):
        raise Refusal(f"{node.where}: the output is that of one step; expected all steps, their sum or their mean")
    return "count"


def leaky_readout(trace: Trace, instance):
    """What the neuron integrates, with its gain in the weights, and its leak and synapse."""
    fields = instance.fields
    leak = {name: fields.get(name, usual) for name, usual in (("beta", 1.0), ("alpha", 0.0))}
    if instance.recurrence or any(isinstance(value, np.ndarray) for value in leak.values()):
        raise Refusal(
            f"{instance.where}: a readout with recurrence or leaks that differ; expected one leak and one synapse, "
            "as of Norse's LICell, or weights alone"
        )
    below, gain = trace.neuron_of(instance).inputs[0], fields.get("gain", 1.0)
    if np.any(np.asarray(gain) != 1):
        zero = np.zeros((below.shape[0], 1, 1))
        scale = zero + (gain[:, None, None] if getattr(gain, "ndim", 0) == 1 else gain)
        below = trace.graph.add("affine", [below], below.shape, instance.where, scale=scale, mean=zero, shift=zero)
    if leak["alpha"] == 0:
        del leak["alpha"]
    return below, leak if leak != {"beta": 1.0} else None


def sources(neuron: Node) -> list[Node]:
    """The neurons that a neuron reads, directly."""
    found, stack = [], list(neuron.inputs)
    while stack:
        node = stack.pop()
        if node.kind == "neuron":
            found.append(node)
        else:
            stack.extend(node.inputs)
    return found


# the comparison


def compare(made: Made, network, example, layout):
    trace = made.run.trace
    comparison = check.Comparison(trace.sizes.samples, 0.0, notes=trace.notes)
    names = [layer["name"] for layer in network._core.layers]
    scores, spikes = simulate(network, samples_of(trace, example, layout), sorted(made.emitted.layers.values()))
    differs = check.compare_layers(trace, made, names, spikes, comparison)
    wanted = model_scores(trace, made.run.outputs[made.number][0], made.value, made.readout) / made.scale
    far = np.abs(scores - wanted)
    comparison.score_difference = float(far.max())
    allowed = check.NEAR * max(1.0, float(np.abs(wanted).max()))
    if (far[~differs] > allowed).any():
        raise Refusal(
            f"scores differ from the model's by {far[~differs].max():.3g} where all spikes are equal, in {names[-1]}"
        )
    return comparison


def samples_of(trace: Trace, example, layout) -> np.ndarray:
    """Images [N, C, H, W] as float32, or sequences [N, T, C, H, W] of spikes as uint8. Sequences of one image are
    images."""
    order = [layout.index(label) for label in "NTCHW" if label in layout]
    array = example.detach().cpu().permute(order).numpy()
    shape = trace.graph.input.shape
    if "T" not in layout:
        return np.ascontiguousarray(array, np.float32).reshape(len(array), *shape)
    array = array.reshape(*array.shape[:2], *shape)
    whole = (array == np.clip(np.floor(array), 0, 255)).all()
    if not whole and (array == array[:, :1]).all():
        return np.ascontiguousarray(array[:, 0], np.float32)
    if not whole:
        raise Refusal(
            "the example's sequences hold other numbers than whole ones from 0 to 255, which are spikes, and are not "
            "one image "
            "at every step"
        )
    return np.ascontiguousarray(array, np.uint8)


def simulate(network, samples, layers):
    """Scores, and the spikes of these layers by their index."""
    names = [layer["name"] for layer in network._core.layers]
    result = network.simulate(samples, spikes=[names[layer] for layer in layers], layout="NTCHW", progress=False)
    return result.scores, {layer: result.spikes[names[layer]] for layer in layers}


def model_scores(trace: Trace, tensor, value: Value, readout: str) -> np.ndarray:
    """[N, classes]: what the network's scores should be."""
    steps = trace.sizes.steps
    if isinstance(tensor, list):
        found = torch.cat([trace.canonical(part, replace(value, when=0)) for part in tensor], 1)
    else:
        found = trace.canonical(trace.before_softmax.get(id(tensor), tensor), value)
    found = found.double().cpu().numpy()
    found = found.reshape(found.shape[0], found.shape[1], -1)
    if readout == "potential":
        return found[:, -1] / steps
    if isinstance(value.when, Summed):
        return found[:, 0] / (value.when.factor * steps)
    return found.mean(1)
