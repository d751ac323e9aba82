#!/usr/bin/env python3
"""--engine changes no byte of a result, and what an engine cannot do is said in one sentence. On data made here.

usage: test_engines.py PROGRAM
"""

import json
import pathlib
import shutil
import sys
import tempfile
import unittest

from small_data import without_times
from test_measures import make_data
from test_program import ProgramTest


def content(path):
    """What a file holds, but for how long it took."""
    if path.suffix != ".json":
        return path.read_bytes()
    return without_times(json.loads(path.read_text()))


class Engines(unittest.TestCase):
    call = staticmethod(ProgramTest.call)
    json_of = classmethod(ProgramTest.json_of.__func__)
    refused = ProgramTest.refused

    @classmethod
    def setUpClass(cls):
        cls.root = pathlib.Path(tempfile.mkdtemp(prefix="spikelens-"))
        make_data(cls.root / "data", train=60, test=12)
        cls.run_dir = cls.root / "run"
        cls.json_of(
            "train",
            "--data",
            cls.root / "data",
            "--network",
            "4C3-LIF-MP2-5F-LIF-3F",
            "--steps",
            4,
            "--epochs",
            1,
            "--batch",
            20,
            "--out",
            cls.run_dir,
        )
        shutil.copytree(cls.run_dir, cls.root / "trained")

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.root)

    def results(self, engine):
        shutil.rmtree(self.run_dir)
        shutil.copytree(self.root / "trained", self.run_dir)
        self.json_of("interpret", self.run_dir, "--mu-max", 2, "--draws", 1, "--engine", engine)
        self.json_of("explain", self.run_dir, "--test", 0, 1, "--methods", "svebi,grad2d,occlusion", "--engine", engine)
        self.json_of(
            "evaluate", self.run_dir, "--samples", 4, "--methods", "input,svebi", "--step", 98, "--engine", engine
        )
        return {
            path.relative_to(self.run_dir): content(path)
            for path in self.run_dir.rglob("*")
            if path.is_file() and path.name != "manifest.json" and path.parent.name != "evaluate"
        }  # which has seconds

    def test_the_same_bytes(self):
        of_cpu, of_gpu = self.results("cpu"), self.results("gpu_emulated")
        self.assertEqual(of_cpu.keys(), of_gpu.keys())
        for name in of_cpu:
            self.assertEqual(of_cpu[name], of_gpu[name], name)

    def test_inspect_says_what_computes(self):
        kernels = self.json_of("inspect", self.root / "trained", "--samples", 0, "--engine", "gpu_emulated")["kernels"]
        self.assertEqual(len(kernels), 3)
        self.assertTrue(all("int8 slices, emulated" in line for line in kernels), kernels)

    def test_refusals(self):
        self.refused("interpret", self.root / "trained", "--engine", "gpo", saying=["--engine is 'gpo'", "'gpu'"])
        answer = self.call("inspect", self.root / "trained", "--engine", "gpu")
        if answer.returncode != 0:  # no GPU, or no library for it
            self.assertEqual(answer.returncode, 1)
            self.assertIn("the engine gpu needs", answer.stderr)


if __name__ == "__main__":
    del sys.argv[1]
    unittest.main(verbosity=2)
