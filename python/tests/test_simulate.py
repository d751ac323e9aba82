"""Arrays in and out, and the bits of results."""

import pickle

import numpy as np
import pytest
import spikelens
from conftest import need


def slow(net, images):
    """An independent float64 simulation of one fully connected layer with LIF and a readout."""
    tensors = {name: values.astype(np.float64) for name, values in net.tensors().items()}
    flat = images.reshape(len(images), -1).astype(np.float64)
    current = flat @ tensors["full1.weight"].T + tensors["full1.bias"]
    membrane, readout, count = np.zeros_like(current), 0, np.zeros_like(current)
    for _ in range(net.steps):
        membrane = 0.95 * membrane + current
        fired = membrane > 1
        membrane -= fired
        count += fired
        readout = readout + fired @ tensors["full2.weight"].T + tensors["full2.bias"]
    return readout / net.steps, count


def test_scores_are_those_of_the_definition():
    net = spikelens.parse("20F-LIF-3F", (1, 4, 4), 12)
    images = np.random.default_rng(0).normal(size=(50, 1, 4, 4)).astype(np.float32)
    found = net.simulate(images, counts=True)
    scores, counts = slow(net, images)
    same = (counts == found.counts["full1"].reshape(50, 20)).all(axis=1)
    assert same.mean() > 0.9  # a membrane may stand on the threshold up to rounding
    np.testing.assert_allclose(found.scores[same], scores[same], atol=1e-5)
    assert (found.predictions == found.scores.argmax(axis=1)).all()


def test_threads_and_batches_keep_the_bits(net, images):
    one = net.simulate(images, threads=1)
    assert (net.simulate(images, threads=2).scores == one.scores).all()
    for n in range(len(images)):
        assert (net.simulate(images[n : n + 1]).scores == one.scores[n]).all()
    assert (net.simulate(images, memory=1 << 26, kernel="scalar").scores == one.scores).all()


def test_recordings_have_the_layout_of_the_input(net, spikes):
    samples_first = net.simulate(spikes, layout="NTCHW", spikes=["conv1"], potentials=["full3"], counts=True)
    time_first = net.simulate(np.swapaxes(spikes, 0, 1), layout="TNCHW", spikes=["conv1"], potentials=["full3"])
    assert (samples_first.scores == time_first.scores).all()
    assert samples_first.spikes["conv1"].shape == (4, 8, 8, 16, 16)
    assert (np.swapaxes(time_first.spikes["conv1"], 0, 1) == samples_first.spikes["conv1"]).all()
    assert (samples_first.spikes["conv1"].sum(axis=1) == samples_first.counts["conv1"]).all()
    assert (np.swapaxes(time_first.potentials["full3"], 0, 1) == samples_first.potentials["full3"]).all()
    assert set(samples_first.counts) == {"conv1", "conv2", "full3"}


def test_images_are_shown_at_every_step(net, images):
    assert net.simulate(images, spikes=["conv1"]).spikes["conv1"].shape[:2] == (6, net.steps)


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int64, np.bool_])
def test_spikes_of_any_type(net, spikes, kind):
    expected = net.simulate(spikes, layout="NTCHW").scores
    assert (net.simulate(spikes.astype(kind), layout="NTCHW").scores == expected).all()


def test_arrays_are_shared_where_they_can_be(net, images, spikes):
    from spikelens._arrays import samples_of

    assert np.shares_memory(samples_of(images, net.input_shape, None).values, images)
    assert np.shares_memory(samples_of(spikes, net.input_shape, "NTCHW").values, spikes)


def test_dlpack_and_array_protocols(net, images):
    class OfDlpack:
        def __dlpack__(self, **keywords):
            return images.__dlpack__(**keywords)

        def __dlpack_device__(self):
            return images.__dlpack_device__()

    expected = net.simulate(images).scores
    assert (net.simulate(OfDlpack()).scores == expected).all()
    assert (net.simulate(images.tolist()).scores == expected).all()


def test_tensors_of_every_kind(net, images):
    """bfloat16, which NumPy lacks, is the same numbers in float32; what is no array of numbers is refused."""
    torch = need("torch")
    tensor = torch.from_numpy(images)
    halved = tensor.bfloat16()
    assert (net.simulate(halved).scores == net.simulate(halved.float()).scores).all()
    assert (net.simulate(torch._neg_view(-tensor)).scores == net.simulate(images).scores).all()
    for wrong, words in [(tensor.to_sparse(), "no array of numbers"), (tensor.to("meta"), "on the device meta")]:
        with pytest.raises(spikelens.InputError, match=words):
            net.simulate(wrong)


