"""What has a spiking neural network learned, and why did it decide?"""
from spikelens._core import InputError, RunError
from spikelens.from_torch import from_torch
from spikelens.network import Network, load, parse

__all__ = ["InputError", "Network", "RunError", "from_torch", "load", "parse"]
