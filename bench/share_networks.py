#!/usr/bin/env python3
"""Is membrane share ahead of gates and gradients, whatever the network, the seed and the baseline?

usage: share_networks.py PROGRAM FOLDER [--only NETWORK,…] [--seeds N] [--train N] [--test N] [--samples N]
                         [--metrics METRIC,…] [--torch PYTHON] [--runs NAME=RUN,…] [--threads N]

For each network one run per seed: trained by PROGRAM or, where residual or recurrent, by `peer_networks.py` under the
Python of --torch, and imported. Images are the first of MNIST and Fashion-MNIST (--train, --test), recordings those of
nmnist-small, in SPIKELENS_DATA. The same test samples are explained by all methods. Images shown as they are lose
pixels to each of three baselines; coded images and recordings lose spikes.

Prints Markdown, a table for each network and baseline: by how much share is ahead (+) or behind (−) of each other
method, mean over seeds, ± the half-width of the 95 % interval over samples (paired, seeds as they are); then in how
many seeds it is ahead, undecided and behind by the seed's own interval. A last table counts networks. --metrics leaves
out all others. --runs measures such runs instead; several of one NAME are its seeds. Runs and the program's JSON stay
in FOLDER: a second call goes on where the first stopped.
"""

import argparse
import gzip
import json
import math
import os
import pathlib
import subprocess
import sys

from suite_tables import Program

NINE = (
    "16C3-LIF-16C3-LIF-MP2-32C3-LIF-32C3-LIF-MP2-32C3-LIF-32C3-LIF-32C3-LIF-AP7-64F-LIF-10F "
    "--beta 0.5 --threshold 0.3 --steps 4 --surrogate atan(2) --learning-rate 0.03 --clip-norm 5 --epochs 6"
)
#: a network's name → its data, and arguments of `train` or the kind that peer_networks.py trains
NETWORKS = {
    "mnist": ("mnist", "--learning-rate 0.1 --epochs 3"),
    "fashion": ("fashion", "--learning-rate 0.1 --epochs 3"),
    "fashion-nine": ("fashion", f"--network {NINE}"),
    "fashion-residual": ("fashion", "residual"),
    "fashion-recurrent": ("fashion", "recurrent"),
    "fashion-rate": ("fashion", "--coding rate --learning-rate 0.1 --epochs 3"),
    "nmnist-recurrent": ("nmnist", "recurrent-nmnist"),
    "nmnist": ("nmnist", "--binning 30x10ms --learning-rate 0.1 --epochs 8"),
    "nmnist-nir": ("nmnist", ""),
}
FIRST = "insertion deletion faithfulness_correlation infidelity".split()
MORE = "road irof randomisation random_logit".split()
OF_SPIKES = "spike_insertion spike_deletion faithfulness_correlation infidelity randomisation random_logit".split()
KNOW_BASELINES = ("share", "gate", "ig2d")


def first_images(options, data):
    """A folder with the first training and test images."""
    folder = options.folder / f"{data}-{options.train}-{options.test}"
    whole = {"mnist": pathlib.Path(os.environ["SPIKELENS_DATA"]) / "mnist", "fashion": options.fashion}[data]
    folder.mkdir(exist_ok=True)
    for part, count in (("train", options.train), ("t10k", options.test)):
        for kind, head, size in (("images-idx3", 16, 28 * 28), ("labels-idx1", 8, 1)):
            name = f"{part}-{kind}-ubyte.gz"
            values = gzip.decompress((whole / name).read_bytes())
            cut = values[:4] + count.to_bytes(4, "big") + values[8 : head + count * size]
            (folder / name).write_bytes(gzip.compress(cut, mtime=0))
    return folder


