#!/usr/bin/env python3
"""Tries what a run directory promises: a result belongs to its model, data and options or is not used; one writer at a
time; options are looked at before anything is computed or deleted; what is recorded makes the results again.
usage: test_run.py PROGRAM    (SPIKELENS_ROUNDS=50: rounds of two writers at once)
"""

import fcntl
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from small_data import CLASSES, SIDE, idx_bytes, make_recordings, picture, without_times
from test_program import NETWORK, PROGRAM

INTERPRET = ["--mu-max", "4", "--draws", "2"]
EVALUATE = ["--methods", "svebi,grad2d,input,random", "--samples", "20"]
ROUNDS = int(os.environ.get("SPIKELENS_ROUNDS", "4"))


def make_images(folder, seed, train=150, test=60):
    folder.mkdir(parents=True)
    noise = random.Random(seed)
    for name, count in (("train", train), ("t10k", test)):
        labels = [noise.randrange(CLASSES) for _ in range(count)]
        pixels = [value for label in labels for value in picture(label, noise)]
        (folder / f"{name}-images-idx3-ubyte").write_bytes(idx_bytes([count, SIDE, SIDE], pixels))
        (folder / f"{name}-labels-idx1-ubyte").write_bytes(idx_bytes([count], labels))
    (folder / "classes.txt").write_text("horizontal\nvertical\ndiagonal\n")


