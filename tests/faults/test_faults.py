#!/usr/bin/env python3
"""Lets every file operation of the program fail, be cut short or be its last, on a small data set, and looks at what is left.

usage: test_faults.py PROGRAM INJECTOR [--full] [--seconds S] [--jobs N] [--seed S] [--stage NAME …] [--kind KIND …]

Each command is first run undisturbed. Then one operation of one run is disturbed (injector.cpp says how). It must hold:
 - Exit code 0 comes only with the files of the undisturbed run, times and threads apart.
 - Otherwise there is one sentence, warnings apart, and no signal but the SIGKILL that was asked for.
 - Short reads and writes, and interrupted calls, disturb nothing.
 - The same command, undisturbed, then ends in the files of the undisturbed run, and no temporary is left.
Without --full a sample, drawn by the seed, of the disturbances is tried for so many seconds; each kind of each command first.
"""

import argparse
import concurrent.futures
import contextlib
import hashlib
import itertools
import json
import os
import pathlib
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time

import h5py

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "program"))
from small_data import make_data, make_recordings, without_times

NETWORK = "3C3-LIF-AP2-6F-LIF-3F"
STAGES = {
    "train": [
        "train",
        "--data",
        "DATA",
        "--network",
        NETWORK,
        "--steps",
        "3",
        "--epochs",
        "2",
        "--batch",
        "20",
        "--out",
        "run",
    ],
    "interpret": ["interpret", "run", "--mu-max", "3", "--draws", "1", "--probe-samples", "30"],
    "explain": ["explain", "run", "--test", "0", "1", "--methods", "svebi,input"],
    "evaluate": ["evaluate", "run", "--methods", "svebi,input,random", "--samples", "12"],
    "report": ["report", "run", "--images", "2"],
    "export": ["export", "run", "--out", "run/network.nir"],
    "import": [
        "import",
        "run/model.safetensors",
        "--network",
        NETWORK,
        "--input",
        "1,12,12",
        "--steps",
        "3",
        "--data",
        "DATA",
        "--out",
        "imported",
    ],
    "recordings": [
        "train",
        "--data",
        "RECORDINGS",
        "--binning",
        "6x10ms",
        "--network",
        "2C3-LIF-AP2-2F",
        "--epochs",
        "1",
        "--batch",
        "4",
        "--out",
        "spikes",
    ],
    "convert": ["import", "run/network.nir", "--out", "converted/network.safetensors"],
    "filters": ["filters", "run", "--train-samples", "30", "--samples", "12", "--draws", "1", "--bootstraps", "2"],
    "interpret-shard": ["interpret", "imported", "--shard", "1/2"],
    "interpret-rest": ["interpret", "imported", "--shard", "2/2"],
    "evaluate-shard": ["evaluate", "imported", "--methods", "input,random", "--samples", "12", "--shard", "1/2"],
    "evaluate-rest": ["evaluate", "imported", "--methods", "input,random", "--samples", "12", "--shard", "2/2"],
    "merge": ["merge", "imported"],
    "codings": [
        "codings",
        "--data",
        "DATA",
        "--network",
        NETWORK,
        "--codings",
        "rate,latency",
        "--methods",
        "input,random",
        "--steps",
        "3",
        "--train-samples",
        "30",
        "--samples",
        "4",
        "--out",
        "coded",
    ],
}
HARMLESS = ("SHORT", "EINTR")
KILLS = ("KILL", "KILLED")
ERRORS = ("ENOSPC", "EIO", "EACCES")


def arrays(path):
    """Names and values, without times. The checksum is the product's own: what it says of a file is compared too."""
    content = path.read_bytes()
    stated = content[:512].rstrip(b"\0").decode().strip().rpartition(" ")[2]
    found = {"checksum holds": stated == hashlib.sha256(content[512:]).hexdigest()}
    with h5py.File(path) as file:
        found["attributes"] = dict(file.attrs)
        file.visititems(
            lambda name, item: found.update(
                {name: (item.shape, item[()].tobytes())}
                if isinstance(item, h5py.Dataset) and name != "seconds" and item.shape is not None
                else {}
            )
        )
    return found


