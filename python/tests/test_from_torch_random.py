"""Random small networks of each library: convolutions, normalisation, pools, branches, recurrence, neurons of every
kind."""

import random

import pytest
from peers import enliven, images, library, require_same, seeded, spikes, torch  # noqa: F401

nn = torch.nn


class Snntorch:
    def __init__(self, choose):
        self.snn, self.choose = library("snntorch"), choose

    def neuron(self, size):
        snn, choose = self.snn, self.choose
        beta = choose.choice([0.5, 0.9, torch.rand(size[0], 1, 1) if len(size) > 1 else torch.rand(size)])
        common = {"threshold": choose.choice([1.0, 0.6]), "init_hidden": True}
        kinds = [
            lambda: snn.Leaky(beta, reset_mechanism=choose.choice(["subtract", "zero", "none"]), **common),
            lambda: snn.Synaptic(0.4, 0.8, **common),
            lambda: snn.Lapicque(beta=0.8, **common),
            lambda: snn.RLeaky(0.7, all_to_all=False, V=torch.tensor(0.2), **common),
        ]
        if len(size) > 1:
            kinds.append(lambda: snn.RLeaky(0.7, conv2d_channels=size[0], kernel_size=3, **common))
        else:
            kinds.append(lambda: snn.RSynaptic(0.3, 0.7, linear_features=size[0], **common))
        return choose.choice(kinds)()

    def rest(self, model):
        for module in model.modules():
            if isinstance(module, self.snn.SpikingNeuron):
                module.reset_mem()


class SpikingJelly:
    def __init__(self, choose):
        library("spikingjelly")
        from spikingjelly.activation_based import functional, neuron

        self.functional, self.nodes, self.choose = functional, neuron, choose

    def neuron(self, size):
        choose, nodes = self.choose, self.nodes
        common = {"v_reset": choose.choice([None, 0.0, -0.3, 0.2]), "v_threshold": choose.choice([1.0, 0.7])}
        kinds = [
            lambda: nodes.IFNode(**common),
            lambda: nodes.LIFNode(tau=choose.uniform(1.2, 5), decay_input=choose.random() < 0.5, **common),
            lambda: nodes.ParametricLIFNode(init_tau=choose.uniform(1.2, 5), **common),
        ]
        return choose.choice(kinds)()

    def rest(self, model):
        self.functional.reset_net(model)


class Norse:
    """Its cells with their states kept, as `SequentialState` keeps them between two calls."""

    def __init__(self, choose):
        self.norse, self.choose = library("norse.torch"), choose

    def neuron(self, size):
        norse, choose = self.norse, self.choose
        rate, low = torch.tensor(choose.uniform(100, 700)), torch.tensor(choose.choice([0.15, 0.3]))
        kinds = [
            lambda: norse.LIFCell(norse.LIFParameters(tau_mem_inv=rate, v_th=low)),
            lambda: norse.LIFBoxCell(norse.LIFBoxParameters(tau_mem_inv=rate, v_th=low, v_leak=torch.tensor(0.05))),
        ]
        return Kept(choose.choice(kinds)())

    def rest(self, model):
        for module in model.modules():
            if isinstance(module, Kept):
                module.state = None


class Kept(nn.Module):
    def __init__(self, cell):
        super().__init__()
        self.cell, self.state = cell, None

    def forward(self, x):
        out, self.state = self.cell(x, self.state)
        return out


class Sinabs:
    def __init__(self, choose):
        self.layers, self.choose = library("sinabs.layers"), choose
        from sinabs.activation import MembraneReset, MembraneSubtract, SingleSpike

        self.fn, self.resets = SingleSpike, (MembraneReset, MembraneSubtract)

    def neuron(self, size):
        sl, choose = self.layers, self.choose
        common = {"spike_fn": self.fn, "reset_fn": choose.choice(self.resets)(), "tau_syn": choose.choice([None, 2.0])}
        kinds = [
            lambda: sl.IAF(**common),
            lambda: sl.LIF(choose.uniform(2, 9), norm_input=False, **common),
            lambda: sl.ALIF(choose.uniform(2, 9), choose.uniform(3, 20), norm_input=False, **common),
        ]
        return OneStep(choose.choice(kinds)())

    def rest(self, model):
        for module in model.modules():
            if isinstance(module, self.layers.StatefulLayer):
                module.reset_states()


