#!/usr/bin/env python3
"""Tries the program as a user with a folder of photographs would, on pictures made here.

usage: test_pictures.py PROGRAM
"""

import json
import pathlib
import random
import shutil
import tempfile
import unittest

from small_data import picture, without_times
from test_program import ProgramTest

SIDE = 12
OPTIONS = ("--split", 0.75, "--resize", 12, "--crop", "12x10", "--mean", "imagenet", "--std", "imagenet")


def ppm(label, noise, larger=1):
    """A bar as in the other small data, in a colour of its own; `larger` times as large, so that it must be resized."""
    grey = picture(label, noise)
    colour = (255, 160 if label == 1 else 90, 60)
    pixels = [
        grey[y // larger * SIDE + x // larger] * part // 255
        for y in range(SIDE * larger)
        for x in range(SIDE * larger)
        for part in colour
    ]
    return f"P6 {SIDE * larger} {SIDE * larger} 255\n".encode() + bytes(pixels)


def make_pictures(folder, count=40):
    noise = random.Random(5)
    for label, name in enumerate(("horizontal", "vertical", "diagonal")):
        (folder / name).mkdir(parents=True)
        for i in range(count):
            (folder / name / f"{i:02}.ppm").write_bytes(ppm(label, noise, 1 + i % 2))


class Pictures(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = pathlib.Path(tempfile.mkdtemp(prefix="spikelens-"))
        cls.data = cls.root / "data"
        make_pictures(cls.data)
        cls.run_dir = cls.root / "run"
        cls.train = cls.trained(cls.run_dir)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.root)

    @classmethod
    def trained(cls, out, *more):
        return cls.json_of(
            "train",
            "--data",
            cls.data,
            *OPTIONS,
            "--network",
            "6C3-LIF-MP2-3F",
            "--steps",
            4,
            "--epochs",
            6,
            "--batch",
            15,
            "--learning-rate",
            0.1,
            "--out",
            out,
            *more,
        )

    call = staticmethod(ProgramTest.call)
    json_of = classmethod(ProgramTest.json_of.__func__)

    def refused(self, saying, *arguments):
        return ProgramTest.refused(self, *arguments, saying=(saying,))

    def test_the_whole_road(self):
        self.assertGreater(self.train["test_accuracy"], 0.6)
        self.assertEqual((self.train["train_samples"], self.train["test_samples"]), (90, 30))
        self.assertEqual(self.train["classes"], ["diagonal", "horizontal", "vertical"])
        self.assertEqual(self.train["network"]["input"], [3, 12, 10])
        data = json.loads((self.run_dir / "manifest.json").read_text())["data"]
        imagenet = {"mean": "0.485,0.456,0.406", "std": "0.229,0.224,0.225"}
        self.assertEqual(
            data["pictures"], {"resize": "12", "crop": "12x10", "split": "0.75", "split_seed": "0", **imagenet}
        )
        self.assertEqual(list(data["sha256"]), ["pictures"])
        self.json_of("interpret", self.run_dir, "--mu-max", 3, "--draws", 1)
        methods = "svebi,grad2d,ig2d:steps=4,gate,occlusion,input,random"
        document = self.json_of(
            "evaluate",
            self.run_dir,
            "--methods",
            methods,
            "--samples",
            8,
            "--metrics",
            "insertion,deletion,completeness",
        )
        by_name = {m["method"]: {v["metric"]: v for v in m["metrics"]} for m in document["methods"]}
        self.assertLess(by_name["gate"]["deletion"]["mean"], by_name["random"]["deletion"]["mean"])
        self.assertGreater(by_name["gate"]["insertion"]["mean"], by_name["random"]["insertion"]["mean"])
        report = self.json_of("report", self.run_dir, "--images", 4, "--methods", "svebi,grad2d")
        self.assertIn("diagonal", pathlib.Path(report["report"]).read_text())

    def test_the_photographs_of_the_paper_on_a_small_folder(self):
        out = self.root / "awa2"
        words = [
            "reproduce",
            "svebi-awa2",
            "--data",
            self.data,
            "--split",
            0.75,
            "--resize",
            "12x10",
            "--network",
            "6C3-LIF-MP2-4C3-LIF-3F",
            "--steps",
            4,
            "--epochs",
            6,
            "--batch",
            15,
            "--learning-rate",
            0.1,
            "--samples",
            9,
            "--out",
            out,
        ]
        document = self.json_of(*words)
        claims = {row["claim"]: row for row in document["claims"]}
        at = next(point for point in document["layer_distribution"] if point["mu"] == 20)
        conv1, conv2 = at.get("conv1", 0), at.get("conv2", 0)
        self.assertEqual(
            claims["most relevant filters are in the later half of the layers, Fig. 3c"]["measured"],
            f"{conv2} of {conv1 + conv2}, by layer {conv1} {conv2}",
        )
        for method in ("svebi", "grad2d", "ig2d"):
            for metric in ("insertion", "deletion"):
                metrics = next(m["metrics"] for m in document["evaluate"]["methods"] if m["method"] == method)
                score = next(v for v in metrics if v["metric"] == metric)
                low, high = score["ci95"]
                claim = claims[f"{metric} of {method}, Table 1"]
                self.assertEqual((claim["measured"], claim["ci95"]), (score["mean"], [low, high]))
        again = self.call(*words)
        self.assertIn("inserted into the blurred image and deleted to black", " ".join(again.stdout.split()))
        self.assertIn("Table 1", again.stdout)
        self.assertNotIn("replaced", again.stderr)
        report = pathlib.Path(document["report"]).read_text()
        self.assertIn("--insertion-baseline blur", report)
        # Each metric as an evaluation with its baseline alone has it.
        samples = ["--methods", "svebi,grad2d,ig2d,random", "--samples", 9]
        for metric, baseline in (("insertion", "blur"), ("deletion", "black")):
            alone = self.json_of("evaluate", out, *samples, "--metrics", metric, "--baseline", baseline)
            for method, both in zip(alone["methods"], document["evaluate"]["methods"]):
                self.assertEqual(method["metrics"], [v for v in both["metrics"] if v["metric"] == metric])

    def test_a_file_is_read_as_the_runs_pictures(self):
        """The first test picture, as its file, has the scores that it has in the data set."""
        first = self.json_of("explain", self.run_dir, "--test", 0, "--method", "grad2d", "--out", self.root / "one")[
            "images"
        ][0]
        paths = sorted(self.data.glob("*/*.ppm"))
        files = self.json_of("explain", self.run_dir, *paths, "--method", "grad2d", "--out", self.root / "two")[
            "images"
        ]
        same = [path for path, one in zip(paths, files) if one["scores"] == first["scores"]]
        self.assertGreaterEqual(len(same), 1)
        self.refused("read as they are", "explain", self.run_dir, same[0], "--background", "white")

    def test_threads_and_memory_change_nothing(self):
        for more in (("--threads", 1), ("--threads", 2, "--memory", "64M")):
            out = self.root / f"run{len(more)}"
            self.assertEqual(without_times(self.trained(out, *more)), without_times(self.train))
            self.assertEqual(
                (out / "model.safetensors").read_bytes(), (self.run_dir / "model.safetensors").read_bytes()
            )

    def test_the_command_in_the_manifest_makes_the_run_again(self):
        words = json.loads((self.run_dir / "manifest.json").read_text())["stages"]["train"]["command"]
        words[words.index("--out") + 1] = self.root / "again"
        self.json_of(*words)
        self.assertEqual(
            (self.root / "again" / "model.safetensors").read_bytes(), (self.run_dir / "model.safetensors").read_bytes()
        )

    def test_other_options_are_other_data(self):
        model = self.run_dir / "model.safetensors"
        for out, options in (("a", OPTIONS), ("b", OPTIONS[:-4])):
            self.json_of("import", model, "--data", self.data, *options, "--out", self.root / out)
        a, b = (json.loads((self.root / out / "train.json").read_text())["identity"] for out in "ab")
        self.assertEqual(a["data"], b["data"])
        self.assertNotEqual(a["pictures"], b["pictures"])

    def test_damaged_pictures(self):
        data = self.root / "damaged"
        shutil.copytree(self.data, data)
        for i in (3, 9, 27):
            whole = (data / "vertical" / f"{i:02}.ppm").read_bytes()
            (data / "vertical" / f"{i:02}.ppm").write_bytes(whole[: len(whole) // 2])
        self.refused("damaged pictures can be skipped", "data", "check", data, *OPTIONS)
        document = self.json_of("data", "check", data, *OPTIONS, "--damaged", "skip")
        self.assertEqual(document["train_samples"] + document["test_samples"], 117)
        for i in (3, 9, 27):
            self.assertEqual(sum(f"vertical/{i:02}.ppm" in sentence for sentence in document["damaged"]), 1)

    def test_bad_input(self):
        out = ("--out", self.root / "none")
        self.refused("a split is needed", "train", "--data", self.data, *out)
        self.refused("must be resized to one", "train", "--data", self.data, "--split", 0.5, *out)
        self.refused("needs values from 0 to 1", "train", "--data", self.data, *OPTIONS, "--coding", "rate", *out)
        self.refused("is for folders of pictures", "train", "--resize", 8, *out)
        self.refused("expected a height and width", "train", "--data", self.data, "--resize", "0x8", *out)
        self.refused(
            "binning is for event recordings", "train", "--data", self.data, *OPTIONS, "--binning", "2ms", *out
        )
        self.assertFalse((self.root / "none").exists())


if __name__ == "__main__":
    unittest.main(argv=["test_pictures.py"])
