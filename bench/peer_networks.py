#!/usr/bin/env python3
"""Small residual or recurrent networks, trained with SpikingJelly or snnTorch, as state dicts for `spikelens import`.

usage: peer_networks.py KIND OUT DATA [--seeds N] [--train N] [--epochs N]

KIND is `residual` (SpikingJelly, seven layers), `recurrent` (snnTorch) or `recurrent-nmnist` (snnTorch, 30 steps of
10 ms). DATA is a folder of IDX files like MNIST's, or for the last one of N-MNIST's recordings. Writes OUT-1.pth, one
for each seed, and prints one JSON document: the words with which `spikelens import` reads them, and the accuracies on
the training set in the last epoch. One thread. Run by a Python that has torch, snntorch and spikingjelly.
"""

import argparse
import gzip
import json
import pathlib

import numpy
import snntorch
import torch
from snntorch import surrogate as snn_surrogate
from spikingjelly.activation_based import functional, layer, neuron
from spikingjelly.activation_based import surrogate as jelly_surrogate
from torch import nn

JELLY = "LIF(beta=0.5,reset=zero,ge,decay_input)"
STEPS = {"residual": 4, "recurrent": 8, "recurrent-nmnist": 30}


def jelly():
    return neuron.LIFNode(surrogate_function=jelly_surrogate.ATan(), detach_reset=True, step_mode="m")


class Block(nn.Module):
    """Spikes of two convolutions plus the spikes that they read."""

    def __init__(self, planes):
        super().__init__()
        self.conv1, self.sn1 = layer.Conv2d(planes, planes, 3, padding=1, step_mode="m"), jelly()
        self.conv2, self.sn2 = layer.Conv2d(planes, planes, 3, padding=1, step_mode="m"), jelly()

    def forward(self, x):
        return self.sn2(self.conv2(self.sn1(self.conv1(x)))) + x


class Residual(nn.Module):
    text = f"16C3s2-{JELLY}-[16C3-{JELLY}-16C3-{JELLY}|]add-32C3s2-{JELLY}-[32C3-{JELLY}-32C3-{JELLY}|]add-10F"

    def __init__(self):
        super().__init__()
        self.stem, self.sn1 = layer.Conv2d(1, 16, 3, 2, 1, step_mode="m"), jelly()
        self.block1 = Block(16)
        self.down, self.sn2 = layer.Conv2d(16, 32, 3, 2, 1, step_mode="m"), jelly()
        self.block2 = Block(32)
        self.fc = nn.Linear(32 * 7 * 7, 10)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):  # currents large enough for spikes in every layer
                nn.init.kaiming_normal_(module.weight)
                module.weight.data *= 2

    def forward(self, steps):
        functional.reset_net(self)
        x = self.block1(self.sn1(self.stem(steps)))
        x = self.block2(self.sn2(self.down(x)))
        return self.fc(x.mean(0).flatten(1))


class Recurrent(nn.Module):
    text = "100F-R-LIF(beta=0.9,delay)-10F"

    def __init__(self, inputs):
        super().__init__()
        self.fc1 = nn.Linear(inputs, 100)
        self.lif1 = snntorch.RLeaky(0.9, linear_features=100, spike_grad=snn_surrogate.atan(), init_hidden=False)
        self.fc2 = nn.Linear(100, 10)

    def forward(self, steps):
        spikes, potential = self.lif1.init_rleaky()
        total = 0
        for x in steps:
            spikes, potential = self.lif1(self.fc1(x.flatten(1)), spikes, potential)
            total = total + self.fc2(spikes)
        return total / len(steps)


def images(folder, count):
    with (
        gzip.open(next(folder.glob("train-images*"))) as pixels,
        gzip.open(next(folder.glob("train-labels*"))) as labels,
    ):
        shown = numpy.frombuffer(pixels.read(), numpy.uint8, offset=16).reshape(-1, 1, 28, 28)[:count] / 255.0
        classes = numpy.frombuffer(labels.read(), numpy.uint8, offset=8)[:count].astype(numpy.int64)
    return torch.from_numpy(shown.astype(numpy.float32)), torch.from_numpy(classes)


def recording(path, steps):
    """Events of five bytes: column, row, then polarity and 23 bits of time in microseconds."""
    raw = numpy.fromfile(path, numpy.uint8).reshape(-1, 5).astype(numpy.int64)
    times = (raw[:, 2] & 127) << 16 | raw[:, 3] << 8 | raw[:, 4]
    step = (times - times[0]) // 10000
    kept = (raw[:, 1] < 34) & (step < steps)
    binned = numpy.zeros((steps, 2, 34, 34), numpy.float32)
    numpy.add.at(binned, (step[kept], raw[kept, 2] >> 7, raw[kept, 1], raw[kept, 0]), 1)
    return binned


def nmnist(folder, count, steps):
    rows = [line.split() for line in (folder / "train1K.txt").read_text().splitlines() if line[0] != "#"][:count]
    binned = numpy.stack([recording(folder / f"{name}.bs2", steps) for name, _ in rows])
    return torch.from_numpy(binned), torch.tensor([int(label) for _, label in rows])


def train(net, samples, labels, steps, epochs, rate):
    optimiser = torch.optim.Adam(net.parameters(), rate)
    for _ in range(epochs):
        right = 0
        for rows in torch.randperm(len(labels)).split(50):
            batch = samples[rows]
            shown = batch.transpose(0, 1) if batch.dim() == 5 else batch.unsqueeze(0).repeat(steps, 1, 1, 1, 1)
            scores = net(shown)
            optimiser.zero_grad()
            nn.functional.cross_entropy(scores, labels[rows]).backward()
            optimiser.step()
            right += (scores.argmax(1) == labels[rows]).sum().item()
    return right / len(labels)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=list(STEPS))
    parser.add_argument("out")
    parser.add_argument("data", type=pathlib.Path)
    for name, usual in (("seeds", 3), ("train", 2000), ("epochs", 4)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    options = parser.parse_args()
    torch.set_num_threads(1)
    steps, timed = STEPS[options.kind], options.kind == "recurrent-nmnist"
    samples, labels = nmnist(options.data, options.train, steps) if timed else images(options.data, options.train)
    accuracies = []
    for seed in range(1, options.seeds + 1):
        torch.manual_seed(seed)
        net = Residual() if options.kind == "residual" else Recurrent(samples[0].numel() // (steps if timed else 1))
        accuracies.append(train(net, samples, labels, steps, options.epochs, 2e-3))
        functional.reset_net(net)
        torch.save(net.state_dict(), f"{options.out}-{seed}.pth")
    shape = ",".join(map(str, samples.shape[-3:]))
    words = [
        "--network",
        net.text,
        "--input",
        shape,
        *(["--binning", f"{steps}x10ms"] if timed else ["--steps", str(steps)]),
    ]
    print(json.dumps({"words": words, "training_accuracies": accuracies}))


if __name__ == "__main__":
    main()
