"""What each filter brought to a decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from spikelens import _core
from spikelens._arrays import integers, samples_of
from spikelens._execution import Progress, settings
from spikelens._given import checked
from spikelens.network import Network


@dataclass(frozen=True, repr=False)
class FilterEvidence:
    """How much each filter brought to the score of the class, by a rule.

    values   float64 [N, filters], signed
    names    of the filters, "conv1.0": those of ``Interpretation.filter_names``
    targets  int64 [N], the classes explained
    biases   float64 [N] by layer, by share alone, else empty: what the biases and resets of later layers brought. Where
             no branch passes a layer by, its filters and its biases add up to the score.
    rule     "share", "gate", "gradient" or "occlusion"
    """

    values: np.ndarray
    names: list[str]
    targets: np.ndarray
    biases: dict[str, np.ndarray]
    rule: str
    classes: list[str]

    def ranked(self, target: int | str | None = None) -> list[tuple[str, float]]:
        """Filters with their mean evidence, the greatest first: over all samples, or those explained for a class."""
        number = self.classes.index(target) if isinstance(target, str) and target in self.classes else target
        if number is not None and (isinstance(number, str) or number not in self.targets):
            raise _core.InputError(f"no sample was explained for the class {target!r}")
        means = (self.values if number is None else self.values[self.targets == number]).mean(axis=0)
        return [(self.names[i], float(means[i])) for i in np.argsort(-means, kind="stable")]

    def __len__(self) -> int:
        return len(self.targets)

    def __repr__(self) -> str:
        return f"<FilterEvidence by {self.rule} of {len(self)} samples: {len(self.names)} filters>"


@checked
def evidence(
    net: Network,
    inputs: Any,
    rule: str = "share",
    *,
    target: Any = None,
    layout: str | None = None,
    surrogate: str | None = None,
    threads: int = 0,
    memory: int | None = None,
    kernel: str = "",
    progress: Progress | bool | None = None,
) -> FilterEvidence:
    """How much each filter brought to the score of a class, sample by sample.

    rule     "share": what its spikes paid for the score, one sweep a sample; "gate": its spikes times their worth with
             every neuron taken as a gain; "gradient": its spikes times the surrogate gradient, a backward pass for each
             layer; "occlusion": how much the score falls without it, a simulation for each filter
    inputs, target, layout, surrogate   as in ``attribute``
    threads, memory, kernel, progress   as in ``Network.simulate``; no result depends on them

    >>> net = spikelens.parse("8C3-LIF-MP2-10F", (1, 28, 28), steps=10)
    >>> images = np.random.default_rng(0).random((4, 1, 28, 28), np.float32)
    >>> spikelens.evidence(net, images, target=3)
    <FilterEvidence by share of 4 samples: 8 filters>

    Raises InputError for another rule, and where a rule cannot explain the network: gates of recurrent layers, shares
    of thresholds that adapt.
    """
    samples = samples_of(inputs, net.input_shape, layout or net.layout)
    target = net._resolve_class(target)
    targets = None if target is None else integers(target, "targets", len(samples.values))
    with settings(threads, memory, kernel, progress) as how:
        found = _core.evidence(net._core, samples.values, rule, targets, surrogate or net.surrogate, how)
    having = {name.rsplit(".", 1)[0] for name in found["names"]}
    biases = found.get("biases")
    by_layer = {} if biases is None else {n: biases[:, i] for i, n in enumerate(found["layers"]) if n in having}
    return FilterEvidence(found["values"], list(found["names"]), found["targets"], by_layer, rule, net.classes)
