"""Shared by the tests that build networks of other libraries: lively weights, and a comparison that asks the library
itself."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="SKIPPED: PyTorch is not there; `./run peers torch` installs it")

import spikelens

torch.set_num_threads(1)
NEAR = 1e-5
totals = {"networks": 0, "spikes": 0, "differing": 0}


@pytest.fixture(autouse=True)
def seeded():
    """Every test draws the same weights always."""
    torch.manual_seed(0)


def library(name: str):
    return pytest.importorskip(name, reason=f"SKIPPED: {name} is not there; `./run peers torch` installs it")


def spikes(*shape, rate=0.4, seed=0):
    return (torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) < rate).float()


def images(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def enliven(model, call, spread=1.5):
    """Scales weights, in the order in which they run, such that what they send has this standard deviation: neurons
    then fire. Batch normalisation gets averages, weights and biases that are not those of the start."""
    generator = torch.Generator().manual_seed(1)
    weighted = (torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.Linear)
    done = set()

    def scale(module, args, out):
        deviation = float(out.std())
        if id(module) in done or not deviation > 0:
            return None
        done.add(id(module))
        factor = spread / deviation
        module.weight.mul_(factor)
        if module.bias is not None:
            module.bias.mul_(factor)
        return out * factor

    handles = []
    for module in model.modules():
        if isinstance(module, weighted):
            handles.append(module.register_forward_hook(scale))
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.running_mean.normal_(0, 0.3, generator=generator)
            module.running_var.uniform_(0.5, 2.5, generator=generator)
            module.weight.data.uniform_(0.7, 1.6, generator=generator)
            if module.bias is not None:
                module.bias.data.normal_(0.2, 0.3, generator=generator)
    model.eval()
    with torch.no_grad():
        call()
    for handle in handles:
        handle.remove()
    return model


def counts_of(model, names, call, time):
    """The library's spikes of each neuron over all steps, [N, neurons] for each module, and what the call returns."""
    found = {}

    def count(name):
        def hook(module, args, out):
            fired = out[0] if isinstance(out, tuple) else out
            fired = (fired if time is None else fired.sum(time)).flatten(1)
            found[name] = found.get(name, 0) + fired

        return hook

    modules = dict(model.named_modules())
    handles = [modules[name].register_forward_hook(count(name)) for name in names]
    with torch.no_grad():
        result = call()
    for handle in handles:
        handle.remove()
    return {name: value.numpy() for name, value in found.items()}, result


def require_same(model, example, call, *, time=None, silent=(), **options):
    """`call` runs the model as its user does and gives scores [N, classes]; `time` is the axis of steps that neurons
    get, None where they get one step. The network's spike counts and scores must be the library's. `silent` names
    layers that may be so, None allows all."""
    net = spikelens.from_torch(model, example, **options)
    layers = net.comparison.layers
    names = [layer.module.split(" ")[0] for layer in layers]
    model.eval()
    library_counts, scores = counts_of(model, names, call, time)
    samples = samples_of(example, options.get("layout"), net)
    mine = net.simulate(samples, counts=[layer.layer for layer in layers], layout="NTCHW")
    for layer, name in zip(layers, names):
        ours = mine.counts[layer.layer].reshape(len(samples), -1)
        assert layer.differing > 0 or np.array_equal(ours, library_counts[name]), layer
        assert layer.distance < NEAR, layer
        assert silent is None or ours.sum() > 0 or name in silent, (
            f"{name} never fires: the test proves nothing about it"
        )
    if net.comparison.differing == 0:
        np.testing.assert_allclose(mine.scores, scores.numpy(), rtol=1e-5, atol=1e-6)
    totals["networks"] += 1
    totals["spikes"] += sum(layer.spikes for layer in layers)
    totals["differing"] += net.comparison.differing
    return net


def samples_of(example, layout, net):
    layout = layout or {2: "NC", 3: "TNC", 4: "NCHW", 5: "TNCHW"}[example.dim()]
    array = example.permute([layout.index(label) for label in "NTCHW" if label in layout]).numpy()
    shape = net.input_shape
    if "T" in layout:
        return np.ascontiguousarray(array, np.uint8).reshape(*array.shape[:2], *shape)
    return np.ascontiguousarray(array, np.float32).reshape(len(array), *shape)
