#!/usr/bin/env python3
"""Options of `import` for files of weights: what folds into them, and what is refused.

usage: test_import.py PROGRAM
"""

import json
import pathlib
import struct
import sys
import tempfile
import unittest

from small_data import make_data
from small_files import safetensors
from test_program import ProgramTest

CONVOLUTION = {"0.weight": ([2, 1, 3, 3], [0.5] * 18), "0.bias": ([2], [0, 0])}
NORMALISATION = {
    f"1.{name}": ([2], [value] * 2)
    for name, value in (("weight", 2), ("bias", 0), ("running_mean", 0), ("running_var", 3))
}
FULL = {"4.weight": ([2, 2], [1] * 4), "4.bias": ([2], [0, 0])}


class Import(unittest.TestCase):
    call = staticmethod(ProgramTest.call)
    json_of = classmethod(ProgramTest.json_of.__func__)

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="spikelens-"))

    def importing(self, tensors, *options, text="2C3p0-LIF-2F"):
        (self.folder / "weights.safetensors").write_bytes(safetensors(tensors))
        return [
            "import",
            self.folder / "weights.safetensors",
            "--network",
            text,
            "--input",
            "1,3,3",
            "--out",
            self.folder / "model.safetensors",
            *options,
        ]

    def weight(self, *arguments):
        """The first number of conv1.weight."""
        self.json_of(*self.importing(*arguments))
        content = (self.folder / "model.safetensors").read_bytes()
        length = struct.unpack("<Q", content[:8])[0]
        begin = json.loads(content[8 : 8 + length])["conv1.weight"]["data_offsets"][0]
        return struct.unpack_from("<f", content, 8 + length + begin)[0]

    def refused(self, arguments, *saying):
        done = self.call(*arguments)
        self.assertEqual(done.returncode, 2, done.stderr)
        for words in saying:
            self.assertIn(words, done.stderr)

    def test_epsilon_is_of_batch_normalisations(self):
        self.assertAlmostEqual(self.weight(CONVOLUTION | NORMALISATION | FULL, "--bn-eps", "1"), 0.5 * 2 / 2)
        self.assertAlmostEqual(self.weight(CONVOLUTION | NORMALISATION | FULL), 0.5 * 2 / 3**0.5, places=4)
        self.refused(self.importing(CONVOLUTION | FULL, "--bn-eps", "1"), "no batch normalisation")
        self.refused(self.importing(CONVOLUTION | FULL, "--bn-eps", "-1"), "0 or more")
        graph, out = self.folder / "graph.nir", self.folder / "m.safetensors"
        self.refused(["import", graph, "--bn-eps", "1", "--out", out], "there is no file")
        for content, what in ((b"\x89HDF\r\n\x1a\n", "is a NIR graph"), (b"{}", "is named as a NIR graph")):
            graph.write_bytes(content)
            self.refused(["import", graph, "--bn-eps", "1", "--out", out], "bn-eps is for files of weights", what)
        moved = {name.replace("1.", "2.", 1): tensor for name, tensor in NORMALISATION.items()}
        self.refused(self.importing(CONVOLUTION | moved | FULL), "conv1.norm=2")
        self.assertEqual(self.weight(CONVOLUTION | moved | FULL, "--map", "conv1.norm=2", "--bn-eps", "1"), 0.5)

    def test_inputs_fold_without_data(self):
        self.assertEqual(self.weight(CONVOLUTION | FULL, "--mean", "0.5", "--std", "0.25"), 2)
        padded = CONVOLUTION | {"4.weight": ([2, 18], [1] * 36), "4.bias": ([2], [0, 0])}
        self.refused(self.importing(padded, "--mean", "0.5", text="2C3-LIF-2F"), "conv1", "pads its input")
        self.refused(self.importing(CONVOLUTION | FULL, "--mean", "1,2,3"), "3 numbers", "1 channel")
        self.refused(self.importing(CONVOLUTION | FULL, "--mean", "0.5x"), "0.5x")
        self.refused(self.importing(CONVOLUTION | FULL, "--resize", "4"), "needs a data set")

    def test_the_content_tells_the_format(self):
        self.json_of(*self.importing(CONVOLUTION | FULL))
        weights, model = self.folder / "weights.safetensors", self.folder / "model.safetensors"
        self.json_of("export", model, "--out", self.folder / "graph.nir")
        for source, name, kind in ((weights, "w.nir", "safetensors"), (self.folder / "graph.nir", "g.pth", "nir")):
            named = source.rename(self.folder / name)
            options = ["--network", "2C3p0-LIF-2F", "--input", "1,3,3"] if kind == "safetensors" else []
            document = self.json_of("import", named, *options, "--out", self.folder / f"{kind}.safetensors")
            self.assertEqual(document["format"], kind)
        (self.folder / "text.nir").write_text("hello")
        self.refused(["import", self.folder / "text.nir", "--out", model], "is not a NIR file")

    def test_a_network_that_says_nothing_is_warned_of(self):
        make_data(self.folder / "data")
        silent = {"0.weight": ([2, 1, 3, 3], [0.0] * 18), "0.bias": ([2], [0, 0])}
        silent |= {"4.weight": ([3, 200], [0.0] * 600), "4.bias": ([3], [1, 0, 0])}
        run = self.folder / "run"
        arguments = self.importing(silent, "--data", self.folder / "data", "--json", text="2C3p0-LIF-3F")
        arguments[arguments.index("1,3,3")], arguments[arguments.index("--out") + 1] = "1,12,12", run
        done = self.call(*arguments)
        document = json.loads(done.stdout)
        self.assertEqual((document["silent_layers"], document["at_chance"]), (["conv1"], True))
        for said in (done.stderr, self.call("evaluate", run, "--methods", "random", "--samples", 2).stderr):
            self.assertIn("no neuron of conv1 spikes", said)
            self.assertIn("knows nothing of these data", said)


if __name__ == "__main__":
    del sys.argv[1]
    unittest.main(verbosity=2)