def contents(folder):
    """Every file of a run, but for the lock."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "run.lock"
    }


class RunTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = pathlib.Path(tempfile.mkdtemp(prefix="spikelens-"))
        make_images(cls.root / "a", 1)
        make_images(cls.root / "b", 2)
        cls.train(cls.root / "trained")
        cls.weights = cls.root / "trained" / "model.safetensors"
        cls.train(cls.root / "other", "--seed", "2")
        cls.other_weights = cls.root / "other" / "model.safetensors"

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.root)

    @staticmethod
    def call(*arguments, code=0, **options):
        done = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=240, **options)
        assert done.returncode == code, f"{arguments}: exit {done.returncode}\n{done.stderr}"
        return done

    @classmethod
    def train(cls, out, *options):
        return cls.call(
            "train",
            "--data",
            cls.root / "a",
            "--network",
            NETWORK,
            "--steps",
            "4",
            "--epochs",
            "15",
            "--batch",
            "15",
            "--learning-rate",
            "0.2",
            "--out",
            out,
            *options,
        )

    @classmethod
    def take(cls, out, *options, weights=None, data="a"):
        """A run of weights that were made elsewhere."""
        cls.call(
            "import",
            weights or cls.weights,
            "--network",
            NETWORK,
            "--input",
            f"1,{SIDE},{SIDE}",
            "--steps",
            "4",
            "--data",
            cls.root / data,
            "--out",
            out,
            *options,
        )

    @classmethod
    def interpret(cls, run, *options):
        return cls.call("interpret", run, *INTERPRET, *options, "--json")

    @classmethod
    def evaluate(cls, run, *options):
        return cls.call("evaluate", run, *(options or EVALUATE), "--json")

    def results(self, run):
        """All results of a run, without what the clock and the path decide."""
        found = {}
        for name in ("responses.h5", "visualisations.h5", "relevant.json", "ablation.json"):
            found[name] = (run / name).read_bytes()
        for name in ("train.json", "interpret.json", "evaluate.json"):
            document = without_times(json.loads((run / name).read_text()))
            found[name] = {key: value for key, value in document.items() if key not in ("out", "file", "options")}
        return found

    def new_run(self, name, *options, **named):
        run = self.root / name
        shutil.rmtree(run, ignore_errors=True)
        self.take(run, *options, **named)
        return run

    def refused(self, *arguments, saying=(), code=2):
        done = self.call(*arguments, code=code)
        self.assertEqual(done.stdout, "")
        last = done.stderr.strip().splitlines()[-1]
        self.assertTrue(last.startswith("spikelens: "), done.stderr)
        for word in saying:
            self.assertIn(word, last)
        return last


class Identity(RunTest):
    """A2: whatever a result depends on changes in the same directory, and the results are a fresh directory's."""

    def becomes(self, used, fresh):
        """`used` holds results of what it was before. None is served, all are made anew."""
        said = self.refused("evaluate", used, *EVALUATE, saying=["relevant.json", "spikelens interpret"])
        self.assertNotIn("\n", said)
        explain = self.call("explain", used, "--test", "1", "--json")
        self.assertIn("relevant.json", explain.stderr)
        self.assertNotIn("svebi", [entry["method"] for entry in json.loads(explain.stdout)["images"][0]["maps"]])
        report = self.call("report", used, "--images", "2")
        for name in ("interpret", "evaluate"):
            self.assertIn(f"left out: {used / name}.json", report.stderr)
            self.assertIn(f"spikelens {name} {used} again", report.stderr)
        interpreted = self.interpret(used)
        self.assertIn("made anew", interpreted.stderr)
        evaluated = self.evaluate(used)
        self.assertIn("is replaced", evaluated.stderr)
        self.interpret(fresh)
        self.evaluate(fresh)
        self.assertEqual(self.results(used), self.results(fresh))

    def fill(self, run):
        self.interpret(run)
        self.evaluate(run)

    def test_other_data(self):
        used = self.new_run("used-data")
        self.fill(used)
        self.take(used, data="b")
        self.becomes(used, self.new_run("fresh-data", data="b"))

    def test_another_coding(self):
        used = self.new_run("used-coding", "--coding", "rate")
        self.call("interpret", used, *INTERPRET)
        methods = ["--methods", "svebi,grad2d,random", "--samples", "20"]
        self.evaluate(used, *methods)
        for options in (
            ["--coding", "latency"],
            ["--coding", "latency", "--seed", "7"],
            ["--coding", "rate", "--seed", "7"],
            ["--coding", "rate", "--seed", "8"],
            [],
        ):
            self.take(used, *options)
            fresh = self.new_run("fresh-coding", *options)
            for run in (used, fresh):
                self.interpret(run)
                self.evaluate(run, *methods)
            self.assertEqual(self.results(used), self.results(fresh), options)

    def test_an_evaluation_of_the_coding_before_is_not_shown(self):
        for first, second in (([], ["--coding", "rate"]), (["--coding", "rate"], [])):
            run = self.new_run("report-coding", *first)
            self.evaluate(run, "--methods", "random,input", "--samples", "5")
            self.take(run, *second)
            done = self.call("report", run, "--images", "0")
            self.assertIn("evaluate.json", done.stderr)
            self.evaluate(run, "--methods", "random,input", "--samples", "5", "--coding", "rate")
            self.assertNotIn("evaluate.json", self.call("report", run, "--images", "0").stderr)

    def test_another_model(self):
        used = self.new_run("used-model")
        self.fill(used)
        self.take(used, weights=self.other_weights)
        self.becomes(used, self.new_run("fresh-model", weights=self.other_weights))

    def test_training_anew(self):
        used, fresh = self.root / "used-training", self.root / "fresh-training"
        self.train(used)
        self.fill(used)
        self.train(used, "--restart", "--seed", "5")
        self.train(fresh, "--seed", "5")
        self.becomes(used, fresh)

    def test_another_binning(self):
        make_recordings(self.root / "events", 20, 8)
        network = "4C3-LIF-SP2-8F-LIF-2F"
        first = self.root / "events-trained"
        self.call(
            "train",
            "--data",
            self.root / "events",
            "--network",
            network,
            "--binning",
            "5x12ms",
            "--epochs",
            "1",
            "--batch",
            "10",
            "--out",
            first,
        )
        weights = first / "model.safetensors"

        def take(out, binning):
            self.call(
                "import",
                weights,
                "--network",
                network,
                "--input",
                "2,34,34",
                "--data",
                self.root / "events",
                "--binning",
                binning,
                "--out",
                out,
            )
            return out

        used = take(self.root / "used-binning", "5x12ms")
        methods = ["--methods", "svebi,input,random", "--samples", "4", "--spike-steps", "4"]
        self.interpret(used)
        self.evaluate(used, *methods)
        for binning in ("5x10ms", "count=60"):
            take(used, binning)
            fresh = take(self.root / f"fresh-{binning}", binning)
            self.refused("evaluate", used, *methods, saying=["spikelens interpret"])
            for run in (used, fresh):
                self.interpret(run)
                self.evaluate(run, *methods)
            self.assertEqual(self.results(used), self.results(fresh), binning)

    def test_a_checkpoint_belongs_to_its_binning(self):
        make_recordings(self.root / "bins", 20, 8)
        arguments = [
            "train",
            "--data",
            self.root / "bins",
            "--network",
            "4C3-LIF-SP2-8F-LIF-2F",
            "--epochs",
            "1",
            "--batch",
            "10",
            "--out",
            self.root / "bins-run",
        ]
        self.call(*arguments, "--binning", "5x12ms")
        self.refused(*arguments, "--binning", "5x10ms", saying=["binning"])

    def test_filters_made_anew_are_other_filters(self):
        run = self.new_run("filters")
        self.interpret(run)
        before = json.loads(self.evaluate(run).stdout)
        self.interpret(run, "--mu", "0.1")
        report = self.call("report", run, "--images", "2")
        self.assertIn("svebi", report.stderr)
        self.assertIn("spikelens evaluate", report.stderr)
        again = json.loads(self.evaluate(run, "--methods", "svebi", "--samples", "20").stdout)
        fresh = self.new_run("fresh-filters")
        self.interpret(fresh, "--mu", "0.1")
        self.assertEqual(without_times(again), without_times(json.loads(self.evaluate(fresh).stdout)))
        of_svebi = [
            [m for m in document["methods"] if m["method"] == "svebi"][0]["metrics"][0]["mean"]
            for document in (before, again)
        ]
        self.assertNotEqual(*of_svebi)

    def test_what_is_still_valid_stays(self):
        run = self.new_run("valid")
        self.interpret(run)
        moments = lambda: {
            name: (run / name).stat().st_mtime_ns
            for name in ("responses.h5", "visualisations.h5", "relevant.json", "ablation.json")
        }
        first = moments()
        self.interpret(run)
        self.assertEqual(moments(), first)
        self.call("interpret", run, "--mu-max", "4", "--draws", "3")
        second = moments()
        self.assertEqual({name for name in first if first[name] != second[name]}, {"ablation.json"})
        self.call("interpret", run, "--mu-max", "5", "--draws", "3")
        third = moments()
        self.assertEqual({name for name in first if third[name] != second[name]}, {"relevant.json", "ablation.json"})
        self.take(run)  # the same network and data again
        self.call("interpret", run, "--mu-max", "5", "--draws", "3")
        self.assertEqual(moments(), third)


