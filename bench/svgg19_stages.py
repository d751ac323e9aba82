#!/usr/bin/env python3
"""What does each stage cost with SVGG19, 224 × 224, T = 25: CPU time and peak memory, beside PyTorch layer by layer in
the same run?

usage: svgg19_stages.py PROGRAM PHOTOGRAPHS      (a folder TRAIN_OR_VAL/CLASS/FILE, of which two classes are used)

Weights are those that torchvision draws, in a file that it writes; thresholds are balanced by --calibrate. One
photograph a class to train on and one to test. CPU time is of all threads, so it says the same on a busy machine.
PyTorch computes one photograph, then one training step of it (autograd, time folded into the batch). Needs torch and
torchvision.
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
    print(f"{name:42} {usage.ru_utime + usage.ru_stime:8.1f} s CPU {usage.ru_maxrss / 1024:8.0f} MB", flush=True)
    return out


def few_photographs(source, folder):
    classes = sorted(path.name for path in (source / "train").iterdir())[:2]
    for part in ("train", "val"):
        for name in classes:
            (folder / part / name).mkdir(parents=True)
            photograph = sorted((source / part / name).iterdir())[0]
            shutil.copy(photograph, folder / part / name / photograph.name)
    return folder / "val" / classes[0]


def write_weights(path):
    import torch
    import torchvision

    torch.manual_seed(1)
    torch.save(torchvision.models.vgg19().state_dict(), path)


def pytorch(model, photograph, task):
    import torch
    import torch.nn.functional as F
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

    def forward():
        s, number = x, 0
        for repeats in (2, 2, 4, 4, 4):
            for _ in range(repeats):
                number += 1
                drive = F.conv2d(s, tensors[f"conv{number}.weight"], tensors[f"conv{number}.bias"], padding=1)
                s = lif([drive] * STEPS if number == 1 else drive[:, None], neurons[number - 1])[:, 0]
            s = F.max_pool2d(s, 2)
        s = s.flatten(1)
        for number in (17, 18):
            s = lif(F.linear(s, tensors[f"full{number}.weight"], tensors[f"full{number}.bias"]), neurons[number - 1])
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
        photographs = few_photographs(pathlib.Path(source), folder / "data")
        subprocess.run([sys.executable, __file__, "--weights", folder / "vgg19.pth"], check=True)
        start, run = folder / "start.safetensors", folder / "run"
        quiet = ["--json", "--quiet"]
        measured(
            "import",
            [
                program,
                "import",
                folder / "vgg19.pth",
                "--network",
                "svgg19",
                "--classes",
                1000,
                "--input",
                f"3,{SIDE},{SIDE}",
                "--steps",
                STEPS,
                "--out",
                start,
                *quiet,
            ],
        )
        (folder / "vgg19.pth").unlink()
        measured(
            "train: balance, one step of 2, 4 predicted",
            [
                program,
                "train",
                "--from",
                start,
                "--replace-last",
                "--calibrate",
                1,
                "--data",
                folder / "data",
                "--resize",
                f"{SIDE}x{SIDE}",
                "--mean",
                "imagenet",
                "--std",
                "imagenet",
                "--epochs",
                1,
                "--batch",
                2,
                "--learning-rate",
                0.001,
                "--out",
                run,
                *quiet,
            ],
        )
        model = run / "model.safetensors"
        speed = json.loads(
            measured("inspect --speed", [program, "inspect", run, "--speed", "--samples", 1, "--threads", 1, *quiet])
        )
        print(f"  {speed['images_per_second']:.2f} photographs a second on one thread")
        photograph = next(photographs.iterdir())
        measured("PyTorch: one photograph", [sys.executable, __file__, "--pytorch", model, photograph, "forward"])
        measured(
            "interpret: 2 photographs, 2 budgets",
            [program, "interpret", run, "--mu", 2, "--mu-max", 2, "--draws", 1, *quiet],
        )
        measured(
            "explain: 1 photograph by 2 methods",
            [program, "explain", run, "--test", 0, "--methods", "svebi,grad2d", "--memory", "4G", *quiet],
        )
        measured(
            "evaluate: 1 photograph, deletion in 8 steps",
            [
                program,
                "evaluate",
                run,
                "--methods",
                "svebi",
                "--metrics",
                "deletion",
                "--samples",
                1,
                "--step",
                SIDE * SIDE // 8,
                *quiet,
            ],
        )
        measured("PyTorch: one step of 1", [sys.executable, __file__, "--pytorch", model, photograph, "step"])


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