def comparable(path):
    """What must be equal in two runs: bytes, or what documents and arrays say without times."""
    try:
        return read_comparable(path)
    except (OSError, ValueError, struct.error) as error:
        return f"broken: {error}", path.read_bytes()


def read_comparable(path):
    if path.suffix == ".h5":
        return arrays(path)
    content = path.read_bytes()
    if path.suffix == ".json":
        return without_times(json.loads(content))
    if path.suffix == ".safetensors":
        length = struct.unpack("<Q", content[:8])[0]
        header = json.loads(content[8 : 8 + length])
        metadata = {key: without_times(json.loads(text)) for key, text in header.pop("__metadata__", {}).items()}
        return metadata, header, content[8 + length :]
    return content


def state(folder):
    return {str(path.relative_to(folder)): comparable(path) for path in sorted(folder.rglob("*")) if path.is_file()}


class Wrong(Exception):
    pass


class Bench:
    """Commands, the folders they were run in before, and what they made."""

    def __init__(self, program, injector, root):
        self.program, self.injector, self.root = str(program.resolve()), str(injector.resolve()), root
        self.data = {"DATA": root / "data", "RECORDINGS": root / "recordings"}
        make_data(self.data["DATA"], train=60, test=30)
        make_recordings(self.data["RECORDINGS"], train=8, test=4)
        self.before, self.after, self.counts = {}, {}, {}
        self.workers = itertools.count()
        self.local = threading.local()

    def worker_folder(self):
        if not hasattr(self.local, "folder"):
            self.local.folder = self.root / f"worker{next(self.workers)}"
            self.local.folder.mkdir()
        return self.local.folder

    def run(self, stage, folder, faults=None):
        environment = {key: value for key, value in os.environ.items() if not key.startswith("SPIKELENS_FAULT")}
        if faults:
            environment |= {f"SPIKELENS_FAULT_{key}": str(value) for key, value in faults.items()}
            environment["LD_PRELOAD"] = self.injector
        arguments = [str(self.data.get(word, word)) for word in STAGES[stage]]
        return subprocess.run(
            [self.program, *arguments, "--quiet", "--threads", "1"],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
        )

    def prepare(self, stages):
        folder = self.root / "undisturbed"
        folder.mkdir()
        for stage in STAGES:
            self.before[stage] = self.root / f"before-{stage}"
            shutil.copytree(folder, self.before[stage])
            log = self.root / f"log-{stage}"
            done = self.run(stage, folder, {"FOLDER": self.root, "AT": 0, "LOG": log})
            if done.returncode != 0:
                raise Wrong(f"{stage} fails undisturbed: {done.stderr}")
            self.after[stage] = state(folder)
            sorts = [line.split()[1] for line in log.read_text().splitlines()]
            self.counts |= {(stage, 0): sorts.count("writing"), (stage, 1): sorts.count("reading")}
            if stages[-1] == stage:
                break

    @contextlib.contextmanager
    def copied(self, stage, folder):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.before[stage], folder)
        yield
        shutil.rmtree(folder)

    def try_one(self, point):
        """What is wrong with one disturbance; empty when nothing is."""
        stage, kind, onward, reading, at = point
        folder = self.worker_folder() / "work"
        with self.copied(stage, folder):
            done = self.run(
                stage, folder, {"FOLDER": self.root, "AT": at, "KIND": kind, "ON": onward, "READING": reading}
            )
            faults = self.faults_of(point, done, folder)
            if done.returncode != 0 or faults:
                again = self.run(stage, folder)
                if again.returncode != 0:
                    faults.append(f"run again it fails: {again.stderr.strip()}")
                faults += [f"run again it leaves {fault}" for fault in self.differences(stage, folder)]
        return [
            f"{stage}, {'reading' if reading else 'writing'} operation {at} {'and all later ones ' if onward else ''}{kind}: {fault}"
            for fault in faults
        ]

    def differences(self, stage, folder):
        found, expected = state(folder), self.after[stage]
        for name in sorted(found.keys() | expected.keys()):
            if name not in found:
                yield f"no {name}"
            elif name not in expected:
                yield f"{name}, which an undisturbed run does not"
            elif found[name] != expected[name]:
                yield f"another {name}"

    def faults_of(self, point, done, folder):
        stage, kind, onward, reading, at = point
        if done.returncode == 0:
            return [f"exit code 0 with {fault}" for fault in self.differences(stage, folder)]
        if kind in KILLS:
            return [] if done.returncode == -9 else [f"exit code {done.returncode}: {done.stderr}"]
        if kind in HARMLESS:
            return [f"is no failure, but: {done.stderr}"]
        faults = []
        if done.returncode not in (1, 2):
            faults.append(f"exit code {done.returncode}")
        lines = [line for line in done.stderr.splitlines() if not line.startswith("warning: ")]
        if len(lines) != 1 or not lines[0].startswith("spikelens: ") or "HDF5-DIAG" in done.stderr:
            faults.append(f"expected one sentence on stderr, not {done.stderr!r}")
        elif not any(
            name in lines[0]
            for name in ("run/", "folder run:", "imported", "converted", "spikes", "coded", str(self.root))
        ):
            faults.append(f"the sentence names no file: {lines[0]!r}")
        if done.stdout:
            faults.append(f"standard output holds {done.stdout!r}")
        left = [str(path.relative_to(folder)) for path in folder.rglob("*.part")]
        if left:
            faults.append(f"leaves {left}")
        return faults