class Validation(RunTest):
    """B13: an impossible option costs nothing and deletes nothing."""

    def test_nothing_is_lost(self):
        run = self.new_run("kept")
        self.interpret(run)
        self.evaluate(run)
        before = contents(run)
        for options in (
            ["--draws", "0"],
            ["--draws", "-1"],
            ["--memory", "1K"],
            ["--train-samples", "-3"],
            ["--probe-samples", "-1"],
            ["--mu", "0"],
            ["--mu", "nan"],
            ["--mu-max", "0"],
            ["--mu-max", "1001"],
            ["--response", "l3"],
            ["--seed", "-1"],
            ["--seed", "99999999999999999999999"],
        ):
            self.refused("interpret", run, *options)
            self.assertEqual(contents(run), before, options)
        for options in (
            ["--samples", "-3"],
            ["--memory", "1K"],
            ["--step", "-1"],
            ["--step", "145"],
            ["--spike-steps", "0"],
            ["--baseline", "blak"],
            ["--methods", "svebbi"],
            ["--metrics", "insertions"],
            ["--coding", "rat"],
            ["--metrics", "spike_insertion"],
            ["--methods", "probe"],
            ["--metrics", "insertion,insertion"],
        ):
            self.refused("evaluate", run, *options)
            self.assertEqual(contents(run), before, options)

    def test_model_and_manifest_of_two_runs(self):
        """A kill between writing the model and the manifest."""
        run = self.new_run("killed")
        manifest = (run / "manifest.json").read_bytes()
        self.take(run, weights=self.other_weights)
        (run / "manifest.json").write_bytes(manifest)
        for command in (
            ["evaluate", run, "--methods", "random"],
            ["explain", run, "--test", "1"],
            ["export", run, "--out", self.root / "killed.nir"],
            ["inspect", run],
            ["interpret", run],
        ):
            self.refused(*command, saying=["model.safetensors is not the model that", "import it again"])
        self.take(run, weights=self.other_weights)
        self.call("evaluate", run, "--methods", "random", "--samples", "2")

    def test_our_own_model_tells_its_network(self):
        out = self.root / "own"
        done = self.call("import", self.weights, "--data", self.root / "a", "--out", out, "--json")
        self.assertEqual((out / "model.safetensors").read_bytes(), self.weights.read_bytes())
        self.assertEqual(
            json.loads(done.stdout)["fingerprint"],
            json.loads((self.root / "trained" / "train.json").read_text())["fingerprint"],
        )
        self.refused(
            "import",
            self.weights,
            "--out",
            self.root / "own.safetensors",
            "--steps",
            "9",
            saying=["steps", "tells its network itself"],
        )

    def test_more_samples_than_there_are(self):
        run = self.new_run("many")
        done = self.call("interpret", run, *INTERPRET, "--train-samples", "99999999")
        self.assertRegex(done.stderr, r"the training set has \d+ samples, fewer than 99,999,999: all are used")
        self.assertNotIn("asked for", self.call("interpret", run, *INTERPRET).stderr)

    def test_before_anything_is_computed(self):
        for options in (
            ["--train-samples", "-5"],
            ["--epochs", "-1"],
            ["--batch", "0"],
            ["--memory", "1K"],
            ["--learning-rate", "nan"],
            ["--steps", "0"],
            ["--seed", "-1"],
        ):
            out = self.root / "never"
            done = self.call("train", "--data", self.root / "a", "--network", NETWORK, "--out", out, *options, code=2)
            self.assertNotRegex(done.stderr, r"epoch \d", options)
            self.assertFalse((out / "checkpoint.safetensors").exists(), options)
        for command in (
            ["reproduce", "svebi-mnist", "--samples", "-5"],
            ["reproduce", "bitar-nmnist", "--train-samples", "-2"],
            ["inspect", self.root / "trained", "--samples", "-3"],
            ["codings", "--out", self.root / "c", "--data", self.root / "a", "--samples", "-1"],
            ["codings", "--out", self.root / "c", "--data", self.root / "a", "--train-samples", "-1"],
            ["codings", "--out", self.root / "c", "--data", self.root / "a", "--methods", "svebi"],
            ["codings", "--out", self.root / "c", "--data", self.root / "a", "--methods", "grad9d"],
            ["codings", "--out", self.root / "c", "--data", self.root / "a", "--codings", "direct"],
            ["codings", "--out", self.root / "c", "--data", self.root / "a", "--share", "0"],
            [
                "import",
                self.weights,
                "--out",
                self.root / "i",
                "--network",
                NETWORK,
                "--input",
                "1,12,12",
                "--data",
                self.root / "a",
                "--steps",
                "-4",
            ],
            [
                "import",
                self.weights,
                "--out",
                self.root / "i",
                "--network",
                NETWORK,
                "--input",
                "1,12,12",
                "--data",
                self.root / "a",
                "--memory",
                "1K",
            ],
        ):
            self.refused(*command)
        self.assertFalse((self.root / "c").exists())
        self.assertFalse((self.root / "i").exists())

    def test_a_file_in_place_of_a_folder(self):
        file = self.root / "a-file"
        file.write_text("mine")
        for command in (
            ["train", "--data", self.root / "a", "--network", NETWORK, "--out", file],
            ["codings", "--data", self.root / "a", "--out", file],
            [
                "import",
                self.weights,
                "--out",
                file,
                "--network",
                NETWORK,
                "--input",
                "1,12,12",
                "--steps",
                "4",
                "--data",
                self.root / "a",
            ],
        ):
            self.refused(*command, saying=[str(file)])
            self.assertEqual(file.read_text(), "mine")

    def test_wrong_types_in_documents(self):
        run = self.new_run("typed")
        self.interpret(run)
        self.evaluate(run)
        changes = {
            "manifest.json": [
                ("seed", "one"),
                ("seed", -1),
                ("data", 5),
                ("data", {"name": 1}),
                ("options", []),
                ("options", {"surrogate": 3}),
                ("options", {"surrogate": "atn"}),
                ("stages", 7),
                ("stages", {"train": {"command": 1}}),
                ("data", {"name": "a", "source": str(self.root / "a"), "sha256": []}),
                ("data", {"name": "a", "source": str(self.root / "a"), "sha256": {}, "coding": 9}),
                ("data", {"name": "a", "source": str(self.root / "a"), "sha256": {}, "binning": "?"}),
            ],
            "evaluate.json": [
                ("methods", 3),
                ("methods", [7]),
                ("methods", [{"method": 3}]),
                ("metrics", {}),
                ("fingerprint", 1),
                ("identity", []),
                ("identity", {"coding": 4}),
            ],
        }
        for name, list_of_changes in changes.items():
            good = (run / name).read_text()
            for key, value in list_of_changes:
                document = json.loads(good)
                del document["checksum"]
                document[key] = value
                (run / name).write_text(json.dumps(document))
                for command in (
                    [["interpret", run], ["explain", run, "--test", "0"]] if name == "manifest.json" else []
                ) + [["evaluate", run, *EVALUATE], ["report", run]]:
                    self.refused(*command, saying=[str(run / name)])
            (run / name).write_text("[]")
            self.refused("report", run, saying=[str(run / name)])
            (run / name).write_text(good)


