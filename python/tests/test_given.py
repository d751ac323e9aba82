"""What is given wrongly is refused in one sentence, whatever it is."""

import numpy as np
import pytest
import spikelens
from conftest import need

NET = spikelens.parse("4C3-LIF-MP2-10F", (1, 8, 8), 4, seed=1)
IMAGES = np.random.default_rng(0).random((3, 1, 8, 8), np.float32)
LEARNED = spikelens.Interpretation(NET, np.random.default_rng(0).random((20, 1, 8, 8), np.float32), mu=1)

NOTHING_IS = [None, 3, 2.5, "x", b"x", "", [1], ["a"], (), {}, object(), float("nan"), -1, 2**70, np.array([1.5]), int]

# Calls with one parameter, and what of the above it takes.
CALLS = {
    "counts": (lambda v: NET.simulate(IMAGES, counts=v), [()]),
    "threads": (lambda v: NET.simulate(IMAGES, threads=v), [3]),
    "memory": (lambda v: NET.simulate(IMAGES, memory=v), [None]),
    "kernel": (lambda v: NET.simulate(IMAGES, kernel=v), [""]),
    "layout": (lambda v: NET.simulate(IMAGES, layout=v), [None, ""]),
    "net": (lambda v: spikelens.attribute(v, IMAGES, "grad2d"), []),
    "method": (lambda v: spikelens.attribute(NET, IMAGES, v), []),
    "target": (lambda v: spikelens.attribute(NET, IMAGES, "grad2d", target=v), [None, 3]),
    "interpretation": (lambda v: spikelens.attribute(NET, IMAGES, "svebi", interpretation=v), []),
    "surrogate": (lambda v: spikelens.attribute(NET, IMAGES, "grad2d", surrogate=v), [None, ""]),
    "seed": (lambda v: spikelens.attribute(NET, IMAGES, "random", seed=v), [3]),
    "addresses": (lambda v: spikelens.attribute(NET, IMAGES, "random", addresses=v), [None, 3, -1]),
    "delta": (lambda v: spikelens.attribute(NET, IMAGES, "ig2d", return_convergence_delta=v), []),
    "steps of a method": (lambda v: spikelens.attribute(NET, IMAGES, "ig2d", steps=v), [3]),
    "view of a method": (lambda v: spikelens.attribute(NET, IMAGES, "ig2d", view=v), []),
    "methods": (lambda v: spikelens.evaluate(NET, IMAGES, None, v), []),
    "maps": (lambda v: spikelens.evaluate(NET, IMAGES, None, {"maps": [1] if v is None or v is int else v}), []),
    "metrics": (lambda v: spikelens.evaluate(NET, IMAGES, None, ["grad2d"], v), [()]),
    "targets": (lambda v: spikelens.evaluate(NET, IMAGES, v, ["grad2d"]), [None, 3]),
    "baseline": (lambda v: spikelens.evaluate(NET, IMAGES, None, ["grad2d"], baseline=v), []),
    "pixels_per_step": (lambda v: spikelens.evaluate(NET, IMAGES, None, ["grad2d"], pixels_per_step=v), [3]),
    "spike_steps": (lambda v: spikelens.evaluate(NET, IMAGES, None, ["grad2d"], spike_steps=v), [3]),
    "per_sample": (lambda v: spikelens.evaluate(NET, IMAGES, None, ["grad2d"], per_sample=v), []),
    "what a function gives": (lambda v: spikelens.evaluate(NET, IMAGES, None, {"mine": lambda *given: v}), []),
    "net to interpret": (lambda v: spikelens.Interpretation(v, IMAGES), []),
    "mu": (lambda v: spikelens.Interpretation(NET, IMAGES, mu=v), [3, 2.5, 2**70]),
    "mu_max": (lambda v: spikelens.Interpretation(NET, IMAGES, mu_max=v), [3]),
    "response": (lambda v: spikelens.Interpretation(NET, IMAGES, response=v), []),
    "signed": (lambda v: spikelens.Interpretation(NET, IMAGES, signed=v), []),
    "class": (LEARNED.path, [3]),
    "mu of filters": (lambda v: LEARNED.filters(1, v), [None, 3]),
    "filters": (LEARNED.visualise, [None, ()]),
    "crops": (lambda v: LEARNED.visualise(["conv1.0"], crops=v), [3]),
    "labels": (lambda v: LEARNED.ablate(IMAGES, v), [3]),
    "draws": (lambda v: LEARNED.ablate(IMAGES, [0, 1, 2], draws=v), [3]),
    "text": (lambda v: spikelens.parse(v, (1, 8, 8), 4), []),
    "shape": (lambda v: spikelens.parse("4C3-LIF-10F", v, 4), []),
    "extent": (lambda v: spikelens.parse("4C3-LIF-10F", (1, v, 8), 4), [3]),
    "steps": (lambda v: spikelens.parse("4C3-LIF-10F", (1, 8, 8), v), [3]),
    "tensors": (lambda v: spikelens.parse("4C3-LIF-10F", (1, 8, 8), 4, v), [None]),
    "tensor": (lambda v: spikelens.parse("4C3-LIF-10F", (1, 8, 8), 4, {"conv1.weight": v}), []),
    "classes": (lambda v: spikelens.parse("4C3-LIF-10F", (1, 8, 8), 4, classes=v), [()]),
    "file": (spikelens.load, []),
    "graph": (spikelens.from_nir, []),
    "explainer": (spikelens.explainer, []),
    "net of a module": (spikelens.as_module, []),
    "net of a class": (spikelens.attr.Grad2d, []),
    "baselines": (lambda v: spikelens.attr.Ig2d(NET).attribute(IMAGES, baselines=v), [None]),
    "n_steps": (lambda v: spikelens.attr.Ig2d(NET).attribute(IMAGES, n_steps=v), [None, 3]),
    "index": (lambda v: spikelens.attribute(NET, IMAGES, "grad2d").picture(v), [-1]),
    "core": (spikelens.Network, []),
}


