#!/usr/bin/env python3
"""Runs the program on damaged files of every kind that it reads, and on every damaged file of a run. Whatever the file,
the program ends by itself, in little time and memory, and what fails says so in one line that names the file and holds
nothing that a terminal obeys.

usage: test_mutations.py PROGRAM FORK_SERVER
environment: SPIKELENS_MUTATIONS: how many files (100), or which, as 200-300
             SPIKELENS_KEEP: a folder for those that the program was wrong on
"""

import concurrent.futures
import os
import pathlib
import queue
import random
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

import small_files
from fork_server import Server
from mutate import damaged_file
from test_program import PROGRAM, make_data
from test_spikes import make_recordings

FIRST, END = map(int, ("0-" + os.environ.get("SPIKELENS_MUTATIONS", "100")).split("-")[-2:])
KEEP = os.environ.get("SPIKELENS_KEEP")
WORKERS = len(os.sched_getaffinity(0))
FORK_SERVER = str(pathlib.Path(sys.argv[2]).resolve())
MOST_MEMORY, MOST_SECONDS = 1 << 30, 10
TRAIN = ["--network", "2C3-LIF-MP2-3F", "--steps", "4", "--batch", "20", "--learning-rate", "0.2"]
NIR_TRAIN = ["--network", "2C3-LIF(beta=0.75,reset=zero)-SP2-3F", "--steps", "4", "--epochs", "1", "--batch", "20"]
INTERPRET = ["--mu-max", "3", "--draws", "1", "--probe-samples", "20"]
EVALUATE = ["--methods", "svebi,random", "--samples", "4"]


class Case:
    """A file, and a command that reads it: `make` puts a damaged copy into a folder and gives the arguments."""

    def __init__(self, name, data, make):
        self.name, self.data, self.make = name, data, make


class Place:
    """Valid files, each with the commands that read it."""

    def __init__(self, root):
        self.root, self.cases = root, []
        self.data, self.events, self.run, self.spikes = root / "data", root / "events", root / "run", root / "spikes"
        make_data(self.data, 40, 12)
        make_recordings(self.events, 8, 4)
        self.call("train", "--data", self.data, *TRAIN, "--epochs", "1", "--out", self.run)
        self.call("interpret", self.run, *INTERPRET)
        self.call("evaluate", self.run, *EVALUATE)
        self.call("explain", self.run, "--test", "0", "--method", "input")
        self.call(
            "train",
            "--data",
            self.events,
            "--binning",
            "4x15ms",
            "--network",
            "2C3-LIF-MP2-2F",
            "--epochs",
            "1",
            "--batch",
            "4",
            "--out",
            self.spikes,
        )
        self.call("train", "--data", self.data, *NIR_TRAIN, "--out", root / "sums")
        self.call("export", root / "sums", "--out", root / "graph.nir")
        self.add_single_files()
        self.add_data()
        self.add_run()

    def call(self, *arguments):
        subprocess.run([PROGRAM, *map(str, arguments), "--quiet"], check=True, stdout=subprocess.DEVNULL, timeout=300)

    def add_file(self, name, data, *arguments):
        """A file by itself; FILE in the arguments is its place, OUT a place to write to."""

        def make(folder, damaged):
            (folder / name).write_bytes(damaged)
            return [str(a).replace("FILE", str(folder / name)).replace("OUT", str(folder / "out")) for a in arguments]

        self.cases.append(Case(name, data, make))

    def add_in(self, source, path, *arguments):
        """A file of a folder; FOLDER in the arguments is a copy of the folder with the damaged file."""

        def make(folder, damaged):
            shutil.copytree(source, folder / source.name)
            (folder / source.name / path).write_bytes(damaged)
            return [str(a).replace("FOLDER", str(folder / source.name)) for a in arguments]

        self.cases.append(Case(pathlib.Path(path).name, (source / path).read_bytes(), make))

    def add_single_files(self):
        for name, data in small_files.recordings().items():
            self.add_file(name, data, "explain", self.spikes, "FILE", "--method", "input", "--out", "OUT")
        for name, data in small_files.pictures().items():
            self.add_file(name, data, "explain", self.run, "FILE", "--method", "input", "--out", "OUT")
        for name, data in (
            ("weights.pth", small_files.state_dict()),
            ("weights.safetensors", small_files.safetensors()),
        ):
            self.add_file(name, data, "import", "FILE", *small_files.WEIGHTS_NETWORK, "--out", "OUT.safetensors")
        self.add_file("graph.nir", (self.root / "graph.nir").read_bytes(), "import", "FILE", "--out", "OUT.safetensors")
        model = (self.run / "model.safetensors").read_bytes()
        self.add_file("model.safetensors", model, "inspect", "FILE")
        self.add_file(
            "model.safetensors",
            (self.root / "sums" / "model.safetensors").read_bytes(),
            "export",
            "FILE",
            "--out",
            "OUT.nir",
        )

    def add_data(self):
        for name in ("train-labels-idx1-ubyte", "train-images-idx3-ubyte.gz", "classes.txt"):
            self.add_in(self.data, name, "data", "check", "FOLDER")
        self.add_in(self.events, "train/down/00000.bin", "data", "check", "FOLDER")

    def add_run(self):
        for path in ("manifest.json", "model.safetensors"):
            self.add_in(self.run, path, "inspect", "FOLDER", "--samples", "4")
            self.add_in(self.run, path, "explain", "FOLDER", "--test", "0", "--method", "grad2d")
        self.add_in(self.run, "manifest.json", "report", "FOLDER", "--images", "1")
        self.add_in(
            self.run, "checkpoint.safetensors", "train", "--data", self.data, *TRAIN, "--epochs", "2", "--out", "FOLDER"
        )
        for path in ("train.json", "interpret.json", "evaluate.json", "visualisations.h5"):
            self.add_in(self.run, path, "report", "FOLDER", "--images", "1", "--methods", "input")
        for path in sorted(self.run.glob("*")):
            if path.name.startswith(
                ("responses", "relevant", "ablation", "visualisations", "probe", "interpret.options")
            ):
                self.add_in(self.run, path.name, "interpret", "FOLDER", *INTERPRET)
        self.add_in(self.run, "relevant.json", "explain", "FOLDER", "--test", "0", "--method", "svebi")
        self.add_in(self.run, "probe.h5", "explain", "FOLDER", "--test", "0", "--method", "probe")
        for path in ["evaluate.json", *(f"evaluate/{path.name}" for path in sorted((self.run / "evaluate").glob("*")))]:
            self.add_in(self.run, path, "evaluate", "FOLDER", *EVALUATE)
        self.add_in(self.run, "explain/explain.json", "explain", "FOLDER", "--test", "1", "--method", "input")