class Merging(RunTest):
    """B14: evaluate.json keeps what was measured by the same protocol, and says what goes."""

    def test_methods_and_metrics_join(self):
        run, fresh = self.new_run("merged"), self.new_run("at-once")
        for options in (
            ["--methods", "grad2d,input", "--metrics", "insertion"],
            ["--methods", "random", "--metrics", "insertion,deletion"],
            ["--methods", "grad2d,input", "--metrics", "deletion"],
        ):
            self.evaluate(run, *options, "--samples", "20")
        self.evaluate(fresh, "--methods", "grad2d,input,random", "--metrics", "insertion,deletion", "--samples", "20")
        documents = [without_times(json.loads((folder / "evaluate.json").read_text())) for folder in (run, fresh)]
        self.assertEqual(*documents)
        self.assertEqual(len(documents[0]["differences"]), 6)
        before = contents(run / "evaluate")
        self.evaluate(run, "--methods", "random", "--samples", "20")
        self.assertEqual(contents(run / "evaluate"), before)
        for name in ("seed", "samples", "baseline"):
            done = self.evaluate(
                run,
                "--methods",
                "random",
                *{
                    "seed": ["--samples", "20", "--seed", "3"],
                    "samples": ["--samples", "10"],
                    "baseline": ["--samples", "20", "--baseline", "mean"],
                }[name],
            )
            self.assertEqual([method["method"] for method in json.loads(done.stdout)["methods"]], ["random"])
            lines = [line for line in done.stderr.splitlines() if "is replaced" in line]
            self.assertEqual(len(lines), 1, done.stderr)
            self.assertIn("random", lines[0])

    def test_what_goes_is_named(self):
        run = self.new_run("named")
        self.evaluate(run, "--methods", "grad2d,input", "--samples", "20")
        said = self.evaluate(run, "--methods", "random", "--samples", "21").stderr
        for word in ("grad2d", "input", "samples 20, not 21"):
            self.assertIn(word, said)

    def test_scores_of_another_protocol_go_and_are_named(self):
        run = self.new_run("protocols")
        self.evaluate(run, "--methods", "grad2d,input", "--samples", "20")
        said = self.evaluate(run, "--methods", "input", "--samples", "21").stderr
        self.assertIn("grad2d.h5", said)
        self.assertEqual(sorted(path.name for path in (run / "evaluate").iterdir()), ["input.h5"])
        same = self.evaluate(run, "--methods", "input", "--samples", "21", "--insertion-baseline", "black")
        self.assertNotIn("removed", same.stderr)  # black is the baseline of all
        self.assertNotIn("insertion_baseline", json.loads(same.stdout)["identity"])

    def test_what_is_asked_for_is_a_method_once_and_samples_that_exist(self):
        run = self.new_run("asked")
        self.refused("evaluate", run, "--methods", "", saying=["--methods is empty"])
        self.refused(
            "evaluate",
            run,
            "--methods",
            "input",
            "--metrics",
            "deletion",
            "--insertion-baseline",
            "blur",
            saying=["--insertion-baseline", "insertion is not measured"],
        )
        self.refused("evaluate", run, "--metrics", ",", saying=["names no metric"])
        self.refused("evaluate", run, "--methods", "ig2d,ig2d:steps=32:view=natural", saying=["the same as 'ig2d'"])
        for method in ("ig2d", "ig2d:steps=32"):  # the second is there by another name
            evaluated = self.evaluate(run, "--methods", method, "--samples", "20000")
            self.assertIn("fewer than 20,000", evaluated.stderr)
            self.assertEqual([method["method"] for method in json.loads(evaluated.stdout)["methods"]], ["ig2d"])


