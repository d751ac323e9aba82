"""Networks of snnTorch as its users write them, and each of its neurons."""

import itertools

import pytest
import spikelens
from conftest import ROOT
from peers import enliven, images, library, require_same, seeded, spikes, torch  # noqa: F401

snn = library("snntorch")
from snntorch import surrogate, utils

nn, F = torch.nn, torch.nn.functional


class Tutorial5(nn.Module):
    """The fully connected network of snnTorch's tutorial 5."""

    def __init__(self, steps=10, hidden=40):
        super().__init__()
        self.steps = steps
        self.fc1 = nn.Linear(28 * 28, hidden)
        self.lif1 = snn.Leaky(beta=0.95)
        self.fc2 = nn.Linear(hidden, 10)
        self.lif2 = snn.Leaky(beta=0.95)

    def forward(self, x):
        mem1 = self.lif1.init_leaky()
        mem2 = self.lif2.init_leaky()
        spk2_rec = []
        mem2_rec = []
        for _ in range(self.steps):
            cur1 = self.fc1(x)
            spk1, mem1 = self.lif1(cur1, mem1)
            cur2 = self.fc2(spk1)
            spk2, mem2 = self.lif2(cur2, mem2)
            spk2_rec.append(spk2)
            mem2_rec.append(mem2)
        return torch.stack(spk2_rec, dim=0), torch.stack(mem2_rec, dim=0)


def test_tutorial_5():
    model, x = Tutorial5(), images(5, 784)
    enliven(model, lambda: model(x))
    net = require_same(model, x, lambda: model(x)[0].mean(0), shape=(1, 28, 28))
    assert net.text == "40F-LIF(delay)-10F-LIF(delay)"
    assert tuple(net.input_shape) == (1, 28, 28)


def tutorial_6():
    """The convolutional network of snnTorch's tutorial 6."""
    beta = 0.5
    return nn.Sequential(
        nn.Conv2d(1, 12, 5),
        nn.MaxPool2d(2),
        snn.Leaky(beta=beta, init_hidden=True),
        nn.Conv2d(12, 64, 5),
        nn.MaxPool2d(2),
        snn.Leaky(beta=beta, init_hidden=True),
        nn.Flatten(),
        nn.Linear(64 * 4 * 4, 10),
        snn.Leaky(beta=beta, init_hidden=True, output=True),
    )


def forward_pass(net, num_steps, data):
    """As in the tutorial."""
    mem_rec = []
    spk_rec = []
    utils.reset(net)
    for _ in range(num_steps):
        spk_out, mem_out = net(data)
        spk_rec.append(spk_out)
        mem_rec.append(mem_out)
    return torch.stack(spk_rec), torch.stack(mem_rec)


def test_tutorial_6():
    net, x = tutorial_6(), images(3, 1, 28, 28)
    enliven(net, lambda: forward_pass(net, 5, x))
    require_same(net, x, lambda: forward_pass(net, 5, x)[0].mean(0), steps=5)


def test_tutorial_6_of_events():
    """The same modules are given one step of a recording at a time."""
    net, x = tutorial_6(), spikes(6, 3, 1, 28, 28)

    def call():
        utils.reset(net)
        return torch.stack([net(x[t])[0] for t in range(6)]).mean(0)

    enliven(net, call)
    require_same(net, x, call)


class Wide(nn.Module):
    """What tutorials do inside forward: pools by functions, view, a sum of spikes that grows."""

    def __init__(self, steps=6):
        super().__init__()
        self.steps = steps
        self.conv1, self.lif1 = nn.Conv2d(2, 6, 3, padding=1, stride=2), snn.Leaky(beta=0.9, threshold=0.8)
        self.conv2, self.lif2 = nn.Conv2d(6, 8, 3, groups=2), snn.Leaky(beta=0.8, reset_mechanism="zero")
        self.bn = nn.BatchNorm2d(8)
        self.fc, self.lif3 = nn.Linear(8 * 3 * 3, 5), snn.Leaky(beta=0.95)

    def forward(self, x):
        mem1, mem2, mem3 = self.lif1.reset_mem(), self.lif2.reset_mem(), self.lif3.reset_mem()
        total = 0
        for _ in range(self.steps):
            spk1, mem1 = self.lif1(self.conv1(x), mem1)
            spk2, mem2 = self.lif2(self.bn(self.conv2(spk1)), mem=mem2)
            spk3, mem3 = self.lif3(self.fc(F.max_pool2d(spk2, 2).view(x.size(0), -1)), mem3)
            total += spk3
        return total / self.steps


def test_functions_inside_forward():
    model, x = Wide(), images(4, 2, 16, 16)
    enliven(model, lambda: model(x))
    require_same(model, x, lambda: model(x))


