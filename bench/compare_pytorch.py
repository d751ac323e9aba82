#!/usr/bin/env python3
"""How much faster than PyTorch is the exact simulation? Both in one run, one core, the same trained model and images.

usage: compare_pytorch.py PROGRAM RUN [IMAGES]      (PROGRAM: build/release/spikelens, RUN: a run directory)

(a) the loop over time that tutorials write: each step through the whole network;
(b) layer by layer with time folded into the batch, the first current computed once: the best a PyTorch user writes.
Needs Debian's python3-torch and python3-numpy. Networks of conv, LIF (no delay, reset by subtraction), max-pool and full layers.
"""
import gzip
import json
import re
import struct
import subprocess
import sys
import time

import numpy
import torch
import torch.nn.functional as F

IMAGES = "/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz"


def load_model(path):
    with open(path, "rb") as file:
        length = struct.unpack("<Q", file.read(8))[0]
        header, data = json.loads(file.read(length)), file.read()
    description = json.loads(header.pop("__metadata__")["spikelens"])
    tensors = {name: torch.from_numpy(numpy.frombuffer(data, "<f4", offset=t["data_offsets"][0], count=int(numpy.prod(t["shape"]))).reshape(t["shape"]).copy())
               for name, t in header.items()}
    return description, tensors


def stages(text, steps, beta):
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


def time_loop(images, layers, tensors, steps, beta):
    membranes, score = [0.0] * len(layers), 0.0
    for _ in range(steps):
        x = images
        for i, layer in enumerate(layers):
            x = current(layer, x, tensors)
            if not layer[3]:
                score = score + x
                continue
            u = beta * membranes[i] + x
            x = (u > 1).float()
            membranes[i] = u - x
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
            drives = current(layer, x, tensors).reshape(steps, len(images), *([-1] if not layer[1] else [tensors[layer[0] + ".weight"].shape[0], *x.shape[2:]]))
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
            run(images[first:first + batch])
        best = max(best, len(images) / (time.perf_counter() - start))
    return best


def main(program, run_directory, count="512"):
    torch.set_num_threads(1)
    description, tensors = load_model(run_directory + "/model.safetensors")
    steps, beta = description["steps"], 0.95
    layers = stages(description["network"], steps, beta)
    with gzip.open(IMAGES) as file:
        pixels = numpy.frombuffer(file.read(), numpy.uint8, offset=16).reshape(-1, 1, 28, 28)
    images = torch.from_numpy(pixels[: int(count)].astype(numpy.float32) / 255)
    with torch.no_grad():
        same = (time_loop(images, layers, tensors, steps, beta).argmax(1) == layer_by_layer(images, layers, tensors, steps, beta).argmax(1)).float().mean().item()
        loop = max(rate(lambda x: time_loop(x, layers, tensors, steps, beta), images, batch) for batch in (32, 128))
        folded = max(rate(lambda x: layer_by_layer(x, layers, tensors, steps, beta), images, batch) for batch in (8, 32, 128))
    ours = json.loads(subprocess.run([program, "inspect", run_directory, "--speed", "--threads", "1", "--json"], check=True, capture_output=True).stdout)["images_per_second"]
    print(f"predictions of (a) and (b) agree on {100 * same:.1f} % of {count} images")
    print(f"(a) PyTorch {torch.__version__} time loop        {loop:8.0f} images/s")
    print(f"(b) PyTorch layer by layer       {folded:8.0f} images/s")
    print(f"    Spikelens, one thread        {ours:8.0f} images/s = {ours / loop:.1f} × (a) = {ours / folded:.1f} × (b)")


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