class Records(RunTest):
    """A10: what the manifest records of each stage makes its results again."""

    def again(self, run, other):
        """Runs what is recorded in a new directory."""
        stages = json.loads((run / "manifest.json").read_text())["stages"]
        for stage in ("train", "import", "interpret", "evaluate"):
            for record in stages.get(stage, []) if stage == "evaluate" else [stages[stage]] if stage in stages else []:
                self.assertEqual(record["command"][0], stage)
                self.call(*[str(other) if word == str(run) else word for word in record["command"]])
        self.assertEqual(self.results(run), self.results(other))
        self.assertEqual(
            json.loads((other / "manifest.json").read_text())["options"],
            json.loads((run / "manifest.json").read_text())["options"],
        )

    def test_unusual_options(self):
        run = self.root / "recorded"
        self.call(
            "train",
            "--data",
            self.root / "a",
            "--network",
            NETWORK,
            "--steps",
            "3",
            "--epochs",
            "2",
            "--batch",
            "20",
            "--learning-rate",
            "0.15",
            "--momentum",
            "0.85",
            "--weight-decay",
            "1e-4",
            "--clip-norm",
            "5",
            "--surrogate",
            "atan(2)",
            "--beta",
            "0.9",
            "--threshold",
            "0.8",
            "--reset",
            "zero",
            "--delay",
            "--no-bias",
            "--train-samples",
            "70",
            "--coding",
            "rate",
            "--out",
            run,
            "--seed",
            "11",
            "--threads",
            "1",
        )
        self.call(
            "interpret",
            run,
            "--mu",
            "2.5",
            "--mu-max",
            "3",
            "--response",
            "l2",
            "--signed",
            "--draws",
            "3",
            "--train-samples",
            "60",
            "--seed",
            "4",
        )
        self.evaluate(
            run,
            "--method",
            "svebi",
            "--method",
            "sam,random",
            "--samples",
            "15",
            "--baseline",
            "mean",
            "--step",
            "9",
            "--seed",
            "6",
        )
        self.evaluate(
            run,
            "--methods",
            "grad2d",
            "--metrics",
            "deletion,randomisation",
            "--samples",
            "15",
            "--baseline",
            "mean",
            "--step",
            "9",
            "--seed",
            "6",
        )
        self.again(run, self.root / "recorded-again")

    def test_imported(self):
        run = self.new_run(
            "recorded-import", "--coding", "latency", "--match", "order", "--surrogate", "triangle", "--seed", "3"
        )
        self.interpret(run)
        self.evaluate(run)
        self.again(run, self.root / "import-again")

    def test_another_training_forgets_the_stages_of_the_first(self):
        run = self.new_run("forgotten")
        self.interpret(run)
        self.take(run)
        self.assertIn("interpret", json.loads((run / "manifest.json").read_text())["stages"])
        self.take(run, data="b")
        self.assertEqual(list(json.loads((run / "manifest.json").read_text())["stages"]), ["import"])