def through(neuron, features=12, bias=True):
    return nn.Sequential(
        nn.Linear(9, features, bias=bias),
        neuron,
        nn.Linear(features, 4),
        snn.Leaky(0.9, threshold=0.1, init_hidden=True),
    )


def run_steps(net, x):
    utils.reset(net)
    for module in net.modules():
        if hasattr(module, "reset_mem"):
            module.reset_mem()
    return torch.stack([net(x[t]) for t in range(len(x))]).mean(0)


LEAKY = [
    dict(reset_mechanism=reset, reset_delay=delay, threshold=threshold)
    for reset, delay, threshold in itertools.product(("subtract", "zero", "none"), (True, False), (1.0, 0.4))
]


@pytest.mark.parametrize("options", LEAKY, ids=str)
def test_leaky(options):
    net = through(snn.Leaky(0.85, init_hidden=True, **options))
    at_once = options["reset_mechanism"] == "subtract" and not options["reset_delay"]
    compare_steps(net, spread=0.15 if at_once else 0.7)


def test_a_second_reset_before_the_next_spike_is_refused():
    """With large currents the potential stays above the threshold, where snnTorch's reset at once is another one."""
    net = through(snn.Leaky(0.85, init_hidden=True, reset_delay=False))
    x = spikes(12, 6, 9)
    enliven(net, lambda: run_steps(net, x), spread=3)
    with pytest.raises(
        spikelens.InputError, match=r"1 \(Leaky\): its potential stays above the threshold after a reset"
    ):
        spikelens.from_torch(net, x)


def compare_steps(net, features=9, spread=0.7, **options):
    x = spikes(12, 6, features)
    enliven(net, lambda: run_steps(net, x), spread=spread)
    return require_same(net, x, lambda: run_steps(net, x), **options)


def test_vectors_of_beta_and_threshold():
    net = through(
        snn.Leaky(
            torch.linspace(0, 0.95, 12), threshold=torch.linspace(0.5, 1.5, 12), init_hidden=True, learn_beta=True
        )
    )
    text = compare_steps(net).text
    assert "beta=*" in text and "threshold=*" in text


def test_beta_beyond_one_is_cut_as_snntorch_does():
    net = through(snn.Leaky(1.2, init_hidden=True))
    assert "IF" in compare_steps(net).text


def test_graded_spikes():
    compare_graded = through(snn.Leaky(0.85, init_hidden=True, graded_spikes_factor=0.5))
    x = spikes(12, 6, 9)
    enliven(compare_graded, lambda: run_steps(compare_graded, x))
    net = spikelens.from_torch(compare_graded, x)
    assert net.comparison.differing == 0 and net.comparison.layers[0].spikes > 0 and net.comparison.layers[1].spikes > 0


@pytest.mark.parametrize(
    "options",
    [dict(), dict(reset_mechanism="none"), dict(reset_delay=False), dict(reset_delay=False, reset_mechanism="zero")],
    ids=str,
)
def test_synaptic(options):
    compare_steps(
        through(snn.Synaptic(alpha=0.6, beta=0.8, init_hidden=True, **options)), spread=0.12 if options else 0.4
    )


@pytest.mark.parametrize("options", [dict(beta=0.8), dict(R=2.0, C=3.0), dict(R=5.1, C=5e-3, time_step=1e-3)], ids=str)
def test_lapicque(options):
    compare_steps(through(snn.Lapicque(init_hidden=True, **options)), spread=2.0)


@pytest.mark.parametrize(
    "kind, reset, delay", list(itertools.product(("all", "one"), ("subtract", "none"), (True, False)))
)
def test_rleaky(kind, reset, delay):
    options = dict(linear_features=12) if kind == "all" else dict(all_to_all=False, V=torch.linspace(-0.5, 0.5, 12))
    net = through(snn.RLeaky(0.8, reset_mechanism=reset, reset_delay=delay, init_hidden=True, **options))
    assert ("-R-" if kind == "all" else "-R1-") in compare_steps(
        net, spread=0.8 if delay or reset == "none" else 0.25
    ).text


def test_rsynaptic():
    compare_steps(through(snn.RSynaptic(0.5, 0.8, linear_features=12, init_hidden=True)), spread=0.4)


