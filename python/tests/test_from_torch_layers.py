"""What stands around neurons, and how it becomes a network: by the text, and by the library's counts and scores."""

import pytest
import spikelens
from peers import enliven, images, library, require_same, seeded, torch  # noqa: F401

library("spikingjelly")
from spikingjelly.activation_based import functional, neuron

nn = torch.nn
STEPS = 6


class Branch(nn.Module):
    def __init__(self, meet, features):
        super().__init__()
        self.conv, self.first = nn.Conv2d(2, 2, 3, padding=1), neuron.IFNode()
        self.second, self.full, self.meet = neuron.IFNode(), nn.Linear(features, 4), meet

    def forward(self, x):
        return self.full(self.second(self.meet(self, x)).flatten(1))


def chain(*layers):
    return lambda: nn.Sequential(*[layer() if isinstance(layer, type) else layer for layer in layers])


IF, FLAT = neuron.IFNode, nn.Flatten
NETWORKS = {
    "a neuron that codes the image": (chain(IF, nn.Conv2d(2, 4, 3), IF, FLAT, nn.Linear(400, 4)), "2C1g2b0-IF"),
    "normalised images": (chain(nn.BatchNorm2d(2), nn.Conv2d(2, 4, 3), IF, FLAT, nn.Linear(400, 4)), "4C3p0-IF"),
    "normalised spikes": (
        chain(nn.Conv2d(2, 4, 3, padding=1), IF, nn.BatchNorm2d(4), FLAT, nn.Linear(576, 4)),
        "4C3-IF(reset=zero,ge)-4F",
    ),
    "normalised features": (
        chain(nn.Conv2d(2, 4, 3), IF, FLAT, nn.BatchNorm1d(400), nn.Linear(400, 4)),
        "4C3p0-IF(reset=zero,ge)-4F",
    ),
    "normalised maxima": (
        chain(nn.Conv2d(2, 4, 3), nn.MaxPool2d(2), nn.BatchNorm2d(4), IF, FLAT, nn.Linear(100, 4)),
        "4C3p0-MP2-IF",
    ),
    "a mean of maps": (
        chain(nn.Conv2d(2, 4, 3, padding=1), IF, nn.AvgPool2d(2), nn.Conv2d(4, 5, 3), nn.AdaptiveAvgPool2d(1), FLAT),
        "4C3-IF(reset=zero,ge)-AP2-5C3p0-AP4",
    ),
    "a mean of spikes": (
        chain(nn.Conv2d(2, 5, 3), IF, nn.AdaptiveAvgPool2d(1), FLAT),
        "5C3p0-IF(reset=zero,ge)-AP10",
    ),
    "windows that overlap": (
        chain(nn.Conv2d(2, 4, 3), IF, nn.AdaptiveAvgPool2d(3), FLAT, nn.Linear(36, 4)),
        "4C3p0-IF",
    ),
    "padded means": (
        chain(nn.Conv2d(2, 4, 3), IF, nn.AvgPool2d(3, 2, 1), nn.Conv2d(4, 4, 1), IF, FLAT, nn.Linear(100, 4)),
        "4C3p0-IF(reset=zero,ge)-AP3s2p1-4C1",
    ),
    "padded maxima": (
        chain(nn.Conv2d(2, 4, 3), IF, nn.MaxPool2d(3, 2, 1), nn.Conv2d(4, 4, 1), IF, FLAT, nn.Linear(100, 4)),
        "4C3p0-IF(reset=zero,ge)-MP3s2p1-4C1",
    ),
    "padded maxima of currents": (
        chain(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.MaxPool2d(3, 2, 1), IF, FLAT, nn.Linear(100, 4)),
        "4C3p0-MP3s2p1-IF",
    ),
    "windows beyond the map": (
        chain(nn.Conv2d(2, 4, 3), IF, nn.MaxPool2d(3, ceil_mode=True), nn.Conv2d(4, 4, 1), IF, FLAT, nn.Linear(64, 4)),
        "4C3p0-IF(reset=zero,ge)-MP3c-4C1",
    ),
    "windows beyond the padding": (
        chain(nn.Conv2d(2, 4, 3), IF, nn.MaxPool2d(4, 3, 1, 1, ceil_mode=True), FLAT, nn.Linear(64, 4)),
        "4C3p0-IF(reset=zero,ge)-MP4s3p1c-4F",
    ),
    "windows that fit": (
        chain(nn.Conv2d(2, 4, 3), IF, nn.AvgPool2d(2, ceil_mode=True), FLAT, nn.Linear(100, 4)),
        "4C3p0-IF(reset=zero,ge)-AP2-4F",
    ),
    "a sum of the image": (
        chain(nn.AvgPool2d(2), nn.Conv2d(2, 4, 3, padding=1), IF, FLAT, nn.Linear(144, 4)),
        "4C6s2-IF",
    ),
    "windows of two shapes": (
        chain(nn.Conv2d(2, 4, 3, 2, 2, 2), IF, nn.Conv2d(4, 6, (1, 3), padding=(0, 1)), IF, FLAT, nn.Linear(216, 4)),
        "4C3s2d2-IF(reset=zero,ge)-6C1x3-IF",
    ),
    "padding by its name": (chain(nn.Conv2d(2, 4, 3, padding="same"), IF, FLAT, nn.Linear(576, 4)), "4C3-IF"),
    "normed weights": (
        chain(torch.nn.utils.parametrizations.weight_norm(nn.Conv2d(2, 4, 3)), IF, FLAT, nn.Linear(400, 4)),
        "4C3p0-IF",
    ),
    "weights after weights": (
        chain(nn.Conv2d(2, 4, 3), IF, FLAT, nn.Linear(400, 9), nn.Linear(9, 4)),
        "4C3p0-IF(reset=zero,ge)-4F",
    ),
    "spikes beside the image": (
        lambda: Branch(lambda self, x: self.first(self.conv(x)) + x, 288),
        "[2C3-IF(reset=zero,ge)|2C1g2b0]add-IF",
    ),
    "currents beside the image": (
        lambda: Branch(lambda self, x: torch.cat([self.first(self.conv(x)), x], 1), 576),
        "[2C3-IF(reset=zero,ge)|2C1g2b0]cat-IF",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_layers(name):
    make, text = NETWORKS[name]
    model, x = make(), images(3, 2, 12, 12)

    def call():
        functional.reset_net(model)
        return sum(model(x) for _ in range(STEPS)) / STEPS

    enliven(model, call)
    if name.startswith("normed"):
        model[0].parametrizations.weight.original0.data.mul_(4)
    net = require_same(model, x, call, steps=STEPS)
    assert text in net.text


def test_means_of_windows_beyond_the_map_are_refused():
    model = nn.Sequential(nn.Conv2d(2, 4, 3), IF(), nn.AvgPool2d(3, ceil_mode=True), FLAT(), nn.Linear(64, 4))
    with pytest.raises(spikelens.InputError, match=r"2 \(AvgPool2d\): avg_pool2d with ceil_mode"):
        spikelens.from_torch(model, images(2, 2, 12, 12), steps=STEPS)


def test_columns_before_rows():
    """Neurons do not mind, and weights are put in order."""
    model, x = Branch(lambda self, x: self.first(self.conv(x)).transpose(2, 3), 288), images(3, 2, 12, 12)
    enliven(model, lambda: sum(model(x) for _ in range(STEPS)))
    comparison = spikelens.from_torch(model, x, steps=STEPS).comparison
    assert comparison.differing == 0 and comparison.score_difference < 1e-5
    assert min(found.spikes for found in comparison.layers) > 0
