"""What a network has learned: the few filters that drive each class (SVEBI)."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import numpy as np

from spikelens import _core, _draw
from spikelens._arrays import integers, samples_of, seed_number, whole_number
from spikelens._core import InputError
from spikelens._execution import Progress, settings
from spikelens._given import checked
from spikelens.network import Network


class Interpretation:
    """The filters that drive each class of a network, found on a set of samples.

    net, inputs   as in ``Network.simulate``; the samples are best the training set
    mu            the budget whose filters are shown and used by the method "svebi"; the larger, the more filters
    mu_max        budgets 1 … so many are computed
    response      how strongly a filter answers within its layer: "energy" or "l2"
    signed        weights may be negative
    The rest is as in ``spikelens.attribute``.

    It can be pickled, with the network and the samples.

    Raises InputError for a network without filters, and options out of range. Ctrl-C stops it.
    """

    @checked
    def __init__(
        self,
        net: Network,
        inputs: Any,
        *,
        mu: float = 2,
        mu_max: int = 50,
        response: str = "energy",
        signed: bool = False,
        layout: str | None = None,
        threads: int = 0,
        memory: int | None = None,
        kernel: str = "",
        progress: Progress | bool | None = None,
    ) -> None:
        mu_max = whole_number(mu_max, "the largest mu", 1, 1000)
        if mu is None or not 0 < mu < float("inf"):
            raise InputError(f"mu must be a number above 0, not {mu}")
        self.net, self.mu = net, float(mu)
        self._layout = layout or net.layout
        self._samples = samples_of(inputs, net.input_shape, self._layout)
        if not len(self._samples.values):
            raise InputError("there are no samples to interpret the network on")
        all_mu = sorted({float(budget) for budget in range(1, mu_max + 1)} | {self.mu})
        self._budgets = (all_mu, self.mu, bool(signed))
        with settings(threads, memory, kernel, progress) as how:
            budgets = _core.Budgets(*self._budgets)
            self._core = _core.interpret(net._core, self._samples.values, budgets, response, how)

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_core": self._core.state()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._core = _core.restored(self.net._core, state["_core"], _core.Budgets(*self._budgets))

    def _knowledge_of(self, net: Network) -> _core.Knowledge:
        if net != self.net:
            raise InputError("the interpretation is of another network")
        return self._core.knowledge

    @property
    def filter_names(self) -> list[str]:
        """Names of all filters, "conv1.0" …: the rows of the responses."""
        return self._core.filters

    @property
    def samples(self) -> int:
        """How many samples were looked at."""
        return self._core.samples

    @property
    def predicted(self) -> np.ndarray:
        """int64 [classes]: samples for which each class was predicted."""
        return self._core.predicted

    @property
    def responses(self) -> dict[str, np.ndarray]:
        """Sums of the responses X [filters, samples]: "gram" X·Xᵀ, "correlation" X·Lᵀ with the one-hot predictions L,
        "sum"; and "active", the samples in which each filter spiked."""
        core = self._core
        return {"gram": core.gram, "correlation": core.correlation, "sum": core.response_sum, "active": core.active}

    def path(self, target: int | str) -> list[dict[str, Any]]:
        """The filters of a class at every budget: mu, filters (name, weight; by weight), objective, and the
        certificates kkt_residual and duality_gap."""
        return self._core.path(self._class(target))

    def breakpoints(self, target: int | str) -> list[dict[str, Any]]:
        """Where the set of filters changes, as ``path`` has points; between two of them weights are linear in mu."""
        return self._core.breakpoints(self._class(target))

    @checked
    def filters(self, target: int | str, mu: float | None = None) -> list[tuple[str, float]]:
        """The filters that drive a class at one budget, with their weights, the largest first."""
        wanted = self.mu if mu is None else float(mu)
        points = {point["mu"]: point["filters"] for point in self.path(target)}
        if wanted not in points:
            raise InputError(f"mu {wanted:g} was not computed: there are {min(points):g} to {max(points):g}")
        return points[wanted]

    @checked
    def ablate(
        self,
        inputs: Any,
        labels: Any,
        *,
        draws: int = 5,
        seed: int = 1,
        layout: str | None = None,
        threads: int = 0,
        memory: int | None = None,
        kernel: str = "",
        progress: Progress | bool | None = None,
    ) -> dict[str, Any]:
        """Accuracy with each class's filters silenced, against as many random ones, on other samples, best the test
        set: {"full_accuracy": …, "curve": [{"mu", "mean_filters", "relevant_accuracy", "random_accuracy", …}, …]}."""
        samples = samples_of(inputs, self.net.input_shape, layout or self._layout)
        if not len(samples.values):
            raise InputError("there are no samples to measure accuracy on")
        numbers = integers(labels, "labels", len(samples.values))
        with settings(threads, memory, kernel, progress) as how:
            return _core.ablate(self.net._core, self._core, samples.values, numbers, draws, seed_number(seed), how)

    @checked
    def visualise(
        self,
        filters: str | Sequence[str] | None = None,
        *,
        crops: int = 9,
        threads: int = 0,
        memory: int | None = None,
        kernel: str = "",
        progress: Progress | bool | None = None,
    ) -> list[dict[str, Any]]:
        """What filters see: the mean of the crops where each answered most, [C, H, W], and the strongest crops; None:
        all filters. A filter that never spiked has no average."""
        names = self.filter_names
        filters = [filters] if isinstance(filters, str) else filters
        for name in filters or ():
            if name not in names:
                raise InputError(f"there is no filter '{name}'{_core.suggestion(name, names)}")
        rows = list(range(len(names))) if filters is None else [names.index(name) for name in filters]
        with settings(threads, memory, kernel, progress) as how:
            return _core.visualise(self.net._core, self._core, self._samples.values, rows, crops, how)

    def _class(self, target: int | str) -> int:
        number = self.net._resolve_class(target)
        return whole_number(number, "a class", -(2**31), 2**31 - 1)

    def __repr__(self) -> str:
        count = len(self.filter_names)
        return f"<Interpretation of {self.net.text} on {self.samples} samples: {count} filters, mu {self.mu:g}>"

    def _repr_html_(self) -> str:
        rows = []
        for index, name in enumerate(self.net.classes):
            shown = ", ".join(f"{html.escape(f)} ({w:.2g})" for f, w in self.filters(index)[:6])
            rows.append(f"<tr><td>{html.escape(name)}</td><td>{shown or 'none'}</td></tr>")
        head = "<tr><th>class</th><th>filters (weight)</th></tr>"
        return f"<p>{html.escape(repr(self)[1:-1])}</p><table>{head}{''.join(rows)}</table>"

    @checked
    def plot(self, target: int | str, ax: Any = None) -> Any:
        """Draws the strongest filter's average for a class into Matplotlib axes, which it returns."""
        if ax is None:
            import matplotlib.pyplot as plt

            ax = plt.gca()
        names = [name for name, _ in self.filters(target)[:1]]
        for found in self.visualise(names) if names else []:
            if found["average"] is not None:
                ax.imshow(_draw.grey_or_colour(found["average"]), interpolation="nearest")
            ax.set_title(f"{found['filter']} for {self.net.classes[self._class(target)]}")
        ax.set_axis_off()
        return ax
