"""Networks of Norse: its MNIST example with each readout, and each of its neurons, step by step and over time."""

import pytest
import spikelens
from peers import enliven, library, require_same, seeded, spikes, torch  # noqa: F401

norse = library("norse.torch")
from norse.torch.functional.reset import reset_subtract
from norse.torch.module.iaf import IAFCell

nn, F = torch.nn, torch.nn.functional


class ConvNet(nn.Module):
    """The network of Norse's notebook of MNIST, smaller, with a readout without a synapse."""

    def __init__(self, readout):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5, 1)
        self.conv2 = nn.Conv2d(6, 8, 5, 1)
        self.fc1 = nn.Linear(4 * 4 * 8, 30)
        self.lif0 = norse.LIFCell(p=norse.LIFParameters(alpha=torch.tensor(100.0)))
        self.lif1 = norse.LIFCell(p=norse.LIFParameters(alpha=torch.tensor(100.0)))
        self.lif2 = norse.LIFCell(p=norse.LIFParameters(alpha=torch.tensor(100.0)))
        self.fc_out = nn.Linear(30, 10, bias=False)
        self.out = readout

    def forward(self, x):
        seq_length, batch_size = x.shape[0], x.shape[1]
        s0 = s1 = s2 = so = None
        voltages = torch.zeros(seq_length, batch_size, 10, device=x.device, dtype=x.dtype)
        for ts in range(seq_length):
            z = self.conv1(x[ts, :])
            z, s0 = self.lif0(z, s0)
            z = F.max_pool2d(z, 2, 2)
            z = 10 * self.conv2(z)
            z, s1 = self.lif1(z, s1)
            z = F.max_pool2d(z, 2, 2)
            z = z.view(-1, 4**2 * 8)
            z = self.fc1(z)
            z, s2 = self.lif2(z, s2)
            v, so = self.out(self.fc_out(F.relu(z)), so)
            voltages[ts, :, :] = v
        return voltages


def test_mnist():
    model, x = ConvNet(norse.LIBoxCell()), spikes(10, 2, 1, 28, 28)
    enliven(model, lambda: model(x), spread=8)
    net = require_same(model, x, lambda: model(x)[-1] / 10)
    assert net.text.endswith("10Fb0-LI(beta=0.9)") and "alpha=0.8" in net.text


def test_mnist_with_the_readout_of_the_notebook():
    model, x = ConvNet(norse.LICell()), spikes(10, 2, 1, 28, 28)
    enliven(model, lambda: model(x), spread=8)
    net = require_same(model, x, lambda: model(x)[-1] / 10)
    assert net.text.endswith("10Fb0-LI(beta=0.9,alpha=0.8)")


def test_a_readout_over_time():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.lif = norse.Lift(nn.Linear(9, 12)), norse.LIF()
            slower = norse.LIParameters(tau_syn_inv=torch.tensor(350.0))
            self.out, self.li = norse.Lift(nn.Linear(12, 4)), norse.LI(slower)

        def forward(self, x):
            return self.li(self.out(self.lif(self.fc(x))[0]))[0]

    model, x = Model(), spikes(12, 5, 9)
    enliven(model, lambda: model(x), spread=8)
    net = require_same(model, x, lambda: model(x)[-1] / 12, time=0)
    assert net.text.endswith("LI(beta=0.9,alpha=0.65)")


@pytest.mark.parametrize("make", [norse.LSNNCell, norse.LSNN, lambda: norse.LSNNRecurrentCell(12, 12)])
def test_neurons_whose_input_comes_late_are_refused(make):
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.lsnn = nn.Linear(9, 12), make()

        def forward(self, x):
            if isinstance(self.lsnn, norse.LSNN):
                return self.lsnn(torch.stack([self.fc(step) for step in x]))[0]
            state, out = None, []
            for step in x:
                z, state = self.lsnn(self.fc(step), state)
                out.append(z)
            return torch.stack(out)

    with pytest.raises(spikelens.InputError, match=r"lsnn \(LSNN.*: its input acts one step after it comes"):
        spikelens.from_torch(Model(), spikes(4, 2, 9))


def parameters(**options):
    return norse.LIFParameters(**{name: torch.as_tensor(value) for name, value in options.items()})


CELLS = {
    "lif": lambda: norse.LIFCell(),
    "lif of other constants": lambda: norse.LIFCell(
        parameters(tau_mem_inv=200.0, tau_syn_inv=400.0, v_th=0.4), dt=0.0005
    ),
    "lif at rest elsewhere": lambda: norse.LIFCell(parameters(v_leak=0.2, v_reset=-0.1)),
    "box": lambda: norse.LIFBoxCell(),
    "box, subtracting": lambda: norse.LIFBoxCell(norse.LIFBoxParameters(reset_method=reset_subtract)),
    "iaf": lambda: IAFCell(),
    "recurrent": lambda: norse.LIFRecurrentCell(12, 12),
}


@pytest.mark.parametrize("name", CELLS)
def test_cells(name):
    low = norse.LIFBoxParameters(v_th=torch.tensor(0.1))
    model = norse.SequentialState(nn.Linear(9, 12), CELLS[name](), nn.Linear(12, 4), norse.LIFBoxCell(low))

    def call():
        state, out = None, []
        for step in x:
            z, state = model(step, state)
            out.append(z)
        return torch.stack(out).mean(0)

    x = spikes(14, 5, 9)
    if name == "recurrent":
        model = norse.SequentialState(norse.LIFRecurrentCell(9, 12), nn.Linear(12, 4), norse.LIFBoxCell())
        model[0].input_weights.data.mul_(4)
        model[0].recurrent_weights.data.mul_(2)
    enliven(model, call, spread=1.5 if name == "iaf" else 8)
    require_same(model, x, call)


def test_over_time():
    model = norse.SequentialState(
        norse.Lift(nn.Linear(9, 12)), norse.LIF(), norse.LIFRecurrent(12, 10), norse.Lift(nn.Linear(10, 4)), norse.LIF()
    )
    x = spikes(12, 5, 9)
    model[2].input_weights.data.mul_(4)
    enliven(model, lambda: model(x), spread=8)
    net = require_same(model, x, lambda: model(x)[0].mean(0), time=0)
    assert "-R-" in net.text


def test_a_state_that_is_dropped_is_refused():
    """Each call would begin at rest."""

    class Forgets(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.lif = nn.Linear(5, 4), norse.LIFCell()

        def forward(self, x):
            return torch.stack([self.lif(self.fc(step))[0] for step in x])

    with pytest.raises(spikelens.InputError, match=r"lif \(LIFCell\): is given step 1 at its call 0"):
        spikelens.from_torch(Forgets(), spikes(4, 2, 5))
