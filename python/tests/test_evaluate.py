"""Metrics of our explanations and of anybody's."""

import numpy as np
import pytest
import spikelens


def rows(table):
    """Records by (method, metric), of a DataFrame or a list."""
    records = table.to_dict("records") if hasattr(table, "to_dict") else table
    return {(record["method"], record["metric"]): record for record in records}


def values(table, method, metric):
    records = table.to_dict("records") if hasattr(table, "to_dict") else table
    return [record["value"] for record in records if (record["method"], record["metric"]) == (method, metric)]


def slow_insertion(net, image, ranking, target):
    """RISE's insertion by definition: the area under the class's probability as rows of pixels appear, the best
    first."""
    order = np.argsort(-ranking.reshape(-1), kind="stable")
    shown, curve = np.zeros_like(image), []
    for first in range(0, order.size + 1, image.shape[-1]):
        scores = net.simulate(shown[None]).scores[0].astype(np.float64)
        curve.append(np.exp(scores[target] - scores.max()) / np.exp(scores - scores.max()).sum())
        shown = shown.copy()
        chosen = order[first : first + image.shape[-1]]
        shown.reshape(-1)[chosen] = image.reshape(-1)[chosen]
    return (np.sum(curve) - (curve[0] + curve[-1]) / 2) / (len(curve) - 1)


def test_insertion_is_that_of_the_definition(net, images):
    maps = np.random.default_rng(0).random((len(images), 16, 16))
    table = spikelens.evaluate(net, images, [1] * len(images), {"mine": maps}, ["insertion"], per_sample=True)
    expected = [slow_insertion(net, image, ranking, 1) for image, ranking in zip(images, maps)]
    np.testing.assert_allclose(values(table, "mine", "insertion"), expected, atol=1e-6)


def test_arrays_functions_and_our_methods_are_measured_alike(net, images):
    ours = spikelens.attribute(net, images, "grad2d", target=2)
    methods = {
        "array": ours.values,
        "maps": ours.maps,
        "function": lambda n, x, y: spikelens.attribute(n, x, "grad2d", target=y),
        "named": "grad2d",
    }
    wanted = ["insertion", "deletion", "sparseness"]
    table = rows(spikelens.evaluate(net, images, [2] * len(images), methods, wanted))
    for metric in wanted:
        assert len({table[name, metric]["mean"] for name in methods}) == 1, metric
        assert table["array", metric]["samples"] == len(images)
        assert table["array", metric]["better"] == spikelens.metrics()[metric].better


def test_functions_are_asked_again_and_arrays_cannot_be(net, images):
    asked = []

    def function(network, inputs, targets):
        asked.append(network)
        return spikelens.attribute(network, inputs, "grad2d", target=targets)

    again = ["insertion", "randomisation", "sensitivity", "random_logit"]
    table = rows(spikelens.evaluate(net, images, [2] * len(images), {"f": function, "grad2d": None}, again))
    for metric in again:
        assert table["f", metric]["mean"] == table["grad2d", metric]["mean"], metric
    assert any(network != net for network in asked)  # that of shuffled weights
    maps = spikelens.attribute(net, images, "grad2d", target=2).values
    with pytest.warns(UserWarning, match="'array' are given, and randomisation, sensitivity, random_logit"):
        table = rows(spikelens.evaluate(net, images, [2] * len(images), {"array": maps}, again))
    assert set(table) == {("array", "insertion")}


def test_predicted_classes_are_explained_unless_targets_are_given(net, images):
    predicted = net.simulate(images).predictions
    free = rows(spikelens.evaluate(net, images, methods=["ig2d:steps=4"]))
    given = rows(spikelens.evaluate(net, images, predicted, ["ig2d:steps=4"]))
    assert {key: row["mean"] for key, row in free.items()} == {key: row["mean"] for key, row in given.items()}
    assert set(free) == {("ig2d:steps=4", "insertion"), ("ig2d:steps=4", "deletion")}


def test_spikes_are_measured_in_either_layout(net, spikes):
    maps = spikelens.attribute(net, spikes, "grad3d", target=1, layout="NTCHW").values
    first = rows(spikelens.evaluate(net, spikes, [1] * 4, {"mine": maps, "grad3d": None}, layout="NTCHW"))
    second = rows(
        spikelens.evaluate(net, np.swapaxes(spikes, 0, 1), [1] * 4, {"mine": np.swapaxes(maps, 0, 1)}, layout="TNCHW")
    )
    for metric in ("spike_insertion", "spike_deletion"):
        assert first["mine", metric]["mean"] == first["grad3d", metric]["mean"] == second["mine", metric]["mean"]


