#!/usr/bin/env python3
"""What does each stage cost with SVGG19, 224 × 224, T = 25: CPU time and peak memory, beside PyTorch layer by layer?

usage: svgg19_stages.py PROGRAM PHOTOGRAPHS      (PHOTOGRAPHS: a folder PART/CLASS/FILE, of which two classes are used)

Weights are those that torchvision draws, in a file that it writes; thresholds are balanced by --calibrate. One
photograph a class to train on and one to test. CPU time is of all threads of the whole process, so it says the same on
a busy machine. PyTorch computes one photograph, then one training step of it (autograd, time folded into the batch):
as it comes, and with each layer computed anew on the way back. Needs torch and torchvision. Prints a table.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

STEPS, SIDE = 25, 224


def measured(name, command):
    """Runs it to its end and prints its CPU seconds and its largest resident size."""
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, text=True)
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{name} failed")
    print(f"| {name} | {usage.ru_utime + usage.ru_stime:.1f} s | {usage.ru_maxrss / 1024:,.0f} MB |", flush=True)
    return out


def few_photographs(source, folder):
    for part in ("train", "val"):
        for name in sorted(path.name for path in (source / "train").iterdir())[:2]:
            (folder / part / name).mkdir(parents=True)
            photograph = sorted((source / part / name).iterdir())[0]
            shutil.copy(photograph, folder / part / name / photograph.name)


def write_weights(path):
    import torch
    import torchvision

    torch.manual_seed(1)
    torch.save(torchvision.models.vgg19().state_dict(), path)


def pytorch(model, photograph, task):
    import torch
    import torch.nn.functional as F
    import torch.utils.checkpoint
    import torchvision
    from compare_pytorch import load_model

    torch.set_num_threads(1)
    description, tensors = load_model(model)
    neurons = [layer["neuron"] for layer in description["layers"]]
    image = torchvision.io.read_image(photograph).float()[None] / 255
    x = F.interpolate(image, (SIDE, SIDE), mode="bilinear", antialias=True)
    x = (x - torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)) / torch.tensor([0.229, 0.224, 0.225]).view(
        1, 3, 1, 1
    )

    class Spike(torch.autograd.Function):
        @staticmethod
        def forward(context, above):
            context.save_for_backward(above)
            return (above > 0).float()

        @staticmethod
        def backward(context, gradient):
            (above,) = context.saved_tensors
            return gradient * 0.3 * (1 - above.abs()).clamp(min=0)

    def lif(drives, neuron):
        beta, threshold, u, spikes = neuron["beta"], neuron["threshold"], 0, []
        for drive in drives:
            u = beta * u + drive
            spikes.append(Spike.apply(u / threshold - 1))
            u = u - threshold * spikes[-1].detach()
        return torch.stack(spikes)

    def conv(s, number):
        drive = F.conv2d(s, tensors[f"conv{number}.weight"], tensors[f"conv{number}.bias"], padding=1)
        return lif([drive] * STEPS if number == 1 else drive[:, None], neurons[number - 1])[:, 0]

    def full(s, number):
        return lif(F.linear(s, tensors[f"full{number}.weight"], tensors[f"full{number}.bias"]), neurons[number - 1])

    def layer(compute, s, number):
        if task == "anew":
            return torch.utils.checkpoint.checkpoint(compute, s, number, use_reentrant=False)
        return compute(s, number)

    def forward():
        s, number = x, 0
        for repeats in (2, 2, 4, 4, 4):
            for _ in range(repeats):
                number += 1
                s = layer(conv, s, number)
            s = F.max_pool2d(s, 2)
        s = s.flatten(1)
        for number in (17, 18):
            s = layer(full, s, number)
        return F.linear(s.mean(0), tensors["full19.weight"], tensors["full19.bias"])

    if task == "forward":
        with torch.no_grad():
            forward()
        return
    for tensor in tensors.values():
        tensor.requires_grad_()
    F.cross_entropy(forward()[None], torch.tensor([0])).backward()
    with torch.no_grad():
        for tensor in tensors.values():
            if tensor.grad is not None:
                tensor -= 0.001 * tensor.grad


def main(program, source):
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/tmp")) as name:
        folder = pathlib.Path(name)
        data, start, run = folder / "data", folder / "start.safetensors", folder / "run"
        few_photographs(pathlib.Path(source), data)
        subprocess.run([sys.executable, __file__, "--weights", folder / "vgg19.pth"], check=True)
        seen = f"--data {data} --resize {SIDE}x{SIDE} --mean imagenet --std imagenet --epochs 1 --learning-rate 0.001"

        def spikelens(name, words):
            return measured(name, [program, *words.split(), "--json", "--quiet"])

        def torch(name, task):
            photograph = next((data / "val").glob("*/*"))
            measured(name, [sys.executable, __file__, "--pytorch", run / "model.safetensors", photograph, task])

        print("| stage | CPU time | peak |\n|---|---|---|")
        made = f"--network svgg19 --classes 1000 --input 3,{SIDE},{SIDE} --steps {STEPS} --out {start}"
        spikelens("`import` of torchvision's file", f"import {folder / 'vgg19.pth'} {made}")
        (folder / "vgg19.pth").unlink()
        spikelens(
            "`train`: balance thresholds on 2, one step of 2, predict 4",
            f"train --from {start} --replace-last --calibrate 1 --batch 2 --out {run} {seen}",
        )
        spikelens(
            "`train`: one step of 1, predict 3",
            f"train --from {run} --batch 1 --train-samples 1 --out {folder / 'again'} {seen}",
        )
        torch("PyTorch: one step of 1", "step")
        torch("PyTorch: the same, layers computed anew on the way back", "anew")
        speed = json.loads(
            spikelens("`inspect --speed`: one photograph", f"inspect {run} --speed --samples 1 --threads 1")
        )
        torch("PyTorch: one photograph", "forward")
        spikelens(
            "`interpret`: 2 photographs, 2 budgets, 5,504 filters pictured",
            f"interpret {run} --mu 2 --mu-max 2 --draws 1",
        )
        for method in ("svebi", "gate", "share", "gradcam", "ig2d:steps=2"):
            more = " --memory 3G" if method[:2] in ("gr", "ig") else ""  # a gradient needs 2.1 GB beside the weights
            spikelens(f"`explain`: 1 photograph, {method}{more}", f"explain {run} --test 0 --methods {method}{more}")
        spikelens(
            "`evaluate`: 2 photographs, insertion and deletion in 4 steps, blurred, svebi, gate, random",
            f"evaluate {run} --methods svebi,gate,random --metrics insertion,deletion --baseline blur --samples 2 "
            f"--step {SIDE * SIDE // 4}",
        )
        print(f"\n{speed['images_per_second']:.2f} photographs a second on one thread")


if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).parent))
    if sys.argv[1] == "--weights":
        write_weights(sys.argv[2])
    elif sys.argv[1] == "--pytorch":
        pytorch(*sys.argv[2:])
    elif len(sys.argv) == 3:
        main(*sys.argv[1:])
    else:
        raise SystemExit(__doc__.split("\n\n")[1])
