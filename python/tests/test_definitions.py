"""Methods and metrics against slow versions that were written from their definitions (definitions.py).

On odd shapes: maps that are not square, one to three channels, one step, two classes, pools that leave a rim out.
"""

import numpy as np
import pytest
import spikelens
from definitions import Reference, area, entropy, filled, gini, ranks, softmax

# shape, classes, steps, beta, threshold, reset, delay, pool
CASES = [
    ((1, 7, 9), 3, 4, 0.9, 0.7, "subtract", False, 2),
    ((3, 6, 5), 4, 5, 0.8, 1.0, "zero", False, 2),
    ((1, 5, 8), 2, 1, 0.95, 0.5, "subtract", False, 2),
    ((2, 6, 6), 5, 6, 1.0, 0.6, "subtract", True, 3),
    ((3, 4, 7), 3, 3, 0.7, 0.4, "none", False, 2),
]


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0]}x{case[2]}-{case[5]}{'-delay' * case[6]}")
def case(request):
    """A network, its reference, two images (the first with a black column), two recordings."""
    shape, classes, steps, beta, threshold, reset, delay, pool = request.param
    neuron = f"LIF(beta={beta},threshold={threshold},reset={reset}{',delay' * delay})"
    text = f"4C3-{neuron}-MP{pool}-5C3-{neuron}-6F-{neuron}-{classes}F"
    drawn = spikelens.parse(text, shape, steps, seed=3)
    tensors = {  # so that all layers fire
        name: np.float32(values * 3 if values.ndim > 1 else np.abs(values)) for name, values in drawn.tensors().items()
    }
    net = spikelens.parse(text, shape, steps, tensors=tensors, surrogate="triangle(0.3)")
    draws = np.random.default_rng(5)
    images = draws.random((2, *shape), np.float32)
    images[0, :, :, 0] = 0
    spikes = (draws.random((2, steps, *shape)) < 0.4).astype(np.uint8)
    return net, Reference(net, (pool, 1, 1, 1), beta, threshold, reset, delay), images, spikes


def equal(mine, reference, what):
    reference = np.asarray(reference).ravel()
    scale = max(np.abs(reference).max(), 1e-3)  # below it, float32 rounds what cancels
    np.testing.assert_allclose(np.asarray(mine).ravel(), reference, rtol=0, atol=2e-4 * scale, err_msg=what)


def test_methods_of_images(case):
    net, slow, images, _ = case
    found = net.simulate(images, counts=True)
    for n, image in enumerate(images):
        x, target = image.ravel().astype(float), int(found.predictions[n])
        shown = lambda scale=1.0, x=x: np.tile(x * scale, (net.steps, 1))
        records = slow.run(shown())
        equal(found.scores[n], records[-1]["scores"], "scores")
        for layer, record in zip(slow.layers, records[:-1]):
            equal(found.counts[layer.name][n], record["spikes"].sum(0), layer.name)
        path = lambda of, points, x=x: x * np.mean([of(k / points) for k in range(1, points + 1)], 0)
        credit, bias = slow.share(shown(), target, "class")
        np.testing.assert_allclose(x @ credit.sum(0) + bias, records[-1]["scores"][target], atol=1e-9)
        expected = {
            "grad2d": slow.gradient(shown(), target)[0].sum(0),
            "ig2d:steps=8": path(lambda s, t=target, shown=shown: slow.gradient(shown(s), t)[0].sum(0), 8),
            "gate": x * slow.gate(shown(), target) * net.steps,
            "gate_path:steps=4": path(lambda s, t=target, shown=shown: slow.gate(shown(s), t) * net.steps, 4),
            "share": x * slow.share(shown(), target)[0].sum(0),
            "share:start=class": x * credit.sum(0),
            "share:soft=yes": x * slow.share(shown(), target, soft=True)[0].sum(0),
            "rescale": x * slow.rescale(shown(), target).sum(0),
            "slrp": slow.slrp(shown(), target),
            "sam:layer=conv1": slow.sam(shown(), 0),
            "gradcam:layer=conv1": slow.gradcam(shown(), target, 0),
        }
        for method, maps in expected.items():
            equal(spikelens.attribute(net, images[n : n + 1], method, target=target), maps, method)


def test_methods_of_recordings(case):
    net, slow, _, spikes = case
    found = net.simulate(spikes, layout="NTCHW")
    for n, recording in enumerate(spikes):
        x, target = recording.reshape(len(recording), -1).astype(float), int(found.predictions[n])
        equal(found.scores[n], slow.run(x)[-1]["scores"], "scores")
        expected = {
            "grad3d": slow.gradient(x, target)[0],
            "ig3d:path=linear:steps=4": x * np.mean([slow.gradient(x * k / 4, target)[0] for k in range(1, 5)], 0),
            "gate3d": x * slow.gate(x, target),
            "share3d": x * slow.share(x, target)[0],
            "share3d:start=class": x * slow.share(x, target, "class")[0],
            "share3d:soft=yes": x * slow.share(x, target, soft=True)[0],
            "rescale": (x * slow.rescale(x, target)).sum(0),
            "slrp": slow.slrp(x, target),
            "sltrp": slow.sltrp(x, target),
            "tsa_s": slow.tsa(x, target, False),
            "tsa_ns": slow.tsa(x, target, True),
        }
        for method, maps in expected.items():
            mine = spikelens.attribute(net, spikes[n : n + 1], method, target=target, layout="NTCHW")
            equal(mine, maps, method)


