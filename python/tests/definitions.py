"""Networks and methods by their definitions in docs/methods.md: NumPy in double, dense matrices, loops over steps.

They share no code with the library. Slow, and obvious.
"""

import numpy as np


def matrix_of(weight, shape):
    """A convolution of odd kernel and full padding as a dense matrix [out · h · w, in · h · w]."""
    channels, height, width = shape
    pad = weight.shape[2] // 2
    dense = np.zeros((weight.shape[0], height, width, channels, height, width))
    for y, x, i, j in np.ndindex(height, width, *weight.shape[2:]):
        row, column = y + i - pad, x + j - pad
        if 0 <= row < height and 0 <= column < width:
            dense[:, y, x, :, row, column] += weight[:, :, i, j]
    return dense.reshape(weight.shape[0] * height * width, -1)


class Layer:
    def __init__(self, name, weight, bias, shape, pool):
        self.name, convolves = name, weight.ndim == 4
        self.shape = (len(weight), *shape[1:]) if convolves else (len(weight), 1, 1)
        self.matrix = matrix_of(weight, shape) if convolves else weight.astype(float)
        self.bias = np.repeat(bias.astype(float), self.shape[1] * self.shape[2])
        channels, height, width = self.pooled = (self.shape[0], self.shape[1] // pool, self.shape[2] // pool)
        at = np.arange(np.prod(self.shape)).reshape(self.shape)
        self.windows = [
            at[c, y * pool : (y + 1) * pool, x * pool : (x + 1) * pool].ravel()
            for c, y, x in np.ndindex(channels, height, width)
        ]

    def winners(self, spikes):
        """Of each window the first maximum."""
        return np.array([window[np.argmax(spikes[window])] for window in self.windows])


class Reference:
    """A chain of layers; each but the last has neurons, and a max-pool of its spikes."""

    def __init__(self, net, pools, beta, threshold, reset, delay):
        self.beta, self.threshold, self.reset, self.delay = beta, threshold, reset, delay
        tensors, shape, self.layers = net.tensors(), tuple(net.input_shape), []
        for layer, pool in zip(net.layers, pools):
            name = layer["name"] if isinstance(layer, dict) else layer.name
            self.layers.append(Layer(name, tensors[f"{name}.weight"], tensors[f"{name}.bias"], shape, pool))
            shape = self.layers[-1].pooled
        self.readout = self.layers[-1]

    def carried(self, potential, spike):
        """What the membrane keeps of a step's potential for the next."""
        if self.reset == "zero":
            return self.beta * potential * (1 - spike)
        if self.reset == "none":
            return self.beta * potential
        drop = self.threshold * spike
        return self.beta * potential - drop if self.delay else self.beta * (potential - drop)

    def run(self, steps):
        """Of each layer input, currents, potentials and spikes [T, …]; of the readout the scores."""
        records = []
        for layer in self.layers[:-1]:
            currents = steps @ layer.matrix.T + layer.bias
            potentials, spikes, kept = np.zeros_like(currents), np.zeros_like(currents), 0
            for t, current in enumerate(currents):
                potentials[t] = kept + current
                spikes[t] = potentials[t] > self.threshold
                kept = self.carried(potentials[t], spikes[t])
            records.append({"input": steps, "currents": currents, "potentials": potentials, "spikes": spikes})
            steps = np.stack([spikes[:, window].max(1) for window in layer.windows], 1)
        currents = steps @ self.readout.matrix.T + self.readout.bias
        records.append({"input": steps, "currents": currents, "scores": currents.mean(0)})
        return records

    def back(self, records):
        """The layers with neurons from the last down."""
        return list(zip(self.layers[-2::-1], records[-2::-1]))

    def gradient(self, steps, target):
        """∂score/∂input [T, …] through the surrogate 0.3·max(0, 1 − |U/θ − 1|)/θ, and that of each layer's spikes."""
        records, of_spikes = self.run(steps), {}
        grad = np.tile(self.readout.matrix[target] / len(steps), (len(steps), 1))
        for layer, record in self.back(records):
            spread = np.zeros_like(record["spikes"])
            for t, spikes in enumerate(record["spikes"]):
                np.add.at(spread[t], layer.winners(spikes), grad[t])
            of_spikes[layer.name] = spread.copy()
            slope = 0.3 * np.maximum(0, 1 - np.abs(record["potentials"] / self.threshold - 1)) / self.threshold
            later = 0
            for t in range(len(steps) - 1, -1, -1):
                keeps = self.beta * ((1 - record["spikes"][t]) if self.reset == "zero" else 1)
                later = spread[t] = spread[t] * slope[t] + keeps * later
            grad = spread @ layer.matrix
        return grad, of_spikes

    def gate(self, steps, target):
        """The sweep of linear maps with each neuron as the gain clip(n/D, 0, 1), over all steps."""
        records, worth = self.run(steps), self.readout.matrix[target] / len(steps)
        for layer, record in self.back(records):
            counts, spread = record["spikes"].sum(0), np.zeros(record["spikes"].shape[1])
            for window, of_window in zip(layer.windows, worth):
                passed = record["spikes"][:, window].max(1).sum()
                spread[window] += of_window * passed / max(counts[window].sum(), 1)
            drive = record["currents"].sum(0)
            gain = np.where(counts > 0, np.clip(counts / np.where(drive == 0, 1, drive), 0, 1), 0)
            worth = (gain * spread) @ layer.matrix
        return worth

    def share(self, steps, target, start="contrast", soft=False):
        """Membrane share: the credit of each input [T, …], and what biases brought."""
        records, classes = self.run(steps), len(self.readout.matrix)
        weights = np.full(classes, -1 / (classes - 1) if start == "contrast" else 0.0)
        weights[target] = 1
        bias, credit = weights @ self.readout.bias, np.tile(weights @ self.readout.matrix / len(steps), (len(steps), 1))
        for layer, record in self.back(records):
            spread = np.zeros_like(record["spikes"])
            for t, spikes in enumerate(record["spikes"]):
                for window, of_window in zip(layer.windows, credit[t]):
                    parts = spikes[window] / max(spikes[window].sum(), 1) if len(window) > 1 else 1
                    spread[t, window] += of_window * parts
            later = 0
            for t in range(len(steps) - 1, -1, -1):
                potential, spike = record["potentials"][t], record["spikes"][t]
                silent = self.beta * later
                if soft:
                    near = 0.3 / (1 + (np.pi * (potential / self.threshold - 1)) ** 2)
                    silent = near * spread[t] / self.threshold + self.beta * (1 - near) * later
                potential = np.where(spike > 0, potential, 1)
                paid = spread[t] / potential + self.carried(potential, 1) / potential * later
                later = spread[t] = np.where(spike > 0, paid, silent)
            bias += (spread * layer.bias).sum()
            credit = spread @ layer.matrix
        return credit, bias

    def rescale(self, steps, target):
        """DeepLIFT's rescale rule against silence: each ΔS/ΔU, and of what a membrane keeps its own Δ/ΔU."""
        records, silent = self.run(steps), self.run(np.zeros_like(steps))
        worth = np.tile(self.readout.matrix[target] / len(steps), (len(steps), 1))
        for (layer, record), (_, base) in zip(self.back(records), self.back(silent)):
            spread, changes = np.zeros_like(record["spikes"]), record["spikes"] - base["spikes"]
            for t, change in enumerate(changes):
                for window, of_window in zip(layer.windows, worth[t]):
                    passed = record["spikes"][t, window].max() - base["spikes"][t, window].max()
                    went = change[window] * passed > 0
                    spread[t, window] += of_window * went / max(went.sum(), 1)
            kept, moved = (
                self.carried(record["potentials"], record["spikes"]) - self.carried(base["potentials"], base["spikes"]),
                record["potentials"] - base["potentials"],
            )
            per_change = lambda of, moved=moved: np.divide(of, moved, out=np.zeros_like(of), where=moved != 0)
            later = 0
            for t in range(len(steps) - 1, -1, -1):
                later = spread[t] = spread[t] * per_change(changes)[t] + later * per_change(kept)[t]
            worth = spread @ layer.matrix
        return worth

    def shared(self, layer, inputs, relevance):
        """The αβ-rule with α = 1: in proportion to what is positive."""
        positive = np.maximum(layer.matrix * inputs, 0)
        sums = positive.sum(1, keepdims=True)
        return relevance @ np.divide(positive, sums, out=np.zeros_like(positive), where=sums > 0)

    def unpooled(self, layer, spikes, relevance):
        spread = np.zeros(len(spikes))
        np.add.at(spread, layer.winners(spikes), relevance)
        return spread

    def slrp(self, steps, target):
        records = self.run(steps)
        relevance = np.where(np.arange(len(self.readout.bias)) == target, records[-1]["scores"], 0)
        relevance = self.shared(self.readout, records[-1]["input"].mean(0), relevance)
        for layer, record in self.back(records):
            relevance = self.unpooled(layer, record["spikes"].mean(0), relevance)
            relevance = self.shared(layer, record["input"].mean(0), relevance)
        return relevance

    def in_time(self, relevance, kept, currents):
        """Relevance of each step, of which what the membrane kept takes its share back in time."""
        out, later = np.zeros_like(relevance), 0
        for t in range(len(relevance) - 1, -1, -1):
            before, now = np.maximum(kept[t], 0), np.maximum(currents[t], 0)
            total, sums = relevance[t] + later, before + now
            ratio = np.divide(before, sums, out=np.zeros_like(sums), where=sums > 0)
            later, out[t] = total * ratio, np.where(sums > 0, total * (1 - ratio), 0)
        return out

    def sltrp(self, steps, target):
        records = self.run(steps)
        currents = records[-1]["currents"]
        relevance = np.zeros_like(currents)
        relevance[-1, target] = records[-1]["scores"][target]
        relevance = self.in_time(relevance, np.cumsum(currents, 0) - currents, currents)
        each = lambda layer, inputs, of: np.stack([self.shared(layer, x, r) for x, r in zip(inputs, of)])
        relevance = each(self.readout, records[-1]["input"], relevance)
        for layer, record in self.back(records):
            spikes, kept = record["spikes"], self.carried(record["potentials"], record["spikes"])
            relevance = np.stack([self.unpooled(layer, s, r) for s, r in zip(spikes, relevance)])
            kept = np.vstack([np.zeros_like(kept[:1]), kept[:-1]])
            relevance = each(layer, record["input"], self.in_time(relevance, kept, record["currents"]))
        return relevance

    def tsa(self, steps, target, negative):
        """Paths of spikes to the decision at the last step; silent neurons count −β^…/n with `negative`."""
        records, out = self.run(steps), np.zeros_like(steps)
        confidence = softmax(records[-1]["scores"])[target]
        for t in range(len(steps)):
            fades = self.beta ** (len(steps) - 1 - t)
            factor = lambda spikes, fades=fades: np.where(spikes > 0, fades, -fades / len(spikes) if negative else 0)
            worth = self.readout.matrix[target] * confidence
            for layer, record in self.back(records):
                worth = self.unpooled(layer, record["spikes"][t], worth) * factor(record["spikes"][t]) @ layer.matrix
            out[t] = worth * factor(steps[t])
        return out

    def sam(self, steps, layer, gamma=0.5):
        spikes = self.run(steps)[layer]["spikes"].reshape(len(steps), *self.layers[layer].shape)
        fading = np.zeros_like(spikes[0])
        maps = []
        for spike in spikes:
            fading = fading * np.exp(-gamma) + spike
            maps.append((fading * spike).sum(0))
        return np.sum(maps, 0)

    def gradcam(self, steps, target, layer):
        of = self.layers[layer]
        shape = (len(steps), *of.shape)
        spikes, grad = self.run(steps)[layer]["spikes"].reshape(shape), self.gradient(steps, target)[1][of.name]
        weights = grad.reshape(shape).mean((0, 2, 3))
        return np.maximum(0, np.einsum("k,tkyx->tyx", weights, spikes))


def softmax(scores):
    powers = np.exp(scores - scores.max())
    return powers / powers.sum()


def area(curve):
    return (np.sum(curve) - (curve[0] + curve[-1]) / 2) / (len(curve) - 1)


def gini(values):
    values = np.sort(np.abs(values).ravel())
    ranks = np.arange(1, values.size + 1)
    return ((2 * ranks - values.size - 1) * values).sum() / (values.size * values.sum())


def entropy(values):
    shares = np.abs(values).ravel() / np.abs(values).sum()
    return -(shares[shares > 0] * np.log(shares[shares > 0])).sum()


def filled(image, gone):
    """An image [C, H, W] whose gone pixels are the mean of their neighbours, of the diagonal ones with half the weight
    (Rong et al. 2022): one linear system for all of them."""
    known, system = np.where(gone, 0, image).astype(float), np.eye(gone.size)
    around = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if (i, j) != (0, 0)]
    for y, x in np.argwhere(gone):
        near = {(y + i, x + j): 2 - abs(i * j) for i, j in around}
        near = {p: w for p, w in near.items() if 0 <= p[0] < gone.shape[0] and 0 <= p[1] < gone.shape[1]}
        for (row, column), weight in near.items():
            system[y * gone.shape[1] + x, row * gone.shape[1] + column] -= weight / sum(near.values())
    return np.linalg.solve(system, known.reshape(len(image), -1).T).T.reshape(image.shape)


def ranks(values):
    _, group, sizes = np.unique(values.ravel(), return_inverse=True, return_counts=True)
    return (np.cumsum(sizes) - (sizes - 1) / 2)[group]
