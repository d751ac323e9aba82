"""A network from a model of snnTorch, SpikingJelly, Norse or Sinabs."""
from __future__ import annotations


def from_torch(model, example, *, steps=None, layout=None, shape=None, output=None):
    """The network that a PyTorch model is, checked against the model itself.

    The model runs with `example`, once, in evaluation mode, from its state at rest, and without gradients. Every function of
    torch that the run calls is seen, wherever it is called: in modules, in `forward`, in loops over time. So what counts is what
    the run does, not how the model is written. Operations of one kind at every step become one layer. A neuron's calls become its
    steps; its states may be kept by the module (`init_hidden`, SpikingJelly, Sinabs) or passed by hand (`mem`, Norse).

    model    an `nn.Module` whose neurons are snnTorch's (Leaky, Synaptic, Lapicque, RLeaky, RSynaptic), SpikingJelly's (IFNode,
             LIFNode, ParametricLIFNode), Norse's (LIF, LIFBox, LIFRecurrent, IAF) or Sinabs' (IAF, LIF, LIFRecurrent). It may
             take one step, then it is called for each, or the whole.
    example  a batch of images, each shown at every step, or of sequences of whole numbers of spikes, 0 to 255.
    layout   the axes of `example`, by letters: N samples, T steps, C channels, H rows, W columns. Without it "NC", "TNC", "NCHW"
             and "TNCHW" for 2 to 5 axes. "NTCHW", "NCW" and others must be said. An axis that is missing has length 1: of
             features, [N, F], the network's input is (F, 1, 1).
    steps    T of images, where the model does not say it.
    shape    (C, H, W) of flat features, if they are an image: 784 features may be (1, 28, 28).
    output   which of the model's outputs counts, from 0. Without it the first that the network can give.

    Followed: Conv1d, Conv2d, Linear (and any computed weights), BatchNorm by running averages, max, average and sum pools
    (adaptive too, if windows are equal), flatten and all that moves axes, dropout (which does nothing), sums of branches, products
    and x·(1 − y) of spikes, concatenated channels, scaling by constants, means and sums over time, recurrence of a layer on itself.
    Outputs: spikes of the last layer (score: spikes / T), weighted sums without a neuron (score: their mean over time),
    the potential of neurons that never reset (score: the last potential / T), also summed or averaged over time.

    Refused, with the module's name and class: whatever else the output depends on, such as ReLU, weights after weights without a
    neuron between, LayerNorm, attention, random coding inside the model, normalisation by the batch, neurons without counterpart.

    Then the network is simulated with `example` and compared, spike by spike. A spike that differs must be one that rounding
    decides: the neuron within 1e-5 of its threshold, or after such a spike. `network.comparison` has the numbers.

    Returns a `Network`. Raises InputError for what is refused, and where the two differ, with the first layer that does.
    Cost: one run of the model and one simulation; the run's tensors are all in memory at once.
    """
    from spikelens.torch_models.build import build

    return build(model, example, steps=steps, layout=layout, shape=shape, output=output)
