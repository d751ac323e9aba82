#!/usr/bin/env python3
"""Does `evaluate` say what Quantus says of the same model, images and maps, and what does a sample cost in both?

usage: compare_quantus.py PROGRAM RUN [--samples N]      (build/release/spikelens, a run of images in IDX files)

Prints a Markdown table. The samples are the first N test images (24) of the run's data in SPIKELENS_DATA, the map is
grad2d as the program writes it, and pixels become black. The peer is a module of PyTorch, layer by layer with time
folded into the batch, one thread, all samples as one batch; its scores and maps must be the program's, or nothing is
compared. Settings are made the same where Quantus has them as options; what still differs is in the last column.

Spikelens   `evaluate --threads 1`: CPU time of the process with the metric beside `complexity` (for this one beside
            `sparseness`), less that of the process without the metric. Neither start, data nor the first explanation
            counts. Where that is below 0.3 s the images are repeated, up to 64 times, and it is the mean of two.
Quantus     CPU time of the call, the less of two; one, where it takes more than two seconds.

A value that should be equal and is not ends the program with status 1. Needs PyTorch, NumPy, h5py, Quantus and Captum.
Networks of conv, LIF (no delay, reset by subtraction), max-pool, full layers, with the surrogate triangle(0.3).
"""

import argparse
import gzip
import json
import os
import resource
import shutil
import statistics
import struct
import subprocess
import tempfile
import time
import warnings
from pathlib import Path

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[threads] = "1"

import h5py
import numpy
import torch
import torch.nn.functional as F
from compare_pytorch import BETA, load_model, stages_of

if not hasattr(numpy, "trapz"):  # which Quantus 0.6 calls, and NumPy 2.4 has no more
    numpy.trapz = numpy.trapezoid
warnings.simplefilter("ignore")
import quantus
from quantus.functions.perturb_func import noisy_linear_imputation
from quantus.functions.similarity_func import correlation_spearman
from quantus.helpers.utils import get_superpixel_segments

RADIUS, DRAWS = 0.02, 10  # of sensitivity and the stabilities
SURROGATE = "triangle(0.3)"
LEAST = 1e-4  # seconds a sample: less is not told apart from nothing


class Spike(torch.autograd.Function):
    @staticmethod
    def forward(ctx, membrane):
        ctx.save_for_backward(membrane)
        return (membrane > 1).float()

    @staticmethod
    def backward(ctx, gradient):
        (membrane,) = ctx.saved_tensors
        return gradient * 0.3 * (1 - (membrane - 1).abs()).clamp(min=0)


class Reshuffled:
    """New weights are the old ones of each output in another order, as in Spikelens; biases stay."""

    def reset_parameters(self):
        if not hasattr(self, "loaded"):
            return super().reset_parameters()
        with torch.no_grad():
            for row in self.weight:
                row.copy_(row.flatten()[torch.randperm(row.numel())].reshape(row.shape))


class Conv(Reshuffled, torch.nn.Conv2d):
    pass


class Full(Reshuffled, torch.nn.Linear):
    pass


class Network(torch.nn.Module):
    """Layer by layer, all time steps of a layer as one batch."""

    def __init__(self, description, tensors):
        super().__init__()
        self.steps, self.stages = description["steps"], stages_of(description["network"])
        self.layers = torch.nn.ModuleList()
        for name, is_conv, padding, _, _ in self.stages:
            weight = tensors[name + ".weight"]
            outputs, inputs = weight.shape[:2]
            layer = Conv(inputs, outputs, weight.shape[2], padding=padding) if is_conv else Full(inputs, outputs)
            layer.load_state_dict({"weight": weight, "bias": tensors[name + ".bias"]})
            layer.loaded = True
            self.layers.append(layer)

    def forward(self, images):
        spikes = None
        for layer, (_, is_conv, _, spiking, pool) in zip(self.layers, self.stages):
            if not spiking:
                return layer(spikes.reshape(self.steps, len(images), -1).mean(0))
            if spikes is None:
                drives = [layer(images if is_conv else images.flatten(1))] * self.steps
            else:
                drives = layer(spikes if is_conv else spikes.flatten(1)).chunk(self.steps)
            membrane, series = torch.zeros_like(drives[0]), []
            for drive in drives:
                membrane = BETA * membrane + drive
                series.append(Spike.apply(membrane))
                membrane = membrane - series[-1].detach()
            spikes = torch.cat(series)
            if pool > 1:
                spikes = F.max_pool2d(spikes, pool)
        raise SystemExit("the network has no readout")


