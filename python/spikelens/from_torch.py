"""A network from a model of snnTorch, SpikingJelly, Norse or Sinabs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from spikelens._core import InputError
from spikelens._given import checked
from spikelens.network import Network

if TYPE_CHECKING:
    import torch


@checked
def from_torch(
    model: torch.nn.Module,
    example: Any,
    *,
    steps: int | None = None,
    layout: str | None = None,
    shape: Sequence[int] | None = None,
    output: int | None = None,
) -> Network:
    """The network that a PyTorch model is, checked against the model itself.

    The model runs with ``example``, in evaluation mode, from its state at rest, without gradients. Every function of
    torch that the run calls is seen, wherever it is called: in modules, in ``forward``, in loops over time. So what
    counts is what the run does, not how the model is written. Equal operations at every step become one layer, and
    a neuron's calls become its steps. Modules may keep their states (``init_hidden``, SpikingJelly, Sinabs) or have
    them passed by hand (``mem``, Norse). The model keeps its weights and modes; its states are at rest afterwards.

    model    an ``nn.Module`` whose neurons are snnTorch's (Leaky, Synaptic, Lapicque, RLeaky, RSynaptic),
             SpikingJelly's (IFNode, LIFNode, ParametricLIFNode), Norse's (LIF, LIFBox, LIFRecurrent, IAF) or Sinabs'
             (IAF, LIF, ALIF, their recurrent forms). One that computes one step is called for each.
    example  a batch of images, each shown at every step, or of sequences of spikes, whole numbers from 0 to 255. A
             model that takes all steps may also be given images repeated over time.
    layout   the axes of ``example`` by letters: N samples, T steps, C channels, H rows, W columns. Without it "NC",
             "TNC", "NCHW", "TNCHW" for 2 to 5 axes. "NTCHW" and "NCW" must be said. A missing axis has length 1:
             the input of features [N, C] is (C, 1, 1), that of lines [N, C, W] is (C, 1, W).
    steps    T of images, where the model does not say it.
    shape    (C, H, W) of features that are an image: 784 of them may be (1, 28, 28).
    output   which of the model's outputs counts, from 0. Without it the first that the network can give.

    Followed: Conv1d, Conv2d, Linear, also with computed weights; BatchNorm by running averages, also with values of its
    own for each step (BNTT, TEBN); max, average and sum pools, adaptive ones, and means over the whole map; whatever
    moves axes; dropout (which does nothing); sums of branches, products and x·(1 − y) of spikes; concatenated channels;
    constants that scale or shift; sums and means over time; recurrence of a layer on itself, by its module or by hand.

    Outputs: the last layer's spikes (the score is their number / T), weighted sums without a neuron (their mean over
    time), of all steps or summed or averaged over time; or the potential of neurons that never reset (the last / T).

    Refused, with the module's name and class: what else the output depends on. For example ReLU, LayerNorm, attention,
    convolutions after weights without a neuron between, random numbers, normalisation by the batch, neurons without
    a counterpart, several spikes in one step, a maximum over time.

    Then the network is simulated with ``example`` and compared, spike by spike. A spike may differ only where rounding
    decides: the neuron is within 1e-5 of its threshold (in thresholds, or absolutely below 1), or comes after such a
    spike. ``network.comparison`` has the numbers, ``network.notes`` what was assumed. Choose an example under which
    all layers fire: what is silent in it is not compared. ``network.surrogate`` is the model's own, where the engine
    has it and all neurons share it.

    Returns a ``Network``. Raises InputError for what is refused, and where the two differ, with the first layer that
    does. Cost: one run of the model and one simulation; all tensors of the run are in memory at once.
    """
    if "torch" not in sys.modules:
        raise InputError(f"from_torch reads an nn.Module, not {type(model).__name__}")
    if getattr(example, "is_meta", False) or getattr(example, "is_sparse", False):
        raise InputError("example must hold its values, one after the other: this tensor is sparse or has none")
    for name, tensor in model.state_dict().items() if hasattr(model, "state_dict") else ():
        if getattr(tensor, "is_meta", False):
            raise InputError(f"the model must hold its values: {name} is on the device meta and has none")
    from spikelens.torch_models.build import build

    return build(model, example, steps=steps, layout=layout, shape=shape, output=output)
