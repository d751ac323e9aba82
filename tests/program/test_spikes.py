#!/usr/bin/env python3
"""Tries the program as a user with event recordings, coded images and networks from elsewhere would, on data made here.

usage: test_spikes.py PROGRAM
"""

import json
import os
import pathlib
import shutil
import sys
import tempfile
import unittest

from small_data import make_recordings
from test_program import ProgramTest


class Recordings(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = pathlib.Path(tempfile.mkdtemp(prefix="spikelens-"))
        make_recordings(cls.root / "data")
        cls.run_dir = cls.root / "run"
        cls.train = cls.json_of(
            "train",
            "--data",
            cls.root / "data",
            "--binning",
            "12x5ms",
            "--network",
            "6C3-LIF(beta=0.8)-MP2-8F-LIF-2F",
            "--epochs",
            15,
            "--batch",
            10,
            "--learning-rate",
            0.1,
            "--out",
            cls.run_dir,
        )

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.root)

    call = staticmethod(ProgramTest.call)
    json_of = classmethod(ProgramTest.json_of.__func__)
    refused = ProgramTest.refused

    def test_the_whole_road(self):
        self.assertGreater(self.train["test_accuracy"], 0.8)
        self.assertEqual(self.train["network"]["steps"], 12)
        self.assertEqual(self.train["classes"], ["down", "right"])
        self.json_of("interpret", self.run_dir, "--mu-max", "3", "--draws", "1")
        methods = "svebi,grad2d,grad3d,ig3d:steps=4,gradcam,tsa_s,gate3d,spike_occlusion:group=4,random"
        document = self.json_of(
            "evaluate",
            self.run_dir,
            "--methods",
            methods,
            "--samples",
            8,
            "--metrics",
            "spike_insertion,spike_deletion,sensitivity,randomisation,completeness",
        )
        self.assertEqual(document["input"], "recordings")
        by_name = {m["method"]: {v["metric"]: v for v in m["metrics"]} for m in document["methods"]}
        self.assertEqual(set(by_name), set(methods.split(",")))
        self.assertLess(
            by_name["spike_occlusion:group=4"]["spike_deletion"]["mean"], by_name["random"]["spike_deletion"]["mean"]
        )
        self.assertIn("completeness", by_name["ig3d:steps=4"])
        self.assertNotIn("completeness", by_name["random"])
        self.assertEqual(by_name["random"]["randomisation"]["mean"], 1.0)
        self.assertEqual(
            document,
            self.json_of(
                "evaluate",
                self.run_dir,
                "--methods",
                methods,
                "--samples",
                8,
                "--metrics",
                "spike_insertion,spike_deletion,sensitivity,randomisation,completeness",
            ),
        )
        one = self.json_of(
            "explain", self.run_dir, self.root / "data" / "test" / "down" / "00000.bin", "--method", "grad3d"
        )
        files = one["images"][0]["maps"][0]
        for name in ("map", "overlay", "values", "windows", "space_time"):
            self.assertTrue((self.run_dir / "explain" / files[name]).stat().st_size > 0, name)
        report = self.json_of("report", self.run_dir, "--images", "4")
        self.assertIn("recordings", pathlib.Path(report["report"]).read_text())

    def test_bad_input(self):
        broken = self.root / "broken.bin"
        broken.write_bytes(b"1234567")
        self.refused("explain", self.run_dir, broken, "--method", "grad3d", saying=["broken.bin"])
        self.refused("explain", self.run_dir, "--test", "0", "--method", "lime:segments=0", saying=["segments"])
        self.refused(
            "evaluate", self.run_dir, "--metrics", "insertion", "--methods", "random", saying=["spike_insertion"]
        )
        self.refused(
            "evaluate", self.run_dir, "--metrics", "spike_deletions", "--methods", "random", saying=["spike_deletion"]
        )
        self.refused("evaluate", self.run_dir, "--methods", "probe", saying=["probe", "images"])
        self.refused(
            "train",
            "--data",
            self.root / "data",
            "--binning",
            "5parsecs",
            "--out",
            self.root / "no",
            saying=["5parsecs"],
        )
        self.refused(
            "train", "--data", self.root / "data", "--coding", "rate", "--out", self.root / "no", saying=["recordings"]
        )

    def test_a_network_there_and_back(self):
        """safetensors and NIR give the network back to the bit, and the same run."""
        fingerprint = self.train["fingerprint"]
        exported = self.root / "weights.safetensors"
        self.assertEqual(self.json_of("export", self.run_dir, "--out", exported)["fingerprint"], fingerprint)
        text = [
            "--network",
            self.train["network"]["text"],
            "--input",
            ",".join(map(str, self.train["network"]["input"])),
        ]
        own = self.json_of("import", exported, "--out", self.root / "x.safetensors")
        self.assertEqual(own["fingerprint"], fingerprint)
        self.refused("import", exported, *text, "--out", self.root / "folder", saying=["data set"])
        again = self.json_of(
            "import", exported, *text, "--data", self.root / "data", "--binning", "12x5ms", "--out", self.root / "again"
        )
        self.assertEqual(again["fingerprint"], fingerprint)
        self.assertEqual(again["test_accuracy"], self.train["test_accuracy"])
        self.refused(
            "export", self.run_dir, "--out", self.root / "max.nir", saying=["conv1"]
        )  # NIR has no word for max-pooling
        nirs = self.root / "nirs"
        self.json_of(
            "train",
            "--data",
            self.root / "data",
            "--binning",
            "12x5ms",
            "--network",
            "4C3-LIF(beta=0.75,reset=zero)-SP2-2F",
            "--epochs",
            1,
            "--batch",
            10,
            "--out",
            nirs,
        )
        graph = self.json_of("export", nirs, "--out", self.root / "there.nir")
        back = self.json_of("import", self.root / "there.nir", "--steps", 12, "--out", self.root / "back.safetensors")
        self.assertEqual(back["network"]["text"], graph["network"]["text"])
        self.json_of(
            "import",
            self.root / "there.nir",
            "--data",
            self.root / "data",
            "--binning",
            "12x5ms",
            "--out",
            self.root / "back",
        )
        self.assertEqual(
            *(json.loads((run / "train.json").read_text())["fingerprint"] for run in (nirs, self.root / "back"))
        )
        self.refused(
            "import", self.root / "data" / "test" / "down" / "00000.bin", *text, "--out", self.root / "y.safetensors"
        )


