"""NIR graphs, from files and from memory."""

import numpy as np
import pytest
import spikelens
from conftest import need


@pytest.fixture(scope="module")
def nir():
    return need("nir")


def graph(nir):
    """One convolution and one fully connected layer of neurons that integrate and leak."""
    draw = np.random.default_rng(0)
    lif = {"r": np.ones, "v_leak": np.zeros, "v_threshold": np.ones}

    def neurons(*shape):
        return nir.LIF(tau=np.full(shape, 10.0), **{name: make(shape) for name, make in lif.items()})

    weight = draw.normal(size=(4, 1, 3, 3)).astype(np.float32)
    conv = nir.Conv2d(
        input_shape=(6, 6), weight=weight, stride=1, padding=1, dilation=1, groups=1, bias=np.zeros(4, np.float32)
    )
    full = nir.Affine(weight=draw.normal(size=(3, 144)).astype(np.float32), bias=np.zeros(3, np.float32))
    flatten = nir.Flatten(input_type={"input": np.array([4, 6, 6])}, start_dim=0, end_dim=-1)
    nodes = [
        nir.Input({"input": np.array([1, 6, 6])}),
        conv,
        neurons(4, 6, 6),
        flatten,
        full,
        neurons(3),
        nir.Output({"output": np.array([3])}),
    ]
    return nir.NIRGraph.from_list(*nodes)


def test_a_graph_and_its_file_are_one_network(nir, tmp_path):
    made = graph(nir)
    nir.write(tmp_path / "graph.nir", made)
    from_file = spikelens.from_nir(tmp_path / "graph.nir", dt=1.0, steps=12)
    from_memory = spikelens.from_nir(made, dt=1.0, steps=12)
    assert from_file == from_memory and from_file.input_shape == (1, 6, 6) and from_file.steps == 12
    assert from_file.notes and all(note.strip() for note in from_file.notes)
    spikes = (np.random.default_rng(1).random((12, 2, 1, 6, 6)) < 0.3).astype(np.float32)
    assert from_file.simulate(spikes, layout="TNCHW", counts=True).counts["conv1"].sum() > 0


def test_what_is_wrong_is_said(nir, tmp_path):
    with pytest.raises(spikelens.InputError, match="did you mean 'snntorch'"):
        spikelens.from_nir(graph(nir), dialect="snntorc")
    with pytest.raises(spikelens.InputError, match="no.nir"):
        spikelens.from_nir(tmp_path / "no.nir")
