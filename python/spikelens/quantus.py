"""Our explainers inside Quantus, and our networks as its models."""

from __future__ import annotations

from typing import Any

import numpy as np

from spikelens import _core
from spikelens._arrays import to_numpy
from spikelens._catalogue import method_text
from spikelens._given import checked
from spikelens.attribution import attribute
from spikelens.from_torch import from_torch
from spikelens.network import Network


class Explainer:
    """A method with options, as Quantus calls it. ``spikelens.explainer`` makes one."""

    def __init__(self, method: str, options: dict[str, Any]) -> None:
        self.__name__ = method
        self.options = options

    def __call__(self, model: Any, inputs: Any, targets: Any, **kwargs: Any) -> np.ndarray:
        known = {name: value for name, value in kwargs.items() if name not in _OF_QUANTUS}
        net = network_of(model, inputs)
        found = attribute(net, inputs, self.__name__, target=targets, **{**self.options, **known})
        shape = np.shape(to_numpy(inputs))
        shape = shape if found.values.ndim == len(shape) else found.values.shape
        return np.array(np.broadcast_to(found.values, shape))  # Quantus writes into it

    def __repr__(self) -> str:
        return f"<explainer {method_text(self.__name__, self.options)}>"


@checked
def explainer(method: str, **options: Any) -> Explainer:
    """A function that Quantus takes as ``explain_func``: f(model, inputs, targets, **kwargs) gives maps of the inputs'
    shape. It can be pickled.

    ``model`` is a ``Network``, what ``as_module`` made of one, or a module that ``spikelens.from_torch`` understands.
    ``options`` are those of ``spikelens.attribute``; keywords of the call win.
    """
    _core.describe_method(method)  # which refuses what is none
    return Explainer(method, options)


_OF_QUANTUS = {"device", "model_predict_kwargs", "softmax", "channel_first"}  # what Quantus says to every explain_func


def network_of(model: Any, example: Any) -> Network:
    """The network behind a model."""
    if isinstance(model, Network):
        return model
    if isinstance(getattr(model, "network", None), Network):
        return model.network
    return from_torch(model, example)


@checked
def as_module(net: Network, **settings: Any) -> Any:
    """A ``torch.nn.Module`` whose outputs are the network's scores, exactly. Gradients do not pass through it.

    ``settings`` are those of ``Network.simulate``. It can be pickled.
    """
    import torch

    class Module(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = net

        def forward(self, inputs: Any) -> Any:
            device = getattr(inputs, "device", "cpu")
            elsewhere = isinstance(device, torch.device) and device.type not in ("cpu", "meta")
            scores = net.simulate(inputs.cpu() if elsewhere else inputs, **settings).scores
            return torch.from_numpy(scores).to(device)

        def __reduce__(self) -> tuple[Any, ...]:
            return _module_again, (self.network, settings)

    return Module().eval()


def _module_again(net: Network, settings: dict[str, Any]) -> Any:
    return as_module(net, **settings)
