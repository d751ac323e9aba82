#!/usr/bin/env python3
"""How much faster than SpikingJelly is a network of SpikingJelly, from its own state dict? CPU time on one core, the
same images, one run.

usage: compare_spikingjelly.py PROGRAM [REPEATS]      (PROGRAM: build/release/bench/bench_state_dict)

A spiking VGG11 and a SEW-ResNet18 as SpikingJelly defines them, with batch normalisation, 64 × 64, T = 4, random
weights; the running averages are those of a few batches, so that neurons fire. VGG11 has no adaptive pool (of 2 × 2 to
7 × 7), SEW-ResNet18 a 2 × 2 pool in place of the padded one. SpikingJelly runs layer by layer (step mode "m"). Needs
PyTorch and spikingjelly.
"""

import copy
import subprocess
import sys
import tempfile
import time

import numpy
import torch
import torch.nn as nn
from spikingjelly.activation_based import functional, layer, neuron
from spikingjelly.activation_based.model import sew_resnet, spiking_vgg

STEPS, SIDE, CLASSES, IMAGES = 4, 64, 10, 16
LIF = "LIF(beta=0.5,decay_input,reset=zero,ge)"


def vgg11():
    net = spiking_vgg.SpikingVGG(
        spiking_vgg.cfgs["A"], batch_norm=True, num_classes=CLASSES, spiking_neuron=neuron.LIFNode
    )
    net.avgpool = layer.MaxPool2d(1)
    net.classifier[0] = layer.Linear(512 * (SIDE // 32) ** 2, 4096)
    stages = ["MP2" if v == "M" else f"{v}C3-{LIF}" for v in spiking_vgg.cfgs["A"]]
    return net, "-".join(stages + [f"4096F-{LIF}"] * 2 + [f"{CLASSES}F"])


def sew_resnet18():
    net = sew_resnet.sew_resnet18(spiking_neuron=neuron.LIFNode, cnf="ADD", num_classes=CLASSES)
    net.maxpool = layer.MaxPool2d(2)
    stages = [f"64C7s2-{LIF}-MP2"]
    for planes in (64, 128, 256, 512):
        for block in range(2):
            down = planes > 64 and block == 0
            stages.append(
                f"[{planes}C3{'s2' if down else ''}-{LIF}-{planes}C3-{LIF}|{f'{planes}C1s2-{LIF}' if down else ''}]add"
            )
    return net, "-".join(stages + [f"GAP-{CLASSES}F"])


def simulate(net, images, size=8):
    scores = []
    with torch.no_grad():
        for batch in images.split(size):
            functional.reset_net(net)
            scores.append(net(batch.unsqueeze(0).repeat(STEPS, 1, 1, 1, 1)).mean(0))
    return torch.cat(scores)


def measure(name, net, text, program, gain, repeats):
    functional.set_step_mode(net, "m")
    images = torch.rand(IMAGES, 3, SIDE, SIDE)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None
            nn.init.constant_(module.weight, gain)  # the deviation of currents decides how many neurons fire
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, 0, 5 / module.in_features**0.5)
    net.train()
    simulate(net, torch.rand(16, 3, SIDE, SIDE))
    net.eval()
    times = {"batches of 8": [], "single images": [], "ours": [], "import": []}
    with tempfile.TemporaryDirectory() as folder:
        functional.reset_net(net)
        torch.save(net.state_dict(), f"{folder}/weights.pth")
        images.numpy().tofile(f"{folder}/images")
        for _ in range(repeats):
            for way, size in (("batches of 8", 8), ("single images", 1)):
                start = time.process_time()
                scores = simulate(net, images, size)
                times[way].append((time.process_time() - start) / IMAGES)
            words = [
                program,
                f"{folder}/weights.pth",
                text,
                f"3,{SIDE},{SIDE}",
                str(STEPS),
                f"{folder}/images",
                f"{folder}/scores",
            ]
            done = subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()
            times["import"].append(float(done[0])), times["ours"].append(float(done[1]) / IMAGES)
        mine = torch.from_numpy(numpy.fromfile(f"{folder}/scores", "<f4").reshape(IMAGES, CLASSES))
    rates = []
    hooks = [
        module.register_forward_hook(lambda m, i, out: rates.append(out.mean().item()))
        for module in net.modules()
        if isinstance(module, neuron.LIFNode)
    ]
    simulate(net, images)
    for hook in hooks:
        hook.remove()
    exact = simulate(copy.deepcopy(net).double(), images.double())
    milliseconds = lambda way: f"{1e3 * min(times[way]):.1f} to {1e3 * max(times[way]):.1f} ms"
    print(
        f"{name}, {100 * sum(rates) / len(rates):.0f} % of the neurons firing in a step; "
        f"an image takes us {milliseconds('ours')}"
    )
    for way in ("batches of 8", "single images"):
        ratios = [a / b for a, b in zip(times[way], times["ours"])]
        print(f"    SpikingJelly, {way}: {milliseconds(way)}, {min(ratios):.1f} to {max(ratios):.1f} times as long")
    differ = lambda other: (
        f"{(other - exact).abs().max():.1e} ({((other - exact).abs() > 1e-4).any(1).sum()} images above 1e-4)"
    )
    print(
        f"    import {min(times['import']):.2f} s; largest difference of scores to SpikingJelly in float64: "
        f"ours {differ(mine)}, SpikingJelly's float32 {differ(scores)}; "
        f"predictions that differ: {(mine.argmax(1) != exact.argmax(1)).sum()}",
        flush=True,
    )


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(5)
    for name, make in (("VGG11", vgg11), ("SEW-ResNet18", sew_resnet18)):
        for gain in (2, 1.5):
            measure(name, *make(), sys.argv[1], gain, int(sys.argv[2]) if len(sys.argv) > 2 else 3)
