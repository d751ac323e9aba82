"""SpikingJelly's neurons (`spikingjelly.activation_based`).

IFNode, LIFNode, ParametricLIFNode: V' = βV + gain · X, fires at V ≥ θ, then V' − θ (v_reset=None) or V' = v_reset, at
once. β = 1 for IF, else 1 − 1/τ; the gain is 1, or 1/τ with decay_input. The potential starts at v_reset and leaks
towards it, so it is counted from there: θ − v_reset, and a reset to 0. NonSpikingIFNode and NonSpikingLIFNode end a
network.

Both step modes are followed, as are the wrappers and containers of `layer`, which are made of torch's functions.
"""

from __future__ import annotations

import math

from .cells import Cell
from .graph import Refusal
from .surrogates import derivative_of


def describe(module) -> Cell | None:
    from spikingjelly.activation_based import base, neuron

    if type(module) in (neuron.NonSpikingIFNode, neuron.NonSpikingLIFNode):
        return silent(module)
    makers = {
        neuron.IFNode: lambda m: (1.0, 1.0),
        neuron.LIFNode: lambda m: leak(1 / m.tau, m),
        neuron.ParametricLIFNode: lambda m: leak(1 / (1 + math.exp(-float(m.w))), m),
    }
    if type(module) in makers:
        return spiking(module, *makers[type(module)](module))
    if not isinstance(module, base.MemoryModule) or not is_neuron(module):
        return None
    raise Refusal("this neuron of SpikingJelly has no counterpart; expected IFNode, LIFNode or ParametricLIFNode")


def reset_model(model) -> None:
    from spikingjelly.activation_based import functional

    functional.reset_net(model)


def is_neuron(module) -> bool:
    return type(module).__module__.startswith("spikingjelly.activation_based.neuron")


def leak(rate: float, module) -> tuple[float, float]:
    return 1 - rate, rate if module.decay_input else 1.0


def spiking(module, beta: float, gain: float) -> Cell:
    rest = module.v_reset or 0.0
    threshold = float(module.v_threshold) - rest
    if threshold <= 0:
        raise Refusal(f"v_threshold = {module.v_threshold} is not above v_reset = {module.v_reset}")
    neuron = {
        "beta": beta,
        "gain": gain,
        "threshold": threshold,
        "at_threshold": True,
        "reset": "subtract" if module.v_reset is None else "zero",
    }
    return Cell(
        neuron,
        time="step" if module.step_mode == "s" else "TN",
        surrogate=derivative_of(module.surrogate_function),
        through_reset=not module.detach_reset,
    )


def silent(module) -> Cell:
    """Takes all steps and gives the list of its potentials, or the last."""
    if module.decode not in (None, "last-mem"):
        raise Refusal(f"decode='{module.decode}'; expected None or 'last-mem': scores are the last potential")
    rate = 1 / module.tau if hasattr(module, "tau") else None
    return Cell(
        {"beta": 1 - rate if rate else 1.0, "gain": rate or 1.0, "reset": "none"},
        time="TN",
        fires=False,
        gives_last=module.decode == "last-mem",
    )