class TrainingLibrary(RunTest):
    def test_one_of_another_build_is_refused(self):
        [own] = pathlib.Path(PROGRAM).resolve().parent.glob("libspikelens_train-*.so")
        stamp = re.search(rb"\0([0-9a-f]{64})\0", own.read_bytes()).group(1)
        folder = self.root / "libraries"
        folder.mkdir()
        (folder / own.name).write_bytes(own.read_bytes().replace(stamp, stamp[::-1]))
        done = subprocess.run(
            [PROGRAM, "train", "--data", self.root / "a", "--network", NETWORK, "--out", self.root / "never"],
            capture_output=True,
            text=True,
            env={**os.environ, "LD_LIBRARY_PATH": str(folder)},
        )
        self.assertEqual(done.returncode, 1, done)
        for word in (str(folder / own.name), "belongs to another build of Spikelens"):
            self.assertIn(word, done.stderr)


class Writers(RunTest):
    """A3: one writer at a time; who only reads needs no lock."""

    def test_a_second_writer_waits_or_is_refused(self):
        run = self.new_run("locked")
        with open(run / "run.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for command in (
                ["interpret", run],
                ["evaluate", run],
                ["report", run],
                ["explain", run, "--test", "0"],
                [
                    "import",
                    self.weights,
                    "--network",
                    NETWORK,
                    "--input",
                    f"1,{SIDE},{SIDE}",
                    "--steps",
                    "4",
                    "--data",
                    self.root / "a",
                    "--out",
                    run,
                ],
            ):
                said = self.refused(*command, "--no-wait", saying=["another process", str(run)], code=1)
                self.assertNotIn("waiting", said)
            with subprocess.Popen(
                [PROGRAM, "interpret", str(run), *INTERPRET], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            ) as waiting:
                line = waiting.stderr.readline()
                self.assertIn("waiting", line)
                self.assertFalse((run / "interpret.json").exists())
                self.assertIsNone(waiting.poll())
                fcntl.flock(lock, fcntl.LOCK_UN)
                _, said = waiting.communicate(timeout=120)
                self.assertEqual(waiting.returncode, 0, said)
                self.assertNotIn("waiting", said)
        self.assertTrue((run / "interpret.json").exists())

    def test_readers_need_no_lock_and_leave_nothing(self):
        run = self.new_run("read")
        (run / "run.lock").unlink()
        before = contents(run)
        outside = self.root / "outside"
        for command in (
            ["inspect", run],
            ["export", run, "--out", outside / "m.safetensors"],
            ["explain", run, "--test", "0", "--method", "input", "--out", outside / "maps"],
            ["report", run, "--images", "2", "--out", outside / "r.html"],
        ):
            outside.mkdir(exist_ok=True)
            self.call(*command)
            self.assertEqual(contents(run), before)
            self.assertFalse((run / "run.lock").exists())

    def test_no_lock_in_a_folder_that_is_no_run(self):
        folder = self.root / "no-run"
        folder.mkdir()
        for command in ("interpret", "evaluate", "report"):
            self.refused(command, folder)
        self.assertEqual(list(folder.iterdir()), [])

    def test_two_writers_at_once(self):
        for i in range(ROUNDS):
            run, fresh = self.new_run(f"two-{i}"), self.new_run(f"one-{i}")
            commands = [
                ["interpret", run, *INTERPRET],
                ["interpret", run, *INTERPRET],
                ["evaluate", run, "--methods", "grad2d,input,random", "--samples", "20"],
                ["evaluate", run, "--methods", "random,input", "--samples", "20"],
            ]
            chosen = [commands[j] for j in random.Random(i).sample(range(4), 2)]
            processes = [
                subprocess.Popen(
                    [PROGRAM, *map(str, command)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
                )
                for command in chosen
            ]
            for process in processes:
                _, said = process.communicate(timeout=240)
                self.assertEqual(process.returncode, 0, said)
            for folder in (run, fresh):
                self.interpret(folder)
                self.evaluate(folder, "--methods", "grad2d,input,random", "--samples", "20")
            both = [self.results(folder) for folder in (run, fresh)]
            for results in both:
                for part in ("methods", "differences"):
                    results["evaluate.json"][part] = (
                        sorted((json.dumps(entry, sort_keys=True) for entry in results["evaluate.json"][part]), key=str)
                        if part == "methods"
                        else None
                    )
            self.assertEqual(*both)
            self.assertEqual([str(path) for path in run.rglob("*.part*")], [])
            shutil.rmtree(run)
            shutil.rmtree(fresh)


if __name__ == "__main__":
    del sys.argv[1]
    unittest.main(verbosity=2)
