"""Compares a network's simulation with the run of the model it was made from."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .graph import Refusal, as_array

NEAR = 1e-5  # of the threshold: closer than this, rounding may decide whether a neuron fires


@dataclass
class LayerComparison:
    """One layer's spikes in both."""

    module: str
    layer: str
    spikes: int  # of the model
    differing: int  # spikes that only one of the two has
    distance: float  # the largest distance to the threshold, in thresholds, at which a neuron first fired otherwise


@dataclass
class Comparison:
    """What a model and its network gave on the example."""

    samples: int
    score_difference: float  # the largest
    layers: list[LayerComparison] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # what of the model was left out or assumed

    @property
    def differing(self) -> int:
        return sum(layer.differing for layer in self.layers)

    def __str__(self) -> str:
        lines = [f"{self.samples} samples, largest difference of a score {self.score_difference:.3g}"]
        for layer in self.layers:
            text = f"{layer.module} as {layer.layer}: {layer.spikes} spikes, {layer.differing} differ"
            text += "" if layer.spikes else " (so what it sends was not compared)"
            lines.append(text + (f", first within {layer.distance:.2g} of the threshold" if layer.differing else ""))
        return "\n".join(lines + self.notes)


def potentials(fields, currents: np.ndarray, spikes: np.ndarray, recurrent=None) -> np.ndarray:
    """A neuron's potential when it is compared with the threshold, in float64, from its currents and its spikes, [N,
    T, …]."""
    get = lambda name, usual: shaped(fields.get(name, usual))
    beta, alpha, gain, threshold = get("beta", 1.0), get("alpha", 0.0), get("gain", 1.0), get("threshold", 1.0)
    adapt, rho = get("adapt", 0.0), get("rho", 0.0)
    reset, at = fields.get("reset", "subtract"), get("v_reset", 0.0)
    delay = fields.get("delay", False)
    u = np.zeros(currents[:, 0].shape)
    j = np.zeros_like(u)
    rise = np.zeros_like(u)
    last = np.zeros_like(u)
    compared = []
    for t in range(spikes.shape[1]):
        current = currents[:, t if currents.shape[1] > 1 else 0]
        current = current + (recurrent(last) if recurrent else 0.0)
        j = alpha * j + gain * current
        if delay and reset == "zero":
            u = np.where(last > 0, at, u)
        u = beta * u + j - (threshold * last if delay and reset == "subtract" else 0.0)
        rise = rho * rise + adapt * last
        compared.append(u - rise)
        last = spikes[:, t]
        if not delay and reset != "none":
            u = u - (threshold + rise) * last if reset == "subtract" else np.where(last > 0, at, u)
    return np.stack(compared, 1)


def shaped(value):
    return value[:, None, None].astype(np.float64) if getattr(value, "ndim", 0) == 1 else value


def gather(trace, instance):
    """What a neuron was given and what it gave, [N, T, C, H, W]."""
    import torch

    steps = trace.sizes.steps
    currents = [trace.canonical(with_weights(first, weight), value) for first, value, weight in instance.currents]
    spikes = [trace.canonical(tensor, value) for tensor, value in instance.outputs]
    join = lambda parts: torch.cat(parts, 1).double().cpu().numpy()
    n, *rest = spikes[0].shape[0], *spikes[0].shape[2:]
    currents, spikes = join(currents), join(spikes)
    return np.broadcast_to(currents, (n, currents.shape[1], *rest)), np.broadcast_to(spikes, (n, steps, *rest))


def with_weights(first, weight):
    import torch

    return first if weight is None else torch.nn.functional.linear(first.detach(), weight.detach())


