"""Explanations: every method, as a function, as a class, and drawn."""

import numpy as np
import pytest
import spikelens
from conftest import need
from spikelens import attr


def usable(contract, spiking):
    wanted = contract["on_spikes"] if spiking else contract["on_images"]
    return wanted and not contract["needs_probes"]


@pytest.fixture(scope="module")
def interpretation(net):
    samples = np.random.default_rng(5).random((60, 1, 16, 16), np.float32)
    return spikelens.Interpretation(net, samples, mu_max=3)


@pytest.mark.parametrize("spiking", [False, True])
@pytest.mark.parametrize("name", list(spikelens.methods()))
def test_every_method_explains(net, images, spikes, interpretation, name, spiking):
    contract = spikelens.methods()[name]
    if not usable(contract, spiking):
        pytest.skip("not for such input, or needs probes")
    inputs = spikes if spiking else images
    cheap = {"steps": 4} if any(option["option"] == "steps" for option in contract["option_list"]) else {}
    found = spikelens.attribute(
        net, inputs[:2], name, target=[1, 2], layout="NTCHW", interpretation=interpretation, **cheap
    )
    assert found.values.shape[0] == 2 and found.values.ndim == (5 if contract["timed"] else 4)
    assert found.maps.shape == (2, 16, 16)
    assert found.targets.tolist() == [1, 2] and len(found.states) == 2
    assert (found.scores == net.simulate(inputs[:2], layout="NTCHW").scores).all()


def test_bits_do_not_depend_on_threads_and_batches(net, images):
    one = spikelens.attribute(net, images, "ig2d", target=1, threads=1)
    assert (spikelens.attribute(net, images, "ig2d", target=1, threads=2).values == one.values).all()
    assert (spikelens.attribute(net, images[3:4], "ig2d", target=1).values == one.values[3:4]).all()
    drawn = spikelens.attribute(net, images, "random", target=1)
    assert (spikelens.attribute(net, images[3:4], "random", target=1, addresses=[3]).values == drawn.values[3:4]).all()
    assert (spikelens.attribute(net, images, "random", target=1, seed=2).values != drawn.values).any()


def test_layouts_differ_in_their_axes_alone(net, spikes):
    samples_first = spikelens.attribute(net, spikes, "grad3d", target=1, layout="NTCHW")
    time_first = spikelens.attribute(net, np.swapaxes(spikes, 0, 1), "grad3d", target=1, layout="TNCHW")
    assert time_first.values.shape == (8, 4, 1, 16, 16)
    assert (np.swapaxes(time_first.values, 0, 1) == samples_first.values).all()
    assert (time_first.maps == samples_first.maps).all()
    np.testing.assert_allclose(samples_first.maps, samples_first.values.sum(axis=(1, 2)), atol=1e-6)


def test_options_are_those_of_the_library(net, images):
    text = spikelens.attribute(net, images, "ig2d:steps=8:view=absolute", target=1)
    words = spikelens.attribute(net, images, "ig2d", target=1, steps=8, view="absolute")
    assert words.method == text.method and (words.values == text.values).all()
    for wrong, hint in [
        ("ig2", "did you mean 'ig2d'"),
        ("ig2d:step=3", "did you mean 'steps'"),
        ("ig2d:steps=0", "1 to 100000"),
    ]:
        with pytest.raises(spikelens.InputError, match=hint):
            spikelens.attribute(net, images, wrong)


def test_no_option_of_a_method_is_hidden_by_a_keyword():
    import inspect

    own = set(inspect.signature(spikelens.attribute).parameters) | set(
        inspect.signature(attr.Method.attribute).parameters
    )
    for name, contract in spikelens.methods().items():
        assert not own & {option["option"] for option in contract["option_list"]}, name


def test_targets(net, images):
    predicted = net.simulate(images).predictions
    free = spikelens.attribute(net, images, "grad2d")
    assert (free.targets == predicted).all()
    assert (free.values == spikelens.attribute(net, images, "grad2d", target=predicted).values).all()
    named = spikelens.parse("4F-LIF-2F", (1, 4, 4), 4, classes=["cat", "dog"])
    assert spikelens.attribute(named, np.ones((1, 1, 4, 4)), "grad2d", target="dog").targets.tolist() == [1]
    with pytest.raises(spikelens.InputError, match="did you mean 'cat'"):
        spikelens.attribute(named, np.ones((1, 1, 4, 4)), "grad2d", target="cot")
    for wrong in (10, -1, [1, 2], [2**40] * len(images), np.uint64(2**64 - 1)):
        with pytest.raises(spikelens.InputError, match="classes 0 to 9|as many targets|targets must be from"):
            spikelens.attribute(net, images, "grad2d", target=wrong)


