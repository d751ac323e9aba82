#!/usr/bin/env python3
"""The tables of the standard suite on images and recordings, and of filters by evidence, as Markdown.

usage: suite_tables.py PROGRAM FOLDER [--images N] [--recordings N] [--train N] [--seeds N] [--threads N]
                       [--only PART,…] [--runs RUN,…]

Trains the shallow network on MNIST and Fashion-MNIST (so many training images, 2 epochs, one run per seed), imports the
network of the NIR paper for N-MNIST (SPIKELENS_DATA has it), and interprets them. Then `evaluate --suite standard`
measures the runs of seed 1, and `filters` compares ways to choose filters on all. Data that are not there are left out,
and said so. Runs and the program's JSON stay in FOLDER: a second call goes on where the first stopped. Seconds are CPU
time of all threads. Parts are mnist, fashion-mnist and nmnist. --runs measures such runs of images, which are trained
and interpreted, one per seed, and trains none.
"""

import argparse
import json
import os
import pathlib
import resource
import subprocess
import sys


class Program:
    def __init__(self, path, threads, folder):
        self.path, self.threads, self.folder = path, threads, folder

    def __call__(self, stage, run, *arguments, keep=""):
        """The result, kept as FOLDER/RUN.STAGE[-KEEP].json, and the CPU seconds that it took."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [self.path, stage, *map(str, arguments), "--json", "--quiet", "--threads", str(self.threads)]
        command += ["--out", run] if stage in ("train", "import") else [run]
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode != 0:
            raise RuntimeError(result.stderr.strip())
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        (self.folder / f"{run.name}.{stage}{'-' * bool(keep)}{keep}.json").write_text(result.stdout)
        return json.loads(result.stdout), after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def cell(metric):
    low, high = metric["ci95"]
    return f"{metric['mean']:.3f} ± {(high - low) / 2:.3f}" if low is not None else f"{metric['mean']:.3f}"


def table_of(document):
    arrow = {"higher": " ↑", "lower": " ↓", "none": ""}
    better = {m["metric"]: m["better"] for method in document["methods"] for m in method["metrics"]}
    names = [name for name in document["metrics"] if name in better]
    lines = [
        "| method | " + " | ".join(name + arrow[better[name]] for name in names) + " |",
        "|---" * (len(names) + 1) + "|",
    ]
    for method in document["methods"]:
        scores = {m["metric"]: cell(m) for m in method["metrics"]}
        lines.append(f"| {method['method']} | " + " | ".join(scores.get(name, "") for name in names) + " |")
    return "\n".join(lines)


def evaluate(program, run, title, *arguments):
    document, seconds = program("evaluate", run, *arguments)
    print(f"\n{title}: {document['samples']} {document['input']}, {seconds:.0f} CPU seconds\n", flush=True)
    print(table_of(document), flush=True)


def filters_table(program, runs, title, samples):
    documents = [program("filters", run, "--samples", samples)[0] for run in runs]
    print(f"\n{title}: {documents[0]['samples']} test samples, {len(runs)} seeds\n")
    print("| silenced | " + " | ".join(f"area, seed {i + 1}" for i in range(len(runs))) + " | stability |")
    print("|---" * (len(runs) + 2) + "|")
    for i, selection in enumerate(documents[0]["selections"]):
        cells = [f"{d['selections'][i]['area']:+.3f} ± {d['selections'][i]['area_ci95']:.3f}" for d in documents]
        stable = [d["selections"][i]["stability"] for d in documents]
        shown = "" if None in stable else " ".join(f"{value:.2f}" for value in stable)
        print(f"| {selection['name']} | " + " | ".join(cells) + f" | {shown} |", flush=True)


def trained(program, folder, data, options):
    runs = []
    for seed in range(1, options.seeds + 1):
        run = folder / f"{data}-{seed}"
        program(
            "train",
            run,
            "--data",
            data,
            "--epochs",
            2,
            "--learning-rate",
            0.1,
            "--train-samples",
            options.train,
            "--seed",
            seed,
        )
        program("interpret", run, "--train-samples", options.train)
        runs.append(run)
    return runs


def images(program, runs, data, options):
    evaluate(program, runs[0], f"{data}, standard suite", "--suite", "standard", "--samples", options.images)
    filters_table(program, runs, f"{data}, filters", options.images)


def recordings(program, folder, options):
    network = pathlib.Path(os.environ.get("SPIKELENS_DATA", "")) / "nir" / "cnn_sinabs.nir"
    run = folder / "nmnist"
    program("import", run, network, "--data", "nmnist")
    program("interpret", run, "--mu-max", 20)
    evaluate(program, run, "nmnist, standard suite", "--suite", "standard", "--samples", options.recordings)
    filters_table(program, [run], "nmnist, filters", options.recordings)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("folder", type=pathlib.Path)
    for name, usual in (("images", 1000), ("recordings", 100), ("train", 20000), ("seeds", 3), ("threads", 0)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    parser.add_argument("--only", default="mnist,fashion-mnist,nmnist")
    parser.add_argument("--runs", type=lambda text: [pathlib.Path(run) for run in text.split(",")])
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    program = Program(options.program, options.threads, options.folder)
    if options.runs:
        images(program, options.runs, "these runs", options)
        return
    for part in options.only.split(","):
        try:
            if part == "nmnist":
                recordings(program, options.folder, options)
            else:
                images(program, trained(program, options.folder, part, options), part, options)
        except RuntimeError as error:
            print(f"\n{part} is left out: {error}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