def gradient(model, inputs, targets, **_):
    images = torch.tensor(numpy.asarray(inputs), dtype=torch.float32, requires_grad=True)
    scores = model(images)[torch.arange(len(images)), torch.as_tensor(targets)]
    return torch.autograd.grad(scores.sum(), images)[0].numpy()


def clipped_noise(arr, **_):
    """What Spikelens adds: Quantus' own noise leaves the range of the images."""
    return numpy.clip(arr + numpy.random.uniform(-RADIUS, RADIUS, arr.shape), 0, 1)


def clipped_imputation(arr, indices, noise):
    return numpy.clip(noisy_linear_imputation(arr, indices, noise), arr.min(), arr.max())


class RoadOfSamples(quantus.ROAD):
    """Quantus gives means over the samples, one for each percentage."""

    def custom_postprocess(self, **_):
        self.evaluation_scores = self.evaluation_scores[0].mean(axis=1)


def read_idx(path):
    with gzip.open(path) as file:
        axes = file.read(4)[3]
        shape = struct.unpack(f">{axes}I", file.read(4 * axes))
        return numpy.frombuffer(file.read(), numpy.uint8).reshape(shape)


def write_idx(path, array):
    head = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    path.write_bytes(head + array.astype(numpy.uint8).tobytes())


class Spikelens:
    """The program, on the samples, repeated so many times."""

    def __init__(self, program, model, folder, classes, images, labels):
        self.program, self.model, self.folder, self.classes = program, model, folder, classes
        self.images, self.labels = images, labels

    def call(self, *arguments):
        """CPU seconds, and the document."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [self.program, *map(str, arguments), "--threads", "1", "--json", "--quiet"],
            check=True,
            capture_output=True,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return seconds, json.loads(done.stdout)

    def run(self, repeats):
        """A run of the model on the samples, repeated; made once."""
        data, run = self.folder / f"data{repeats}", self.folder / f"run{repeats}"
        if not run.exists():
            data.mkdir()
            for part, times in (("train", 1), ("t10k", repeats)):
                write_idx(data / f"{part}-images-idx3-ubyte", numpy.tile(self.images, (times, 1, 1)))
                write_idx(data / f"{part}-labels-idx1-ubyte", numpy.tile(self.labels, times))
            (data / "classes.txt").write_text("".join(f"{name}\n" for name in self.classes))
            write_idx(data / "masks", numpy.tile(self.images > 0, (repeats, 1, 1)))
            self.call("import", self.model, "--data", data, "--out", run, "--surrogate", SURROGATE)
        return run, data / "masks"

    def explain(self):
        """Scores, predictions, maps of grad2d."""
        run, _ = self.run(1)
        _, document = self.call("explain", run, "--test", *range(len(self.labels)), "--method", "grad2d")
        files = [run / "explain" / image["maps"][0]["values"] for image in document["images"]]
        return (
            numpy.array([image["scores"] for image in document["images"]]),
            numpy.array([image["predicted"] for image in document["images"]]),
            numpy.stack([numpy.load(file).reshape(1, *self.images.shape[1:]) for file in files]),
        )

    def evaluate(self, metrics, repeats):
        """CPU seconds, and where the values are; nothing is kept from a call before."""
        run, masks = self.run(repeats)
        shutil.rmtree(run / "evaluate", ignore_errors=True)
        (run / "evaluate.json").unlink(missing_ok=True)
        options = ["--samples", 0, "--methods", "grad2d", "--metrics", ",".join(metrics)]
        return self.call("evaluate", run, *options, "--masks", masks)[0], run / "evaluate" / "grad2d.h5"

    def measure(self, metric):
        """The values of all samples, and the seconds that each takes."""
        beside = "complexity" if metric != "complexity" else "sparseness"

        def extra(repeats):
            without, (seconds, file) = self.evaluate([beside], repeats)[0], self.evaluate([beside, metric], repeats)
            return seconds - without, file

        seconds, file = extra(1)
        with h5py.File(file) as values:
            found = values[metric]["values"][:]
        repeats = next(r for r in (1, 8, 64) if r == 64 or r * seconds > 0.3)
        several = [seconds] if repeats == 1 else [extra(repeats)[0] for _ in range(2)]
        return found, statistics.mean(several) / repeats / len(self.labels)


class Quantus:
    """Its metrics on the module, the images and the program's maps: each gives one value a sample, or one for all."""

    def __init__(self, module, images, targets, maps):
        self.module, self.images, self.targets, self.maps = module, images, targets, maps
        self.masks = images > 0

    def call(self, metric, options, abs=False, sign=1, **given):
        quiet = {"normalise": False, "disable_warnings": True, "display_progressbar": False}
        given = {"a_batch": sign * self.maps, "explain_func": gradient, **given}
        numpy.random.seed(1)
        return metric(abs=abs, **quiet, **options)(
            model=self.module,
            x_batch=self.images.copy(),
            y_batch=self.targets,
            channel_first=True,
            batch_size=len(self.images),
            **given,
        )

    def deletion(self):
        curves = numpy.array(
            self.call(quantus.PixelFlipping, {"features_in_step": self.images.shape[-1]}, softmax=True)
        )
        with torch.no_grad():
            whole = self.module(torch.from_numpy(self.images)).softmax(1)
        whole = whole[torch.arange(len(curves)), torch.from_numpy(self.targets)].numpy()
        return numpy.trapz(numpy.column_stack([whole, curves]), axis=1) / curves.shape[1]

    def road(self):
        options = {"percentages": list(range(10, 100, 10)), "perturb_func": clipped_imputation}
        best, worst = (self.call(RoadOfSamples, options, sign=sign) for sign in (1, -1))
        return worst - best

    def irof(self):
        means = numpy.broadcast_to(self.images.mean(axis=(2, 3), keepdims=True), self.images.shape)
        areas = numpy.array(self.call(quantus.IROF, {"perturb_baseline": means, "return_aggregate": False}))
        return areas / [get_superpixel_segments(image.transpose(1, 2, 0), "slic").max() + 1 for image in self.images]

    def faithfulness_correlation(self):
        return self.call(quantus.FaithfulnessCorrelation, {"return_aggregate": False})

    def sensitivity_n(self):
        options = {"features_in_step": 2, "return_aggregate": False}
        return numpy.nanmean(self.call(quantus.SensitivityN, options))

    def infidelity(self):
        return self.call(quantus.Infidelity, {"n_perturb_samples": 2})

    def sensitivity(self):
        return self.call(quantus.MaxSensitivity, {"nr_samples": DRAWS, "perturb_func": clipped_noise})

    def stability(self, metric):
        options = {"nr_samples": DRAWS, "perturb_func": clipped_noise, "return_nan_when_prediction_changes": False}
        return self.call(metric, options)

    def input_stability(self):
        return self.stability(quantus.RelativeInputStability)

    def output_stability(self):
        return self.stability(quantus.RelativeOutputStability)

    @staticmethod
    def mean_of_layers(scores):
        return numpy.abs([of for layer, of in scores.items() if layer != "original"]).mean(axis=0)

    def mprt(self):
        return self.mean_of_layers(self.call(quantus.MPRT, {"layer_order": "top_down"}))

    def smprt(self):
        given = {"a_batch": None, "explain_func": quantus.explain, "explain_func_kwargs": {"method": "Gradient"}}
        return self.mean_of_layers(self.call(quantus.SmoothMPRT, {"layer_order": "top_down"}, **given))

    def emprt(self):
        return self.call(quantus.EfficientMPRT, {"complexity_func_kwargs": {"n_bins": 100}})

    def random_logit(self):
        return self.call(quantus.RandomLogit, {"similarity_func": correlation_spearman, "num_classes": 10})

    def sparseness(self):
        return self.call(quantus.Sparseness, {}, abs=True)

    def complexity(self):
        return self.call(quantus.Complexity, {}, abs=True)

    def pointing_game(self):
        return self.call(quantus.PointingGame, {}, s_batch=self.masks)

    def energy_inside(self):
        return self.call(quantus.RelevanceMassAccuracy, {}, s_batch=self.masks, a_batch=self.maps.clip(0))

    def measure(self, metric):
        start = time.process_time()
        values = getattr(self, metric)()
        seconds = time.process_time() - start
        if seconds < 2:
            start = time.process_time()
            getattr(self, metric)()
            seconds = min(seconds, time.process_time() - start)
        return numpy.asarray(values, dtype=float), seconds / len(self.images)


