"""Gradients of a network that from_torch made, against PyTorch's through the model itself: surrogates are the model's
own."""

import numpy as np
import pytest
import spikelens
from peers import enliven, images, library, seeded, torch  # noqa: F401

nn = torch.nn
STEPS = 6


def with_snntorch():
    snn = library("snntorch")

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.lif1 = nn.Conv2d(1, 4, 3), snn.Leaky(0.9)
            self.fc, self.lif2 = nn.Linear(4 * 64, 5), snn.Leaky(0.8)

        def forward(self, x):
            mem1, mem2, total = self.lif1.init_leaky(), self.lif2.init_leaky(), 0
            for _ in range(STEPS):
                spk, mem1 = self.lif1(self.conv(x), mem1)
                spk, mem2 = self.lif2(self.fc(spk.flatten(1)), mem2)
                total = total + spk
            return total / STEPS

    return Net()


def with_spikingjelly(detach: bool):
    library("spikingjelly")
    from spikingjelly.activation_based import functional, layer, neuron, surrogate

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            make = lambda: neuron.LIFNode(surrogate_function=surrogate.ATan(), detach_reset=detach)
            self.layers = nn.Sequential(
                layer.Conv2d(1, 4, 3),
                layer.BatchNorm2d(4),
                make(),
                layer.MaxPool2d(2),
                layer.Flatten(),
                layer.Linear(64, 5),
                make(),
            )
            functional.set_step_mode(self, "m")

        def forward(self, x):
            functional.reset_net(self)
            return self.layers(x.expand(STEPS, *x.shape)).mean(0)

    return Net()


def with_norse():
    norse = library("norse.torch")

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.lif1 = (
                nn.Conv2d(1, 4, 3),
                norse.LIFBoxCell(norse.LIFBoxParameters(alpha=torch.tensor(10.0))),
            )
            self.fc, self.lif2 = (
                nn.Linear(4 * 64, 5),
                norse.LIFBoxCell(norse.LIFBoxParameters(alpha=torch.tensor(10.0))),
            )

        def forward(self, x):
            s1 = s2 = None
            total = []
            for _ in range(STEPS):
                z, s1 = self.lif1(8 * self.conv(x), s1)
                z, s2 = self.lif2(8 * self.fc(z.flatten(1)), s2)
                total.append(z)
            return torch.stack(total).sum(0) / STEPS

    return Net()


MODELS = {
    "snntorch": with_snntorch,
    "spikingjelly": lambda: with_spikingjelly(True),
    "spikingjelly through its resets": lambda: with_spikingjelly(False),
    "norse": with_norse,
}


@pytest.mark.parametrize("name", MODELS)
def test_gradients(name):
    model, x = MODELS[name](), images(4, 1, 10, 10)
    enliven(model, lambda: model(x))
    net = spikelens.from_torch(model, x)
    assert net.comparison.differing == 0
    at = x.clone().requires_grad_(True)
    (wanted,) = torch.autograd.grad(model(at)[:, 3].sum(), at)
    found = np.asarray(spikelens.attribute(net, x, "grad2d", target=3).values)
    wanted, found = np.abs(wanted.numpy()).reshape(4, -1), np.abs(found).reshape(4, -1)
    assert wanted.max() > 0
    np.testing.assert_allclose(found, wanted, atol=1e-4 * wanted.max(), rtol=0)