class OneStep(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x)


class Block(nn.Module):
    """Two convolutions beside none: spikes meet."""

    def __init__(self, make, size, join):
        super().__init__()
        self.conv1, self.neuron1 = nn.Conv2d(size[0], size[0], 3, padding=1, bias=False), make(size)
        self.conv2, self.neuron2 = nn.Conv2d(size[0], size[0], 1), make(size)
        self.norm, self.join = nn.BatchNorm2d(size[0]), join

    def forward(self, x):
        y = self.neuron2(self.norm(self.conv2(self.neuron1(self.conv1(x)))))
        return (
            {"add": x + y, "and": x * y, "iand": y * (1 - x)}[self.join] if self.join != "cat" else torch.cat([x, y], 1)
        )


class Random(nn.Module):
    """Takes all steps; time is a loop here, or an axis where the neurons want one."""

    def __init__(self, kind, choose):
        super().__init__()
        size, layers = (2, 12, 12), []
        for _ in range(choose.choice([1, 2])):
            kernel, wider, stride = choose.choice([1, 3]), choose.choice([3, 4, 6]), choose.choice([1, 1, 2])
            conv = nn.Conv2d(size[0], wider, kernel, stride, kernel // 2, bias=choose.random() < 0.5)
            size = (wider, *[(n - 1) // stride + 1 for n in size[1:]])
            layers += [conv, nn.BatchNorm2d(wider)][: choose.choice([1, 2])]
            layers += [kind.neuron(size)]
            if choose.random() < 0.5:
                join = choose.choice(["add", "and", "iand", "cat"])
                layers.append(Block(kind.neuron, size, join))
                size = (size[0] * 2 if join == "cat" else size[0], *size[1:])
            if choose.random() < 0.5 and size[1] % 2 == 0:
                layers.append(choose.choice([nn.MaxPool2d(2), nn.AvgPool2d(2)]))
                size = (size[0], size[1] // 2, size[2] // 2)
        layers += [nn.Flatten(), nn.Linear(size[0] * size[1] * size[2], 7), kind.neuron((7,)), nn.Linear(7, 4)]
        if choose.random() < 0.5:
            layers.append(kind.neuron((4,)))
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        if any(isinstance(module, OneStep) for module in self.modules()):
            return self.over_time(x)
        return torch.stack([self.layers(step) for step in x]).mean(0)

    def over_time(self, x):
        """Sinabs: [T, N, …] becomes [N, T, …] for neurons, and all steps are samples for the rest."""
        steps, samples = x.shape[:2]

        def inside(module, args):
            return (args[0].unflatten(0, (steps, samples)).transpose(0, 1),)

        def outside(module, args, out):
            return out.transpose(0, 1).flatten(0, 1)

        neurons = [module for module in self.modules() if isinstance(module, OneStep)]
        handles = [module.register_forward_pre_hook(inside) for module in neurons]
        handles += [module.register_forward_hook(outside) for module in neurons]
        out = self.layers(x.flatten(0, 1)).unflatten(0, (steps, samples)).mean(0)
        for handle in handles:
            handle.remove()
        return out


KINDS = {"snntorch": Snntorch, "spikingjelly": SpikingJelly, "norse": Norse, "sinabs": Sinabs}


def compare(name, seed, steps=8, samples=3):
    choose = random.Random(seed)
    torch.manual_seed(seed)
    kind = KINDS[name](choose)
    model = Random(kind, choose)
    x = spikes(steps, samples, 2, 12, 12, seed=seed)

    def call():
        kind.rest(model)
        return model(x)

    enliven(model, call, spread=1.5)
    kind.rest(model)
    return require_same(model, x, call, time=1 if name == "sinabs" else None, silent=None)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("name", KINDS)
def test_random_networks(name, seed):
    compare(name, seed)


@pytest.mark.parametrize("steps, samples", [(1, 3), (8, 1), (1, 1), (3, 3)])
@pytest.mark.parametrize("name", KINDS)
def test_axes_of_length_1_and_of_equal_lengths(name, steps, samples):
    compare(name, 100, steps, samples)
