"""What from_torch refuses, and what it says; what it accepts and notes."""

import pytest
import spikelens
from peers import enliven, images, library, seeded, spikes, torch  # noqa: F401

snn = library("snntorch")
from test_from_torch_snntorch import Tutorial5

nn, F = torch.nn, torch.nn.functional


class Steps(nn.Module):
    """fc1, neuron, `between`, fc2, neuron over the steps of the input."""

    def __init__(self, between=lambda model, spk, x: spk, lif=None):
        super().__init__()
        self.fc1, self.lif1 = nn.Linear(6, 8), lif or snn.Leaky(0.9)
        self.fc2, self.lif2 = nn.Linear(8, 3), snn.Leaky(0.9)
        self.norm = nn.LayerNorm(8)
        self.between = between

    def forward(self, x):
        mem1, mem2, rec = self.lif1.init_leaky(), self.lif2.init_leaky(), []
        for step in x:
            spk, mem1 = self.lif1(self.fc1(step), mem1)
            spk, mem2 = self.lif2(self.fc2(self.between(self, spk, x)), mem2)
            rec.append(spk)
        return torch.stack(rec)


def refusal(model, x=None, **options):
    with pytest.raises(spikelens.InputError) as raised:
        spikelens.from_torch(model, spikes(5, 3, 6) if x is None else x, **options)
    return str(raised.value)


def test_a_module_is_named_with_its_class():
    text = refusal(Steps(lambda model, spk, x: model.norm(spk)))
    assert "norm (LayerNorm): layer_norm is not supported" in text


def test_an_activation_is_no_neuron():
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3), snn.Leaky(0.9, init_hidden=True))
    assert "1 (ReLU): relu is no spiking neuron" in refusal(model)


def test_weights_after_a_pool_of_currents():
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3),
        nn.AvgPool2d(2),
        nn.Conv2d(2, 2, 3),
        snn.Leaky(0.9, init_hidden=True),
        nn.Flatten(),
        nn.Linear(2 * 25, 3),
        snn.Leaky(0.9, init_hidden=True),
    )
    assert "2 (Conv2d): reads 1 (AvgPool2d), which sends no spikes" in refusal(model, images(2, 1, 16, 16), steps=3)


@pytest.mark.parametrize(
    "lif, words",
    [
        (lambda: snn.Alpha(0.8, 0.7, init_hidden=True), "1 (Alpha): this neuron of snnTorch has no counterpart"),
        (lambda: snn.Leaky(0.8, inhibition=True, init_hidden=True), "1 (Leaky): inhibition=True"),
        (
            lambda: snn.RLeaky(0.8, linear_features=8, reset_mechanism="zero", init_hidden=True),
            "1 (RLeaky): reset_mechanism='zero'",
        ),
    ],
)
def test_neurons_without_counterpart(lif, words):
    assert words in refusal(nn.Sequential(nn.Linear(6, 8), lif(), nn.Linear(8, 3), snn.Leaky(0.9, init_hidden=True)))


def test_random_numbers():
    text = refusal(Steps(lambda model, spk, x: spk * (torch.rand_like(spk) > 0.5)))
    assert "rand_like draws random numbers; give what it codes as the example" in text


def test_numbers_that_python_reads():
    """They may be for show; where the network depends on them it is refused."""
    seen = []
    model = Steps(lambda model, spk, x: (seen.append(float(spk.sum())), spk)[1])
    enliven(model, lambda: model(spikes(5, 3, 6)))
    net = spikelens.from_torch(model, spikes(5, 3, 6))
    assert net.comparison.differing == 0 and seen
    assert any("reads numbers that depend on the input; other inputs gave the same network" in n for n in net.notes)
    model.between = lambda model, spk, x: spk if x.sum() > 20 else 2 * spk
    assert "reads numbers that depend on the input" in refusal(model, spikes(5, 3, 6))
    model.between = lambda model, spk, x: spk * (1 + float(x[0, 0, 0]))
    assert "__float__ reads numbers that depend on the input" in refusal(model, torch.arange(90.0).reshape(5, 3, 6) % 2)


def test_samples_that_meet():
    assert "mixes samples" in refusal(Steps(lambda model, spk, x: spk + spk.mean(0)))


def test_a_step_that_is_not_the_last():
    class First(Steps):
        def forward(self, x):
            return super().forward(x)[0]

    assert "the output is that of one step" in refusal(First())


def test_a_state_that_is_changed():
    class Clamped(Steps):
        def forward(self, x):
            mem, rec = self.lif1.init_leaky(), []
            for step in x:
                spk, mem = self.lif1(self.fc1(step), mem.clamp(max=1.0))
                rec.append(spk)
            return torch.stack(rec)

    assert "its state was changed between two steps: the model (Clamped): clamp is not supported" in refusal(Clamped())


def test_spikes_of_another_layer_that_come_back():
    class Back(Steps):
        def forward(self, x):
            mem1, mem2, rec, spk2 = self.lif1.init_leaky(), self.lif2.init_leaky(), [], torch.zeros(x.shape[1], 3)
            for step in x:
                spk, mem1 = self.lif1(self.fc1(step) + F.pad(spk2, (0, 5)), mem1)
                spk2, mem2 = self.lif2(self.fc2(spk), mem2)
                rec.append(spk2)
            return torch.stack(rec)

    assert "lif1 (Leaky)" in refusal(Back())


