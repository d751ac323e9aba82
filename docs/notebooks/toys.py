"""Data that need no download, and a network of snnTorch that learns them in seconds. The notebooks share it."""

import numpy as np
import snntorch
import torch
from snntorch import surrogate


def bars(count, seed, side=20, classes=10):
    """Pictures [N, 1, side, side] of a bright row, whose tenth is the class, and of a bright column that means
    nothing."""
    draw = np.random.default_rng(seed)
    pictures = draw.random((count, 1, side, side), np.float32) * 0.2
    rows = draw.integers(0, side, count)
    pictures[np.arange(count), 0, rows] = 1
    pictures[np.arange(count), 0, :, draw.integers(0, side, count)] = 0.8
    return pictures, rows * classes // side, rows


def movements(count, seed, side=16, steps=10):
    """Recordings [N, T, 2, side, side] of a dot that moves left or right, up or down, before noise. Events are on or
    off."""
    draw = np.random.default_rng(seed)
    recordings = (draw.random((count, steps, 2, side, side)) < 0.01).astype(np.uint8)
    labels = draw.integers(0, 4, count)
    ways = np.array([(0, -1), (0, 1), (-1, 0), (1, 0)])
    for recording, label in zip(recordings, labels):
        y, x = draw.integers(5, side - 5, 2)
        for t in range(steps):
            dy, dx = ways[label] * (t - steps // 2)
            recording[t, 1, (y + dy) % side, (x + dx) % side] = 1
            recording[t, 0, (y + dy - ways[label][0]) % side, (x + dx - ways[label][1]) % side] = 1
    return recordings, labels


class Model(torch.nn.Module):
    """A convolution, a fully connected layer, and a readout whose mean over time is the score."""

    def __init__(self, channels, side, classes, steps, beta=0.9):
        super().__init__()
        torch.manual_seed(1)
        self.steps = steps
        self.conv1 = torch.nn.Conv2d(channels, 8, 5, padding=2)
        self.full2 = torch.nn.Linear(8 * (side // 2) ** 2, 64)
        self.full3 = torch.nn.Linear(64, classes)
        self.pool = torch.nn.MaxPool2d(2)
        self.lif1 = snntorch.Leaky(beta, spike_grad=surrogate.atan(alpha=2.0))
        self.lif2 = snntorch.Leaky(beta, spike_grad=surrogate.atan(alpha=2.0))

    def forward(self, inputs):
        """Images [N, C, H, W], or spikes [T, N, C, H, W]."""
        first, second, total = self.lif1.init_leaky(), self.lif2.init_leaky(), 0
        for t in range(self.steps):
            spikes, first = self.lif1(self.conv1(inputs[t] if inputs.dim() == 5 else inputs), first)
            spikes, second = self.lif2(self.full2(self.pool(spikes).flatten(1)), second)
            total = total + self.full3(spikes)
        return total / self.steps


def train(model, inputs, labels, epochs=5, batch=50):
    """Inputs as the model takes them, but samples first."""
    optimiser = torch.optim.Adam(model.parameters(), 3e-3)
    values, labels = torch.as_tensor(inputs, dtype=torch.float32), torch.as_tensor(labels)
    for _ in range(epochs):
        for chosen in torch.randperm(len(values)).split(batch):
            shown = values[chosen].transpose(0, 1) if values.dim() == 5 else values[chosen]
            loss = torch.nn.functional.cross_entropy(model(shown), labels[chosen])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return model.eval()
