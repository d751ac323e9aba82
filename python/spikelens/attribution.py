"""Explanations of single decisions: maps of what counted."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikelens import _core, _draw
from spikelens._arrays import Samples, integers, samples_of, seed_number, whole_number
from spikelens._catalogue import Contract, method_text, methods
from spikelens._execution import Progress, settings
from spikelens._given import checked
from spikelens.network import Network

_SHOWN = 8  # samples in a notebook


@dataclass(frozen=True, repr=False)
class Attribution:
    """Maps of some samples by one method. NumPy functions take it as the array ``values``.

    values   float32 [N, C, H, W] or [N, 1, H, W]; of methods that tell steps apart [N, T, …] in the layout of the input
    targets  int64 [N], the classes explained
    scores   float32 [N, classes], what the network says
    states   of each map: "values", "zero", "noise", "constant" or "not finite": whether it tells anything
    delta    float64 [N], where it was asked for, else None: Σ values − (score − score of the baseline); of methods that
             share out the score Σ values + what biases brought + what reached no input − the score
    method   the method with its options; ``contract`` says what its values mean
    """

    values: np.ndarray
    targets: np.ndarray
    scores: np.ndarray
    states: list[str]
    method: str
    delta: np.ndarray | None
    samples: Samples
    classes: list[str]

    @property
    def contract(self) -> Contract:
        return methods()[self.method.split(":")[0]]

    @property
    def maps(self) -> np.ndarray:
        """float32 [N, H, W]: time and channels summed, then the method's view. This is what is ranked and drawn."""
        return _core.pixel_maps(np.ascontiguousarray(self.samples.restore(self.values)), self.method)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if copy is False and dtype is not None and np.dtype(dtype) != self.values.dtype:
            raise ValueError("another type of values needs a copy")
        return np.array(self.values, dtype=dtype, copy=True if copy else None)

    def __len__(self) -> int:
        return len(self.targets)

    def __repr__(self) -> str:
        return f"<Attribution by {self.method} of {len(self)} samples: values {list(self.values.shape)}>"

    @property
    def signed(self) -> bool:
        return self.contract["signed"] and "view=" not in self.method

    def picture(self, index: int = 0) -> np.ndarray:
        """The map of a sample in the library's colours, uint8 [H, W, 3]: red for, blue against; or the darker, the
        more."""
        return _draw.colours(self.maps[self._index(index)], self.signed)

    def _index(self, index: int) -> int:
        return whole_number(index, "the index of a sample", -len(self), len(self) - 1)

    def sample(self, index: int = 0) -> np.ndarray:
        """The sample as a picture, uint8 [H, W, 3]; of spikes their sum over time."""
        values = self.samples.values[self._index(index)]
        return _draw.grey_or_colour(values.sum(axis=0) if self.samples.spiking else values)

    @checked
    def plot(self, ax: Any = None, index: int = 0) -> Any:
        """Draws the map of a sample into Matplotlib axes, which it returns."""
        if ax is None:
            import matplotlib.pyplot as plt

            ax = plt.gca()
        index = self._index(index)
        ax.imshow(self.picture(index), interpolation="nearest")
        ax.set_title(f"{self.method}: {self.classes[int(self.targets[index])]}")
        ax.set_axis_off()
        return ax

    def _repr_html_(self) -> str:
        maps, rows = self.maps, []
        for index in range(min(len(self), _SHOWN)):
            title = html.escape(f"sample {index}, class {self.classes[int(self.targets[index])]}")
            remark = "" if self.states[index] == "values" else f" ({self.states[index]})"
            pictures = (
                _draw.image_tag(self.sample(index), title)
                + " "
                + _draw.image_tag(_draw.colours(maps[index], self.signed), title)
            )
            rows.append(
                f"<figure style='display:inline-block;margin:4px'>{pictures}"
                f"<figcaption>{title}{remark}</figcaption></figure>"
            )
        more = f"<p>and {len(self) - _SHOWN} more</p>" if len(self) > _SHOWN else ""
        return f"<p><b>{html.escape(self.method)}</b>: {html.escape(self.contract['meaning'])}</p>{''.join(rows)}{more}"


@checked
def attribute(
    net: Network,
    inputs: Any,
    method: str,
    *,
    target: Any = None,
    layout: str | None = None,
    interpretation: Any = None,
    surrogate: str | None = None,
    seed: int = 1,
    addresses: Any = None,
    return_convergence_delta: bool = False,
    threads: int = 0,
    memory: int | None = None,
    kernel: str = "",
    progress: Progress | bool | None = None,
    **options: Any,
) -> Attribution:
    """Explains each sample by a method: how much every place counted for the class.

    net      the network
    inputs   images [N, C, H, W] or spikes in ``layout``, as ``Network.simulate`` takes them
    method   a name of ``spikelens.methods()``, alone or with options: "ig2d", "ig2d:steps=64:view=absolute"
    options  the method's own, the same as keywords: steps=64. ``spikelens.methods()["ig2d"]`` lists them with defaults.
    target   the class to explain: one, by number or name, or one for each sample; None: the predicted class
    interpretation   whose relevant filters the method uses ("svebi"); None: those of the run that the network came from
    surrogate        of gradient methods; None: the network's
    seed, addresses  of methods that draw: the draws of a sample depend on both; None: its index
    return_convergence_delta   also how far values are from adding up to the score's change
    threads, memory, kernel, progress   as in ``Network.simulate``; no result depends on them

    >>> net = spikelens.parse("8C3-LIF-MP2-10F", (1, 28, 28), steps=10)
    >>> image = np.zeros((1, 1, 28, 28), np.float32)
    >>> spikelens.attribute(net, image, "ig2d", target=3, steps=8)
    <Attribution by ig2d:steps=8 of 1 samples: values [1, 1, 28, 28]>

    Raises InputError for an unknown method or option, with the nearest name, and where the method needs relevant
    filters or probes that are not there. Ctrl-C stops it.
    """
    samples = samples_of(inputs, net.input_shape, layout or net.layout)
    count = len(samples.values)
    target = net._resolve_class(target)
    targets = None if target is None else integers(target, "targets", count)
    numbers = None if addresses is None else integers(addresses, "addresses", count, bits=64)
    knowledge = net._knowledge if interpretation is None else interpretation._knowledge_of(net)
    text = method_text(method, options)
    with settings(threads, memory, kernel, progress) as how:
        found = _core.attribute(
            net._core,
            samples.values,
            text,
            targets,
            numbers,
            seed_number(seed),
            knowledge,
            surrogate or net.surrogate,
            return_convergence_delta,
            how,
        )
    return Attribution(
        samples.restore(found["values"]),
        found["targets"],
        found["scores"],
        found["states"],
        text,
        found.get("delta"),
        samples,
        net.classes,
    )