# How far values may be apart that should be equal, or None, or "draws": then the mean difference has an interval.
ROWS = {
    "deletion": ("PixelFlipping", 1e-4, "their curve lacks its start, which is added"),
    "road": ("ROAD", "draws", "nothing but draws"),
    "irof": ("IROF", None, "their SLIC is asked for 100 segments, ours for 50"),
    "faithfulness_correlation": ("FaithfulnessCorrelation", "draws", "nothing but draws"),
    "sensitivity_n": ("SensitivityN", None, "theirs correlates over samples, pixels in the map's order"),
    "infidelity": ("Infidelity", None, "theirs: squares add up, map times image, no scale"),
    "sensitivity": ("MaxSensitivity", "draws", "nothing but draws"),
    "input_stability": ("RelativeInputStability", None, "theirs divides value by value"),
    "output_stability": ("RelativeOutputStability", None, "theirs divides value by value"),
    "mprt": ("MPRT", "draws", "nothing but draws"),
    "smprt": ("SmoothMPRT", "draws", "their last copy has no noise; 300 explanations, ours 250"),
    "emprt": ("EfficientMPRT", "draws", "nothing but draws"),
    "random_logit": ("RandomLogit", "draws", "nothing but draws"),
    "sparseness": ("Sparseness", 1e-3, "they add 1e-7 to each value"),
    "complexity": ("Complexity", 1e-5, "nothing"),
    "pointing_game": ("PointingGame", 0, "nothing"),
    "energy_inside": ("RelevanceMassAccuracy", 1e-5, "nothing, of the map's positive values"),
}