def takes(value, taken):
    return any(value is one or (type(value) is type(one) and value == one) for one in taken)


def refused(call, *given):
    with pytest.raises(spikelens.InputError) as error:
        call(*given)
    assert "\n" not in str(error.value) and "incompatible" not in str(error.value) and len(str(error.value)) < 600
    return str(error.value)


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.filterwarnings("ignore")
def test_what_is_none_of_it_is_refused(name):
    call, taken = CALLS[name]
    for value in NOTHING_IS:
        if takes(value, taken):
            call(value)
        else:
            refused(call, value)


def test_arrays_stay_on_one_line():
    for name in (
        "threads",
        "memory",
        "kernel",
        "seed",
        "counts",
        "layout",
        "mu",
        "steps of a method",
        "class",
        "index",
    ):
        refused(CALLS[name][0], np.random.default_rng(0).random((2, 3, 4, 5)))


def test_flags_of_numpy_are_flags():
    flag = np.bool_(True)
    assert NET.simulate(IMAGES, counts=flag, spikes=flag).counts.keys() == {"conv1"}
    assert spikelens.attribute(NET, IMAGES, "ig2d", return_convergence_delta=flag, steps=2).delta is not None
    assert spikelens.Interpretation(NET, IMAGES, mu=1, mu_max=2, signed=flag).samples == 3


SAMPLES = {
    "nothing": None,
    "a text": "abc",
    "a number": 3,
    "lists of several lengths": [[1, 2], [3]],
    "objects": np.array([None, 1], object),
    "complex numbers": IMAGES.astype(complex),
    "dates": np.zeros((3, 1, 8, 8), "M8[s]"),
    "not finite": np.full_like(IMAGES, np.nan),
    "another shape": IMAGES[:, :, :7],
    "a dict": {},
}


@pytest.mark.parametrize("what", SAMPLES)
def test_what_is_no_sample_is_refused(what):
    given = SAMPLES[what]
    refused(NET.simulate, given)
    refused(spikelens.attribute, NET, given, "grad2d")
    refused(spikelens.evaluate, NET, given, None, ["grad2d"])
    refused(spikelens.Interpretation, NET, given)
    refused(spikelens.attr.Ig2d(NET).attribute, given)
    refused(spikelens.explainer("grad2d"), NET, given, [1, 1, 1])
    refused(LEARNED.ablate, given, [0, 1, 2])


def test_tensors_without_values_are_refused():
    torch = need("torch")
    for tensor in (torch.zeros(3, 1, 8, 8, device="meta"), torch.ones(8, 8).to_sparse()):
        refused(NET.simulate, tensor)
        refused(spikelens.as_module(NET), tensor)
        refused(spikelens.from_torch, torch.nn.Linear(8, 8), tensor)
    assert "weight is on the device meta" in refused(
        spikelens.from_torch, torch.nn.Linear(8, 8, device="meta"), torch.ones(1, 8)
    )


def test_numbers_of_every_kind_are_taken():
    """Of float32 values the same bits, however they lie in memory."""
    expected = NET.simulate(IMAGES).scores
    read_only = IMAGES.copy()
    read_only.setflags(write=False)
    given = [IMAGES.astype(float), np.asfortranarray(IMAGES), read_only, IMAGES.astype(">f4"), IMAGES.tolist()]
    for images in given:
        assert np.array_equal(NET.simulate(images).scores, expected)
    assert np.array_equal(NET.simulate(IMAGES[::-1]).scores, expected[::-1])
    for images in ((IMAGES * 5).astype(int), IMAGES > 0.5, IMAGES.astype(np.float16)):
        assert np.array_equal(NET.simulate(images).scores, NET.simulate(images.astype(np.float32)).scores)


def test_tensors_of_every_kind_are_taken():
    torch = need("torch")
    images = torch.tensor(IMAGES)
    expected = NET.simulate(IMAGES).scores
    for tensor in (images, images.requires_grad_(), images.detach().double(), images.transpose(2, 3).transpose(2, 3)):
        assert np.array_equal(NET.simulate(tensor).scores, expected)
    assert spikelens.attr.Grad2d(NET).attribute(images.half(), target=1).shape == images.shape
