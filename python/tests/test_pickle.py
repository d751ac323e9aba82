"""What can be sent to another process is the same there."""

import copy
import multiprocessing
import pickle

import numpy as np
import pytest
import spikelens
from conftest import need

IMAGES = np.random.default_rng(0).random((30, 1, 12, 12), np.float32)


@pytest.fixture(scope="module")
def net():
    return spikelens.parse("4C3-LIF-MP2-4C3-LIF-10F", (1, 12, 12), 6, seed=2, surrogate="atan(2)", layout="TNCHW")


@pytest.fixture(scope="module")
def learned(net):
    return spikelens.Interpretation(net, IMAGES, mu=3, mu_max=10, signed=True)


@pytest.mark.parametrize("again", [lambda it: pickle.loads(pickle.dumps(it)), copy.copy, copy.deepcopy])
def test_an_interpretation_is_the_same_again(net, learned, again):
    other = again(learned)
    for name, values in learned.responses.items():
        assert np.array_equal(other.responses[name], values)
    assert other.path(3) == learned.path(3) and other.breakpoints(0) == learned.breakpoints(0)
    assert (other.samples, other.mu, other.filter_names) == (learned.samples, learned.mu, learned.filter_names)
    assert np.array_equal(other.predicted, learned.predicted)
    seen, expected = other.visualise(["conv2.1"])[0], learned.visualise(["conv2.1"])[0]
    assert seen["samples"] == expected["samples"] and np.array_equal(seen["average"], expected["average"])
    maps = [spikelens.attribute(net, IMAGES[:3], "svebi", interpretation=one).values for one in (learned, other)]
    assert np.array_equal(*maps)


def test_responses_of_another_network_are_refused(learned):
    state = learned.__getstate__()
    state["net"] = spikelens.parse("5C3-LIF-10F", (1, 12, 12), 6)
    with pytest.raises(spikelens.InputError, match="not those of this network"):
        learned.__class__.__new__(learned.__class__).__setstate__(state)


def test_explainers_classes_and_results_can_be_pickled(net):
    found = spikelens.attribute(net, IMAGES[:2], "ig2d:steps=4", target=1, return_convergence_delta=True)
    other = pickle.loads(pickle.dumps(found))
    assert np.array_equal(other.maps, found.maps) and np.array_equal(other.delta, found.delta)
    explain, method = spikelens.explainer("ig2d", steps=4), spikelens.attr.Ig2d(net, steps=4)
    again, method_again = pickle.loads(pickle.dumps((explain, method)))
    assert np.array_equal(again(net, IMAGES[:2], [1, 1]), found.values) and again.__name__ == "ig2d"
    assert np.array_equal(method_again.attribute(IMAGES[:2], target=1), found.values)


def test_a_module_can_be_pickled(net):
    torch = need("torch")
    module = pickle.loads(pickle.dumps(spikelens.as_module(net, threads=1)))
    assert torch.equal(module(torch.tensor(IMAGES)), torch.tensor(net.simulate(IMAGES).scores))


def _explained(job):
    explain, net, images = job
    return explain(net, images, [3] * len(images))


@pytest.mark.parametrize("start", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_processes_share_the_work(net, start):
    explain = spikelens.explainer("ig2d", steps=4, threads=1)
    with multiprocessing.get_context(start).Pool(2) as pool:
        parts = pool.map(_explained, [(explain, net, IMAGES[i : i + 10]) for i in (0, 10, 20)])
    assert np.array_equal(np.concatenate(parts), explain(net, IMAGES, [3] * 30))
