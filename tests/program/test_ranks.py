#!/usr/bin/env python3
"""Lets mpirun share train, interpret and evaluate among 1, 2 and 4 processes, kills one of them, and compares the files
with those of one process.

usage: test_ranks.py PROGRAM; exit status 77 without mpirun, or of a build without MPI
"""

import json
import os
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

# As root, and more processes than cores: what mpirun asks to be told.
MPI = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_MCA_hwloc_base_binding_policy": "none",
    "OMPI_MCA_btl": "self,vader",
    "OMPI_MCA_mpi_yield_when_idle": "1",
}


class RanksTest(unittest.TestCase):
    call = staticmethod(ProgramTest.call)
    json_of = classmethod(ProgramTest.json_of.__func__)
    interpret = ("--mu-max", 3, "--draws", 1, "--threads", 1)
    evaluate = ("--methods", "svebi,gate,random", "--samples", 0, "--metrics", "insertion,complexity", "--threads", 1)

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
        cls.interpreted = cls.json_of("interpret", cls.one, *cls.interpret)
        cls.evaluated = cls.json_of("evaluate", cls.one, *cls.evaluate)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.root)

    def start(self, count, *arguments):
        return subprocess.Popen(
            ["mpirun", "-n", str(count), sys.argv[1], *map(str, arguments)],
            env=os.environ | MPI,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def together(self, count, *arguments):
        process = self.start(count, *arguments)
        out, error = process.communicate(timeout=300)
        return process.returncode, out, " ".join(error.split())

    def document_of(self, count, *arguments):
        status, out, error = self.together(count, *arguments, "--json", "--quiet")
        self.assertEqual(status, 0, error)
        return json.loads(out)  # one document: the first process alone prints

    def copy(self, name):
        shutil.copytree(self.clean, self.root / name)
        return self.root / name

    def files(self, run):
        names = ("responses.h5", "relevant.json", "ablation.json", "visualisations.h5")
        return {name: (run / name).read_bytes() for name in names}

    def test_any_number_of_processes_gives_the_bytes_of_one(self):
        for count in (1, 2, 4):  # with four, one has no block of responses
            with self.subTest(count=count):
                run = self.copy(f"run{count}")
                document = self.document_of(count, "interpret", run, *self.interpret)
                self.assertEqual(self.files(run), self.files(self.one))
                self.assertEqual(without_times(document), without_times(self.interpreted))
                document = self.document_of(count, "evaluate", run, *self.evaluate)
                self.assertEqual(without_times(document), without_times(self.evaluated))
                self.assertFalse((run / "shards").exists())

    train = (
        "--network",
        "3C3-LIF-MP2-5F-LIF-3F",
        "--steps",
        3,
        "--epochs",
        2,
        "--train-samples",
        190,
        "--batch",
        20,
        "--clip-norm",
        0.5,
        "--weight-decay",
        0.001,
        "--freeze",
        "full2",
        "--threads",
        1,
    )

    def trained(self, count, name, *more):
        words = ("train", "--data", self.root / "data", *self.train, *more, "--out", self.root / name)
        document = self.json_of(*words) if count == 0 else self.document_of(count, *words)
        return without_times(document), (self.root / name / "model.safetensors").read_bytes()

    def test_any_number_of_processes_trains_to_the_same_weights(self):
        one = self.trained(0, "trained0")
        for count in (2, 4, 9):  # of nine, one has no shard
            with self.subTest(count=count):
                self.assertEqual(self.trained(count, f"trained{count}"), one)

    def test_any_number_of_processes_trains_to_the_same_weights_in_bfloat16(self):
        exact = self.trained(0, "exact")
        one = self.trained(0, "rounded0", "--precision", "bfloat16")
        self.assertNotEqual(one[1], exact[1])
        self.assertEqual(self.trained(2, "rounded2", "--precision", "bfloat16"), one)

    def test_training_that_was_stopped_goes_on_with_other_processes(self):
        one = self.trained(0, "whole")
        process = self.start(
            3,
            "train",
            "--data",
            self.root / "data",
            *self.train,
            "--checkpoint-every",
            0,
            "--out",
            self.root / "halves",
            "--quiet",
        )
        while process.poll() is None and not (self.root / "halves" / "checkpoint.safetensors").exists():
            time.sleep(0.002)
        process.terminate()
        process.communicate(timeout=60)
        self.assertEqual(self.trained(2, "halves"), one)

    def is_second(self, pid):
        try:
            return "OMPI_COMM_WORLD_RANK=1" in pathlib.Path(f"/proc/{pid}/environ").read_text().split("\0")
        except OSError:  # it has ended
            return False

    def test_a_killed_process_ends_the_job_and_the_same_call_goes_on(self):
        run = self.copy("killed")
        process = self.start(2, "interpret", run, *self.interpret, "--quiet")
        second, of_second = run / "shards" / "interpret-2-of-2" / "run.lock", []
        while process.poll() is None and not of_second:
            ranks = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True).stdout.split()
            of_second = [int(pid) for pid in ranks if self.is_second(pid)]
        while process.poll() is None and not second.exists():
            time.sleep(0.002)
        os.kill(of_second[0], signal.SIGKILL)
        out, error = process.communicate(timeout=60)
        self.assertNotEqual(process.returncode, 0)
        self.assertIn("exited on signal 9 (Killed)", " ".join(error.split()))
        self.assertLessEqual(error.count("spikelens:"), 1, error)
        self.assertEqual(out, "")
        self.document_of(2, "interpret", run, *self.interpret)
        self.assertEqual(self.files(run), self.files(self.one))

    def test_what_the_run_has_is_not_computed_again(self):
        run = self.root / "there"
        shutil.copytree(self.one, run)
        before = (run / "responses.h5").stat().st_mtime_ns
        self.assertEqual(
            without_times(self.document_of(2, "interpret", run, *self.interpret)), without_times(self.interpreted)
        )
        self.assertEqual((run / "responses.h5").stat().st_mtime_ns, before)

    def test_shards_of_another_division_are_named(self):
        run = self.copy("division")
        self.json_of("interpret", run, "--shard", "1/3")
        status, _, error = self.together(2, "interpret", run)
        self.assertEqual(status, 2)
        self.assertIn("interpret-1-of-3 is of another division than one into 2", error)
        self.assertEqual([folder.name for folder in (run / "shards").iterdir()], ["interpret-1-of-3"])
        self.json_of("interpret", run, *self.interpret)  # whole: the shard is of no use any more
        self.assertFalse((run / "shards").exists())
        self.assertEqual(self.files(run), self.files(self.one))

    def test_an_error_of_all_is_said_once(self):
        for arguments, words in (
            (["interpret", self.root / "none"], "there is no run directory"),
            (["evaluate", self.clean, "--methods", "nonsense"], "nonsense"),
            (["interpret", self.clean, "--shard", "1/2"], "leave out --shard"),
            (["inspect", self.clean], "inspect works in one process, not in 2"),
        ):
            with self.subTest(arguments=arguments):
                status, out, error = self.together(2, *arguments)
                self.assertEqual((status, out), (2, ""), error)
                self.assertIn(words, error)
                self.assertEqual(error.count("spikelens:"), 1, error)

    def test_progress_is_of_the_whole_job(self):
        status, _, error = self.together(2, "interpret", self.copy("progress"), *self.interpret)
        self.assertEqual(status, 0, error)
        self.assertEqual(error.count("responses: done"), 1, error)


if __name__ == "__main__":
    if shutil.which("mpirun") is None or not list(pathlib.Path(sys.argv[1]).parent.glob("libspikelens_mpi-*.so")):
        print(
            "SKIPPED: processes of one job need Open MPI (libopenmpi-dev, openmpi-bin) and a build with it",
            file=sys.stderr,
        )
        sys.exit(77)
    unittest.main(argv=sys.argv[:1])
