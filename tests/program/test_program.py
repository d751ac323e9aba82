#!/usr/bin/env python3
"""Tries the program as a user would, on a small data set made here: the whole road, interruptions, bad input.

usage: test_program.py PROGRAM
"""

import gzip
import json
import os
import pathlib
import pty
import random
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import unittest

from small_data import SIDE, make_data, without_times

PROGRAM = str(pathlib.Path(sys.argv[1]).resolve())
NETWORK = "4C3-LIF-MP2-6C3-LIF-MP2-12F-LIF-3F"


class ProgramTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = pathlib.Path(tempfile.mkdtemp(prefix="spikelens-"))
        cls.data = cls.root / "data"
        make_data(cls.data)
        cls.run_dir = cls.root / "run"
        cls.train = cls.json_of(*cls.train_arguments(cls.run_dir))

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.root)

    @classmethod
    def train_arguments(cls, out):
        return [
            "train",
            "--data",
            str(cls.data),
            "--network",
            NETWORK,
            "--steps",
            "5",
            "--epochs",
            "12",
            "--batch",
            "20",
            "--learning-rate",
            "0.2",
            "--out",
            str(out),
        ]

    @staticmethod
    def call(*arguments, **options):
        return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=120, **options)

    @classmethod
    def json_of(cls, *arguments):
        done = cls.call(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def refused(self, *arguments, saying=()):
        """The call is bad input: exit code 2, one sentence, nothing on standard output."""
        done = self.call(*arguments)
        self.assertEqual(done.returncode, 2, f"{arguments}: {done.stderr}")
        self.assertEqual(done.stdout, "")
        last = done.stderr.strip().splitlines()[-1]
        self.assertTrue(last.startswith("spikelens: "), done.stderr)
        for word in saying:
            self.assertIn(word, last)
        return last

    def interpret(self, run):
        return self.json_of("interpret", run, "--mu-max", "6", "--draws", "2")

    def evaluate(self, run):
        return self.json_of("evaluate", run, "--methods", "svebi,grad2d,ig2d:steps=4,input,random", "--samples", "60")


class TheWholeRoad(ProgramTest):
    def test_learns_and_documents_itself(self):
        self.assertGreater(self.train["test_accuracy"], 0.8)
        self.assertEqual(self.train["train_samples"], 240)
        self.assertEqual(self.train["classes"], ["horizontal", "vertical", "diagonal"])
        self.assertEqual(sum(map(sum, self.train["confusion"])), 90)
        low, high = self.train["test_accuracy_ci95"]
        self.assertTrue(low <= self.train["test_accuracy"] <= high)
        written = json.loads((self.run_dir / "train.json").read_text())
        self.assertRegex(written.pop("checksum"), "^[0-9a-f]{64}$")
        self.assertEqual(written, self.train)

    def test_interprets_explains_evaluates_reports(self):
        interpret = self.interpret(self.run_dir)
        self.assertLessEqual(interpret["kkt_residual"], 1e-9)
        self.assertEqual(len(interpret["filters"]), 10)
        for of_class in interpret["per_class"]:
            for point in of_class["path"]:
                self.assertLessEqual(sum(f["weight"] for f in point["filters"]), point["mu"] * (1 + 1e-9))
                self.assertTrue(all(f["weight"] > 0 and f["layer"] in ("conv1", "conv2") for f in point["filters"]))
        self.assertEqual(len(interpret["ablation"]["curve"]), 6)

        out = self.root / "maps"
        explain = self.json_of(
            "explain", self.run_dir, "--test", "0", "7", "--method", "svebi", "--method", "ig2d:steps=4", "--out", out
        )
        self.assertEqual([image["label"] for image in explain["images"]], [0, 1])
        for image in explain["images"]:
            self.assertAlmostEqual(sum(image["probabilities"]), 1, places=5)
            for entry in image["maps"]:
                self.assertTrue((out / entry["map"]).read_bytes().startswith(b"\x89PNG"))
                self.assertTrue((out / entry["overlay"]).exists())
                self.assertTrue((out / entry["values"]).read_bytes().startswith(b"\x93NUMPY"))
        again = self.json_of(
            "explain", self.run_dir, out / "test00000.png", "--target", "vertical", "--out", self.root / "more"
        )
        self.assertEqual(again["images"][0]["target"], 1)

        evaluate = self.evaluate(self.run_dir)
        for method in evaluate["methods"]:
            self.assertGreaterEqual(method["seconds_per_explanation"], 0)
            for metric in method["metrics"]:
                self.assertEqual(metric["samples"], 60)
                self.assertTrue(metric["ci95"][0] <= metric["mean"] <= metric["ci95"][1])
                self.assertEqual(len(metric["curve"]), SIDE + 1)
        report = self.json_of("report", self.run_dir, "--images", "6")
        html = pathlib.Path(report["report"]).read_text()
        self.assertEqual(len(html.encode()), report["bytes"])
        self.assertIn("</html>", html)

    def test_inspect_methods_and_data(self):
        layers = self.json_of("inspect", self.run_dir)["layers"]
        self.assertEqual([layer["layer"] for layer in layers], ["conv1", "conv2", "full3", "full4"])
        self.assertEqual(self.json_of("inspect", self.run_dir / "model.safetensors")["network"]["text"], NETWORK)
        names = [method["method"] for method in self.json_of("methods")["methods"]]
        self.assertEqual(len(names), len(set(names)))
        self.assertEqual(self.json_of("data", "check", self.data)["train_samples"], 240)

    def test_same_bytes_for_any_number_of_threads(self):
        other = self.root / "one-thread"
        self.json_of(*self.train_arguments(other), "--threads", "1")
        self.assertEqual((other / "model.safetensors").read_bytes(), (self.run_dir / "model.safetensors").read_bytes())
        self.interpret(self.run_dir)
        self.json_of("interpret", other, "--mu-max", "6", "--draws", "2", "--threads", "1")
        evaluate = self.json_of(
            "evaluate",
            other,
            "--methods",
            "svebi,grad2d,ig2d:steps=4,input,random",
            "--samples",
            "60",
            "--threads",
            "1",
        )
        self.assertEqual(without_times(evaluate), without_times(self.evaluate(self.run_dir)))

    def test_progress_fits_a_terminal_of_80_columns(self):
        master, slave = pty.openpty()
        with subprocess.Popen(
            [PROGRAM, *self.train_arguments(self.root / "seen")], stderr=slave, stdout=subprocess.DEVNULL
        ) as process:
            os.close(slave)
            seen = b""
            while process.poll() is None or select.select([master], [], [], 0)[0]:
                if select.select([master], [], [], 0.1)[0]:
                    try:
                        seen += os.read(master, 65536)
                    except OSError:
                        break
        os.close(master)
        lines = [line.replace("\x1b[K", "") for line in seen.decode().replace("\n", "\r").split("\r")]
        self.assertTrue(any("[" in line and "%" in line for line in lines), lines)
        self.assertLess(max(len(line) for line in lines if "[" in line), 80)
        self.assertLessEqual(max(map(len, lines)), 80)
        ends = [line for line in lines if re.fullmatch(r"training, epoch 1 of \d+: \d+:\d\d", line)]
        self.assertEqual(len(ends), 1, lines)  # a line said within the task does not end it


class Interruptions(ProgramTest):
    def kill_until_done(self, arguments, seed):
        """Starts the command again and again, each time killed a little later at a random moment."""
        moments, allowance = random.Random(seed), 0.05
        for kills in range(200):
            with subprocess.Popen(
                [PROGRAM, *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            ) as process:
                try:
                    self.assertEqual(process.wait(timeout=moments.uniform(0, allowance)), 0)
                    return kills
                except subprocess.TimeoutExpired:
                    process.send_signal(signal.SIGKILL)
            allowance += 0.1
        self.fail("never finished")

    def test_killed_and_run_again_ends_in_the_same_results(self):
        other = self.root / "killed"
        interpret = ["interpret", other, "--mu-max", "6", "--draws", "2"]
        evaluate = ["evaluate", other, "--methods", "svebi,grad2d,ig2d:steps=4,input,random", "--samples", "60"]
        kills = sum(
            self.kill_until_done(arguments, seed)
            for seed, arguments in enumerate([self.train_arguments(other), interpret, evaluate])
        )
        self.assertGreater(kills, 3)
        self.assertEqual((other / "model.safetensors").read_bytes(), (self.run_dir / "model.safetensors").read_bytes())
        for command, expected in (
            ("interpret", self.interpret(self.run_dir)),
            ("evaluate", self.evaluate(self.run_dir)),
        ):
            self.assertEqual(
                without_times(json.loads((other / f"{command}.json").read_text())), without_times(expected)
            )
        self.assertEqual([str(path) for path in other.rglob("*.part")], [])


class BadInput(ProgramTest):
    def test_usage(self):
        self.refused("trian", saying=["'train'"])
        self.refused("train", "--epoch", "3", "--out", "x", saying=["'--epochs'"])
        self.refused("evaluate", self.run_dir, "--methods", "svebbi", saying=["svebi"])
        self.refused("evaluate", self.run_dir, "--methods", "ig2d:step=3", saying=["steps"])
        self.refused("train", "--epochs", "many", "--out", "x")
        self.refused("reproduce", "svebi-mnst", saying=["svebi-mnist"])
        self.refused("explain", self.run_dir, "--method", "input", "--test", "90", saying=["0 to 89"])
        self.refused("explain", self.run_dir, self.root / "none.png")
        self.refused("inspect", self.root / "nothing")
        self.refused(
            "train", "--network", "4C3-LIF-MP13-3F", "--data", self.data, "--out", self.root / "bad", saying=["stage"]
        )
        self.assertFalse((self.root / "bad").exists())

    def test_data_files(self):
        good = (self.data / "train-labels-idx1-ubyte").read_bytes()
        images = gzip.decompress((self.data / "train-images-idx3-ubyte.gz").read_bytes())
        broken = {
            "train-labels-idx1-ubyte": [
                good[:-1],
                good[:5],
                b"",
                b"\x00\x00\x0d\x01" + good[4:],
                good + b"\x00",
                good[:8] + bytes([9]) * 240,
            ],
            "train-images-idx3-ubyte.gz": [
                images[:-1],
                images[:4] + b"\xff" * 12 + images[16:],
                gzip.compress(images)[:-9],
                b"not a picture",
            ],
        }
        for name, versions in broken.items():
            for i, content in enumerate(versions):
                folder = self.root / f"broken-{name}-{i}"
                shutil.copytree(self.data, folder)
                (folder / name).write_bytes(content)
                out = self.root / f"out-{name}-{i}"
                self.refused("train", "--data", folder, "--network", NETWORK, "--out", out)
                self.assertFalse(out.exists())
        self.refused("train", "--data", self.root / "nowhere", "--out", self.root / "bad")

    def model_with(self, change):
        content = (self.run_dir / "model.safetensors").read_bytes()
        path = self.root / "changed.safetensors"
        path.write_bytes(change(content))
        return path

    def test_model_files(self):
        nan = struct.pack("<f", float("nan"))
        for change in (
            lambda b: b[:-1],
            lambda b: b[:20],
            lambda b: struct.pack("<Q", 1 << 62) + b[8:],
            lambda b: b[:-4] + nan,
            lambda b: b.replace(b'"shape":[4,1,3,3]', b'"shape":[4,3,1,3]', 1),
            lambda b: b"",
            lambda b: b[:9] + b"\xff" + b[10:],
        ):
            self.refused("inspect", self.model_with(change))

    def test_results_of_another_model(self):
        other = self.root / "other"
        shutil.copytree(self.run_dir, other)
        self.json_of("interpret", other, "--mu-max", "3", "--draws", "1")
        second = self.root / "second"
        self.json_of(*self.train_arguments(second), "--seed", "2")
        shutil.copy(second / "model.safetensors", other / "model.safetensors")
        self.refused("evaluate", other, "--methods", "svebi", saying=["is not the model that"])
        self.refused("report", other, saying=["is not the model that"])

    def test_other_options_in_the_same_run_directory(self):
        before = (self.run_dir / "model.safetensors").read_bytes()
        self.refused(*self.train_arguments(self.run_dir), "--momentum", "0.5", saying=["momentum"])
        self.assertEqual((self.run_dir / "model.safetensors").read_bytes(), before)


if __name__ == "__main__":
    del sys.argv[1]
    unittest.main(verbosity=2)
