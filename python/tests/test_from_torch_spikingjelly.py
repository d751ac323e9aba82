"""Networks of SpikingJelly: its examples, its models, each of its neurons in both step modes."""

import numpy as np
import pytest
import spikelens
from peers import enliven, images, library, require_same, seeded, spikes, torch  # noqa: F401

library("spikingjelly")
from spikingjelly.activation_based import functional, layer, neuron, surrogate
from spikingjelly.activation_based.model import (
    parametric_lif_net,
    sew_resnet,
    spiking_vgg,
)

nn = torch.nn


class CSNN(nn.Module):
    """SpikingJelly's example of Fashion-MNIST (conv_fashion_mnist.py)."""

    def __init__(self, T: int, channels: int):
        super().__init__()
        self.T = T
        self.conv_fc = nn.Sequential(
            layer.Conv2d(1, channels, kernel_size=3, padding=1, bias=False),
            layer.BatchNorm2d(channels),
            neuron.IFNode(surrogate_function=surrogate.ATan()),
            layer.MaxPool2d(2, 2),
            layer.Conv2d(channels, channels, kernel_size=3, padding=1, bias=False),
            layer.BatchNorm2d(channels),
            neuron.IFNode(surrogate_function=surrogate.ATan()),
            layer.MaxPool2d(2, 2),
            layer.Flatten(),
            layer.Linear(channels * 7 * 7, channels * 4 * 4, bias=False),
            neuron.IFNode(surrogate_function=surrogate.ATan()),
            layer.Linear(channels * 4 * 4, 10, bias=False),
            neuron.IFNode(surrogate_function=surrogate.ATan()),
        )
        functional.set_step_mode(self, step_mode="m")

    def forward(self, x: torch.Tensor):
        x_seq = x.unsqueeze(0).repeat(self.T, 1, 1, 1, 1)
        x_seq = self.conv_fc(x_seq)
        return x_seq.mean(0)


def fresh(model, call):
    functional.reset_net(model)
    result = call()
    functional.reset_net(model)
    return result


def compare(model, x, call, **options):
    enliven(model, lambda: fresh(model, call))
    time = 0 if any(getattr(m, "step_mode", "s") == "m" for m in model.modules()) else None
    return require_same(model, x, lambda: fresh(model, call), time=time, **options)


def test_csnn():
    model, x = CSNN(T=5, channels=8), images(3, 1, 28, 28)
    net = compare(model, x, lambda: model(x))
    assert net.text.startswith("8C3-IF(reset=zero,ge)-MP2-8C3-IF(reset=zero,ge)-MP2-128Fb0")


def test_dvs_gesture_net():
    model = parametric_lif_net.DVSGestureNet(
        channels=4, spiking_neuron=neuron.LIFNode, surrogate_function=surrogate.ATan(), detach_reset=True
    )
    functional.set_step_mode(model, "m")
    x = spikes(3, 2, 2, 128, 128, rate=0.2)
    net = compare(model, x, lambda: model(x).mean(0))
    assert net.text.endswith("-11Fb0")  # the votes


@pytest.mark.parametrize("cnf", ["ADD", "AND", "IAND"])
def test_sew_resnet(cnf):
    model = sew_resnet.SEWResNet(
        sew_resnet.BasicBlock,
        [1, 1, 1, 1],
        num_classes=5,
        cnf=cnf,
        spiking_neuron=neuron.IFNode,
        surrogate_function=surrogate.ATan(),
        width_per_group=64,
    )
    functional.set_step_mode(model, "m")
    x = spikes(3, 1, 3, 32, 32)
    net = compare(model, x, lambda: model(x).mean(0))
    assert "MP3s2p1" in net.text
    assert {"ADD": "]add", "AND": "]and", "IAND": "]iand"}[cnf] in net.text


def test_vgg11_bn_step_by_step():
    """Its adaptive mean of 1×1 to 7×7 copies the map, which goes into the classifier's weights."""
    model = spiking_vgg.SpikingVGG(
        cfg=[8, "M", 8, "M", 16, 16, "M", 16, 16, "M", 512, 512, "M"],
        batch_norm=True,
        num_classes=4,
        norm_layer=layer.BatchNorm2d,
        spiking_neuron=neuron.LIFNode,
        tau=2.0,
        v_reset=None,
    )
    model.classifier[0], model.classifier[3], model.classifier[6] = (
        layer.Linear(512 * 49, 40),
        layer.Linear(40, 30),
        layer.Linear(30, 4),
    )
    x = images(2, 3, 32, 32)
    compare(model, x, lambda: sum(model(x) for _ in range(4)) / 4, steps=4)


NEURONS = [
    neuron.IFNode(),
    neuron.IFNode(v_reset=None, v_threshold=0.7),
    neuron.IFNode(v_reset=-0.5),
    neuron.LIFNode(tau=3.0),
    neuron.LIFNode(tau=1.5, decay_input=False, v_reset=None),
    neuron.LIFNode(tau=2.5, v_reset=0.3),
    neuron.LIFNode(tau=4.0, decay_input=False, v_reset=-0.4),
    neuron.ParametricLIFNode(init_tau=3.3),
    neuron.ParametricLIFNode(init_tau=2.2, decay_input=False, v_reset=None),
]


