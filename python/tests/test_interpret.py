"""The filters that drive each class."""

import numpy as np
import pytest
import spikelens


@pytest.fixture(scope="module")
def samples():
    return np.random.default_rng(5).random((80, 1, 16, 16), np.float32)


@pytest.fixture(scope="module")
def found(net, samples):
    return spikelens.Interpretation(net, samples, mu=2, mu_max=5)


def test_responses_are_those_of_the_definition(net, samples, found):
    """SVEBI Eq. 3: a filter's share of its layer's energy, summed over samples as X·Xᵀ and X·Lᵀ."""
    kept = net.simulate(samples, counts=["conv1", "conv2"])
    shares = []
    for layer in ("conv1", "conv2"):
        energy = (kept.counts[layer].astype(np.float64) ** 2).sum(axis=(2, 3))
        total = energy.sum(axis=1, keepdims=True)
        shares.append(np.divide(energy, total, out=np.zeros_like(energy), where=total > 0))
    x = np.concatenate(shares, axis=1).T
    labels = np.eye(10)[kept.predictions]
    assert found.filter_names == [f"{layer}.{i}" for layer in ("conv1", "conv2") for i in range(8)]
    np.testing.assert_allclose(found.responses["gram"], x @ x.T, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(found.responses["correlation"], x @ labels, rtol=1e-5, atol=1e-7)
    assert (found.predicted == np.bincount(kept.predictions, minlength=10)).all()


def test_paths_fulfil_the_conditions_of_the_minimum(net, found):
    gram, correlation = found.responses["gram"], found.responses["correlation"]
    for target in range(10):
        for point in found.path(target):
            w = np.zeros(len(gram))
            for name, weight in point["filters"]:
                w[found.filter_names.index(name)] = weight
            assert (w >= 0).all() and w.sum() <= point["mu"] * (1 + 1e-9)
            slope = correlation[:, target] - gram @ w
            top = max(slope.max(), 0)
            np.testing.assert_allclose(slope[w > 0], top, atol=1e-6 * max(1, abs(correlation[:, target]).max()))


def test_ablation_and_visualisations(net, samples, found):
    labels = net.simulate(samples).predictions
    ablation = found.ablate(samples, labels, draws=2)
    assert ablation["full_accuracy"] == 1 and len(ablation["curve"]) == 5
    names = [name for name, _ in found.filters(int(labels[0]))]
    seen = found.visualise(names)
    assert [entry["filter"] for entry in seen] == names
    assert all(entry["average"] is None or entry["average"].shape == (1, 16, 16) for entry in seen)


def test_it_serves_the_method_and_tells_of_itself(net, images, found):
    maps = spikelens.attribute(net, images, "svebi", target=3, interpretation=found)
    assert maps.values.shape[0] == len(images)
    assert "16 filters, mu 2" in repr(found) and "<table>" in found._repr_html_()
    other = spikelens.parse(net.text, net.input_shape, net.steps, seed=9)
    with pytest.raises(spikelens.InputError, match="another network"):
        spikelens.attribute(other, images, "svebi", interpretation=found)


def test_what_is_wrong_is_said(net, samples, found):
    with pytest.raises(spikelens.InputError, match="mu 7 was not computed"):
        found.filters(1, mu=7)
    with pytest.raises(spikelens.InputError, match="did you mean 'conv1.0'"):
        found.visualise(["conv1.00"])
    with pytest.raises(spikelens.InputError, match="did you mean 'energy'"):
        spikelens.Interpretation(net, samples, response="enrgy")
    with pytest.raises(spikelens.InputError, match="no samples to interpret"):
        spikelens.Interpretation(net, samples[:0])
    with pytest.raises(spikelens.InputError, match="no samples to measure"):
        found.ablate(samples[:0], [])
    with pytest.raises(spikelens.InputError, match="no class 12"):
        found.path(12)
