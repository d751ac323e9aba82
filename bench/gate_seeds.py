#!/usr/bin/env python3
"""Is the gate attribution better than integrated gradients, whatever the seed and the baseline? README.md has the answer.

usage: gate_seeds.py PROGRAM FOLDER [TRAINING_IMAGES [TEST_IMAGES]]

Trains the shallow network with three seeds on Fashion-MNIST and MNIST (left out where it is not found), evaluates gate, gate_path and
ig2d with matched baselines, black, blurred and mean, and prints every mean with the paired difference from ig2d and its 95 % interval.
"""
import json
import pathlib
import subprocess
import sys


def spikelens(program, *arguments):
    result = subprocess.run([program, *map(str, arguments), "--json", "--quiet"], capture_output=True, text=True)
    if result.returncode != 0:
        raise RuntimeError(result.stderr.strip())
    return json.loads(result.stdout)


def difference(document, metric, a, b):
    for entry in document["differences"]:
        if entry["metric"] == metric and {entry["a"], entry["b"]} == {a, b}:
            sign = 1 if entry["a"] == a else -1
            return sign * entry["difference"], sorted(sign * end for end in entry["ci95"])
    raise KeyError((metric, a, b))


def main(program, folder, training="20000", test="500"):
    print(f"{'data':14} {'seed':>4} {'baseline':8} {'method':10} {'insertion':>9} {'deletion':>8} {'ins − ig2d':>22} {'del − ig2d':>22} {'ms':>7}")
    for data in ("fashion-mnist", "mnist"):
        for seed in (1, 2, 3):
            run = pathlib.Path(folder) / f"{data}-{seed}"
            try:
                spikelens(program, "train", "--data", data, "--epochs", 2, "--learning-rate", 0.1, "--train-samples", training, "--seed", seed, "--out", run)
            except RuntimeError as error:
                print(f"{data}: {error}")
                break
            for baseline in ("black", "blur", "mean"):
                names = {name: f"{name}:baseline={baseline}" for name in ("gate", "gate_path", "ig2d")}
                document = spikelens(program, "evaluate", run, "--methods", ",".join(names.values()), "--baseline", baseline, "--samples", test, "--seed", seed)
                for name, text in names.items():
                    entry = next(m for m in document["methods"] if m["method"] == text)
                    means = [m["mean"] for m in entry["metrics"]]
                    line = f"{data:14} {seed:4} {baseline:8} {name:10} {means[0]:9.3f} {means[1]:8.3f}"
                    for metric in ("insertion", "deletion"):
                        if name == "ig2d":
                            line += f" {'':22}"
                        else:
                            value, (low, high) = difference(document, metric, text, names["ig2d"])
                            line += f" {value:+.3f} ({low:+.3f}, {high:+.3f})"
                    print(line + f" {1000 * entry['seconds_per_explanation']:7.1f}", flush=True)


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4, 5):
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