def trained(program, options, name):
    data, how = NETWORKS[name]
    recordings = data == "nmnist"
    folder = pathlib.Path(os.environ["SPIKELENS_DATA"]) / "nmnist-small" if recordings else first_images(options, data)
    told = options.folder / f"{name}.import.json"
    if how and not how.startswith("--") and not told.exists():
        script = pathlib.Path(__file__).with_name("peer_networks.py")
        words = [options.torch, script, how, options.folder / name, folder]
        words += ["--seeds", str(options.seeds), "--train", str(options.train)]
        told.write_text(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
    named = ["--data", "nmnist" if recordings else folder]
    for seed in range(1, 2 if not how else options.seeds + 1):
        run = options.folder / f"{name}-{seed}"
        if not how:
            program("import", run, folder.parent / "nir" / "cnn_sinabs.nir", *named)
        elif how.startswith("--"):
            program("train", run, *named, *how.split(), "--seed", seed)
        else:
            program("import", run, f"{run}.pth", *named, *json.loads(told.read_text())["words"])
        yield run


def compare(documents, metric, share, other):
    """Mean over seeds by which share is ahead, its half-width, and in how many seeds it is ahead, undecided, behind."""
    gains, widths, counts = [], [], [0, 0, 0]
    for document in documents:
        better = next(m["better"] for of in document["methods"] for m in of["metrics"] if m["metric"] == metric)
        for entry in document["differences"]:
            if entry["metric"] == metric and {entry["a"], entry["b"]} == {share, other}:
                sign = (1 if entry["a"] == share else -1) * (1 if better == "higher" else -1)
                gains.append(sign * entry["difference"])
                low, high = entry["ci95"]
                widths.append((high - low) / 2 if low is not None else math.nan)  # too few, and equal
                counts[(0 if gains[-1] > 0 else 2) if entry["decided"] else 1] += 1
    return gains and (sum(gains) / len(gains), sum(w * w for w in widths) ** 0.5 / len(widths), counts)


def accuracies(runs):
    for run in runs:
        accuracy = json.loads((run / "train.json").read_text())["test_accuracy"]
        yield "not measured" if accuracy is None else f"{accuracy:.3f}"


def measure(program, options, name, runs, totals):
    spikes = name in ("fashion-rate", "nmnist-nir") or name.startswith("nmnist")
    for baseline in [""] if spikes else ["black", "blur", "mean"]:
        methods = (
            ["share3d", "gate3d", "grad3d", "ig3d", "input"] if spikes else ["share", "gate", "grad2d", "ig2d", "input"]
        )
        if "recurrent" in name:
            del methods[1]  # gates are refused: a gain over all steps does not say which step fed which
        if baseline:
            methods = [f"{m}:baseline={baseline}" if m.startswith(KNOW_BASELINES) else m for m in methods]
        metrics = OF_SPIKES if spikes else FIRST + MORE * (baseline == "black")
        metrics = [metric for metric in metrics if metric in options.metrics.split(",")]
        words = ["--methods", ",".join(methods), "--metrics", ",".join(metrics), "--samples", options.samples]
        words += ["--baseline", baseline] if baseline else []
        measured = [program("evaluate", run, *words, keep=f"{name}-{baseline}") for run in runs]
        documents = [document for document, _ in measured]
        title = f"{name}, {baseline}" if baseline else name
        print(
            f"\n**{title}**: {documents[0]['samples']} test samples, {len(runs)} runs, accuracy "
            f"{', '.join(accuracies(runs))}; {sum(seconds for _, seconds in measured):.0f} CPU seconds\n"
        )
        print("| `share` against | " + " | ".join(metrics) + " |\n" + "|---" * (len(metrics) + 1) + "|")
        for other in methods[1:]:
            cells = []
            for metric in metrics:
                found = compare(documents, metric, methods[0], other)
                cells.append(f"{found[0]:+.3f} ± {found[1]:.3f} ({'/'.join(map(str, found[2]))})" if found else "")
                if found:
                    kept = totals.setdefault(
                        (other.split(":")[0].replace("3d", "").replace("2d", ""), metric), [0, 0, 0]
                    )
                    kept[0 if found[0] > found[1] else 2 if -found[0] > found[1] else 1] += 1
            print(f"| `{other.split(':')[0]}` | " + " | ".join(cells) + " |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("folder", type=pathlib.Path)
    for name, usual in (("seeds", 3), ("train", 2000), ("test", 500), ("samples", 100), ("threads", 0)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    parser.add_argument("--only", default=",".join(NETWORKS))
    parser.add_argument("--metrics", default=",".join(dict.fromkeys(FIRST + MORE + OF_SPIKES)))
    parser.add_argument("--torch", default=sys.executable)
    parser.add_argument("--fashion", type=pathlib.Path, default=pathlib.Path("/usr/share/datasets/fashion-mnist"))
    parser.add_argument("--runs", default="")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    program, totals, given = Program(options.program, options.threads, options.folder), {}, {}
    for name, run in (pair.split("=") for pair in options.runs.split(",") if pair):
        given.setdefault(name, []).append(pathlib.Path(run))
    for name in given or options.only.split(","):
        runs = given.get(name) or list(trained(program, options, name))
        measure(program, options, name, runs, totals)
    print("\nTables above in which share is ahead / undecided / behind:\n")
    metrics = list(dict.fromkeys(metric for _, metric in totals))
    print("| `share` against | " + " | ".join(metrics) + " |\n" + "|---" * (len(metrics) + 1) + "|")
    for other in dict.fromkeys(other for other, _ in totals):
        cells = [" / ".join(map(str, totals[other, m])) if (other, m) in totals else "" for m in metrics]
        print(f"| `{other}` | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
