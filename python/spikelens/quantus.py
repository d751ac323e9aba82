"""Our explainers inside Quantus, and our networks as its models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from spikelens.attribution import attribute
from spikelens.from_torch import from_torch
from spikelens.network import Network


def explainer(method: str, **options: Any) -> Callable[..., np.ndarray]:
    """A function that Quantus takes as ``explain_func``: f(model, inputs, targets, **kwargs) gives maps of the inputs'
    shape.

    ``model`` is a ``Network``, what ``as_module`` made of one, or a module that ``spikelens.from_torch`` understands.
    ``options`` are those of ``spikelens.attribute``; keywords of the call win.
    """

    def explain(model: Any, inputs: Any, targets: Any, **kwargs: Any) -> np.ndarray:
        known = {name: value for name, value in kwargs.items() if name not in _OF_QUANTUS}
        net = network_of(model, inputs)
        found = attribute(net, np.asarray(inputs, np.float32), method, target=targets, **{**options, **known})
        shape = np.shape(inputs) if found.values.ndim == np.ndim(inputs) else found.values.shape
        return np.array(np.broadcast_to(found.values, shape))  # Quantus writes into it

    explain.__name__ = method
    return explain


_OF_QUANTUS = {"device", "model_predict_kwargs", "softmax", "channel_first"}  # what Quantus says to every explain_func


def network_of(model: Any, example: Any) -> Network:
    """The network behind a model."""
    if isinstance(model, Network):
        return model
    if isinstance(getattr(model, "network", None), Network):
        return model.network
    return from_torch(model, example)


def as_module(net: Network, **settings: Any) -> Any:
    """A ``torch.nn.Module`` whose outputs are the network's scores, exactly. Gradients do not pass through it.

    ``settings`` are those of ``Network.simulate``.
    """
    import torch

    class Module(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = net

        def forward(self, inputs: Any) -> Any:
            return torch.from_numpy(net.simulate(inputs.detach().cpu(), **settings).scores).to(inputs.device)

    return Module().eval()