def test_batch_statistics():
    model = nn.Sequential(
        nn.Linear(6, 8), nn.BatchNorm1d(8, track_running_stats=False), snn.Leaky(0.9, init_hidden=True)
    )
    assert "1 (BatchNorm1d): batch normalisation by the statistics of the batch" in refusal(model)


def test_steps_and_layouts():
    model = nn.Sequential(nn.Linear(6, 3), snn.Leaky(0.9, init_hidden=True))
    assert "the model shows no steps; expected `steps`" in refusal(model, images(4, 6))
    assert "steps = 7, but the model runs for 5" in refusal(Tutorial5(steps=5), images(2, 784), steps=7)
    assert "steps = 7, but the example has 5 steps" in refusal(model, steps=7)
    assert "the layout 'TNQ'" in refusal(model, layout="TNQ")
    assert "needs a layout of as many letters" in refusal(model, layout="TNCHW")
    assert "is not (C, H, W) of the example's 6 features" in refusal(model, shape=(1, 2, 2))
    text = refusal(model, spikes(5, 3, 6) / 2)
    assert "other numbers than whole ones from 0 to 255" in text and "not one image at every step" in text
    for wrong, words in [(0, "steps must be from 1"), (2.5, "steps must be a whole number")]:
        assert words in refusal(model, images(4, 6), steps=wrong)
    assert "samples of finite numbers" in refusal(model, images(4, 6) * float("nan"), steps=5)
    assert "samples of finite numbers" in refusal(model, images(0, 6), steps=5)
    with pytest.raises(spikelens.InputError, match="reads an nn.Module, not OrderedDict"):
        spikelens.from_torch(model.state_dict(), spikes(5, 3, 6))


def test_the_first_output_that_can_be_given():
    class Both(Steps):
        def forward(self, x):
            spk = super().forward(x)
            return {"potential": self.lif2.mem, "spikes": spk}

    model, x = Both(), spikes(5, 3, 6)
    enliven(model, lambda: model(x))
    net = spikelens.from_torch(model, x)
    assert "output 1 of the model counts" in str(net.comparison)
    assert "a state of it" in refusal(model, x, output=0)
    assert "the model has outputs 0 to 1" in refusal(model, x, output=2)


def test_a_softmax_at_the_end_is_noted():
    class Soft(Steps):
        def forward(self, x):
            return F.log_softmax(super().forward(x).mean(0), dim=-1)

    model, x = Soft(), spikes(5, 3, 6)
    enliven(model, lambda: model(x))
    net = spikelens.from_torch(model, x)
    assert "log_softmax of the output is left out" in str(net.comparison) and net.comparison.score_difference < 1e-6


def test_a_softmax_before_anything_else_is_named():
    """Also where what comes after it is silent, so that no comparison shows it."""

    class Soft(Steps):
        def forward(self, x):
            return super().forward(F.softmax(x, dim=-1))

    model = Soft()
    assert "softmax is followed at the end of a model alone" in refusal(model, spikes(5, 3, 6))
    with torch.no_grad():
        model.fc1.weight.zero_()
    assert "softmax is followed at the end of a model alone" in refusal(model, spikes(5, 3, 6))


def test_a_network_that_differs_is_refused():
    """A neuron whose forward is not that of its class shows in the comparison, with its name."""
    model, x = Steps(), spikes(5, 3, 6)
    enliven(model, lambda: model(x))
    model.lif1.fire = lambda mem: (mem > 0.5).float()
    assert "lif1 (Leaky): fires otherwise than full1 of the network made from it" in refusal(model, x)


def test_spikes_that_rounding_decides_are_told_and_accepted():
    """Weights of tenths reach the threshold exactly, where the order of sums decides; what follows differs after it."""

    class Tenths(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1, self.lif1 = nn.Linear(30, 60, bias=False), snn.Leaky(0.9)
            self.fc2, self.lif2 = nn.Linear(60, 40), snn.Leaky(0.9)
            self.fc1.weight.data = torch.randint(-2, 4, (60, 30)) / 10.0
            self.fc2.weight.data.mul_(4)

        def forward(self, x):
            mem1, mem2, rec = self.lif1.init_leaky(), self.lif2.init_leaky(), []
            for step in x:
                spk, mem1 = self.lif1(self.fc1(step), mem1)
                spk, mem2 = self.lif2(self.fc2(spk), mem2)
                rec.append(spk)
            return torch.stack(rec)

    first, second = spikelens.from_torch(Tenths(), spikes(12, 20, 30)).comparison.layers
    assert first.differing > 0 and 0 < first.distance < 1e-6
    assert second.differing > 0 and second.distance == 0


def test_what_the_output_does_not_need_may_be_anything():
    """A neuron that is called once, and a layer that cannot be followed, beside the network."""

    class Beside(Steps):
        def forward(self, x):
            self.seen = self.lif2(self.fc2(self.norm(torch.relu(self.fc1(x[0]))))), self.lif1(self.fc1(x[0]))
            return super().forward(x)

    model, x = Beside(), spikes(5, 3, 6)
    enliven(model, lambda: model(x))
    assert len(spikelens.from_torch(model, x).comparison.layers) == 2


def test_half_precision():
    assert "computes in torch.bfloat16; expected float32" in refusal(Steps().bfloat16())


def test_an_outer_inference_mode_changes_nothing():
    x, model = spikes(5, 3, 6), Steps()
    with torch.inference_mode():
        inside = spikelens.from_torch(model, x)
    assert inside.surrogate == spikelens.from_torch(model, x).surrogate