def values(net, inputs, targets, maps, metric, **options):
    table = spikelens.evaluate(net, inputs, targets, {"maps": maps}, [metric], per_sample=True, **options)
    return [row["value"] for row in (table.to_dict("records") if hasattr(table, "to_dict") else table)]


def curve(score, order, groups, start, end):
    """The score while the places of `order` go from start to end, group by group; the last axis is the places."""
    shown = start.copy()
    points = [score(shown)]
    for first, last in zip(groups, groups[1:]):
        shown[..., order[first:last]] = end[..., order[first:last]]
        points.append(score(shown))
    return area(points)


def test_curves_of_pixels(case):
    net, _, images, _ = case
    draws, targets = np.random.default_rng(1), [1, 0]
    maps = draws.random((2, *images.shape[2:]), np.float32)
    pixels, places = maps[0].size, [image.reshape(len(image), -1) for image in images]
    for baseline, step in (("black", 1), ("mean", 4), ("black", 0)):
        groups = [*range(0, pixels, step or images.shape[3]), pixels]
        expected = {"insertion": [], "deletion": []}
        for of, ranking, target in zip(places, maps, targets):
            score = lambda shown, t=target: softmax(net.simulate(shown.reshape(1, *images.shape[1:])).scores[0])[t]
            empty = np.zeros_like(of) if baseline == "black" else np.repeat(of.mean(1, keepdims=True), pixels, 1)
            order = np.argsort(-ranking.ravel())
            expected["insertion"].append(curve(score, order, groups, empty, of))
            expected["deletion"].append(curve(score, order, groups, of, empty))
        for metric, of in expected.items():
            equal(values(net, images, targets, maps, metric, baseline=baseline, pixels_per_step=step), of, metric)


