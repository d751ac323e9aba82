"""The program and the package give the same bits for the same run."""

import json
import pathlib
import subprocess

import numpy as np
import pytest
import spikelens

TRAIN, TEST = 300, 40


def write_idx(path, values):
    header = bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">i4").tobytes()
    path.write_bytes(header + values.tobytes())


def bars(count, seed):
    """Pictures of one bright row and column each, and in which tenth the row lies."""
    draw = np.random.default_rng(seed)
    pictures = draw.integers(0, 60, (count, 20, 20), np.uint8)
    rows = draw.integers(0, 20, count)
    pictures[np.arange(count), rows] = 250
    pictures[np.arange(count), :, draw.integers(0, 20, count)] = 200
    return pictures, (rows // 2).astype(np.uint8)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bars")
    for part, count, seed in (("train", TRAIN, 1), ("t10k", TEST, 2)):
        pictures, labels = bars(count, seed)
        write_idx(folder / f"{part}-images-idx3-ubyte", pictures)
        write_idx(folder / f"{part}-labels-idx1-ubyte", labels)
    return folder


def as_seen(pictures):
    return pictures[:, None].astype(np.float32) / np.float32(255)


@pytest.fixture(scope="module")
def run(program, data, tmp_path_factory):
    """A run of the program with an imported network, interpreted and explained."""
    folder = tmp_path_factory.mktemp("program")
    net = spikelens.parse("8C3-LIF-MP2-8C3-LIF-MP2-10F", (1, 20, 20), 8, seed=2)
    net.save(folder / "model.safetensors")

    def call(*words):
        done = subprocess.run(
            [program, *map(str, words), "--quiet", "--json"], capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    root = folder / "run"
    call("import", folder / "model.safetensors", "--data", data, "--out", root)
    call("interpret", root)
    return net, root, call


def test_explanations(run):
    net, root, call = run
    pictures = as_seen(bars(TEST, 2)[0])
    methods = ["svebi", "grad2d", "ig2d", "ig3d:steps=4", "gate", "rise:masks=50", "random"]
    result = call("explain", root, "--test", 3, 7, *(word for method in methods for word in ("--method", method)))
    ours = spikelens.load(root)
    assert all((values == net.tensors()[name]).all() for name, values in ours.tensors().items())
    for image in result["images"]:
        index = image["sample"]
        shown = pictures[index : index + 1]
        assert ours.simulate(shown).scores[0].tolist() == pytest.approx(image["scores"], abs=0)
        for entry in image["maps"]:
            found = spikelens.attribute(ours, shown, entry["method"], target=image["target"], addresses=[index])
            written = np.load(pathlib.Path(result["folder"]) / entry["values"])
            assert (written.reshape(found.values.shape) == found.values).all(), entry["method"]
            assert found.states == [entry["state"]]


def test_evaluations(run):
    net, root, call = run
    methods, metrics = ["grad2d", "gate", "random"], ["insertion", "deletion", "randomisation", "sparseness", "road"]
    result = call("evaluate", root, "--methods", ",".join(methods), "--metrics", ",".join(metrics), "--samples", 0)
    table = spikelens.evaluate(spikelens.load(root), as_seen(bars(TEST, 2)[0]), None, methods, metrics)
    records = table.to_dict("records") if hasattr(table, "to_dict") else table
    ours = {(record["method"], record["metric"]): (record["mean"], record["samples"]) for record in records}
    theirs = {
        (method["method"], score["metric"]): (score["mean"], score["samples"])
        for method in result["methods"]
        for score in method["metrics"]
    }
    assert ours == theirs and len(ours) == len(methods) * len(metrics)


def test_interpretations(run):
    net, root, call = run
    written = json.loads((root / "interpret.json").read_text())
    found = spikelens.Interpretation(spikelens.load(root), as_seen(bars(TRAIN, 1)[0]))
    for entry in written["per_class"]:
        path = found.path(entry["class"])
        for ours, theirs in zip(path, entry["path"], strict=True):
            assert ours["mu"] == theirs["mu"] and ours["objective"] == theirs["objective"]
            assert dict(ours["filters"]) == {f"{f['layer']}.{f['filter']}": f["weight"] for f in theirs["filters"]}
