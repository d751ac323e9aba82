"""Which explanation can be trusted: metrics of explanation methods."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from spikelens import _core
from spikelens._arrays import Samples, floats, integers, samples_of, seed_number, shown, to_numpy, whole_number
from spikelens._core import InputError
from spikelens._execution import Progress, settings
from spikelens._given import checked
from spikelens.network import Network


@checked
def evaluate(
    net: Network,
    inputs: Any,
    targets: Any = None,
    methods: Mapping[str, Any] | Sequence[str] = (),
    metrics: Sequence[str] = (),
    *,
    layout: str | None = None,
    interpretation: Any = None,
    surrogate: str | None = None,
    seed: int = 1,
    baseline: str = "black",
    pixels_per_step: int = 0,
    spike_steps: int = 20,
    masks: Any = None,
    per_sample: bool = False,
    threads: int = 0,
    memory: int | None = None,
    kernel: str = "",
    progress: Progress | bool | None = None,
) -> Any:
    """Measures explanation methods, yours and ours, on the same samples.

    net, inputs   as in ``Network.simulate``
    targets       the class to explain: one, by number or name, or one for each sample; None: the predicted class.
                  Samples whose scores are all equal are left out then, with a warning: there is no prediction.
                  Metrics by mosaics ("focus", "pointing_game" without masks) take them for the samples' classes.
    methods       names of ours ("ig2d", "ig2d:steps=64"), or a dict of name → what it is:
                    None or text  a method of ours
                    array         maps that you have: [N, H, W], [N, C, H, W], or with time in the layout of the input
                    function      f(net, inputs, targets) gives such maps; ``targets`` is an int64 array
    metrics       names of ``spikelens.metrics()``; empty: insertion and deletion, of pixels or of spikes
    baseline      what pixels are taken away to: "black", "blur", "mean". pixels_per_step: 0 for an image row.
    masks         what of each sample maps should find, [N, H, W], values above 0: for "pointing_game", "energy_inside"
    per_sample    gives every sample's value instead of means
    The rest is as in ``spikelens.attribute``.

    Gives a DataFrame where pandas is installed, else a list of dicts: method, metric, better, mean, low, high (the 95 %
    interval of the mean), samples. A metric that does not apply to a method has no row. Maps that are given cannot be
    explained again; a warning names the metrics that would need it.

    Raises InputError for unknown names, with the nearest, and for maps of another shape or with values that are not
    finite.
    """
    samples = samples_of(inputs, net.input_shape, layout or net.layout)
    spiking = samples.spiking
    names = [metrics] if isinstance(metrics, str) else list(metrics)
    names = names or (["spike_insertion", "spike_deletion"] if spiking else ["insertion", "deletion"])
    entries = (
        methods if isinstance(methods, Mapping) else dict.fromkeys([methods] if isinstance(methods, str) else methods)
    )
    if not entries:
        raise InputError("no method is named; spikelens.methods() lists ours")
    targets = net._resolve_class(targets)
    classes = None if targets is None else integers(targets, "targets", len(samples.values))
    seed = seed_number(seed)
    whole_number(spike_steps, "spike_steps", 1, 2**31 - 1)
    whole_number(pixels_per_step, "pixels_per_step", 0, 2**31 - 1)
    knowledge = net._knowledge if interpretation is None else interpretation._knowledge_of(net)
    shuffled = _core.shuffled_network(net._core, seed) if any(map(_core.needs_shuffled, names)) else None
    given: dict[str, Any] = {}
    labels: dict[str, str] = {}
    for name, entry in entries.items():
        text = entry if isinstance(entry, str) else name
        if not isinstance(text, str):
            raise InputError(f"the name of a method must be a text, not {shown(name)}")
        if text in labels:
            raise InputError(f"the methods '{labels[text]}' and '{name}' are both '{text}'")
        given[text], labels[text] = _entry(name, entry, net, samples, classes), name
    options = _core.MetricOptions(baseline, pixels_per_step, spike_steps, seed)
    with settings(threads, memory, kernel, progress) as how:
        found = _core.evaluate(
            net._core,
            shuffled,
            samples.values,
            classes,
            _masks(masks, samples),
            given,
            names,
            knowledge,
            surrogate or net.surrogate,
            options,
            how,
        )
    undecided = max(scores["undecided"] for scores in found.values())
    if undecided == len(samples.values):
        raise InputError("all scores of every sample are equal, so that no class is predicted: say the targets")
    if undecided:
        warnings.warn(
            f"{undecided} of {len(samples.values)} samples are left out: all their scores are equal, so that no class "
            "is predicted",
            stacklevel=3,
        )
    for name, scores in found.items():
        if scores["left_out"]:
            warnings.warn(
                f"the maps of '{labels[name]}' are given, and {', '.join(scores['left_out'])} would explain changed "
                "inputs, classes or networks: give a function instead",
                stacklevel=3,
            )
    return _table(
        [
            row
            for name, scores in found.items()
            for row in _rows(labels[name], _in_order(scores["metrics"], names), per_sample)
        ]
    )


def _masks(masks: Any, samples: Samples) -> np.ndarray | None:
    """1 inside, 0 outside, uint8 [N, H, W]."""
    if masks is None:
        return None
    array = to_numpy(masks)
    shape = (len(samples.values), *samples.values.shape[-2:])
    if array.shape != shape or array.dtype.kind not in "fiub" or not np.isfinite(array).all():
        raise InputError(f"masks must be finite numbers [N, H, W] = {list(shape)}, not {shown(masks)}")
    return (array > 0).astype(np.uint8)


def _entry(name: str, entry: Any, net: Network, samples: Samples, classes: list[int] | None) -> Any:
    """As the extension takes a method: None for one of ours, an array, or (function, whether it tells steps apart)."""
    if entry is None or isinstance(entry, str):
        return None
    if not callable(entry):
        return floats(samples.restore(to_numpy(entry)), f"the maps of '{name}'")

    def called(changed: _core.Network | None, values: np.ndarray, targets: np.ndarray) -> np.ndarray:
        asked = Network(changed, surrogate=net.surrogate, layout=net.layout) if changed else net
        maps = to_numpy(entry(asked, samples.restore(values), targets))
        return floats(samples.restore(maps), f"the maps of '{name}'")

    one = np.array((classes or [0])[:1], np.int64)
    return called, called(None, samples.values[:1], one).ndim == 5


def _in_order(metrics: dict[str, Any], names: list[str]) -> dict[str, Any]:
    return {name: metrics[name] for name in names if name in metrics}


def _rows(method: str, metrics: dict[str, Any], per_sample: bool) -> list[dict[str, Any]]:
    rows = []
    for metric, result in metrics.items():
        if per_sample:
            rows += [
                {"method": method, "metric": metric, "sample": i, "value": float(v)}
                for i, v in enumerate(result["values"])
            ]
        else:
            rows.append(
                {
                    "method": method,
                    "metric": metric,
                    **{key: result[key] for key in ("better", "mean", "low", "high", "samples")},
                }
            )
    return rows


def _table(rows: list[dict[str, Any]]) -> Any:
    try:
        import pandas
    except ImportError:
        return rows
    return pandas.DataFrame(rows)
