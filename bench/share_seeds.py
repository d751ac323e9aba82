#!/usr/bin/env python3
"""Does membrane share rank pixels and spikes better than other methods, whatever the seed?

usage: share_seeds.py PROGRAM FOLDER [--data NAME] [--coding NAME] [--network TEXT] [--seeds N] [--train N]
                      [--samples N] [--baselines NAME,…] [--methods NAME,…] [--reference NAME] [--threads N]
                      [--runs RUN,…]

Trains one network per seed (2 epochs, learning rate 0.1; runs in FOLDER stay and are used again), explains the same
test samples by share and by others, and prints Markdown: the mean over seeds of insertion and deletion, and in how many
seeds share (or another reference) is better, undecided and worse, by the 95 % interval of paired differences. Images
shown as they are lose pixels, to each baseline in turn. Coded images lose spikes. `--data nmnist` takes the network of
the NIR paper instead of training: one network, so one seed. --runs takes such runs, one per seed, and trains none.
"""

import argparse
import os
import pathlib

from suite_tables import Program

PIXELS = "share:soft=yes,share_path,gate,gate_path,grad2d,ig2d,input,random"
SPIKES = "share3d:soft=yes,share3d:passes=2,gate3d,grad3d,ig3d:steps=16,ig3d:steps=4:path=linear,sltrp,input,random"
KNOW_BASELINES = ("share", "gate", "ig2d")


def verdict(documents, metric, reference, method):
    """In how many documents the reference is better, undecided and worse."""
    counts = {"better": 0, "undecided": 0, "worse": 0}
    for document in documents:
        entry = next(
            d for d in document["differences"] if d["metric"] == metric and {d["a"], d["b"]} == {reference, method}
        )
        up = (entry["difference"] > 0) == (entry["a"] == reference)
        found = "better" if up == metric.endswith("insertion") else "worse"
        counts[found if entry["decided"] else "undecided"] += 1
    return " / ".join(str(count) for count in counts.values())


def table(documents, metrics, reference):
    means = {m["method"]: [[] for _ in metrics] for m in documents[0]["methods"]}
    for document in documents:
        for entry in document["methods"]:
            for score in entry["metrics"]:
                means[entry["method"]][metrics.index(score["metric"])].append(score["mean"])
    found = f"`{reference}` is better / undecided / worse"
    print(f"| method | insertion ↑ | {found} | deletion ↓ | {found} |")
    print("|---" * 5 + "|")
    for method, values in means.items():
        cells = [f"{sum(of) / len(of):.3f}" for of in values]
        found = [verdict(documents, metric, reference, method) if method != reference else "" for metric in metrics]
        print(f"| `{method}` | {cells[0]} | {found[0]} | {cells[1]} | {found[1]} |")


def run_of(program, options, seed):
    if options.data == "nmnist":
        run = options.folder / "nmnist"
        network = pathlib.Path(os.environ["SPIKELENS_DATA"]) / "nir" / "cnn_sinabs.nir"
        program("import", run, network, "--data", "nmnist")
        return run
    named = filter(None, (options.data, options.coding, options.network.replace("/", "_"), str(seed)))
    run = options.folder / "-".join(named)
    extra = ["--coding", options.coding] * bool(options.coding) + ["--network", options.network] * bool(options.network)
    program(
        "train",
        run,
        "--data",
        options.data,
        "--epochs",
        2,
        "--learning-rate",
        0.1,
        "--train-samples",
        options.train,
        "--seed",
        seed,
        *extra,
    )
    return run


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("folder", type=pathlib.Path)
    for name, usual in (("seeds", 3), ("train", 20000), ("samples", 200), ("threads", 0)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    for name, usual in (
        ("data", "fashion-mnist"),
        ("coding", ""),
        ("network", ""),
        ("methods", ""),
        ("reference", ""),
        ("baselines", "black,blur,mean"),
    ):
        parser.add_argument(f"--{name}", default=usual)
    parser.add_argument("--runs", type=lambda text: [pathlib.Path(run) for run in text.split(",")])
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    program = Program(options.program, options.threads, options.folder)
    spiking = bool(options.coding) or options.data == "nmnist"
    reference = options.reference or ("share3d" if spiking else "share")
    metrics = ["spike_insertion", "spike_deletion"] if spiking else ["insertion", "deletion"]
    names = [reference, *(options.methods or (SPIKES if spiking else PIXELS)).split(",")]
    seeds = range(1, len(options.runs) + 1 if options.runs else 2 if options.data == "nmnist" else options.seeds + 1)
    runs = options.runs or [run_of(program, options, seed) for seed in seeds]
    for baseline in [""] if spiking else options.baselines.split(","):
        methods = [
            f"{name}:baseline={baseline}" if baseline and name.startswith(KNOW_BASELINES) else name for name in names
        ]
        arguments = ["--methods", ",".join(methods), "--metrics", ",".join(metrics), "--samples", options.samples]
        arguments += ["--baseline", baseline] if baseline else []
        measured = [
            program("evaluate", run, *arguments, "--seed", seed, keep=baseline or "spikes")
            for run, seed in zip(runs, seeds)
        ]
        documents = [document for document, _ in measured]
        title = ", ".join(filter(None, (options.data, options.coding, options.network, baseline)))
        print(
            f"\n{title}: {documents[0]['samples']} test samples, {len(seeds)} network{'s' * (len(seeds) > 1)}, "
            f"{sum(seconds for _, seconds in measured):.0f} CPU seconds\n"
        )
        table(documents, metrics, methods[0])


if __name__ == "__main__":
    main()
