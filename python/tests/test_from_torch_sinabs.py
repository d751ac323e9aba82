"""Networks of Sinabs: converted ones, and each of its neurons."""

import pytest
import spikelens
from peers import enliven, library, require_same, seeded, spikes, torch  # noqa: F401

sinabs = library("sinabs")
import sinabs.layers as sl
from sinabs.activation import MembraneReset, MembraneSubtract, MultiSpike, SingleSpike
from sinabs.from_torch import from_model
from sinabs.layers.alif import ALIFSqueeze

nn = torch.nn


def cnn():
    return nn.Sequential(
        nn.Conv2d(2, 6, 3, bias=False),
        nn.ReLU(),
        nn.AvgPool2d(2, 2),
        nn.Conv2d(6, 8, 3),
        nn.ReLU(),
        sl.SumPool2d(2),
        nn.Dropout(0.5),
        nn.Flatten(),
        nn.Linear(8 * 6 * 6, 10),
    )


def convert(**options):
    options = {"spike_fn": SingleSpike, "min_v_mem": None} | options
    return from_model(cnn(), input_shape=(2, 30, 30), batch_size=2, add_spiking_output=True, **options).spiking_model


def fresh(model, call):
    for module in model.modules():
        if isinstance(module, sl.StatefulLayer):
            module.reset_states()
    return call()


def test_a_converted_cnn():
    """Its layers take samples and steps as one axis."""
    model, x = convert(), spikes(2, 6, 2, 30, 30)
    flat = lambda: fresh(model, lambda: model(x.flatten(0, 1)).unflatten(0, (2, 6)).mean(1))
    enliven(model, flat)
    net = spikelens.from_torch(model, x, layout="NTCHW")
    assert "AP2" in net.text and "SP2" in net.text
    assert net.comparison.differing == 0 and all(layer.spikes > 0 for layer in net.comparison.layers)
    assert abs(net.comparison.score_difference) < 1e-6


def test_several_spikes_in_a_step_are_refused():
    model, x = convert(spike_fn=MultiSpike), spikes(2, 6, 2, 30, 30)
    enliven(model, lambda: model(x.flatten(0, 1)), spread=4)
    with pytest.raises(spikelens.InputError, match=r"1 \(IAFSqueeze\): fires up to \d+ times in a step.*=SingleSpike"):
        spikelens.from_torch(model, x, layout="NTCHW")


def test_a_bound_that_is_reached_is_refused():
    model, x = convert(min_v_mem=-1.0), spikes(2, 6, 2, 30, 30)
    enliven(model, lambda: model(x.flatten(0, 1)))
    with pytest.raises(
        spikelens.InputError, match=r"1 \(IAFSqueeze\): its potential reaches -[\d.]+, below its lower bound -1"
    ):
        spikelens.from_torch(model, x, layout="NTCHW")


NEURONS = {
    "iaf": lambda: sl.IAF(spike_fn=SingleSpike),
    "iaf, several": lambda: sl.IAF(spike_threshold=torch.tensor(15.0)),
    "iaf, reset": lambda: sl.IAF(spike_fn=SingleSpike, reset_fn=MembraneReset()),
    "iaf, synapse": lambda: sl.IAF(spike_fn=SingleSpike, tau_syn=3.0),
    "lif": lambda: sl.LIF(5.0, spike_fn=SingleSpike),
    "lif, each its own": lambda: sl.LIF(torch.linspace(2, 9, 12), spike_fn=SingleSpike),
    "lif, not normalised": lambda: sl.LIF(
        5.0, norm_input=False, spike_fn=SingleSpike, spike_threshold=torch.tensor(0.7)
    ),
    "lif, synapse": lambda: sl.LIF(5.0, tau_syn=2.0, spike_fn=SingleSpike),
    "lif, alphas": lambda: sl.LIF(5.0, train_alphas=True, spike_fn=SingleSpike, min_v_mem=-16.0),
    "alif": lambda: sl.ALIF(5.0, 8.0, adapt_scale=3.0),
    "alif, each its own": lambda: sl.ALIF(
        torch.linspace(2, 9, 12), torch.linspace(3, 30, 12), adapt_scale=torch.linspace(1, 4, 12), norm_input=False
    ),
    "alif, reset": lambda: sl.ALIF(5.0, 8.0, reset_fn=MembraneReset(), spike_threshold=torch.tensor(0.6)),
    "alif, synapse": lambda: sl.ALIF(3.0, 8.0, tau_syn=4.0),
    "alif, synapse and no norm": lambda: sl.ALIF(3.0, 8.0, tau_syn=4.0, norm_input=False),
    "alif, alphas": lambda: sl.ALIF(3.0, 8.0, tau_syn=2.0, train_alphas=True, min_v_mem=-16.0),
    "alif, recurrent": lambda: sl.ALIFRecurrent(5.0, 8.0, rec_connect=nn.Linear(12, 12, bias=False)),
    "lif, recurrent": lambda: sl.LIFRecurrent(5.0, rec_connect=nn.Linear(12, 12, bias=False), spike_fn=SingleSpike),
    "iaf, recurrent": lambda: sl.IAFRecurrent(rec_connect=nn.Linear(12, 12, bias=False), spike_fn=SingleSpike),
}


