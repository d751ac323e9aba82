#!/usr/bin/env python3
"""How much faster than PyTorch are simulation, evaluate and interpret? All in one run, one core, the same trained model
and images.

usage: compare_pytorch.py PROGRAM RUN [STAGE...]      (build/release/spikelens, a run directory of Fashion-MNIST)

simulate   (a) the loop over time that tutorials write: each step through the whole network;
           (b) layer by layer with time folded into the batch, the first current computed once: the best a PyTorch user
               writes.
evaluate   insertion and deletion of the method `input`, 28 steps each: seconds that 1,000 more images take, against (a)
           on 20.
interpret  responses of 60,000 images, against (a) with spike counts on 1,000 of them, and the ablations, against as
           many simulations by (a) as there are images and distinct filter sets.
Spikelens' seconds are those of the whole command, from start to exit. What PyTorch took for some images is multiplied
up to all of them. Needs PyTorch and NumPy. Networks of conv, LIF (no delay, reset by subtraction), max-pool, full
layers.
"""

import gzip
import json
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time

import numpy
import torch
import torch.nn.functional as F

FOLDER = "/usr/share/datasets/fashion-mnist/"
BETA = 0.95


def load_model(path):
    with open(path, "rb") as file:
        length = struct.unpack("<Q", file.read(8))[0]
        header, data = json.loads(file.read(length)), file.read()
    description = json.loads(header.pop("__metadata__")["spikelens"])
    tensors = {
        name: torch.from_numpy(
            numpy.frombuffer(data, "<f4", offset=t["data_offsets"][0], count=int(numpy.prod(t["shape"])))
            .reshape(t["shape"])
            .copy()
        )
        for name, t in header.items()
    }
    return description, tensors


