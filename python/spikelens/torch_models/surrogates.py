"""Which of the engine's surrogates stands for a library's, read from its derivative."""

from __future__ import annotations

import numpy as np

PLACES = np.array([-1.5, -0.6, -0.3, -0.1, 0.0, 0.05, 0.2, 0.5, 0.9, 1.2])  # of U − θ, where derivatives are compared
NEAR = 1e-4


def derivative_of(spike):
    """The derivative of a function of U − θ, as autograd has it."""
    import torch

    def derivative(places):
        with torch.inference_mode(False), torch.enable_grad():
            at = torch.tensor(places, dtype=torch.float32, requires_grad=True)
            (found,) = torch.autograd.grad(spike(at).sum(), at)
        return found.double().numpy()

    return derivative


def named(derivative, threshold: float, through_reset: bool) -> str | None:
    """The text of the surrogate whose derivative at v = U/θ − 1, over θ, is this one of U − θ."""
    values = derivative(PLACES)
    middle = float(values[PLACES == 0][0])
    if not np.isfinite(values).all() or middle <= 0:
        return None
    one = float(derivative(np.array([0.5]))[0]) if middle == 1 else 0.0
    candidates = {"atan": 2 * middle, "sigmoid": 4 * middle, "triangle": middle * threshold}
    if one > 0:
        candidates["fast_sigmoid"] = (one**-0.5 - 1) / 0.5
    for name, scale in candidates.items():
        if name in ("atan", "sigmoid"):
            scale *= threshold
        if name == "fast_sigmoid" and threshold != 1:
            continue
        if (
            scale > 0
            and np.abs(DERIVATIVES[name](scale, PLACES / threshold) / threshold - values).max() <= NEAR * middle
        ):
            return f"{name}({float(f'{scale:.5g}'):g}{',through_reset' if through_reset else ''})"
    return None


def _sigmoid(k, v):
    e = np.exp(-np.abs(k * v))
    return k * e / (1 + e) ** 2


DERIVATIVES = {
    "triangle": lambda scale, v: scale * np.maximum(0, 1 - np.abs(v)),
    "sigmoid": _sigmoid,
    "fast_sigmoid": lambda k, v: 1 / (k * np.abs(v) + 1) ** 2,
    "atan": lambda a, v: a / 2 / (1 + (np.pi * a * v / 2) ** 2),
}


def common(instances, notes: list[str]) -> str:
    """The surrogate that all neurons have; "" where they have none in common, and a note."""
    found = set()
    for instance in instances:
        cell, threshold = instance.cell, instance.fields.get("threshold", 1.0)
        known = cell.fires and cell.surrogate is not None and isinstance(threshold, float)
        found.add(named(cell.surrogate, threshold, cell.through_reset) if known else None)
    if len(found) == 1 and None not in found:
        return found.pop()
    if found:
        notes.append(
            "the model's neurons have no surrogate in common that the engine has: gradients have the default, "
            "network.surrogate sets another"
        )
    return ""
