#!/usr/bin/env python3
"""What is counted and measured: samples for which no class is predicted, inputs that hold nothing, maps that say
nothing, and completeness from each method's own baseline. On data made here, a part of which is black.

usage: test_measures.py PROGRAM
"""

import gzip
import json
import pathlib
import random
import shutil
import sys
import tempfile
import unittest

from small_data import CLASSES, SIDE, idx_bytes, picture, recording
from test_program import ProgramTest

BLACK = 7  # of the test images, and twice as many of the training images; all say class 0


def make_data(folder, train=240, test=60):
    folder.mkdir(parents=True)
    noise = random.Random(5)
    for name, count, black in (("train", train, 2 * BLACK), ("t10k", test, BLACK)):
        labels = [i % CLASSES for i in range(count)] + [0] * black
        pixels = [value for label in labels[:count] for value in picture(label, noise)] + [0] * (black * SIDE * SIDE)
        (folder / f"{name}-images-idx3-ubyte.gz").write_bytes(
            gzip.compress(idx_bytes([len(labels), SIDE, SIDE], pixels), mtime=0)
        )
        (folder / f"{name}-labels-idx1-ubyte").write_bytes(idx_bytes([len(labels)], labels))


class Measures(unittest.TestCase):
    call = staticmethod(ProgramTest.call)
    json_of = classmethod(ProgramTest.json_of.__func__)
    readout = ""

    @classmethod
    def setUpClass(cls):
        cls.root = pathlib.Path(tempfile.mkdtemp(prefix="spikelens-"))
        make_data(cls.root / "data")
        cls.run_dir = cls.root / "run"
        cls.train = cls.json_of(
            "train",
            "--data",
            cls.root / "data",
            "--network",
            "4C3-LIF-MP2-12F-LIF-3F" + cls.readout,
            "--steps",
            5,
            "--epochs",
            6,
            "--batch",
            20,
            "--learning-rate",
            0.2,
            "--no-bias",
            "--out",
            cls.run_dir,
        )

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.root)

    def words_of(self, *arguments):
        """What the call prints, without its line breaks."""
        done = self.call(*arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return " ".join(done.stdout.split())

    def scores(self, methods, *options):
        document = self.json_of("evaluate", self.run_dir, "--methods", methods, "--samples", 0, *options)
        return document, {m["method"]: {v["metric"]: v for v in m["metrics"]} for m in document["methods"]}


class IntegratingReadout(Measures):
    def test_black_images_are_undecided_and_wrong(self):
        self.assertEqual(self.train["test_undecided"], BLACK)
        self.assertEqual(self.train["test_silent"], BLACK)
        self.assertEqual(self.train["train_undecided"], 2 * BLACK)
        self.assertEqual(self.train["confusion_undecided"], [BLACK, 0, 0])
        self.assertEqual(sum(map(sum, self.train["confusion"])), 60)
        right = sum(self.train["confusion"][c][c] for c in range(CLASSES))
        self.assertAlmostEqual(self.train["test_accuracy"], right / (60 + BLACK))
        text = self.words_of(
            "train",
            "--data",
            self.root / "data",
            "--network",
            "4C3-LIF-3F",
            "--no-bias",
            "--epochs",
            1,
            "--out",
            self.root / "other",
        )
        self.assertIn(f"{BLACK} of {60 + BLACK} test samples are undecided", text)
        self.assertIn("counted as wrong", text)

    def test_undecided_samples_speak_for_no_class(self):
        interpret = self.json_of("interpret", self.run_dir, "--mu-max", 2, "--draws", 1)
        self.assertEqual(interpret["undecided"], 2 * BLACK)
        self.assertEqual(sum(c["predicted_samples"] for c in interpret["per_class"]), 240)
        self.assertIn(
            f"{2 * BLACK} of {240 + 2 * BLACK} training samples are undecided",
            self.words_of("interpret", self.run_dir, "--mu-max", 2, "--draws", 1),
        )

    def test_filters_are_ranked_and_silenced(self):
        interpret = self.json_of("interpret", self.run_dir, "--mu-max", 3, "--draws", 1)
        document = self.json_of("filters", self.run_dir, "--bootstraps", 3, "--train-samples", 120)
        selections = {selection["name"]: selection for selection in document["selections"]}
        self.assertEqual(
            set(selections),
            {
                "lasso",
                "standardised",
                "share",
                "gate",
                "gradient",
                "occlusion",
                "hybrid",
                "response",
                "random",
                "random, live",
            },
        )
        of_lasso = interpret["ablation"]["curve"]
        self.assertEqual([p["mu"] for p in selections["lasso"]["curve"]], [p["mu"] for p in of_lasso])
        for point, known in zip(selections["lasso"]["curve"], of_lasso):
            self.assertAlmostEqual(point["accuracy"], known["relevant_accuracy"], places=9)
        self.assertIsNone(selections["random"]["stability"])
        self.assertEqual(selections["random, live"]["area"], 0)
        for of_class in document["per_class"]:
            evidence = [one["evidence"]["share"] for one in of_class["filters"]]
            self.assertEqual(evidence, sorted(evidence, reverse=True))
        self.assertEqual(json.loads((self.run_dir / "filters.json").read_text())["selections"], document["selections"])
        self.assertNotEqual(self.call("filters", self.run_dir, "--draws", 0).returncode, 0)

    def test_masks_say_what_lies_inside(self):
        masks = self.root / "masks.idx"
        masks.write_bytes(
            idx_bytes(
                [60 + BLACK, SIDE, SIDE], [1 if x < 3 else 0 for _ in range((60 + BLACK) * SIDE) for x in range(SIDE)]
            )
        )
        _, by_name = self.scores("uniform,random", "--metrics", "energy_inside,pointing_game", "--masks", masks)
        for metric in ("energy_inside", "pointing_game"):
            self.assertAlmostEqual(by_name["uniform"][metric]["mean"], 3 / SIDE, places=6)
        self.assertAlmostEqual(by_name["random"]["energy_inside"]["mean"], 3 / SIDE, delta=0.05)
        before = (self.run_dir / "evaluate.json").read_bytes()
        masks.write_bytes(idx_bytes([60 + BLACK, SIDE, SIDE], [1] * ((60 + BLACK) * SIDE * SIDE)))
        refused = self.call(
            "evaluate", self.run_dir, "--methods", "uniform", "--metrics", "energy_inside", "--masks", masks
        )
        self.assertEqual(refused.returncode, 2)
        self.assertIn("everything inside", refused.stderr)
        self.assertNotIn("replaced", refused.stderr)
        self.assertEqual((self.run_dir / "evaluate.json").read_bytes(), before)
        masks.write_bytes(idx_bytes([60, SIDE, SIDE], [1] * (60 * SIDE * SIDE)))
        for options in (["--masks", masks], []):
            refused = self.call(
                "evaluate", self.run_dir, "--methods", "uniform", "--metrics", "energy_inside", *options
            )
            self.assertEqual(refused.returncode, 2)
            self.assertIn("masks", refused.stderr)

    def test_undecided_samples_are_left_out_of_curves(self):
        for coding in ([], ["--coding", "latency"]):
            document, by_name = self.scores("gate,input,random", *coding)
            self.assertEqual(document["samples"], 60 + BLACK)
            self.assertGreaterEqual(document["undecided"], BLACK)
            for metrics in by_name.values():
                for metric in ("insertion", "deletion"):
                    self.assertEqual(metrics[metric]["samples"], 60 + BLACK - document["undecided"])
        text = self.words_of("evaluate", self.run_dir, "--methods", "random", "--samples", 0)
        self.assertIn(f"{BLACK} of {60 + BLACK} samples are undecided", text)

    def test_completeness_is_from_each_methods_own_baseline(self):
        methods = (
            "ig2d:steps=8:baseline=blur,ig2d:steps=8,ig3d:steps=4:baseline=mean,gate,grad2d,"
            "ig2d:steps=8:view=absolute,random"
        )
        gaps = [
            self.scores(methods, "--metrics", "completeness", "--baseline", baseline) for baseline in ("black", "blur")
        ]
        for document, by_name in gaps:
            own = {m["method"]: m.get("completeness_baseline") for m in document["methods"]}
            self.assertEqual([name for name in own if own[name]], methods.split(",")[:3])
            self.assertEqual(list(own.values())[:3], ["blur", "black", "mean"])
            for name, metrics in by_name.items():
                self.assertEqual("completeness" in metrics, own[name] is not None, name)
        text = self.words_of(
            "evaluate", self.run_dir, "--methods", methods, "--metrics", "completeness", "--samples", 4
        )
        self.assertIn(
            "own baseline: ig2d:steps=8:baseline=blur blur, ig2d:steps=8 black, ig3d:steps=4:baseline=mean mean", text
        )
        self.assertNotIn("pixels a step", text)
        for name in methods.split(",")[:3]:
            self.assertEqual(gaps[0][1][name]["completeness"]["mean"], gaps[1][1][name]["completeness"]["mean"], name)

    def test_every_metric_of_images_is_its_own(self):
        metrics = ["insertion", "deletion", "sensitivity", "randomisation", "completeness"]
        document, by_name = self.scores("ig2d:steps=4", "--metrics", ",".join(metrics))
        values = [by_name["ig2d:steps=4"][metric]["mean"] for metric in metrics]
        self.assertEqual(len(set(values)), len(metrics), values)
        self.assertTrue(all(by_name["ig2d:steps=4"][metric]["curve"] for metric in ("insertion", "deletion")))

    def test_suites_name_methods_and_metrics_and_say_how_long_they_take(self):
        done = self.call("evaluate", self.run_dir, "--suite", "quick", "--samples", 6, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        document = json.loads(done.stdout)
        self.assertEqual(document["metrics"], ["insertion", "deletion", "sparseness"])
        methods = [method["method"] for method in document["methods"]]
        self.assertIn("gate", methods)
        self.assertIn("share", methods)
        self.assertRegex(
            " ".join(done.stderr.split()), r"quick: \d+ methods by 3 metrics on 6 samples, about \d+ seconds?"
        )
        again = self.call("evaluate", self.run_dir, "--suite", "quick", "--samples", 6)
        self.assertNotIn("about", again.stderr)  # all of it is measured
        named = self.json_of("evaluate", self.run_dir, "--suite", "standard", "--methods", "share,slrp", "--samples", 2)
        self.assertEqual([method["method"] for method in named["methods"]], ["share", "slrp"])
        self.assertIn("random_logit", named["metrics"])
        refused = self.call("evaluate", self.run_dir, "--suite", "quik")
        self.assertEqual(refused.returncode, 2)
        self.assertIn("did you mean 'quick'", refused.stderr)

    def test_suites_know_graphs(self):
        model, graph = self.root / "chain.safetensors", self.root / "graph"
        self.json_of("export", self.run_dir, "--out", model)
        imported = self.json_of(
            "import",
            model,
            "--network",
            "4C3b0-LIF-MP2-[|]add-12Fb0-LIF-3Fb0",
            "--neurons",
            "text",
            "--input",
            f"1,{SIDE},{SIDE}",
            "--steps",
            5,
            "--data",
            self.root / "data",
            "--out",
            graph,
        )
        self.assertIn("add", imported["network"]["text"])
        document = self.json_of("evaluate", graph, "--suite", "quick", "--samples", 2)
        self.assertIn("ig2d", [method["method"] for method in document["methods"]])
        self.assertNotIn("svebi", [method["method"] for method in document["methods"]], "it is not interpreted")

    def test_what_biases_and_lost_relevance_take_is_said(self):
        explained = self.json_of(
            "explain", self.run_dir, "--test", 1, "--methods", "share,sltrp,gate", "--out", self.root / "maps"
        )
        image = explained["images"][0]
        share, sltrp, gate = image["maps"]
        for map in (share, sltrp):
            total = map["sum"]["attributed"] + map["sum"]["bias"] + map["sum"]["lost"]
            self.assertAlmostEqual(total, map["sum"]["whole"], places=4)
        self.assertAlmostEqual(sltrp["sum"]["whole"], image["scores"][image["target"]], places=6)
        self.assertNotIn("sum", gate)
        when = image["when"]
        self.assertEqual((when["steps"], len(when["predicted"])), (5, 5))
        self.assertEqual(when["predicted"][-1], image["predicted"])
        self.assertTrue(1 <= when["decided"] <= 5)

    def test_maps_that_say_nothing_are_counted(self):
        document, _ = self.scores("sam:past=strict:gamma=1000000,uniform,input")
        methods = {method["method"]: method for method in document["methods"]}
        zero, uniform, shown = methods["sam:past=strict:gamma=1000000"], methods["uniform"], methods["input"]
        self.assertEqual(zero["zero_maps"], document["samples"] - document["undecided"])
        self.assertEqual(uniform["constant_maps"], document["samples"] - document["undecided"])
        self.assertEqual((shown["zero_maps"], shown["noise_maps"], shown["constant_maps"]), (0, 0, 0))
        text = self.words_of(
            "evaluate", self.run_dir, "--methods", "sam:past=strict:gamma=1000000,uniform,input", "--samples", 0
        )
        self.assertIn("sam:past=strict:gamma=1000000: of 60 maps 60 are zero", text)
        self.assertNotIn("uniform: of", text)


class CountingReadout(Measures):
    readout = "-LIF"

    def test_black_images_are_undecided_and_wrong(self):
        self.assertGreaterEqual(self.train["test_undecided"], BLACK)
        self.assertEqual(self.train["test_silent"], BLACK)
        counted = sum(map(sum, self.train["confusion"])) + sum(self.train["confusion_undecided"])
        self.assertEqual(counted, 60 + BLACK)
        document, by_name = self.scores("gate,random")
        self.assertEqual(document["undecided"], self.train["test_undecided"])


class SilentRecordings(unittest.TestCase):
    call = staticmethod(ProgramTest.call)
    json_of = classmethod(ProgramTest.json_of.__func__)

    def test_a_recording_without_events_is_undecided(self):
        with tempfile.TemporaryDirectory(prefix="spikelens-") as root:
            root, noise = pathlib.Path(root), random.Random(3)
            for split, count in (("train", 30), ("test", 10)):
                for i in range(count):
                    path = root / "data" / split / ("down" if i % 2 == 0 else "right")
                    path.mkdir(parents=True, exist_ok=True)
                    (path / f"{i:05}.bin").write_bytes(b"" if split == "test" and i == 4 else recording(i % 2, noise))
            train = self.json_of(
                "train",
                "--data",
                root / "data",
                "--binning",
                "12x5ms",
                "--network",
                "4C3-LIF-MP2-2F",
                "--no-bias",
                "--epochs",
                2,
                "--batch",
                10,
                "--out",
                root / "run",
            )
            self.assertEqual(train["test_silent"], 1)
            self.assertEqual(train["test_undecided"], 1)
            self.assertEqual(train["confusion_undecided"], [1, 0])
            evaluate = self.json_of("evaluate", root / "run", "--methods", "grad3d,input", "--samples", 0)
            self.assertEqual(evaluate["undecided"], 1)
            self.assertEqual(evaluate["methods"][0]["metrics"][0]["samples"], 9)


if __name__ == "__main__":
    del sys.argv[1]
    unittest.main(verbosity=2)
