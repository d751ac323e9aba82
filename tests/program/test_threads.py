#!/usr/bin/env python3
"""--threads 1 uses one core, in every command and every method, and --memory bounds gradients too. On data made here.

usage: test_threads.py PROGRAM
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import h5py
from small_data import SIDE, idx_bytes
from test_measures import BLACK, make_data
from test_program import ProgramTest

PROGRAM = sys.argv[1]
MEASURE = pathlib.Path(__file__).with_name("measure.py")
NETWORK = "16C3-LIF-MP2-16C3-LIF-MP2-32F-LIF-3F"


class Measured:
    """A call's processor time, wall time (seconds) and peak memory (bytes).

    OpenBLAS, which comes with LibTorch, keeps a thread spinning for 0.1 s as it loads. Where a command trains it has
    one thread, so that only our own are counted.
    """

    TRAINING = {"train", "codings"}

    def __init__(self, *arguments):
        with tempfile.NamedTemporaryFile("r") as result:
            called = subprocess.run(
                [sys.executable, MEASURE, result.name, PROGRAM, *map(str, arguments), "--quiet"],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=os.environ | ({"OPENBLAS_NUM_THREADS": "1"} if arguments[0] in self.TRAINING else {}),
                text=True,
                check=True,
            )
            code, wall, processor, memory = result.read().split()
        self.output = called.stdout
        self.code = int(code)
        self.wall = float(wall)
        self.processor = float(processor)
        self.memory = int(memory) * 1024


class Threads(unittest.TestCase):
    call = staticmethod(ProgramTest.call)
    json_of = classmethod(ProgramTest.json_of.__func__)

    @classmethod
    def setUpClass(cls):
        cls.root = pathlib.Path(tempfile.mkdtemp(prefix="spikelens-"))
        make_data(cls.root / "data")
        samples = 60 + BLACK
        cls.masks = cls.root / "masks.idx"
        cls.masks.write_bytes(idx_bytes([samples, SIDE, SIDE], [1, 0] * (samples * SIDE * SIDE // 2)))
        cls.runs = {}
        for coding in ("direct", "rate"):
            cls.runs[coding] = cls.root / coding
            cls.json_of(
                "train",
                "--data",
                cls.root / "data",
                "--coding",
                coding,
                "--network",
                NETWORK,
                "--steps",
                10,
                "--epochs",
                1,
                "--batch",
                20,
                "--out",
                cls.runs[coding],
            )
            probes = ["--probe-samples", 100] if coding == "direct" else []
            cls.json_of("interpret", cls.runs[coding], "--mu-max", 3, *probes)
        cls.called = set()
        known = json.loads(cls.call("methods", "--json").stdout)
        cls.methods, cls.metrics = known["methods"], known["metrics"]

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.root)

    def one_core(self, *arguments):
        """The processor time of one thread cannot pass wall time."""
        self.called.add(arguments[0])
        measured = Measured(*arguments, "--threads", 1)
        self.assertEqual(measured.code, 0, measured.output)
        self.assertLessEqual(measured.processor, 1.1 * measured.wall + 0.05, arguments)

    def test_every_command(self):
        """What needs a server or hours is left out: data download, and reproduce, which runs the other stages."""
        self.stages()
        self.the_other_commands()
        commands = re.findall(r"^  ([a-z]+) ", self.call("help").stdout.split("Commands:")[1], re.MULTILINE)
        self.assertGreater(len(commands), 10)
        self.assertEqual(set(commands) - self.called, {"reproduce", "help"})

    def stages(self):
        run = self.root / "stages"
        self.one_core(
            "train",
            "--data",
            self.root / "data",
            "--network",
            NETWORK,
            "--steps",
            10,
            "--epochs",
            3,
            "--batch",
            40,
            "--out",
            run,
        )
        self.one_core("interpret", run, "--mu-max", 10, "--probe-samples", 200)
        self.one_core("filters", run, "--train-samples", 60, "--samples", 20, "--draws", 1, "--bootstraps", 2)
        self.one_core("evaluate", run, "--samples", 20, "--methods", "svebi,grad2d,random")
        self.one_core("explain", run, "--test", 0, 1, 2, 3)
        self.one_core("report", run)
        self.one_core("inspect", run, "--samples", 50, "--speed")

    def the_other_commands(self):
        data, run, model = self.root / "data", self.root / "shared", self.root / "model.safetensors"
        self.one_core("data", "check", data)
        self.one_core("data", "list")
        self.one_core("methods")
        self.one_core("export", self.runs["direct"], "--out", model)
        self.one_core("import", model, "--data", data, "--out", run)
        for number in (1, 2):
            self.one_core("interpret", run, "--shard", f"{number}/2")
            self.one_core("evaluate", run, "--shard", f"{number}/2", "--methods", "grad2d,random", "--samples", 20)
        self.one_core("merge", run)
        self.one_core(
            "codings",
            "--data",
            data,
            "--network",
            NETWORK,
            "--codings",
            "direct,rate",
            "--methods",
            "grad2d,random",
            "--samples",
            20,
            "--out",
            self.root / "codings",
        )

    def test_every_method(self):
        for coding, run in self.runs.items():
            images = coding == "direct"
            for method in self.methods:
                if not method["on_images" if images else "on_spikes"]:
                    continue
                with self.subTest(method=method["method"], coding=coding):
                    self.one_core(
                        "explain",
                        run,
                        "--methods",
                        method["method"],
                        "--out",
                        self.root / "maps",
                        "--test",
                        *range(12 if images else 4),  # of spikes most of the time is drawing
                    )

    def test_every_metric(self):
        for coding, run in self.runs.items():
            for metric in self.metrics:
                if not metric["on_images"] and coding == "direct":
                    continue
                with self.subTest(metric=metric["metric"], coding=coding):
                    masks = ["--masks", self.masks] if metric["needs_masks"] else []
                    self.one_core(
                        "evaluate",
                        run,
                        "--methods",
                        "input,grad3d",
                        "--metrics",
                        metric["metric"],
                        "--samples",
                        6,
                        *masks,
                    )

    def test_memory_bounds_the_pictures_of_many_filters(self):
        data, side = self.root / "large", 96
        data.mkdir()
        for part, count in (("train", 20), ("t10k", 3)):
            pixels = [(7 * i * (i // side) + 31 * n) % 256 for n in range(count) for i in range(side * side)]
            (data / f"{part}-images-idx3-ubyte").write_bytes(idx_bytes([count, side, side], pixels))
            (data / f"{part}-labels-idx1-ubyte").write_bytes(idx_bytes([count], [n % 3 for n in range(count)]))
        run = self.root / "many"
        self.json_of(
            "train",
            "--data",
            data,
            "--network",
            "4C5-LIF-MP8-512C9-LIF-AP12-3F",
            "--steps",
            2,
            "--threshold",
            0.1,
            "--epochs",
            1,
            "--train-samples",
            6,
            "--out",
            run,
        )
        one = Measured("interpret", run, "--mu-max", 1, "--draws", 1, "--threads", 1, "--memory", "24M")
        self.assertEqual(one.code, 0, one.output)
        pictures = run / "visualisations.h5"
        written = pictures.read_bytes()
        again = Measured(
            "interpret", run, "--mu-max", 1, "--draws", 1, "--threads", 1, "--memory", "24M"
        )  # all is there
        self.assertEqual(again.code, 0, again.output)
        with h5py.File(pictures) as file:
            in_all = sum(4 * (array.size or 0) for group in file["visualisations"].values() for array in group.values())
        self.assertGreater(in_all, 60e6)
        self.assertLess(one.memory - again.memory, 48e6)
        pictures.unlink()
        two = Measured("interpret", run, "--mu-max", 1, "--draws", 1, "--threads", 2, "--memory", "300M")
        self.assertEqual(two.code, 0, two.output)
        self.assertEqual(pictures.read_bytes(), written)

    def test_memory_bounds_gradients(self):
        network = self.root / "wide"
        self.json_of(
            "train",
            "--data",
            self.root / "data",
            "--network",
            "64C3-LIF-64C3-LIF-3F",
            "--steps",
            100,
            "--epochs",
            1,
            "--train-samples",
            20,
            "--batch",
            20,
            "--out",
            network,
        )
        explain = (
            "explain",
            network,
            "--methods",
            "ig2d:steps=8",
            "--out",
            self.root / "wide-maps",
            "--test",
            *range(8),
            "--threads",
            4,
        )
        roomy, tight = Measured(*explain, "--memory", "4G"), Measured(*explain, "--memory", "40M")
        self.assertEqual((roomy.code, tight.code), (0, 0), roomy.output + tight.output)
        self.assertLess(tight.memory, roomy.memory - (20 << 20))
        spikes = (
            "explain",
            self.runs["rate"],
            "--out",
            self.root / "rate-maps",
            "--test",
            *range(8),
            "--threads",
            4,
            "--memory",
            "20M",
        )
        nothing, gradients = (Measured(*spikes, "--methods", method) for method in ("input", "grad3d"))
        self.assertEqual((nothing.code, gradients.code), (0, 0), nothing.output + gradients.output)
        self.assertLess(gradients.memory, nothing.memory + (20 << 20))
        least = Measured(*explain, "--memory", "2M")
        self.assertEqual(least.code, 2, least.output)
        self.assertIn("MB", least.output)

    def test_memory_bounds_shares(self):
        """Of 64 x 48 x 48 neurons and 60 steps in each of two layers: potentials of one are 35 MB."""
        data, side, network = self.root / "larger", 48, self.root / "shares"
        data.mkdir()
        for part in ("train", "t10k"):
            pixels = [(7 * i * (i // side) + 31 * n) % 256 for n in range(3) for i in range(side * side)]
            (data / f"{part}-images-idx3-ubyte").write_bytes(idx_bytes([3, side, side], pixels))
            (data / f"{part}-labels-idx1-ubyte").write_bytes(idx_bytes([3], range(3)))
        shape = "--network 64C1-LIF-64C1-LIF-MP2-3F --steps 60 --threshold 0.2 --epochs 1".split()
        self.json_of("train", "--data", data, *shape, "--out", network)
        kept, peaks = [], []
        for memory, threads in (("4G", 2), ("128M", 1), ("128M", 2)):
            maps = self.root / f"share-maps-{memory}-{threads}"
            explain = ("explain", network, "--methods", "share", "--out", maps, "--test", 0)
            measured = Measured(*explain, "--memory", memory, "--threads", threads)
            self.assertEqual(measured.code, 0, measured.output)
            peaks.append(measured.memory)
            kept.append({path.name: path.read_bytes() for path in maps.rglob("*.npy")})
        self.assertTrue(kept[0])
        self.assertEqual(kept[0], kept[1])
        self.assertEqual(kept[0], kept[2])
        self.assertLess(max(peaks[1:]), peaks[0] - (20 << 20))
        nothing = Measured("explain", network, "--methods", "input", "--out", maps, "--test", 0, "--threads", 1)
        self.assertLess(max(peaks[1:]), nothing.memory + (128 << 20))
        least = Measured(*explain, "--memory", "80M")
        self.assertEqual(least.code, 2, least.output)
        self.assertIn("the shares of one sample take", least.output)


if __name__ == "__main__":
    del sys.argv[1]
    unittest.main(verbosity=2)
