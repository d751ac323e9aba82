"""Networks: made from a text, a file or another library's model."""
from __future__ import annotations

from spikelens import _core


class Network:
    """A spiking network: layers, weights, time steps and classes. It never changes."""

    def __init__(self, core: _core.Network) -> None:
        self._core = core


def parse(text, shape, steps, tensors=None, *, classes=(), seed=1):
    if tensors is None:
        return Network(_core.draw_network(text, list(shape), steps, seed))
    return Network(_core.network(text, list(shape), steps, tensors, list(classes)))


def load(path):
    return Network(_core.load_model(path))
