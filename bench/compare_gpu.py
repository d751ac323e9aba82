#!/usr/bin/env python3
"""What does PyTorch make of the networks of bench_gpu, on the same GPU? Layer by layer, time folded into the batch, the
first current computed once.

usage: compare_gpu.py [shallow|svgg19]...

fp32    convolutions and membranes in float32 (no TF32), the membrane's loop over time in PyTorch's operations
bf16    the same in bfloat16, channels last
fused   the same, all steps of a layer's membranes and its spikes in one kernel (Triton), as SpikingJelly's CuPy backend
        has it
Weights are random: dense products take the same time whatever spikes. Needs PyTorch with CUDA, and Triton.
"""

import sys
import time

import torch
import torch.nn.functional as F
import triton
import triton.language as tl

BETA = 0.95
NETWORKS = {
    "shallow": (1, 28, 10, [(16, True), (32, True), 128, 10], [10000, 5000, 2500]),
    "svgg19": (
        3,
        224,
        25,
        [
            (64, False),
            (64, True),
            (128, False),
            (128, True),
            *[(256, False)] * 3,
            (256, True),
            *[(512, False)] * 3,
            (512, True),
            *[(512, False)] * 3,
            (512, True),
            4096,
            4096,
            50,
        ],
        [16, 8, 4],
    ),
}


@triton.jit
def fire_kernel(
    currents, spikes, count, constant: tl.constexpr, steps: tl.constexpr, beta: tl.constexpr, block: tl.constexpr
):
    place = tl.program_id(0).to(tl.int64) * block + tl.arange(0, block)
    inside = place < count
    u = tl.zeros([block], tl.float32)
    for step in range(steps):
        at = place if constant else place + step * count
        u = beta * u + tl.load(currents + at, mask=inside, other=0).to(tl.float32)
        fired = u > 1
        u = tl.where(fired, u - 1, u)
        tl.store(spikes + place + step * count, fired.to(spikes.dtype.element_ty), mask=inside)


def fire_fused(drive, steps, constant):
    """[T·N, …] currents, or [N, …] that are the same at every step → [T·N, …] spikes."""
    count = drive.numel() // (1 if constant else steps)
    shape = (drive.shape[0] * (steps if constant else 1), *drive.shape[1:])
    layout = torch.channels_last if drive.dim() == 4 else torch.contiguous_format
    drive = drive.contiguous(memory_format=layout)
    spikes = torch.empty(shape, dtype=drive.dtype, device=drive.device, memory_format=layout)
    fire_kernel[(triton.cdiv(count, 1024),)](drive, spikes, count, constant, steps, BETA, 1024)
    return spikes


def fire_steps(drive, steps, constant):
    drives = [drive] * steps if constant else drive.reshape(steps, -1, *drive.shape[1:])
    u, spikes = torch.zeros_like(drives[0]), []
    for of_step in drives:
        u = torch.add(of_step, u, alpha=BETA)
        spike = (u > 1).to(u.dtype)
        u = u - spike
        spikes.append(spike)
    return torch.cat(spikes)


def weights_of(stages, channels, side, kind):
    weights = []
    for stage in stages:
        if isinstance(stage, tuple):
            shape, flat = (stage[0], channels, 3, 3), channels * 9
            channels, side = stage[0], side // 2 if stage[1] else side
        else:
            flat = channels * side * side
            shape, channels, side = (stage, flat), stage, 1
        weight = (torch.randn(shape, device="cuda") * 2 / flat**0.5).to(kind)
        if len(shape) == 4 and kind == torch.bfloat16:
            weight = weight.contiguous(memory_format=torch.channels_last)
        weights.append((weight, torch.zeros(shape[0], device="cuda", dtype=kind)))
    return weights


@torch.no_grad()
def forward(images, stages, weights, steps, fire):
    x, constant = images, True
    for i, (stage, (weight, bias)) in enumerate(zip(stages, weights)):
        conv = isinstance(stage, tuple)
        if i + 1 == len(stages):
            return F.linear(x.flatten(1), weight, bias).reshape(steps, len(images), -1).mean(0)
        x = F.conv2d(x, weight, bias, padding=1) if conv else F.linear(x.flatten(1), weight, bias)
        x, constant = fire(x, steps, constant), False
        if conv and stage[1]:
            x = F.max_pool2d(x, 2)


def seconds_of(run, *arguments):
    run(*arguments)
    torch.cuda.synchronize()
    times = []
    for _ in range(3):
        start = time.perf_counter()
        run(*arguments)
        torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return sorted(times)[1]


def compare(name):
    channels, side, steps, stages, batches = NETWORKS[name]
    for word, kind, fire in (
        ("fp32", torch.float32, fire_steps),
        ("bf16", torch.bfloat16, fire_steps),
        ("fused", torch.bfloat16, fire_fused),
    ):
        weights = weights_of(stages, channels, side, kind)
        for batch in batches:
            images = torch.rand(batch, channels, side, side, device="cuda").to(kind)
            if kind == torch.bfloat16:
                images = images.contiguous(memory_format=torch.channels_last)
            try:
                seconds = seconds_of(forward, images, stages, weights, steps, fire)
            except torch.cuda.OutOfMemoryError:
                torch.cuda.empty_cache()
                continue
            print(f"{name}, PyTorch {word:5}  {batch / seconds:10.1f} images/s in batches of {batch}", flush=True)
            break


def main():
    torch.manual_seed(0)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = True
    print(f"PyTorch {torch.__version__}, {torch.cuda.get_device_name()}")
    for name in sys.argv[1:] or NETWORKS:
        compare(name)


main()