def all_points(bench, stages, kinds):
    """Lists of disturbances, one list for each command and way to disturb."""
    for stage in stages:
        for reading, kind in [
            *itertools.product((0,), ERRORS + HARMLESS + KILLS),
            (1, "EIO"),
            (1, "SHORT"),
            (1, "EINTR"),
        ]:
            last = bench.counts[stage, reading]
            if kind == "SHORT":  # all of them at once: each is met on its own
                ways = [(1, range(1, 2))]
            else:
                ways = [(onward, range(1, last + 1)) for onward in ((0, 1) if kind in ERRORS else (0,))]
            if kind in kinds:
                yield from ([(stage, kind, onward, reading, at) for at in range_of] for onward, range_of in ways)


def sampled(lists, seed):
    """A random order that takes one of each list, then another of each, …"""
    draw = random.Random(seed)
    lists = [draw.sample(points, len(points)) for points in lists]
    draw.shuffle(lists)
    for row in itertools.zip_longest(*lists):
        yield from (point for point in row if point is not None)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("injector", type=pathlib.Path)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--seconds", type=float, default=40)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--stage", nargs="+", choices=STAGES, default=list(STAGES))
    parser.add_argument("--kind", nargs="+", choices=ERRORS + HARMLESS + KILLS, default=list(ERRORS + HARMLESS + KILLS))
    options = parser.parse_args()

    root = pathlib.Path(tempfile.mkdtemp(prefix="spikelens-faults-"))
    tried, total, wrong, started = 0, 0, [], time.monotonic()
    try:
        bench = Bench(options.program, options.injector, root)
        bench.prepare([stage for stage in STAGES if stage in options.stage])
        lists = list(all_points(bench, options.stage, options.kind))
        total = sum(map(len, lists))
        points = itertools.chain(*lists) if options.full else sampled(lists, options.seed)
        deadline = started + (float("inf") if options.full else options.seconds)
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            for batch in iter(lambda: list(itertools.islice(points, options.jobs * 4)), []):
                for faults in pool.map(bench.try_one, batch):
                    tried += 1
                    wrong += faults
                    for fault in faults:
                        print(fault, flush=True)
                if time.monotonic() > deadline:
                    break
    finally:
        shutil.rmtree(root, ignore_errors=True)
    print(f"{tried} of {total} disturbances in {time.monotonic() - started:.0f} s: {len(wrong)} faults")
    return 1 if wrong or tried == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
