#!/usr/bin/env python3
"""How much faster than SpikingJelly is the exact simulation of networks that people use? One core, the same weights and images.

usage: compare_spikingjelly.py PROGRAM [NETWORK...]   (PROGRAM: build/release/spikelens; sew_resnet18, vgg11; both unless named)

sew_resnet18   SpikingJelly's sew_resnet18 (ADD, IF), its padded max-pool replaced by MaxPool2d(2)
vgg11          SpikingJelly's spiking_vgg11_bn (LIF, τ = 2), its pool to 7 × 7 left out and its first full layer made to fit
Images of 64 × 64, T = 4, random weights. Batch normalisation has seen the images; its scales are drawn around 1 and, of quieter
networks, around 0.5. SpikingJelly runs step_mode 'm' with its torch backend, batch normalisation as it stands, at the batch that
suits it best; here it is folded. Both give CPU seconds, in turns: other work on the machine stretches the clock, not them. Spike
rates of all layers are compared too. Needs torch, spikingjelly and Pillow (./run peers torch).
"""
import json
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

import numpy
import torch
from PIL import Image
from spikingjelly.activation_based import functional, layer, neuron
from spikingjelly.activation_based.model import sew_resnet, spiking_vgg

STEPS, SIDE, IMAGES, ROUNDS, BATCHES = 4, 64, 32, 3, (1, 8, 32)
PASSES = 4  # that inspect --speed makes over the images
SCALES = (1.0, 0.5)


def block(width, stride, project):
    return f"[{width}C3{stride}-IF-{width}C3-IF|{f'{width}C1{stride}-IF' if project else ''}]add"


def sew_resnet18():
    model = sew_resnet.sew_resnet18(cnf="ADD", spiking_neuron=neuron.IFNode, num_classes=10)
    model.maxpool = layer.MaxPool2d(2)
    text = "64C7s2-IF-MP2"
    for width in (64, 128, 256, 512):
        text += "-" + block(width, "s2" if width > 64 else "", width > 64) + "-" + block(width, "", False)
    order = ["conv1"]
    for stage in range(1, 5):
        for part in range(2):
            name = f"layer{stage}.{part}."
            order += [name + "conv1", name + "conv2"] + ([name + "downsample.0"] if stage > 1 and part == 0 else [])
    return model, text.replace("IF", "IF(reset=zero,ge)") + "-GAP-10F", order + ["fc"]


def vgg11():
    model = spiking_vgg.spiking_vgg11_bn(spiking_neuron=neuron.LIFNode, num_classes=10)
    model.avgpool = layer.AdaptiveAvgPool2d((2, 2))
    model.classifier[0] = layer.Linear(512 * 4, 4096)
    text = "64C3-LIF-MP2-128C3-LIF-MP2-256C3-LIF-256C3-LIF-MP2-512C3-LIF-512C3-LIF-MP2-512C3-LIF-512C3-LIF-MP2-4096F-LIF-4096F-LIF-10F"
    order = [name for name, module in model.named_modules() if isinstance(module, (layer.Conv2d, layer.Linear))]
    return model, text.replace("LIF", "LIF(beta=0.5,decay_input,reset=zero,ge)"), order


def photographs(count):
    random = numpy.random.default_rng(1)
    coarse = torch.from_numpy(random.random((count, 3, 9, 9), dtype=numpy.float32))
    smooth = torch.nn.functional.interpolate(coarse, SIDE, mode="bicubic").clamp(0, 1).numpy()
    noisy = smooth + 0.15 * random.standard_normal(smooth.shape, dtype=numpy.float32)
    return (255 * noisy.clip(0, 1)).astype(numpy.uint8)


def prepare(model, images, scale):
    """Batch normalisation that has seen the images; full layers whose neurons spike."""
    torch.manual_seed(1)
    modules = dict(model.named_modules())
    for module in modules.values():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.momentum = None
            torch.nn.init.uniform_(module.weight, 0.5 * scale, 1.5 * scale)
            torch.nn.init.uniform_(module.bias, -0.2, 0.2)
        if isinstance(module, layer.Linear):
            torch.nn.init.normal_(module.weight, 0, 2 / module.in_features**0.5)
    functional.set_step_mode(model, "m")
    model.train()
    for _ in range(2):
        functional.reset_net(model)
        model(images.repeat(STEPS, 1, 1, 1, 1))
    model.eval()