def stages_of(text):
    """(name, is_conv, padding, spiking, pool) of each weighted layer."""
    result = []
    for part in text.split("-"):
        if match := re.fullmatch(r"\d+C(\d+)", part):
            result.append([f"conv{len(result) + 1}", True, (int(match[1]) - 1) // 2, False, 1])
        elif re.fullmatch(r"\d+F", part):
            result.append([f"full{len(result) + 1}", False, 0, False, 1])
        elif part == "LIF":
            result[-1][3] = True
        elif match := re.fullmatch(r"MP(\d+)", part):
            result[-1][4] = int(match[1])
        else:
            raise SystemExit(f"compare_pytorch.py knows no stage '{part}'")
    return result


def current(layer, x, tensors):
    name, is_conv, padding, _, _ = layer
    weight, bias = tensors[name + ".weight"], tensors[name + ".bias"]
    return F.conv2d(x, weight, bias, padding=padding) if is_conv else F.linear(x.flatten(1), weight, bias)


def time_loop(images, layers, tensors, steps, beta, counts=None):
    membranes, score = [0.0] * len(layers), 0.0
    for step in range(steps):
        x = images
        for i, layer in enumerate(layers):
            x = current(layer, x, tensors)
            if not layer[3]:
                score = score + x
                continue
            u = beta * membranes[i] + x
            x = (u > 1).float()
            membranes[i] = u - x
            if counts is not None:
                counts[i] = x if step == 0 else counts[i] + x
            if layer[4] > 1:
                x = F.max_pool2d(x, layer[4])
    return score / steps


def layer_by_layer(images, layers, tensors, steps, beta):
    x = None
    for layer in layers:
        if x is None:
            drive = current(layer, images, tensors)
            drives = [drive] * steps
        elif not layer[3]:
            return current(layer, x.reshape(steps, len(images), -1).mean(0), tensors)
        else:
            drives = current(layer, x, tensors).reshape(
                steps, len(images), *([-1] if not layer[1] else [tensors[layer[0] + ".weight"].shape[0], *x.shape[2:]])
            )
        u, spikes = torch.zeros_like(drives[0]), []
        for drive in drives:
            u = u * beta + drive
            spike = (u > 1).float()
            u = u - spike
            spikes.append(spike)
        x = torch.cat(spikes)
        if layer[4] > 1:
            x = F.max_pool2d(x, layer[4])
    raise SystemExit("the network has no readout")


def rate(run, images, batch):
    run(images[:batch])
    best = 0.0
    for _ in range(3):
        start = time.perf_counter()
        for first in range(0, len(images), batch):
            run(images[first : first + batch])
        best = max(best, len(images) / (time.perf_counter() - start))
    return best


def load_images(name, count):
    with gzip.open(FOLDER + name) as file:
        pixels = numpy.frombuffer(file.read(16 + count * 784), numpy.uint8, offset=16).reshape(-1, 1, 28, 28)
    return torch.from_numpy(pixels.astype(numpy.float32) / 255)


def spikelens(program, command, run, *options):
    """The document of a command, and its seconds."""
    start = time.perf_counter()
    done = subprocess.run(
        [program, command, run, *options, "--threads", "1", "--json", "--quiet"], check=True, capture_output=True
    )
    return json.loads(done.stdout), time.perf_counter() - start


def perturbed(image, insertion):
    """Insertion from black to the image, best pixels first, or deletion: a row's worth of pixels a step."""
    order = image.flatten().argsort(descending=True)
    current, goal = (torch.zeros(784), image.flatten()) if insertion else (image.flatten().clone(), torch.zeros(784))
    series = [current.clone()]
    for step in range(28):
        places = order[28 * step : 28 * step + 28]
        current[places] = goal[places]
        series.append(current.clone())
    return torch.stack(series).reshape(-1, 1, 28, 28)


def simulate(program, run, loop, folded):
    images = load_images("t10k-images-idx3-ubyte.gz", 512)
    same = (loop(images).argmax(1) == folded(images).argmax(1)).float().mean().item()
    slow = max(rate(loop, images, batch) for batch in (32, 128))
    best = max(rate(folded, images, batch) for batch in (8, 32, 128))
    ours = max(spikelens(program, "inspect", run, "--speed")[0]["images_per_second"] for _ in range(3))
    print(f"simulate: predictions of (a) and (b) agree on {100 * same:.1f} % of 512 images")
    print(f"  (a) PyTorch {torch.__version__} time loop  {slow:8.0f} images/s")
    print(f"  (b) PyTorch layer by layer      {best:8.0f} images/s")
    print(f"      Spikelens                   {ours:8.0f} images/s = {ours / slow:.1f} × (a) = {ours / best:.1f} × (b)")


def evaluate(program, run, loop):
    images, slow, ours = iter(load_images("t10k-images-idx3-ubyte.gz", 60)), [], []
    for first in (
        100,
        200,
        300,
    ):  # in turns: the machine's speed changes; other samples each time, for results are kept
        start = time.perf_counter()
        for _ in range(20):
            image = next(images)
            target = loop(image[None]).argmax(1)
            for insertion in (True, False):
                torch.trapz(loop(perturbed(image, insertion)).softmax(1)[:, target].flatten()).item()
        slow.append((time.perf_counter() - start) / 20)
        few, many = (
            spikelens(program, "evaluate", run, "--methods", "input", "--samples", str(count))[1]
            for count in (first, first + 1000)
        )
        ours.append((many - few) / 1000)
    for a, b in zip(slow, ours):
        print(f"evaluate: (a) {1000 * a:.0f} ms an image, Spikelens {1000 * b:.1f} ms: {a / b:.1f} ×")
    print(
        f"  1,000 images as one command: {many:.1f} s, of which {few - first * ours[-1]:.1f} s before the first image"
    )


def interpret(program, run, loop):
    images, counts = load_images("train-images-idx3-ubyte.gz", 1000), {}
    start = time.perf_counter()
    for batch in images.split(100):
        loop(batch, counts)
        energies = [maps.square().flatten(2).sum(2) for maps in counts.values() if maps.dim() == 4]
        torch.cat([e / e.sum(1, keepdim=True).clamp(min=1e-12) for e in energies], 1)
    slow = (time.perf_counter() - start) / len(images)
    document, ours = spikelens(program, "interpret", run)
    responses, ablation = document["seconds"]["responses"], document["seconds"]["ablation"]
    sets = 0
    for of_class in document["per_class"]:
        relevant = {tuple(sorted((f["layer"], f["filter"]) for f in point["filters"])) for point in of_class["path"]}
        sets += len(relevant) + 5 * len({len(filters) for filters in relevant})
    runs = 1000 * sets  # of each class's 1,000 test images
    print(
        f"interpret, responses of 60,000 images: (a) {60000 * slow:.0f} s, Spikelens {responses:.1f} s: "
        f"{60000 * slow / responses:.1f} ×"
    )
    print(
        f"  {runs} ablated simulations: (a) {runs * slow:.0f} s, Spikelens {ablation:.1f} s: "
        f"{runs * slow / ablation:.1f} ×"
    )
    print(
        f"  the whole command: {ours:.1f} s, against {(60000 + runs) * slow:.0f} s: "
        f"{(60000 + runs) * slow / ours:.1f} ×"
    )


def main(program, source, *stages):
    torch.set_num_threads(1)
    description, tensors = load_model(source + "/model.safetensors")
    steps = description["steps"]
    layers = stages_of(description["network"])
    with torch.no_grad(), tempfile.TemporaryDirectory() as folder:
        run = shutil.copytree(source, folder + "/run", ignore=shutil.ignore_patterns("evaluate*", "interpret*"))

        def loop(images, counts=None):
            return time_loop(images, layers, tensors, steps, BETA, counts)

        for stage in stages or ("simulate", "evaluate", "interpret"):
            if stage == "simulate":
                simulate(program, run, loop, lambda x: layer_by_layer(x, layers, tensors, steps, BETA))
            elif stage == "evaluate":
                evaluate(program, run, loop)
            elif stage == "interpret":
                interpret(program, run, loop)
            else:
                raise SystemExit(__doc__)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