def test_curves_of_spikes(case):
    net, _, _, spikes = case
    maps, targets = np.random.default_rng(2).normal(size=spikes.shape).astype(np.float32), [0, 1]
    expected = {"spike_insertion": [], "spike_deletion": []}
    for recording, ranking, target in zip(spikes, maps, targets):
        of, score = (
            recording.ravel(),
            lambda s, t=target: softmax(net.simulate(s.reshape(1, *spikes.shape[1:]), layout="NTCHW").scores[0])[t],
        )
        fired = np.flatnonzero(of)
        order = fired[np.argsort(-ranking.ravel()[fired])]
        groups = [-(-j * len(order) // 20) for j in range(21)]  # after step j the first ⌈j·n/20⌉
        expected["spike_insertion"].append(curve(score, order, groups, 0 * of, of))
        expected["spike_deletion"].append(curve(score, order, groups, of, 0 * of))
    for metric, of in expected.items():
        equal(values(net, spikes, targets, maps, metric, layout="NTCHW"), of, metric)


def test_measures_of_maps_alone(case):
    net, _, images, _ = case
    draws = np.random.default_rng(3)
    maps, masks = (
        draws.normal(size=(2, *images.shape[2:])).astype(np.float32),
        np.zeros((2, *images.shape[2:]), np.uint8),
    )
    masks[:, :2, :3] = 1
    flat = np.ones_like(maps)
    expected = {
        "sparseness": ([gini(m) for m in maps], [0, 0]),
        "complexity": ([entropy(m) for m in maps], [np.log(flat[0].size)] * 2),
        "pointing_game": ([mask.ravel()[m.argmax()] for m, mask in zip(maps, masks)], [masks[0].mean()] * 2),
        "energy_inside": (
            [np.maximum(m, 0)[mask > 0].sum() / np.maximum(m, 0).sum() for m, mask in zip(maps, masks)],
            [masks[0].mean()] * 2,
        ),
    }
    for metric, (of, of_flat) in expected.items():
        given = {"masks": masks} if metric in ("pointing_game", "energy_inside") else {}
        equal(values(net, images, [0, 1], maps, metric, **given), of, metric)
        equal(values(net, images, [0, 1], flat, metric, **given), of_flat, f"{metric} of a constant map")


class Watched:
    """A method that keeps what it was asked: networks, inputs and their maps."""

    def __init__(self, method):
        self.method, self.asked = method, []

    def __call__(self, net, inputs, targets):
        maps = spikelens.attribute(net, inputs, self.method, target=targets)
        self.asked.append((net, np.array(inputs, dtype=float), np.array(maps.maps, dtype=float)))
        return maps


def watched(net, images, metric):
    method = Watched("share:start=class")
    table = spikelens.evaluate(net, images, [1], {"mine": method}, [metric], per_sample=True)
    return (table.to_dict("records") if hasattr(table, "to_dict") else table)[0]["value"], method.asked


def test_small_changes_of_the_input(case):
    """What the network was shown tells what the measures must be."""
    net, _, images, _ = case
    size = np.linalg.norm
    for image in (images[:1], 4 * images[:1] - 1):  # the second as a picture with a mean
        low, high = (0, 1) if image.max() <= 1 else (image.min((2, 3)), image.max((2, 3)))
        extent = np.reshape(np.subtract(high, low), (-1, 1, 1))
        for metric in ("sensitivity", "input_stability", "output_stability"):
            found, asked = watched(net, image, metric)
            (_, first, plain), expected = asked[0], []
            for _, x, maps in asked[-10:]:
                assert 0 < (np.abs(x - first)[0] / extent).max() <= 0.02 + 1e-6
                scores = [net.simulate(np.float32(shown)).scores for shown in (first, x)]
                causes = {"sensitivity": 1, "input_stability": size(x - first) / size(first)}
                causes["output_stability"] = size(scores[1] - scores[0]) / size(scores[0])
                expected.append(size(maps - plain) / size(plain) / max(causes[metric], 1e-6))
            equal(found, max(expected), metric)


def test_networks_drawn_anew(case):
    """mprt draws the last layers anew, one more each time: each output's weights in another order."""
    net, _, images, _ = case
    found, asked = watched(net, images[:1], "mprt")
    asked = [asked[0], *asked[-4:]]
    correlation = lambda maps: np.corrcoef(ranks(asked[0][2]), ranks(maps))[0, 1] if np.ptp(maps) else 0
    equal(found, np.mean([abs(correlation(maps)) for _, _, maps in asked[1:]]), "mprt")
    for drawn, (other, _, _) in enumerate(asked):
        for last, layer in enumerate(["full4", "full3", "conv2", "conv1"]):
            weights = [of.tensors()[f"{layer}.weight"] for of in (net, other)]
            before, after = (of.reshape(len(of), -1) for of in weights)
            np.testing.assert_array_equal(np.sort(before), np.sort(after))
            assert np.array_equal(before, after) == (last >= drawn)


def test_pixels_filled_in():
    """road, on images so bright that its noise decides nothing."""
    for shape, pool in (((1, 7, 9), 2), ((3, 5, 6), 1)):
        drawn = spikelens.parse(f"4C3-LIF(threshold=300)-MP{pool}-4F", shape, 3, seed=7)
        net = spikelens.parse(drawn.text, shape, 3, tensors={n: 3 * v for n, v in drawn.tensors().items()})
        draws = np.random.default_rng(8)
        images = 1000 * draws.random((5, *shape), np.float32)
        maps, targets = draws.normal(size=(5, *shape[1:])).astype(np.float32), net.simulate(images).predictions
        expected = []
        for image, ranking, target in zip(images, maps, targets):
            worst, holds = np.argsort(ranking.ravel()), []
            for order in (worst, worst[::-1]):
                gone = [np.isin(np.arange(len(worst)), order[: k * len(worst) // 10]) for k in range(1, 10)]
                shown = [filled(image, of.reshape(shape[1:])) for of in gone]
                holds.append(np.mean(net.simulate(np.float32(shown)).predictions == target))
            expected.append(holds[0] - holds[1])
        assert np.any(expected)
        equal(values(net, images, targets, maps, "road"), expected, "road")


def test_another_class_of_two():
    """Of two classes the other one is no draw: the rank correlation is known."""
    net = spikelens.parse("4C3-LIF(threshold=0.2)-MP2-2F", (1, 5, 8), 4, seed=4, surrogate="triangle(0.3)")
    images = np.random.default_rng(4).random((3, 1, 5, 8), np.float32)
    for method in ("grad2d", "gate", "share:start=class"):
        first, second = (spikelens.attribute(net, images, method, target=t).maps for t in ([0, 1, 0], [1, 0, 1]))
        expected = [np.corrcoef(ranks(a), ranks(b))[0, 1] for a, b in zip(first, second)]
        table = spikelens.evaluate(net, images, [0, 1, 0], [method], ["random_logit"], per_sample=True)
        found = [row["value"] for row in (table.to_dict("records") if hasattr(table, "to_dict") else table)]
        equal(found, expected, method)


def test_truth_of_a_linear_network():
    """Without neurons the score is W x + b: W ⊙ x is exact, in any scale, and its opposite is wrong."""
    for shape in ((1, 6, 7), (3, 4, 5)):
        net = spikelens.parse("3F", shape, 4, seed=5)
        weight, images = net.tensors()["full1.weight"], np.random.default_rng(6).random((3, *shape), np.float32)
        truth = np.stack([(row.reshape(shape) * image).sum(0) for row, image in zip(weight, images)])
        for maps, sign in ((truth, 1), (7 * truth, 1), (-truth, -1)):
            for metric in ("faithfulness_correlation", "sensitivity_n"):
                equal(values(net, images, [0, 1, 2], maps, metric), [sign] * 3, metric)
            wrong = np.array(values(net, images, [0, 1, 2], maps, "infidelity"))
            assert (wrong < 1e-10).all() if sign > 0 else (wrong > 1e-4).all()