def folded(model, order):
    """Weights by our layers' positions among the weighted ones, batch normalisation folded in double."""
    modules, result = dict(model.named_modules()), []
    names = list(modules)
    for name in order:
        weight, bias = modules[name].weight.double(), modules[name].bias
        bias = torch.zeros(len(weight)).double() if bias is None else bias.double()
        after = name.replace("downsample.0", "downsample.1").replace("conv", "bn") if not name.startswith("features") else names[names.index(name) + 1]
        norm = modules.get(after)
        if isinstance(norm, torch.nn.modules.batchnorm._BatchNorm):
            scale = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
            weight, bias = weight * scale.reshape(-1, *[1] * (weight.dim() - 1)), (bias - norm.running_mean.double()) * scale + norm.bias.double()
        result.append((weight.float().contiguous(), bias.float().contiguous()))
    return result


def layer_names(text):
    """conv1, add4, …: kind and position of every layer with weights."""
    names, position = [], 0
    for stage in text.replace("[", "-").replace("|", "-").replace("]", "-]").split("-"):
        if stage.startswith("]"):
            position += 1
        elif stage[:1].isdigit():
            position += 1
            names.append(("conv" if "C" in stage else "full") + str(position))
    return names


def write_safetensors(path, tensors):
    header, offset = {}, 0
    for name, tensor in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [offset, offset + 4 * tensor.numel()]}
        offset += 4 * tensor.numel()
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for tensor in tensors.values():
            file.write(tensor.numpy().tobytes())


def spikelens(program, *options):
    """The document of a command, and its CPU seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([program, *map(str, options), "--threads", "1", "--json", "--quiet"], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return json.loads(done.stdout), after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def run(model, images):
    functional.reset_net(model)
    return model(images.repeat(STEPS, 1, 1, 1, 1)).mean(0)


def rates_of(model, images):
    """Spikes per neuron and step of every spiking layer, in the order they run."""
    rates, hooks = [], []
    for module in model.modules():
        if isinstance(module, neuron.BaseNode):
            hooks.append(module.register_forward_hook(lambda module, inputs, spikes: rates.append(spikes.mean().item())))
    run(model, images)
    for hook in hooks:
        hook.remove()
    return rates


def compare(program, name, scale, folder):
    model, text, order = {"sew_resnet18": sew_resnet18, "vgg11": vgg11}[name]()
    pixels = photographs(IMAGES)
    for i, picture in enumerate(pixels):
        for split in ("train", "test"):
            path = folder / "pictures" / split / f"class{i % 10}"
            path.mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture.transpose(1, 2, 0)).save(path / f"{i:03}.png")
    images = torch.from_numpy(pixels).float() / 255
    prepare(model, images, scale)
    tensors = {}
    for key, (weight, bias) in zip(layer_names(text), folded(model, order), strict=True):
        tensors[key + ".weight"], tensors[key + ".bias"] = weight, bias
    write_safetensors(folder / f"{name}.safetensors", tensors)
    spikelens(program, "import", folder / f"{name}.safetensors", "--network", text, "--input", f"3,{SIDE},{SIDE}", "--steps", STEPS,
              "--data", folder / "pictures", "--match", "name", "--out", folder / name)
    theirs, ours, clock = [], [], []
    for _ in range(ROUNDS):
        for batch in BATCHES:
            start = time.process_time()
            for first in range(0, IMAGES, batch):
                run(model, images[first:first + batch])
            theirs.append((time.process_time() - start) / IMAGES)
        _, short = spikelens(program, "inspect", folder / name, "--samples", IMAGES)
        document, long = spikelens(program, "inspect", folder / name, "--samples", IMAGES, "--speed")
        ours.append((long - short) / IMAGES / PASSES)
        clock.append(document["images_per_second"])
    here = [one["spikes_per_neuron_and_step"] for one in document["layers"] if one.get("spikes_per_neuron_and_step") is not None]
    there = rates_of(model, images)
    largest = max(abs(a - b) for a, b in zip(here, there, strict=True))
    print(f"{name}, scales around {scale}: {text}")
    print(f"  spikes per neuron and step {min(here):.3f} to {max(here):.3f}, mean {sum(here) / len(here):.3f}; largest difference {largest:.1e}")
    print(f"  SpikingJelly {1000 * min(theirs):.1f} ms an image, Spikelens {1000 * min(ours):.1f} ms: "
          f"{min(theirs) / min(ours):.1f} times as fast ({max(clock):.0f} images a second by the clock)", flush=True)


def main(program, *networks):
    torch.set_num_threads(1)
    with torch.no_grad():
        for name in networks or ("sew_resnet18", "vgg11"):
            for scale in SCALES:
                with tempfile.TemporaryDirectory() as folder:
                    compare(program, name, scale, pathlib.Path(folder))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