def is_control(character):
    code = ord(character)
    return (code < 32 and character != "\n") or 127 <= code < 160 or code in (0x202E, 0x2028)


def faults(run, name):
    """What is wrong with how the program took a damaged file."""
    found = []
    if run.status not in (0, 1, 2):
        found.append(f"ended with {run.status}")
    if run.memory > MOST_MEMORY:
        found.append(f"took {run.memory >> 20} MB")
    if run.seconds > MOST_SECONDS:
        found.append(f"took {run.seconds:.1f} s")
    try:
        out, err = run.stdout.decode(), run.stderr.decode()
    except UnicodeDecodeError:
        return [*found, "printed bytes that are not UTF-8"]
    if any(map(is_control, out + err)):
        found.append("printed a control character")
    if run.status != 0:
        lines = err.splitlines()
        sentences = [line for line in lines if line.startswith("spikelens: ")]
        if len(sentences) != 1 or lines[-1:] != sentences:
            found.append("did not end in one sentence")
        elif name not in sentences[0]:
            found.append("did not name the file")
        if out:
            found.append("failed and printed a result")
    return found


class Mutations(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = pathlib.Path(tempfile.mkdtemp(prefix="spikelens-"))
        cls.place = Place(cls.root)
        cls.servers = queue.SimpleQueue()
        for _ in range(WORKERS):
            cls.servers.put(Server(PROGRAM, FORK_SERVER))
        cls.slowest, cls.largest, cls.refused = 0, 0, 0

    @classmethod
    def tearDownClass(cls):
        for _ in range(WORKERS):
            cls.servers.get().stop()
        shutil.rmtree(cls.root)

    def run_case(self, case, data, folder):
        arguments = [*case.make(folder, data), "--quiet", "--threads", "1"]
        server = self.servers.get()
        try:
            return arguments, server.run(arguments, folder)
        finally:
            self.servers.put(server)

    def attempt(self, number):
        """The number-th damaged file. Numbers go round the cases."""
        case = self.place.cases[number % len(self.place.cases)]
        data = damaged_file(case.name, case.data, random.Random(number))
        with tempfile.TemporaryDirectory(dir=self.root) as name:
            folder = pathlib.Path(name)
            arguments, run = self.run_case(case, data, folder)
            cls = type(self)
            cls.slowest, cls.largest, cls.refused = (
                max(cls.slowest, run.seconds),
                max(cls.largest, run.memory),
                cls.refused + (run.status != 0),
            )
            found = faults(run, case.name)
            if not found:
                return None
            if KEEP:
                kept = pathlib.Path(KEEP) / str(number)
                kept.mkdir(parents=True, exist_ok=True)
                (kept / case.name).write_bytes(data)
            command = " ".join(arguments).replace(str(folder), "").replace(str(self.root), "")
            said = run.stderr.decode(errors="backslashreplace").strip()[:600]
            return f"file {number}, {case.name}: {'; '.join(found)}\n    {command}\n    {said!r}"

    def test_the_files_undamaged_are_read(self):
        for number, case in enumerate(self.place.cases):
            with self.subTest(case=case.name), tempfile.TemporaryDirectory(dir=self.root) as name:
                folder = pathlib.Path(name)
                _, run = self.run_case(case, case.data, folder)
                self.assertEqual(run.status, 0, f"case {number}: {run.stderr}")

    def test_damaged_files(self):
        started = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(max_workers=WORKERS) as pool:
            found = [fault for fault in pool.map(self.attempt, range(FIRST, END)) if fault]
        print(
            f"{END - FIRST} damaged files of {len(self.place.cases)} kinds in {time.monotonic() - started:.0f} s: "
            f"{self.refused} refused, at most {self.largest >> 20} MB and {self.slowest:.1f} s of processor time",
            file=sys.stderr,
        )
        self.assertFalse(found, f"\n{len(found)} of {END - FIRST}:\n" + "\n".join(found[:200]))


if __name__ == "__main__":
    del sys.argv[1:3]
    unittest.main(verbosity=2)