class Convolved(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.lif = nn.Conv2d(1, 4, 3, padding=1), snn.RLeaky(0.8, conv2d_channels=4, kernel_size=3)
        self.fc, self.out = nn.Linear(4 * 36, 3), snn.Leaky(0.9, reset_mechanism="none")

    def forward(self, x):
        spk, mem = self.lif.init_rleaky()
        mem_out, rec = self.out.init_leaky(), []
        for _ in range(7):
            spk, mem = self.lif(self.conv(x), spk, mem)
            mem_out = self.out(self.fc(spk.flatten(1)), mem_out)[1]
            rec.append(mem_out)
        return torch.stack(rec)


def test_recurrence_by_convolution_and_a_potential_as_output():
    model, x = Convolved(), images(4, 1, 6, 6)
    enliven(model, lambda: model(x))
    net = require_same(model, x, lambda: model(x)[-1] / 7)
    assert "-RC3-" in net.text and net.text.endswith("-LI(beta=0.9)")


class ByHand(nn.Module):
    """Recurrence written by hand: spikes come back through weights of the model's own."""

    def __init__(self, lif):
        super().__init__()
        self.fc, self.back, self.lif, self.out = nn.Linear(5, 8), nn.Linear(8, 8), lif, nn.Linear(8, 3)

    def forward(self, x):
        spk, mem, rec = torch.zeros(x.shape[1], 8), self.lif.init_leaky(), []
        for t in range(x.shape[0]):
            spk, mem = self.lif(self.fc(x[t]) + self.back(spk), mem)
            rec.append(self.out(spk))
        return torch.stack(rec).sum(0)


def test_recurrence_by_hand():
    model, x = ByHand(snn.Leaky(0.9)), spikes(9, 4, 5)
    enliven(model, lambda: model(x))
    net = require_same(model, x, lambda: model(x) / 9)
    assert net.text.startswith("8F-R-LIF")


class Shared(nn.Module):
    """One module, two layers: its state is passed by hand, so they are two layers of neurons."""

    def __init__(self):
        super().__init__()
        self.fc1, self.fc2, self.lif = nn.Linear(6, 7), nn.Linear(7, 7), snn.Leaky(0.8)

    def forward(self, x):
        a = b = torch.zeros(x.shape[1], 7)
        rec = []
        for step in x:
            spk, a = self.lif(self.fc1(step), a)
            spk, b = self.lif(self.fc2(spk), b)
            rec.append(spk)
        return torch.stack(rec)


def test_one_module_for_two_layers():
    model, x = Shared(), spikes(8, 4, 6)
    enliven(model, lambda: model(x))
    net = spikelens.from_torch(model, x)
    assert len(net.comparison.layers) == 2 and net.comparison.differing == 0
    assert min(layer.spikes for layer in net.comparison.layers) > 0


class Line(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.lif1 = nn.Conv1d(3, 5, 3, padding=1), snn.Leaky(0.8, init_hidden=True)
        self.pool, self.fc, self.lif2 = nn.AvgPool1d(2), nn.Linear(5 * 8, 4), snn.Leaky(0.8, init_hidden=True)

    def forward(self, x):
        return self.lif2(self.fc(self.pool(self.lif1(self.conv(x))).flatten(1)))


def test_one_dimension():
    model, x = Line(), spikes(6, 4, 3, 16)
    enliven(model, lambda: run_steps(model, x))
    net = require_same(model, x, lambda: run_steps(model, x), layout="TNCW")
    assert tuple(net.input_shape) == (3, 1, 16) and net.text.startswith("5C1x3")


@pytest.mark.parametrize(
    "make, threshold, text",
    [
        (lambda: surrogate.atan(), 1.0, "atan(2)"),
        (lambda: surrogate.fast_sigmoid(slope=25), 1.0, "fast_sigmoid(25)"),
        (lambda: surrogate.sigmoid(slope=5), 0.5, "sigmoid(2.5)"),
        (lambda: surrogate.atan(alpha=3), 2.0, "atan(6)"),
    ],
)
def test_surrogates(make, threshold, text):
    """The engine's are functions of U/θ − 1, over θ."""
    net = nn.Sequential(
        nn.Linear(6, 8),
        snn.Leaky(0.9, threshold=threshold, spike_grad=make(), init_hidden=True),
        nn.Linear(8, 3),
        snn.Leaky(0.9, threshold=threshold, spike_grad=make(), init_hidden=True),
    )
    assert spikelens.from_torch(net, spikes(5, 3, 6)).surrogate == text


def test_surrogates_that_differ_are_noted():
    net = nn.Sequential(
        nn.Linear(6, 8),
        snn.Leaky(0.9, spike_grad=surrogate.straight_through_estimator(), init_hidden=True),
        nn.Linear(8, 3),
        snn.Leaky(0.9, init_hidden=True),
    )
    found = spikelens.from_torch(net, spikes(5, 3, 6))
    assert found.surrogate == spikelens.parse("3F", (6, 1, 1), 5).surrogate
    assert any("no surrogate in common" in note for note in found.notes)


def test_the_page_on_python(capsys):
    """The example of its page, as it stands."""
    page = (ROOT / "docs" / "python" / "own_model.md").read_text()
    code = page.split("```python\n", 1)[1].split("```", 1)[0]
    names = {"spikelens": spikelens}
    exec(compile(code, "own_model.md", "exec"), names)
    text, *rest = capsys.readouterr().out.splitlines()
    assert f"# {text}\n" in code and "lif1 (Leaky) as" in rest[1]
    assert names["maps"].values.shape == (4, 1, 28, 28)