def compared(ours, theirs, rule):
    """What to say of the values, and whether they are as they should be."""
    if theirs.ndim == 0 or rule is None:
        return "", True
    difference = ours - theirs
    if rule == "draws":
        half = 1.96 * difference.std(ddof=1) / len(ours) ** 0.5
        return f"{difference.mean():+.3f} ± {half:.3f}", True
    apart = numpy.abs(difference).max()
    return f"at most {apart:.0e}", bool(apart <= rule)


def times(fast, slow):
    """Milliseconds of both, and their ratio."""
    mine, other = (f"{1000 * s:.0f}" if s >= 0.01 else f"{1000 * s:.2g}" for s in (max(fast, LEAST), slow))
    ratio = f"{slow / max(fast, LEAST):.0f}"
    return f"{mine} | {other} | {ratio}" if fast >= LEAST else f"< {mine} | {other} | > {ratio}"


def check_peer(module, images, scores, maps, targets):
    with torch.no_grad():
        found = module(torch.from_numpy(images)).numpy()
    apart, gradients = numpy.abs(found - scores).max(), gradient(module, images, targets)
    sizes = numpy.linalg.norm(maps.reshape(len(maps), -1), axis=1)
    changes = numpy.linalg.norm((gradients - maps).reshape(len(maps), -1), axis=1) / sizes
    print(f"Scores differ by at most {apart:.0e}, maps of grad2d by at most {changes.max():.0e} of their norm.\n")
    if apart > 1e-4 or changes.max() > 1e-3:
        raise SystemExit("the module is not the program's network")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("run", type=Path)
    parser.add_argument("--samples", type=int, default=24)
    parser.add_argument("--metrics", nargs="*", default=list(ROWS), choices=list(ROWS), metavar="METRIC")
    options = parser.parse_args()
    torch.set_num_threads(1)
    data = Path(os.environ["SPIKELENS_DATA"]) / json.loads((options.run / "manifest.json").read_text())["data"]["name"]
    pixels = read_idx(data / "t10k-images-idx3-ubyte.gz")[: options.samples]
    labels = read_idx(data / "t10k-labels-idx1-ubyte.gz")[: options.samples]
    images = pixels[:, None].astype(numpy.float32) / 255
    model = options.run / "model.safetensors"
    description, tensors = load_model(model)
    module = Network(description, tensors).eval()
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        ours = Spikelens(options.program, model, Path(folder), description["classes"], pixels, labels)
        scores, targets, maps = ours.explain()
        check_peer(module, images, scores, maps, targets)
        theirs = Quantus(module, images, targets, maps)
        print("| metric | Quantus | ours | theirs | ours less theirs | ms, ours | ms, theirs | times | what differs |")
        print("|---|---|---|---|---|---|---|---|---|")
        for metric in options.metrics:
            name, rule, differs = ROWS[metric]
            (mine, fast), (other, slow) = ours.measure(metric), theirs.measure(metric)
            text, right = compared(mine, other, rule)
            wrong += [] if right else [metric]
            print(
                f"| `{metric}` | {name} | {mine.mean():.4g} | {other.mean():.4g} | {text} | {times(fast, slow)} | "
                f"{differs} |",
                flush=True,
            )
    used = sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(
        f"\n{options.samples} samples, PyTorch {torch.__version__}, Quantus {quantus.__version__}, {used:.0f} s of CPU."
    )
    if wrong:
        raise SystemExit("not equal, and should be: " + ", ".join(wrong))


if __name__ == "__main__":
    main()
