"""When a decision was made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from spikelens import _core
from spikelens._arrays import integers, samples_of, whole_number
from spikelens._execution import Progress, settings
from spikelens._given import checked
from spikelens.network import Network


@dataclass(frozen=True, repr=False)
class DecisionTimes:
    """The readout, watched at every step.

    decided    int64 [N], steps after which the prediction no longer changes, 1 … T; 0 where the last names no class
    predicted  int64 [N, T], the class after each step; −1 where the scores name none
    scores     float32 [N, T, classes] after each step: the readout so far over the steps so far
    shares     float64 [N, windows], where windows were asked for, else None: the Shapley value of the spikes in each
               window for the score of ``targets``; they sum to the score less that of silence
    edges      of the windows, steps: window i is edges[i] … edges[i + 1] − 1; empty without windows
    targets    int64 [N] with windows, else None
    """

    decided: np.ndarray
    predicted: np.ndarray
    scores: np.ndarray
    shares: np.ndarray | None
    edges: list[int]
    targets: np.ndarray | None

    def __len__(self) -> int:
        return len(self.decided)

    def __repr__(self) -> str:
        steps = self.predicted.shape[1]
        known = self.decided[self.decided > 0]
        mean = f", decided after step {known.mean():.1f} in the mean" if len(known) else ""
        return f"<DecisionTimes of {len(self)} samples, {steps} steps{mean}>"


@checked
def decision_times(
    net: Network,
    inputs: Any,
    *,
    windows: int = 0,
    target: Any = None,
    layout: str | None = None,
    threads: int = 0,
    memory: int | None = None,
    kernel: str = "",
    progress: Progress | bool | None = None,
) -> DecisionTimes:
    """When each sample was decided, and of spikes what each window of time brought.

    windows  1 to 8 parts of the time of spikes, as equal as can be, whose Shapley values are wanted; 0: none. Costs
             2 to the power of the windows simulations a sample.
    target   the class whose score the windows share out, as in ``attribute``; None: the predicted class
    inputs, layout   as in ``Network.simulate``
    threads, memory, kernel, progress   likewise; no result depends on them

    >>> net = spikelens.parse("8C3-LIF-MP2-10F", (1, 28, 28), steps=10)
    >>> images = np.random.default_rng(0).random((4, 1, 28, 28), np.float32)
    >>> spikelens.decision_times(net, images).predicted.shape
    (4, 10)

    Raises InputError for windows of images, and for networks whose readout has no value a class or pools currents.
    """
    samples = samples_of(inputs, net.input_shape, layout or net.layout)
    windows = whole_number(windows, "windows", 0, 8)
    target = net._resolve_class(target)
    if target is not None and not windows:
        raise _core.InputError("a target is for windows: without them all classes are watched")
    targets = None if target is None else integers(target, "targets", len(samples.values))
    with settings(threads, memory, kernel, progress) as how:
        found = _core.decisions(net._core, samples.values, targets, windows, how)
    return DecisionTimes(
        found["decided"],
        found["predicted"],
        found["scores"],
        found.get("shares"),
        list(found.get("edges", [])),
        found.get("targets"),
    )