def test_what_is_wrong_is_said(net, images):
    for methods, metrics, hint in [
        (["ig2"], ["insertion"], "did you mean 'ig2d'"),
        (["ig2d"], ["insertio"], "did you mean 'insertion'"),
        (["ig2d"], ["spike_insertion"], "spike"),
        ({"mine": np.ones((6, 1, 3, 3))}, ["insertion"], "expected that shape"),
        ({"mine": np.full((6, 16, 16), np.nan)}, ["insertion"], "not finite"),
        ({"mine": lambda n, x, y: np.ones((1, 3, 3))}, ["insertion"], "expected that shape"),
        ({"mine": np.array(["a"])}, ["insertion"], "the maps of 'mine' must be numbers"),
        ({"mine": lambda n, x, y: None}, ["insertion"], "the maps of 'mine' must be numbers"),
        ({3: None}, ["insertion"], "must be a text, not 3"),
        ([], ["insertion"], "no method"),
        ({"a": "ig2d", "b": "ig2d"}, ["insertion"], "'a' and 'b' are both 'ig2d'"),
    ]:
        with pytest.raises(spikelens.InputError, match=hint):
            spikelens.evaluate(net, images, [1] * 6, methods, metrics)


def test_exceptions_of_functions_come_through(net, images):
    def function(network, inputs, targets):
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        spikelens.evaluate(net, images, [1] * 6, {"f": function})


def test_samples_without_a_prediction_are_told_of(net, images):
    dark = np.zeros_like(images[:1])
    with pytest.warns(UserWarning, match="1 of 7 samples are left out: all their scores are equal"):
        table = spikelens.evaluate(bare(net), np.concatenate([images, dark]), None, ["input"], ["sparseness"])
    assert rows(table)["input", "sparseness"]["samples"] == 6
    with pytest.raises(spikelens.InputError, match="all scores of every sample are equal"):
        spikelens.evaluate(bare(net), dark, None, ["input"], ["sparseness"])


def bare(net):
    """The same network without biases: of darkness it says nothing."""
    tensors = {name: values * (not name.endswith("bias")) for name, values in net.tensors().items()}
    return spikelens.parse(net.text, net.input_shape, net.steps, tensors)


@pytest.mark.parametrize("metric", spikelens.metrics())
def test_every_metric_measures_functions_as_our_methods(metric, net, images, spikes):
    """A function is asked about the same inputs, classes and networks."""
    masks = np.random.default_rng(0).random((3, 16, 16)) < 0.5

    def measure(inputs, layout):
        def function(n, x, y):
            return spikelens.attribute(n, x, "grad2d", target=y, layout=layout)

        methods = {"function": function, "named": "grad2d"}
        settings = {"layout": layout, "masks": masks, "per_sample": True}
        table = spikelens.evaluate(net, inputs, [1, 2, 1], methods, [metric], **settings)
        assert values(table, "function", metric) == values(table, "named", metric)
        return values(table, "named", metric)

    measured = []
    for inputs, layout in ((images[:3], None), (spikes[:3], "NTCHW")):
        try:
            measured.append(measure(inputs, layout))
        except spikelens.InputError as refusal:
            assert "this run's input is" in str(refusal)
    assert measured
    if metric != "completeness":  # which gradients do not aim at
        assert all(len(found) == 3 and np.isfinite(found).all() for found in measured)


def test_masks_say_what_is_to_be_found(net, images):
    maps, masks = np.zeros((2, 16, 16)), np.zeros((2, 16, 16))
    masks[:, 2:5, 3:7] = 1
    maps[0, 4, 6], maps[0, 9, 9] = 3, 1
    maps[1, 4, 7], maps[1, 2, 3] = 3, 1
    metrics = ["pointing_game", "energy_inside"]
    table = spikelens.evaluate(net, images[:2], 1, {"mine": maps}, metrics, masks=masks, per_sample=True)
    assert values(table, "mine", "pointing_game") == [1, 0]
    assert values(table, "mine", "energy_inside") == [0.75, 0.25]


def test_what_metrics_need_is_asked_for(net, images):
    for metric, missing in [("energy_inside", "masks"), ("focus", "classes"), ("pointing_game", "classes")]:
        with pytest.raises(spikelens.InputError, match=f"{metric} needs .*{missing}"):
            spikelens.evaluate(net, images, None, ["grad2d"], [metric])
    for wrong in (np.ones((2, 16, 16)), np.full((6, 16, 16), np.nan), "x", [["a"]]):
        with pytest.raises(spikelens.InputError, match="masks must be finite numbers"):
            spikelens.evaluate(net, images, 1, ["grad2d"], ["energy_inside"], masks=wrong)
