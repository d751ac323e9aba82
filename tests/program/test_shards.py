#!/usr/bin/env python3
"""Computes the shards of a run at once, kills one of them, and compares what merge makes of them with one process.

usage: test_shards.py PROGRAM
"""

import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from small_data import make_data, without_times
from test_program import ProgramTest


class Shards(unittest.TestCase):
    call = staticmethod(ProgramTest.call)
    json_of = classmethod(ProgramTest.json_of.__func__)
    interpret = ("--response", "l2")
    evaluate = ("--methods", "svebi,gate,random", "--samples", 0, "--metrics", "insertion,complexity")

    @classmethod
    def setUpClass(cls):
        cls.root = pathlib.Path(tempfile.mkdtemp(prefix="spikelens-"))
        make_data(cls.root / "data", train=4200, test=40)  # three blocks of responses
        cls.one = cls.root / "one"
        cls.json_of(
            "train",
            "--data",
            cls.root / "data",
            "--network",
            "3C3-LIF-MP2-3F",
            "--steps",
            3,
            "--epochs",
            1,
            "--train-samples",
            200,
            "--out",
            cls.one,
        )
        cls.clean = cls.root / "clean"
        shutil.copytree(cls.one, cls.clean)
        cls.interpreted = cls.json_of("interpret", cls.one, "--mu-max", 3, "--draws", 1, *cls.interpret)
        cls.evaluated = cls.json_of("evaluate", cls.one, *cls.evaluate)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.root)

    def start(self, *arguments):
        return subprocess.Popen(
            [sys.argv[1], *map(str, arguments), "--quiet", "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def at_once(self, stage, run, options, count):
        started = [
            self.start(stage, run, *options, "--shard", f"{i}/{count}", "--no-wait") for i in range(1, count + 1)
        ]
        for process in started:
            out, error = process.communicate(timeout=300)
            self.assertEqual(process.returncode, 0, error)

    def same(self, run, file):
        self.assertEqual((run / file).read_bytes(), (self.one / file).read_bytes(), file)

    def test_what_is_of_no_shard_is_refused_and_an_empty_one_says_so(self):
        run = self.root / "refused"
        shutil.copytree(self.clean, run)
        done = self.call("interpret", run, "--mu-max", 3, "--shard", "1/2")
        self.assertEqual(done.returncode, 2)
        for word in ("--mu-max", "a shard sums responses alone", "spikelens merge"):
            self.assertIn(word, done.stderr)
        done = self.call("interpret", run, "--shard", "1/7")  # there are three blocks
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("shard 1/7 has no samples", done.stderr)

    def test_shards_at_once_give_the_bytes_of_one_process(self):
        for count in (1, 2, 7):
            run = self.root / f"run{count}"
            shutil.copytree(self.clean, run)
            self.at_once("interpret", run, self.interpret, count)
            merged = self.json_of("merge", run)
            self.assertEqual(merged["merged"], [{"file": "responses.h5", "shards": count, "samples": 4200}])
            document = self.json_of("interpret", run, "--mu-max", 3, "--draws", 1, *self.interpret)
            for file in ("responses.h5", "relevant.json", "ablation.json", "visualisations.h5"):
                self.same(run, file)
            self.assertEqual(without_times(document), without_times(self.interpreted))
            self.at_once("evaluate", run, self.evaluate, count)
            self.assertEqual(len(self.json_of("merge", run)["merged"]), 3)
            self.assertEqual(
                without_times(self.json_of("evaluate", run, *self.evaluate)), without_times(self.evaluated)
            )

    def test_a_killed_shard_is_refused_and_goes_on(self):
        run = self.root / "killed"
        shutil.copytree(self.clean, run)
        self.json_of("interpret", run, "--shard", "1/2", *self.interpret)
        process = self.start("interpret", run, "--shard", "2/2", *self.interpret)
        while process.poll() is None and not (run / "shards" / "interpret-2-of-2").exists():
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if (
            process.returncode == -signal.SIGKILL
            and not (run / "shards" / "interpret-2-of-2" / "responses.h5").exists()
        ):
            refused = self.call("merge", run)
            self.assertEqual(refused.returncode, 2, refused.stderr)
            self.assertIn("shard 2/2 of responses.h5 is missing", " ".join(refused.stderr.split()))
        self.json_of("interpret", run, "--shard", "2/2", *self.interpret)
        self.json_of("merge", run)
        self.same(run, "responses.h5")

    def test_a_merge_stopped_while_it_removes_shards_is_finished_by_the_next(self):
        run, parts = self.root / "stopped", self.root / "parts"
        shutil.copytree(self.clean, run)
        self.json_of("interpret", run, "--mu-max", 3, "--draws", 1, *self.interpret)
        expected = (run / "responses.h5").read_bytes()
        (run / "responses.h5").unlink()
        for shard in ("1/2", "2/2"):
            self.json_of("interpret", run, "--shard", shard, *self.interpret)
            self.json_of("evaluate", run, "--shard", shard, *self.evaluate)
        shutil.copytree(run / "shards", parts)
        first = self.json_of("merge", run)
        scores = {path.name: path.read_bytes() for path in (run / "evaluate").iterdir()}
        for left in ("interpret-2-of-2", "evaluate-1-of-2"):
            shutil.copytree(parts / left, run / "shards" / left)
        self.assertEqual(self.json_of("merge", run), first)
        self.assertFalse((run / "shards").exists())
        self.assertEqual((run / "responses.h5").read_bytes(), expected)
        self.assertEqual({path.name: path.read_bytes() for path in (run / "evaluate").iterdir()}, scores)
        # Of another evaluation than the run has, one shard alone is still refused.
        other = ("--methods", "gate", "--samples", 10, "--metrics", "complexity")
        self.json_of("evaluate", run, "--shard", "1/2", *other)
        refused = self.call("merge", run)
        self.assertEqual(refused.returncode, 2)
        self.assertIn("shard 2/2 of evaluate/gate.h5 is missing", " ".join(refused.stderr.split()))

    def test_what_a_shard_does_not_use_is_refused(self):
        for options in (["--mu", 5], ["--draws", 2], ["--signed"], ["--probe-samples", 100]):
            self.assertEqual(self.call("interpret", self.clean, "--shard", "1/2", *options).returncode, 2, options)
        for shard in ("0/2", "3/2", "1", "1/2/3"):
            refused = self.call("evaluate", self.clean, "--shard", shard)
            self.assertEqual(refused.returncode, 2)
            self.assertIn("expected i/n", refused.stderr)
        refused = self.call("merge", self.clean)
        self.assertEqual(refused.returncode, 2)
        self.assertIn("no shards", refused.stderr)
        self.assertFalse((self.clean / "shards").exists())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