@pytest.mark.parametrize("name", NEURONS)
def test_neurons(name):
    model = nn.Sequential(nn.Linear(9, 12), NEURONS[name](), nn.Linear(12, 4), sl.IAF(spike_fn=SingleSpike))
    x = spikes(5, 14, 9)
    call = lambda: fresh(model, lambda: model(x).mean(1))
    enliven(model, call, spread=4)
    require_same(model, x, call, time=1, layout="NTC")


def test_a_rise_of_the_threshold_that_is_not_reset_with_it_is_refused():
    """MembraneSubtract of a number leaves the rise of the threshold in the potential."""
    model = nn.Sequential(nn.Linear(9, 12), sl.ALIF(5.0, 8.0, reset_fn=MembraneSubtract(1.0)), nn.Linear(12, 4))
    with pytest.raises(spikelens.InputError, match="reset_fn"):
        spikelens.from_torch(model, spikes(2, 5, 9), layout="NTC")


def test_squeezed_neurons_that_adapt():
    model = convert()
    for name, layer in list(model.named_children()):
        if isinstance(layer, sl.IAFSqueeze):
            setattr(model, name, ALIFSqueeze(tau_mem=5.0, tau_adapt=8.0, batch_size=2))
    x = spikes(2, 6, 2, 30, 30)
    enliven(model, lambda: fresh(model, lambda: model(x.flatten(0, 1))), spread=5)
    net = spikelens.from_torch(model, x, layout="NTCHW")
    assert "adapt=" in net.text and net.comparison.differing == 0
    assert sum(layer.spikes > 0 for layer in net.comparison.layers) == len(net.comparison.layers)


def test_a_recurrence_with_a_bias_is_refused():
    model = nn.Sequential(nn.Linear(9, 12), sl.LIFRecurrent(5.0, rec_connect=nn.Linear(12, 12)), nn.Linear(12, 4))
    with pytest.raises(spikelens.InputError, match="rec_connect has a bias"):
        spikelens.from_torch(model, spikes(2, 5, 9), layout="NTC")


def test_a_leaky_end():
    model = nn.Sequential(nn.Linear(9, 12), sl.LIF(5.0, spike_fn=SingleSpike), nn.Linear(12, 4), sl.ExpLeak(5.0))
    x = spikes(5, 10, 9)
    call = lambda: fresh(model, lambda: model(x)[:, -1] / 10)
    enliven(model, call, spread=4)
    net = require_same(model, x, call, time=1, layout="NTC")
    assert net.text.endswith("LI(beta=0.8187308)")


def test_sums_of_events_before_the_first_weights():
    model = nn.Sequential(
        sl.Repeat(sl.SumPool2d(2)),
        sl.Repeat(nn.Conv2d(2, 4, 3, padding=1)),
        sl.IAF(spike_fn=SingleSpike),
        sl.Repeat(nn.Flatten()),
        nn.Linear(4 * 64, 3),
    )
    x = spikes(3, 6, 2, 16, 16)
    call = lambda: fresh(model, lambda: model(x).mean(1))
    enliven(model, call)
    net = require_same(model, x, call, time=1, layout="NTCHW")
    assert net.text.startswith("4C6s2-IF(ge)")