class Codings(ProgramTest):
    def test_the_study(self):
        document = self.json_of(
            "codings",
            "--data",
            self.data,
            "--network",
            "4C3-LIF-MP2-8F-LIF-3F",
            "--codings",
            "direct",
            "rate",
            "latency(log)",
            "--train-samples",
            120,
            "--samples",
            12,
            "--epochs",
            3,
            "--steps",
            6,
            "--methods",
            "grad2d,gate,input",
            "--out",
            self.root / "codings",
        )
        self.assertEqual([c["coding"] for c in document["codings"]], ["direct", "rate", "latency(log)"])
        pairs = {(o["method"], o["a"], o["b"]): o["overlap"] for o in document["overlaps"]}
        self.assertEqual(len(pairs), 3 * 6)
        self.assertTrue(all(0 <= value <= 1 for value in pairs.values()))
        self.assertIn(("gate", "direct", "direct, other seed"), pairs)
        again = self.json_of(
            "codings",
            "--data",
            self.data,
            "--network",
            "4C3-LIF-MP2-8F-LIF-3F",
            "--codings",
            "direct,rate",
            "latency(log,tau=5)",
            "--train-samples",
            120,
            "--samples",
            12,
            "--epochs",
            3,
            "--steps",
            6,
            "--methods",
            "grad2d,gate,input",
            "--out",
            self.root / "codings",
        )
        self.assertEqual(again["overlaps"], document["overlaps"])
        self.refused(
            "codings",
            "--data",
            self.data,
            "--codings",
            "rate,latency(log,tau=3",
            "--out",
            self.root / "no",
            saying=["latency(log,tau=3"],
        )
        self.refused(
            "codings", "--data", self.data, "--codings", "rate", "morse", "--out", self.root / "no", saying=["morse"]
        )
        self.refused("codings", "--data", self.data, "--codings", "rate", "--out", self.root / "no", saying=["two"])

    def test_the_paper_over_seeds(self):
        """Each seed by itself says what a call with that seed alone says, and all say together how often it holds. The
        control of each takes the seed after it."""
        place = {**os.environ, "SPIKELENS_DATA": str(self.root / "known")}
        (self.root / "known").mkdir()
        shutil.copytree(self.data, self.root / "known" / "fashion-mnist")

        def study(out, *more):
            words = ["--train-samples", 60, "--samples", 8, "--out", self.root / out, *more, "--json"]
            done = self.call("reproduce", "coding-fashion", *words, env=place)
            self.assertEqual(done.returncode, 0, done.stderr)
            return json.loads(done.stdout)

        both, second = study("both", "--seeds", 2), study("second", "--seed", 3)
        self.assertEqual([seed["seed"] for seed in both["seeds"]], [1, 3])
        self.assertEqual([seed["run"] for seed in both["seeds"]], [str(self.root / n) for n in ("both", "both-seed3")])
        self.assertEqual(both["seeds"][1]["claims"], second["claims"])
        self.assertEqual(second["seeds"], [])
        for i, claim in enumerate(both["claims"]):
            verdicts = [seed["claims"][i]["held"] for seed in both["seeds"]]
            self.assertEqual(claim["measured"], f"{verdicts.count(True)} of 2 seeds")
            self.assertEqual(claim["held"], verdicts[0] if verdicts[0] == verdicts[1] else None)
        self.assertEqual(len(both["claims"]), 2 * 5 + 2 * 4)


if __name__ == "__main__":
    del sys.argv[1]
    unittest.main(verbosity=2)
