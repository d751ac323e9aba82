"""Evidence of filters and times of decisions, by their definitions."""

import itertools
import math

import numpy as np
import pytest
import spikelens

TEXT = "4C3-LIF(beta=0.9)-MP2-6C3-LIF(beta=0.9)-5F"


@pytest.fixture(scope="module")
def net():
    drawn = spikelens.parse(TEXT, (1, 8, 8), steps=6, seed=4)
    tensors = {name: values * 2 for name, values in drawn.tensors().items()}
    return spikelens.parse(TEXT, (1, 8, 8), steps=6, tensors=tensors, classes=["a", "b", "c", "d", "e"])


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(1).random((7, 1, 8, 8), np.float32)


@pytest.fixture(scope="module")
def spikes():
    return np.random.default_rng(2).integers(0, 2, (3, 9, 1, 8, 8), np.uint8)


def test_share_of_a_layer_and_biases_add_up_to_the_score(net, images, spikes):
    for inputs in (images, spikes):
        found = spikelens.evidence(net, inputs, target="c", layout="NTCHW")
        scores = net.simulate(inputs, layout="NTCHW").scores[:, 2]
        assert found.names == [f"conv1.{i}" for i in range(4)] + [f"conv2.{i}" for i in range(6)]
        assert list(found.targets) == [2] * len(inputs)
        assert np.abs(found.values).max() > 0.01
        for layer, rows in (("conv1", slice(0, 4)), ("conv2", slice(4, 10))):
            total = found.values[:, rows].sum(axis=1) + found.biases[layer]
            np.testing.assert_allclose(total, scores, atol=1e-5 * max(1, np.abs(scores).max()))


def test_last_filters_occluded_lose_what_they_brought():
    """Without a layer above but the readout, a filter's spikes bring their part whatever the others do."""
    drawn = spikelens.parse("6C3-LIF-4F", (1, 6, 6), steps=5, seed=2)
    images = np.random.default_rng(0).random((3, 1, 6, 6), np.float32) * 4
    occluded, shared = (spikelens.evidence(drawn, images, rule, target=1).values for rule in ("occlusion", "share"))
    assert np.abs(shared).max() > 0.01
    np.testing.assert_allclose(occluded, shared, atol=1e-5)


def test_rules_targets_and_ranks(net, images):
    predicted = net.simulate(images).predictions
    for rule in ("share", "gate", "gradient", "occlusion"):
        found = spikelens.evidence(net, images, rule)
        assert found.rule == rule and found.values.shape == (7, 10)
        assert bool(found.biases) == (rule == "share")
        np.testing.assert_array_equal(found.targets, predicted)
        for some in (found.ranked(), found.ranked(int(predicted[0]))):
            assert sorted(name for name, _ in some) == sorted(found.names)
            assert all(a[1] >= b[1] for a, b in itertools.pairwise(some))
        rows = found.values[predicted == predicted[0]].mean(axis=0)
        assert found.ranked(net.classes[predicted[0]])[0] == (found.names[rows.argmax()], pytest.approx(rows.max()))
    one = spikelens.evidence(net, images, threads=1)
    np.testing.assert_array_equal(one.values, spikelens.evidence(net, images, threads=2).values)
    with pytest.raises(spikelens.InputError, match="there is no rule of evidence 'shares'; did you mean 'share'"):
        spikelens.evidence(net, images, "shares")
    with pytest.raises(spikelens.InputError, match="no sample was explained for the class 'e'"):
        spikelens.evidence(net, images, target=1).ranked("e")
    with pytest.raises(spikelens.InputError, match="class 9 cannot be explained"):
        spikelens.evidence(net, images, target=9)


def test_a_sample_is_decided_when_its_prediction_no_longer_changes(net, images, spikes):
    for inputs in (images, spikes):
        found = spikelens.decision_times(net, inputs, layout="NTCHW")
        seen = net.simulate(inputs, layout="NTCHW")
        np.testing.assert_allclose(found.scores[:, -1], seen.scores, atol=1e-5)
        np.testing.assert_array_equal(found.predicted[:, -1], seen.predictions)
        assert found.shares is None and found.edges == [] and len(found) == len(inputs)
        for predicted, scores, decided in zip(found.predicted, found.scores, found.decided, strict=True):
            open_ = [len(set(row)) == 1 for row in scores]
            np.testing.assert_array_equal(predicted, np.where(open_, -1, scores.argmax(axis=1)))
            changes = [t for t in range(1, len(predicted)) if predicted[t] != predicted[t - 1]]
            assert decided == (changes[-1] + 1 if changes else 1)
    first = spikes[:, :4]
    np.testing.assert_allclose(
        net.simulate(first, layout="NTCHW").scores,
        spikelens.decision_times(net, spikes, layout="NTCHW").scores[:, 3],
        atol=1e-5,
    )


def test_windows_share_out_the_score_by_all_their_orders(net, spikes):
    found = spikelens.decision_times(net, spikes, windows=3, target=1, layout="NTCHW")
    assert found.edges == [0, 3, 6, 9] and list(found.targets) == [1, 1, 1]

    def score(sample, windows):
        kept = np.zeros_like(sample)
        for w in windows:
            kept[3 * w : 3 * w + 3] = sample[3 * w : 3 * w + 3]
        return net.simulate(kept[None], layout="NTCHW").scores[0, 1]

    for sample, shares in zip(spikes, found.shares, strict=True):
        expected = np.zeros(3)
        for order in itertools.permutations(range(3)):
            for i, window in enumerate(order):
                expected[window] += score(sample, order[: i + 1]) - score(sample, order[:i])
        np.testing.assert_allclose(shares, expected / math.factorial(3), atol=1e-5)
    turned = spikelens.decision_times(net, spikes.swapaxes(0, 1), windows=3, target=1, layout="TNCHW")
    np.testing.assert_array_equal(turned.shares, found.shares)


def test_what_cannot_be_watched_is_refused(net, images, spikes):
    with pytest.raises(spikelens.InputError, match="windows of time are for spikes"):
        spikelens.decision_times(net, images, windows=2)
    with pytest.raises(spikelens.InputError, match="windows must be from 0 to 8"):
        spikelens.decision_times(net, spikes, windows=9, layout="NTCHW")
    with pytest.raises(spikelens.InputError, match="a target is for windows"):
        spikelens.decision_times(net, images, target=1)
    with pytest.raises(spikelens.InputError, match="no samples"):
        spikelens.decision_times(net, images[:0])