def test_relevant_filters_are_asked_for(net, images):
    with pytest.raises(spikelens.InputError, match="relevant filters"):
        spikelens.attribute(net, images, "svebi")


def test_surrogates_change_gradients(net, images):
    usual = spikelens.attribute(net, images, "grad2d", target=1)
    other = spikelens.attribute(net, images, "grad2d", target=1, surrogate="atan(2)")
    assert (usual.values != other.values).any()
    with pytest.raises(spikelens.InputError, match="surrogate"):
        spikelens.attribute(net, images, "grad2d", target=1, surrogate="atom")


def test_classes_as_captum_has_them(net, images):
    assert {"Ig2d", "Grad2d", "GatePath", "Svebi"} <= set(dir(attr))
    values, delta = attr.Ig2d(net).attribute(images, target=1, n_steps=16, return_convergence_delta=True)
    expected = spikelens.attribute(net, images, "ig2d", target=1, steps=16)
    assert (values == expected.values).all()
    scores = net.simulate(images).scores[:, 1] - net.simulate(np.zeros_like(images)).scores[:, 1]
    np.testing.assert_allclose(delta, values.sum(axis=(1, 2, 3)) - scores, atol=1e-6)
    again = attr.Ig2d(net, steps=8).attribute(images, target=1, steps=16)  # the call wins
    assert (again == expected.values).all()
    blurred = attr.Ig2d(net, steps=16).attribute(images, target=1, baselines="blur")
    assert (blurred == spikelens.attribute(net, images, "ig2d", target=1, steps=16, baseline="blur").values).all()
    for one in ((1,), [1], np.array([1])):
        assert (attr.Ig2d(net, steps=16).attribute(images, target=one) == expected.values).all()
    (only,) = attr.Ig2d(net, steps=16).attribute((images,), target=1)
    assert (only == expected.values).all()
    with pytest.raises(spikelens.InputError, match="not a tuple of 2"):
        attr.Ig2d(net).attribute((images, images), target=1)
    with pytest.raises(spikelens.InputError, match="not supported"):
        attr.Ig2d(net).attribute(images, target=1, baselines=np.ones(1))
    with pytest.raises(spikelens.InputError, match="no option 'steps'"):
        attr.Grad2d(net).attribute(images, target=1, n_steps=16)
    with pytest.raises(spikelens.InputError, match="no option 'method'"):
        attr.Ig2d(net).attribute(images, target=1, method="gausslegendre")
    with pytest.raises(AttributeError, match="did you mean 'Ig2d'"):
        _ = attr.Ig2D


def test_results_draw_themselves(net, images):
    found = spikelens.attribute(net, images, "ig2d", target=1)
    html = found._repr_html_()
    assert html.count("data:image/png;base64,") == 2 * len(images)
    picture = found.picture(0)
    assert picture.shape == (16, 16, 3) and picture.dtype == np.uint8
    most = np.unravel_index(found.maps[0].argmax(), (16, 16))
    least = np.unravel_index(found.maps[0].argmin(), (16, 16))
    assert picture[most][0] > picture[most][2] or found.maps[0][most] <= 0  # red speaks for the class
    assert picture[least][2] > picture[least][0] or found.maps[0][least] >= 0
    assert np.asarray(found).shape == found.values.shape
    assert "Attribution by ig2d" in repr(found)


def test_results_draw_into_axes_of_matplotlib(net, images, interpretation):
    need("matplotlib").use("agg")
    import matplotlib.pyplot as plt

    axes = plt.figure().subplots(2)
    assert spikelens.attribute(net, images, "ig2d", target=1).plot(axes[0], index=2) is axes[0]
    assert axes[0].images[0].get_array().shape == (16, 16, 3) and axes[0].get_title() == "ig2d: 1"
    assert interpretation.plot(3, axes[1]) is axes[1]


def test_pictures_are_png_files():
    import struct
    import zlib

    from spikelens import _draw

    picture = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)
    data = _draw.png(picture)
    assert struct.unpack(">II", data[16:24]) == (5, 4)
    start = data.index(b"IDAT") + 4
    length = struct.unpack(">I", data[start - 8 : start - 4])[0]
    rows = np.frombuffer(zlib.decompress(data[start : start + length]), np.uint8).reshape(4, 16)
    assert (rows[:, 1:].reshape(4, 5, 3) == picture).all()


def test_contracts_are_the_registries(program):
    import json
    import subprocess

    listed = json.loads(subprocess.run([program, "methods", "--json"], check=True, capture_output=True).stdout)
    assert {entry["method"]: entry for entry in listed["methods"]} == dict(spikelens.methods())
    assert {entry["metric"]: entry for entry in listed["metrics"]} == dict(spikelens.metrics())
    assert "steps=32" in repr(spikelens.methods()["ig2d"])