def recurrent_map(instance, shape):
    """What a recurrence adds to the currents, of spikes [N, C, H, W]."""
    import torch

    if not instance.recurrence:
        return None
    kind, weight, bias = instance.recurrence
    weight = weight(shape) if callable(weight) else weight
    weight = torch.as_tensor(as_array(weight))
    bias = None if bias is None else torch.as_tensor(as_array(bias))

    def apply(spikes):
        given = torch.as_tensor(np.require(spikes, requirements="W"))  # PyTorch warns of others
        if kind == "conv":
            return torch.nn.functional.conv2d(given, weight, bias, padding=weight.shape[-1] // 2).numpy()
        if kind == "one":
            return (given * weight.reshape(-1, 1, 1)).numpy()
        return torch.nn.functional.linear(given.flatten(1), weight, bias).reshape(given.shape).numpy()

    return apply


def distances(instance, currents, spikes, shape) -> np.ndarray:
    """How far from its threshold each neuron was at each step, in thresholds of at least 1."""
    u = potentials(instance.fields, currents, spikes, recurrent_map(instance, shape))
    threshold = shaped(instance.fields.get("threshold", 1.0))
    return np.abs(u - threshold) / np.maximum(threshold, 1.0)


def require_binary(instance, currents, spikes, shape) -> None:
    """What the engine does not have must not show in the run."""
    cell = instance.cell
    factor = cell.factor
    if cell.fires and not ((spikes == 0) | (spikes == factor)).all():
        most = spikes.max() / factor
        what = f"fires up to {most:g} times in a step" if not cell.at_most_one else f"sends {most:g}"
        raise Refusal(
            f"{instance.where}: {what} in the run with the example; here a neuron fires once in a step at most"
            + ("" if cell.at_most_one else ", as with spike_fn=SingleSpike")
        )
    if cell.below_after_reset or cell.floor is not None:
        u = potentials(instance.fields, currents, spikes, recurrent_map(instance, shape))
        threshold = shaped(instance.fields.get("threshold", 1.0))
        if cell.below_after_reset and (u - threshold * (spikes > 0) > threshold).any():
            raise Refusal(
                f"{instance.where}: its potential stays above the threshold after a reset in the run with the example; "
                "with "
                "reset_delay=False snnTorch then subtracts the threshold once more before it compares, as nothing here "
                "does"
            )
        if cell.floor is not None and (u < cell.floor).any():
            raise Refusal(
                f"{instance.where}: its potential reaches {u.min():.3g}, below its lower bound {cell.floor:g}, in the "
                "run "
                "with the example; here a potential has no bound"
            )


NEVER = np.iinfo(np.int64).max


def first_step(differs: np.ndarray) -> np.ndarray:
    """Of each sample the first step with a difference."""
    steps = differs.any((2, 3, 4))
    return np.where(steps.any(1), steps.argmax(1), NEVER)


def first_differences(differs: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Of each neuron its first difference, if no step that it comes after has one in what the neuron reads: booleans
    [N, T, …]."""
    first = differs & (np.cumsum(differs, axis=1) == 1)
    free = np.arange(differs.shape[1])[None, :] < before[:, None]
    return first & free[:, :, None, None, None]


def compare_layers(trace, made, names, simulated, comparison) -> np.ndarray:
    """Fills in the comparison; gives which samples have a spike that differs. Refuses a first difference away from
    the threshold."""
    never = np.full(trace.sizes.samples, NEVER)
    since: dict[
        int, np.ndarray
    ] = {}  # of a neuron's node: for each sample the first step at which a spike of it differs
    for instance, node in made.reached:
        currents, spikes = gather(trace, instance)
        require_binary(instance, currents, spikes, node.shape)
        layer = made.emitted.layers.get(id(node))
        if layer is None:
            continue
        spikes = spikes / instance.cell.factor
        differs = simulated[layer] != spikes
        before = np.minimum.reduce([since.get(id(other), never) for other in made.upstream[id(node)]] or [never])
        since[id(node)] = np.minimum(first_step(differs), before)
        first = first_differences(
            differs, before if not instance.recurrence else np.minimum(before, first_step(differs) + 1)
        )
        distance = 0.0
        if first.any():
            distance = float(distances(instance, currents, spikes, node.shape)[first].max())
        comparison.layers.append(
            LayerComparison(instance.where, names[layer], int(spikes.sum()), int(differs.sum()), distance)
        )
        if distance > NEAR:
            raise Refusal(
                f"{instance.where}: fires otherwise than {names[layer]} of the network made from it, {distance:.3g} "
                "from the "
                f"threshold: {int(first.sum())} spikes differ first here"
            )
    return np.minimum.reduce([never, *since.values()]) < NEVER
