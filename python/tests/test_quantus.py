"""Our explainers inside Quantus, and our evaluate against Quantus' numbers for the metrics both have."""

import warnings

import numpy as np
import pytest
import spikelens
from conftest import need


@pytest.fixture(scope="module")
def quantus():
    need("torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return need("quantus")


@pytest.fixture(scope="module")
def maps():
    return np.random.default_rng(0).random((6, 1, 16, 16), np.float32)


def quiet(metric, **options):
    return metric(abs=False, normalise=False, disable_warnings=True, display_progressbar=False, **options)


def ours(net, images, maps, metric):
    table = spikelens.evaluate(net, images, [1] * len(images), {"maps": maps}, [metric], per_sample=True)
    return [record["value"] for record in (table.to_dict("records") if hasattr(table, "to_dict") else table)]


def test_our_explainers_work_inside(quantus, net, images):
    model, targets = spikelens.as_module(net), np.full(len(images), 1)
    for method in ("ig2d", "gate", "sam"):
        metric = quiet(quantus.Sparseness)
        inside = metric(model=model, x_batch=images, y_batch=targets, explain_func=spikelens.explainer(method))
        given = metric(
            model=model,
            x_batch=images,
            y_batch=targets,
            a_batch=spikelens.attribute(net, images, method, target=1).values.copy(),
        )
        assert np.shape(inside) == (len(images),)
        np.testing.assert_allclose(inside, given, atol=1e-7)
    sensitivity = quiet(quantus.MaxSensitivity, nr_samples=2)(
        model=model, x_batch=images, y_batch=targets, explain_func=spikelens.explainer("ig2d", steps=4), device="cpu"
    )
    assert np.isfinite(sensitivity).all()


@pytest.mark.parametrize("name", ["sparseness", "complexity"])
def test_measures_of_maps_are_those_of_quantus(quantus, net, images, maps, name):
    metric = quiet(getattr(quantus, name.capitalize()))
    theirs = metric(model=spikelens.as_module(net), x_batch=images, y_batch=np.full(6, 1), a_batch=maps.copy())
    np.testing.assert_allclose(ours(net, images, maps, name), theirs, rtol=1e-5)


def test_deletion_is_pixel_flipping(quantus, net, images, maps):
    """Quantus' curve begins after the first step; the area under it, with the start that it leaves out, is our
    deletion."""
    metric = quiet(quantus.PixelFlipping, features_in_step=16, perturb_baseline=0.0)
    curves = metric(
        model=spikelens.as_module(net), x_batch=images, y_batch=np.full(6, 1), a_batch=maps.copy(), softmax=True
    )
    scores = net.simulate(images).scores.astype(np.float64)
    start = np.exp(scores[:, 1]) / np.exp(scores).sum(axis=1)
    curves = np.concatenate([start[:, None], np.array(curves)], axis=1)
    areas = (curves.sum(axis=1) - (curves[:, 0] + curves[:, -1]) / 2) / (curves.shape[1] - 1)
    np.testing.assert_allclose(ours(net, images, maps, "deletion"), areas, atol=1e-6)


def test_what_is_no_network_is_refused(net, images):
    with pytest.raises(spikelens.InputError, match="reads an nn.Module, not object"):
        spikelens.explainer("ig2d")(object(), images, [1] * 6)