@pytest.mark.parametrize("mode", ["s", "m"])
@pytest.mark.parametrize("index", range(len(NEURONS)))
def test_neurons(index, mode):
    model = nn.Sequential(layer.Linear(9, 16), NEURONS[index], layer.Linear(16, 4), neuron.IFNode())
    functional.set_step_mode(model, mode)
    x = spikes(12, 5, 9, seed=index)
    one = lambda: torch.stack([model(step) for step in x]).mean(0)
    compare(model, x, one if mode == "s" else lambda: model(x).mean(0))


@pytest.mark.parametrize("mode", ["s", "m"])
def test_recurrent_containers(mode):
    """As in the example rsnn_sequential_fmnist, where weights follow weights."""
    model = nn.Sequential(
        layer.Linear(9, 12),
        layer.LinearRecurrentContainer(neuron.IFNode(v_reset=None), 12, 12),
        layer.Linear(12, 8),
        layer.ElementWiseRecurrentContainer(neuron.LIFNode(), lambda a, b: a + b),
        layer.Linear(8, 3),
        neuron.IFNode(),
    )
    functional.set_step_mode(model, mode)
    for name, module in model.named_modules():
        if name.endswith("sub_module"):
            module.step_mode = "s"
    x = spikes(10, 4, 9)
    call = (lambda: model(x).mean(0)) if mode == "m" else lambda: torch.stack([model(step) for step in x]).mean(0)
    enliven(model, lambda: fresh(model, call))
    net = spikelens.from_torch(model, x)
    assert "-R-" in net.text and "-R1-" in net.text
    assert net.comparison.differing == 0 and all(layer.spikes > 0 for layer in net.comparison.layers)


def test_containers_of_steps():
    model = nn.Sequential(
        layer.SeqToANNContainer(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4)),
        neuron.IFNode(step_mode="m"),
        layer.MultiStepContainer(nn.Conv2d(4, 6, 3), neuron.IFNode(), nn.Flatten()),
        layer.SeqToANNContainer(nn.Linear(6 * 16, 5)),
    )
    x = spikes(6, 3, 2, 8, 8)
    enliven(model, lambda: fresh(model, lambda: model(x)))
    net = spikelens.from_torch(model, x)
    assert net.comparison.differing == 0 and all(layer.spikes > 0 for layer in net.comparison.layers)


def test_a_membrane_without_spikes_ends_a_network():
    model = nn.Sequential(layer.Linear(9, 12), neuron.LIFNode(), layer.Linear(12, 4), neuron.NonSpikingLIFNode(tau=3.0))
    functional.set_step_mode(model, "m")
    x = spikes(8, 3, 9)
    net = compare(model, x, lambda: model(x)[-1] / 8)
    assert net.text.endswith("LI(beta=0.6666667)")


def test_normalisation_that_depends_on_the_threshold():
    model = nn.Sequential(
        layer.Conv2d(2, 4, 3),
        layer.ThresholdDependentBatchNorm2d(1.0, 0.8, 4),
        neuron.LIFNode(v_threshold=0.8),
        layer.AdaptiveAvgPool2d(1),
        layer.Flatten(),
        layer.Linear(4, 3),
    )
    functional.set_step_mode(model, "m")
    x = spikes(6, 3, 2, 8, 8)
    compare(model, x, lambda: model(x).mean(0))


def test_the_model_is_left_as_it_was():
    model = CSNN(T=3, channels=4).train()
    model.conv_fc[2].eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    net = spikelens.from_torch(model, images(2, 1, 28, 28))
    assert net.steps == 3
    assert model.training and not model.conv_fc[2].training and model.conv_fc[1].training
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in before.items())
    assert "forward" not in model.conv_fc[2].__dict__


def test_images_for_a_model_that_takes_all_steps():
    """Repeated over time by the caller, or by from_torch."""
    model = nn.Sequential(
        layer.Conv2d(1, 4, 3), neuron.IFNode(), layer.Flatten(), layer.Linear(4 * 64, 5), neuron.IFNode()
    )
    model[3].bias.data.fill_(0.3)
    functional.set_step_mode(model, "m")
    x = images(3, 1, 10, 10)
    repeated = x.unsqueeze(0).repeat(4, 1, 1, 1, 1)
    enliven(model, lambda: fresh(model, lambda: model(repeated)))
    one, other = spikelens.from_torch(model, repeated), spikelens.from_torch(model, x, steps=4)
    assert one == other and one.steps == 4 and one.comparison.differing == 0
    scores = fresh(model, lambda: model(repeated)).mean(0).detach().numpy()
    np.testing.assert_allclose(one.simulate(x.numpy()).scores, scores, atol=1e-6)
    assert min(found.spikes for found in one.comparison.layers) > 0


def test_a_converted_network():
    """Of ann2snn: voltages are scaled before and after each neuron."""
    from spikingjelly.activation_based import ann2snn

    ann = nn.Sequential(
        nn.Conv2d(1, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.AvgPool2d(2), nn.Conv2d(6, 8, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8 * 9, 5), nn.ReLU(),
    )  # fmt: skip
    x = images(4, 1, 14, 14)
    enliven(ann, lambda: ann(x))
    model = ann2snn.Converter(ann2snn.RateCodingRecipe(dataloader=[(x, torch.zeros(4))])).convert(ann)
    net = spikelens.from_torch(model, x, steps=12)
    assert net.comparison.differing == 0 and min(found.spikes for found in net.comparison.layers) > 0
    assert any("scores are the spikes' mean" in note for note in net.notes)
    predicted = fresh(model, lambda: sum(model(x) for _ in range(12))).argmax(1)
    assert net.simulate(x).predictions.tolist() == predicted.tolist()
