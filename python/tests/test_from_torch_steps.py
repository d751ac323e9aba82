"""Batch normalisation with values of its own for each step of time: snnTorch's and SpikingJelly's modules."""

import pytest
import spikelens
from peers import enliven, images, library, require_same, seeded, spikes, torch  # noqa: F401

nn = torch.nn
STEPS = 5


class Loop(nn.Module):
    """A network as in the paper of BNTT: the normalisations' lists are indexed by the step, before a pool too."""

    def __init__(self, snn):
        super().__init__()
        self.conv1 = nn.Conv2d(2, 6, 3, padding=1, bias=False)
        self.bntt1 = snn.BatchNormTT2d(6, STEPS)
        self.lif1 = snn.Leaky(beta=0.8)
        self.conv2 = nn.Conv2d(6, 8, 3, padding=1)
        self.bntt2 = snn.BatchNormTT2d(8, STEPS)
        self.pool = nn.MaxPool2d(2)
        self.lif2 = snn.Leaky(beta=0.7, reset_mechanism="zero")
        self.fc1 = nn.Linear(8 * 4 * 4, 12, bias=False)
        self.bntt3 = snn.BatchNormTT1d(12, STEPS)
        self.lif3 = snn.Leaky(beta=0.9)
        self.fc2 = nn.Linear(12, 4)

    def forward(self, x):
        mem1, mem2, mem3 = self.lif1.reset_mem(), self.lif2.reset_mem(), self.lif3.reset_mem()
        total = 0
        for t in range(STEPS):
            now = x[t] if x.dim() == 5 else x
            spk1, mem1 = self.lif1(self.bntt1[t](self.conv1(now)), mem1)
            spk2, mem2 = self.lif2(self.pool(self.bntt2[t](self.conv2(spk1))), mem2)
            spk3, mem3 = self.lif3(self.bntt3[t](self.fc1(spk2.flatten(1))), mem3)
            out = self.fc2(spk3)
            total = out if t == 0 else total + out
        return total / STEPS


@pytest.mark.parametrize("example", [images(3, 2, 8, 8), spikes(STEPS, 3, 2, 8, 8)], ids=["images", "spikes"])
def test_snntorch_bntt(example):
    model = Loop(library("snntorch"))
    enliven(model, lambda: model(example))
    net = require_same(model, example, lambda: model(example))
    assert net.text == (
        "6C3b0-BN5-LIF(beta=0.8,delay)-8C3-BN5-MP2-LIF(beta=0.7,reset=zero,delay)-12Fb0-BN5-LIF(beta=0.9,delay)-4F"
    )


def jelly(norm2d, norm1d, bias=False):
    library("spikingjelly")
    from spikingjelly.activation_based import functional, layer, neuron

    model = nn.Sequential(
        layer.Conv2d(2, 6, 3, padding=1, bias=bias),
        norm2d(layer, 6),
        neuron.IFNode(),
        layer.Conv2d(6, 8, 3, padding=1, bias=bias),
        norm2d(layer, 8),
        neuron.LIFNode(tau=3.0),
        layer.AvgPool2d(2, 2),
        layer.Flatten(),
        layer.Linear(8 * 4 * 4, 12, bias=bias),
        norm1d(layer, 12),
        neuron.LIFNode(v_reset=None),
        layer.Linear(12, 4),
    )
    functional.set_step_mode(model, "m")

    def fresh(x):
        functional.reset_net(model)
        result = model(x).mean(0)
        functional.reset_net(model)
        return result

    return model, fresh


KINDS = {
    "through_time": (
        lambda layer, n: layer.BatchNormThroughTime2d(STEPS, n),
        lambda layer, n: layer.BatchNormThroughTime1d(STEPS, n),
    ),
    "temporal_effective": (
        lambda layer, n: layer.TemporalEffectiveBatchNorm2d(STEPS, n),
        lambda layer, n: layer.TemporalEffectiveBatchNorm1d(STEPS, n),
    ),
}


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("kind", list(KINDS))
def test_spikingjelly_norms_of_steps(kind, bias):
    model, fresh = jelly(*KINDS[kind], bias)
    for module in model.modules():
        if hasattr(module, "scale"):
            module.scale.data.uniform_(0.5, 1.5)
    x = spikes(STEPS, 3, 2, 8, 8)
    enliven(model, lambda: fresh(x))
    net = require_same(model, x, lambda: fresh(x), time=0)
    assert net.text.count("-BN5-") == 3


def test_spikingjelly_threshold_dependent_norms_are_folded():
    model, fresh = jelly(
        lambda layer, n: layer.ThresholdDependentBatchNorm2d(1.3, 0.8, n),
        lambda layer, n: layer.ThresholdDependentBatchNorm1d(1.3, 0.8, n),
    )
    x = spikes(STEPS, 3, 2, 8, 8)
    enliven(model, lambda: fresh(x))
    assert "BN" not in require_same(model, x, lambda: fresh(x), time=0).text


def test_a_residual_block_is_normalised_at_each_step():
    snn = library("snntorch")

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.bn1 = nn.Conv2d(2, 6, 3, padding=1, bias=False), snn.BatchNormTT2d(6, STEPS)
            self.conv2, self.bn2 = nn.Conv2d(6, 6, 3, padding=1, bias=False), nn.BatchNorm2d(6)
            self.bn3 = snn.BatchNormTT2d(6, STEPS)
            self.lif1, self.lif2 = snn.Leaky(beta=0.8), snn.Leaky(beta=0.7)
            self.fc = nn.Linear(6 * 8 * 8, 4)

        def forward(self, x):
            mem1, mem2, out = self.lif1.reset_mem(), self.lif2.reset_mem(), []
            for t in range(STEPS):
                spk1, mem1 = self.lif1(self.bn1[t](self.conv1(x)), mem1)
                spk2, mem2 = self.lif2(self.bn3[t](self.bn2(self.conv2(spk1)) + spk1), mem2)
                out.append(self.fc(spk2.flatten(1)))
            return torch.stack(out).mean(0)

    model, x = Block(), images(3, 2, 8, 8)
    enliven(model, lambda: model(x))
    assert require_same(model, x, lambda: model(x)).text.count("BN5") == 2


def test_what_cannot_be_is_refused():
    snn = library("snntorch")

    class Recurrent(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1, self.bn = nn.Linear(8, 6), snn.BatchNormTT1d(6, STEPS)
            self.lif, self.fc2 = snn.RLeaky(beta=0.8, linear_features=6), nn.Linear(6, 4)

        def forward(self, x):
            spk, mem = self.lif.init_rleaky()
            out = []
            for t in range(STEPS):
                spk, mem = self.lif(self.bn[t](self.fc1(x)), spk, mem)
                out.append(self.fc2(spk))
            return torch.stack(out).mean(0)

    model, x = Recurrent(), images(2, 8)
    enliven(model, lambda: model(x))
    with pytest.raises(spikelens.InputError, match="a recurrent neuron needs weights of its own before it"):
        spikelens.from_torch(model, x)
