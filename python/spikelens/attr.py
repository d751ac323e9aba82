"""Every explanation method as a class with the interface of Captum's.

The classes come from ``spikelens.methods()``: ``Ig2d`` is the method "ig2d", ``GatePath`` is "gate_path". ``dir`` lists
them.

>>> from spikelens.attr import Ig2d
>>> net = spikelens.parse("8C3-LIF-MP2-10F", (1, 28, 28), steps=10)
>>> image = np.ones((1, 1, 28, 28), np.float32)
>>> values, delta = Ig2d(net).attribute(image, target=3, n_steps=8, return_convergence_delta=True)
>>> values.shape, delta.shape
((1, 1, 28, 28), (1,))
"""

from __future__ import annotations

from typing import Any

import numpy as np

from spikelens import _core
from spikelens._arrays import like, to_numpy
from spikelens._catalogue import methods
from spikelens._core import InputError
from spikelens._given import checked
from spikelens.attribution import attribute as _attribute
from spikelens.network import Network


class Method:
    """A method of ``spikelens.methods()`` for one network. ``options`` are the method's own."""

    name = ""

    @checked
    def __init__(self, net: Network, **options: Any) -> None:
        self.net, self.options = net, options

    def attribute(
        self,
        inputs: Any,
        target: Any = None,
        baselines: Any = None,
        n_steps: int | None = None,
        return_convergence_delta: bool = False,
        **more: Any,
    ) -> Any:
        """Attributions of the inputs' kind: a tensor of PyTorch for a tensor, else an array of NumPy; a tuple of one
        for a tuple of one.

        target     one class, also as a tuple, list or array of one, or one for each sample; None: the predicted class
        baselines  None or zeros: black; "blur" or "mean"
        n_steps    points on the path, of methods that have one
        return_convergence_delta   gives (attributions, delta) instead
        more       as ``spikelens.attribute`` takes it: layout, threads, seed, …
        """
        if isinstance(inputs, tuple):
            if len(inputs) != 1:
                raise InputError(f"{self.name} takes one input, not a tuple of {len(inputs)}")
            found = self.attribute(inputs[0], target, baselines, n_steps, return_convergence_delta, **more)
            return ((found[0],), found[1]) if return_convergence_delta else (found,)
        options = {**self.options, **more}
        if "method" in options:
            raise InputError(f"{self.name} has no option 'method': it takes the points of its path in one way")
        if baselines is not None:
            options["baseline"] = _baseline(baselines)
        if n_steps is not None:
            options["steps"] = n_steps
        found = _attribute(
            self.net,
            inputs,
            self.name,
            target=_only(target),
            return_convergence_delta=return_convergence_delta,
            **options,
        )
        values = like(found.values, inputs)
        return values if found.delta is None else (values, like(found.delta, inputs))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.net!r}>"


def _only(target: Any) -> Any:
    """Captum takes one class in a tuple, a list or a tensor for that of all samples."""
    if isinstance(target, (tuple, list)):
        return target[0] if len(target) == 1 else target
    return target.reshape(-1)[0] if getattr(target, "ndim", 0) > 0 and len(target.reshape(-1)) == 1 else target


def _baseline(baselines: Any) -> str:
    if isinstance(baselines, str):
        return baselines
    array = to_numpy(baselines)
    if array.dtype.kind not in "fiub" or array.size == 0 or np.any(array):
        raise InputError(
            "baselines are None or zeros (black), 'blur' or 'mean'; an array of other values is not supported"
        )
    return "black"


def _class_names() -> dict[str, str]:
    return {"".join(part.capitalize() for part in name.split("_")): name for name in methods()}


def __dir__() -> list[str]:
    return ["Method", *_class_names()]


def __getattr__(name: str) -> type[Method]:
    if name.startswith("_"):
        raise AttributeError(name)
    names = _class_names()
    if name not in names:
        raise AttributeError(f"spikelens.attr has no class '{name}'{_core.suggestion(name, list(names))}")
    contract = methods()[names[name]]
    made = type(name, (Method,), {"name": names[name], "__doc__": repr(contract), "__module__": __name__})
    globals()[name] = made
    return made
