"""Our gradients against Captum's, on one model of snnTorch with one surrogate."""

import time
import warnings

import pytest
import spikelens
from conftest import need

BETA, NEURON = 0.9, "LIF(beta=0.9,delay)"  # snnTorch's Leaky as it is unless told


def shallow(side, steps, count):
    """A module of snnTorch, our network of its weights, images and targets."""
    torch, snntorch = need("torch"), need("snntorch")
    need("captum")
    from snntorch import surrogate

    class Shallow(torch.nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.conv1, self.conv2 = torch.nn.Conv2d(1, 16, 3, padding=1), torch.nn.Conv2d(16, 32, 3, padding=1)
            self.full3, self.full4 = torch.nn.Linear(32 * (side // 4) ** 2, 128), torch.nn.Linear(128, 10)
            self.pool = torch.nn.MaxPool2d(2)
            self.neurons = [snntorch.Leaky(BETA, spike_grad=surrogate.atan(alpha=2.0)) for _ in range(3)]
            with torch.no_grad():
                for layer in (self.conv1, self.conv2, self.full3):
                    layer.weight *= 2

        def forward(self, image):
            potentials = [neuron.init_leaky() for neuron in self.neurons]
            total = 0
            for _ in range(steps):
                spikes = image
                for i, layer in enumerate((self.conv1, self.conv2, self.full3)):
                    current = layer(spikes.flatten(1) if i == 2 else spikes)
                    spikes, potentials[i] = self.neurons[i](current, potentials[i])
                    spikes = spikes if i == 2 else self.pool(spikes)
                total = total + self.full4(spikes)
            return total / steps

    model = Shallow().eval()
    text = f"16C3-{NEURON}-MP2-32C3-{NEURON}-MP2-128F-{NEURON}-10F"
    tensors = {
        f"{name}.{kind}": getattr(getattr(model, name), kind)
        for name in ("conv1", "conv2", "full3", "full4")
        for kind in ("weight", "bias")
    }
    ours = spikelens.parse(text, (1, side, side), steps, tensors, surrogate="atan(2)")
    torch.manual_seed(1)
    return model, ours, torch.rand(count, 1, side, side) ** 4, torch.arange(count)


LEAST = 5  # times that ours takes less time; what is measured is printed

METHODS = {
    "grad2d": ("Saliency", {"abs": False}, {}),
    "ig2d": ("IntegratedGradients", {"n_steps": 32, "method": "riemann_right"}, {"n_steps": 32}),
}


def calls(method, model, ours, images, targets):
    """Captum's and our explanation of the same."""
    import captum.attr

    name, theirs, mine = METHODS[method]
    peer, own = getattr(captum.attr, name)(model), getattr(spikelens.attr, method.capitalize())(ours)
    return (
        lambda: peer.attribute(images, target=targets, **theirs).detach(),
        lambda: own.attribute(images, target=targets, threads=1, **mine),
    )


def on_one_core(call):
    """Result and seconds of processor, the best of three."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    times = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(3):
            start = time.process_time()
            result = call()
            times.append(time.process_time() - start)
    torch.set_num_threads(threads)
    return result, min(times)


@pytest.mark.parametrize("method", list(METHODS))
@pytest.mark.filterwarnings("ignore")
def test_gradients_are_captums(method):
    """But where a neuron stands on its threshold up to float32's rounding, so that one of both sees one spike more: at
    most in one sample of six."""
    model, ours, images, targets = shallow(12, 10, 6)
    peer, own = calls(method, model, ours, images, targets)
    theirs, mine = peer(), own()
    assert type(mine) is type(theirs) and mine.shape == theirs.shape
    differences = (mine - theirs).flatten(1).norm(dim=1) / theirs.flatten(1).norm(dim=1)
    scores = abs(ours.simulate(images).scores - model(images).detach().numpy()).max(axis=1)
    assert sorted(differences)[-2] <= 1e-4 and sorted(scores)[-2] <= 1e-6


@pytest.mark.parametrize("method", list(METHODS))
def test_ours_takes_less_time(method, capsys):
    peer, own = calls(method, *shallow(28, 25, 4))
    _, theirs = on_one_core(peer)
    _, mine = on_one_core(own)
    with capsys.disabled():
        print(
            f"\n{method}, 4 images, one core: Captum {theirs:.2f} s, ours {mine:.3f} s, {theirs / mine:.1f} times less"
        )
    assert LEAST * mine < theirs