def test_a_network_of_vectors_takes_vectors():
    net = spikelens.parse("12F-LIF-3F", (5, 1, 1), 6)
    values = np.random.default_rng(0).random((7, 5), np.float32)
    assert (net.simulate(values).scores == net.simulate(values.reshape(7, 5, 1, 1)).scores).all()
    assert net.simulate(np.ones((6, 7, 5)), layout="TNCHW").scores.shape == (7, 3)


def test_a_network_is_its_text_and_tensors(net, images):
    again = spikelens.parse(net.text, net.input_shape, net.steps, net.tensors())
    assert again == net and hash(again) == hash(net)
    assert spikelens.parse(net.text, net.input_shape, net.steps, seed=4) != net
    copy = pickle.loads(pickle.dumps(net))
    assert copy == net and (copy.simulate(images).scores == net.simulate(images).scores).all()


def test_model_files(net, tmp_path):
    net.save(tmp_path / "model.safetensors")
    assert spikelens.load(tmp_path / "model.safetensors") == net


def test_errors_are_the_sentences_of_the_library(net, images, spikes, tmp_path):
    def sentence(error, call, *arguments, **keywords):
        with pytest.raises(error) as caught:
            call(*arguments, **keywords)
        return str(caught.value)

    assert issubclass(spikelens.InputError, ValueError) and issubclass(spikelens.RunError, RuntimeError)
    assert spikelens.InputError.__module__ == "spikelens"
    assert "the network expects images [N, 1, 16, 16]" in sentence(spikelens.InputError, net.simulate, images[:, :, 1:])
    assert "need a layout: 'TNCHW'" in sentence(spikelens.InputError, net.simulate, spikes)
    assert "did you mean 'TNCHW'" in sentence(spikelens.InputError, net.simulate, spikes, layout="TNCWH")
    assert "did you mean 'conv1'" in sentence(spikelens.InputError, net.simulate, images, spikes=["conv11"])
    assert "holds 0.5" in sentence(spikelens.InputError, net.simulate, spikes * 0.5, layout="NTCHW")
    assert "kernel" in sentence(spikelens.InputError, net.simulate, images, kernel="avx3")
    broken = images.copy()
    broken[2, 0, 3, 3] = np.nan
    assert "not finite" in sentence(spikelens.InputError, net.simulate, broken)
    for wrong, words in [
        ({"threads": -1}, "threads must be from 0 to"),
        ({"threads": 2.5}, "threads must be a whole number, not 2.5"),
        ({"memory": "1G"}, "memory must be a whole number, not '1G'"),
        ({"kernel": None}, "kernel is the name of a kernel"),
        ({"progress": "yes"}, "progress is a function, True, False or None"),
    ]:
        assert words in sentence(spikelens.InputError, net.simulate, images, **wrong)
    assert "no array" in sentence(spikelens.InputError, net.simulate, [[1, 2], [3]])
    assert "steps must be a whole number" in sentence(spikelens.InputError, spikelens.parse, "10F", (1, 4, 4), 2.5)
    assert "seed must be from 0 to" in sentence(spikelens.InputError, spikelens.parse, "10F", (1, 4, 4), 3, seed=-1)
    assert "full1.weight must be numbers" in sentence(
        spikelens.InputError, spikelens.parse, "10F", (1, 4, 4), 3, {"full1.weight": "abc"}
    )
    assert "missing" in sentence(spikelens.InputError, spikelens.parse, net.text, net.input_shape, 8, {})
    assert "no.safetensors" in sentence(spikelens.InputError, spikelens.load, tmp_path / "no.safetensors")
    assert "32X" in sentence(spikelens.InputError, spikelens.parse, "8C3-LIF-32X-10F", (1, 16, 16), 8)


def test_it_tells_of_itself(net):
    assert (
        repr(net)
        == "<Network 8C3-LIF-MP2-8C3-LIF-MP2-32F-LIF-10F: input [1, 16, 16], 8 steps, 10 classes, 5,122 parameters>"
    )
    assert "TNCHW" in net.simulate.__doc__
    assert {"attribute", "evaluate", "methods", "metrics", "parse", "load", "from_nir"} <= set(dir(spikelens))
