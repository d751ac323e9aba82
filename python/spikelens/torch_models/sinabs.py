"""Sinabs' neurons.

LIF      i = α_syn(i + x) with tau_syn, else x;  v = αv + (1 − α)i (norm_input) or αv + i;  α = e^(−1/tau_mem)
IAF      the same with α = 1, without norm_input
ALIF     LIF whose threshold is θ + b: b = ρb + adapt_scale(1 − ρ)s after each step, ρ = e^(−1/tau_adapt). With tau_syn
         and norm_input the synapse keeps (1 − α)i
ExpLeak  v without spikes: ends a network
LIFRecurrent, IAFRecurrent, ALIFRecurrent  x and what `rec_connect`, a linear map without bias, makes of the spikes
         before
…Squeeze  samples and steps are one axis, [(N, T), …]

Spikes are SingleSpike (v ≥ θ), or MultiSpike and MaxSpike (⌊v/θ⌋) as long as no neuron fires twice in a step; the
reset is by subtraction of θ or to a value. A lower bound min_v_mem is accepted as long as no potential reaches it.
Both are looked at in the run with the example, and refused where they matter.
"""

from __future__ import annotations

import torch

from .cells import Cell
from .graph import Refusal

LARGEST = 8192  # neurons of a recurrent layer, whose weights are read by one run for each


def describe(module) -> Cell | None:
    from sinabs import layers

    if not isinstance(module, layers.StatefulLayer):
        return None
    known = (
        "IAF",
        "IAFSqueeze",
        "IAFRecurrent",
        "LIF",
        "LIFSqueeze",
        "LIFRecurrent",
        "LIFRecurrentSqueeze",
        "ALIF",
        "ALIFSqueeze",
        "ALIFRecurrent",
        "ExpLeak",
        "ExpLeakSqueeze",
    )
    if type(module).__name__ not in known or not type(module).__module__.startswith("sinabs.layers"):
        raise Refusal(
            "this neuron of Sinabs has no counterpart; expected IAF, LIF, ALIF, ExpLeak or their recurrent and "
            "squeezed forms"
        )
    neuron = dynamics(module) | (firing(module) if module.spike_fn else {"reset": "none"})
    squeezed = (module.batch_size, module.num_timesteps) if hasattr(module, "squeeze_forward") else None
    floor = None if module.min_v_mem is None else float(module.min_v_mem)
    slope = (lambda u: derivative(module, u)) if module.spike_fn else None
    return Cell(
        neuron,
        time="NT",
        surrogate=slope,
        through_reset=True,
        fires=bool(module.spike_fn),
        squeezed=squeezed,
        reset=lambda: reset(module),
        floor=floor,
        at_most_one=not module.spike_fn or name(module.spike_fn) == "SingleSpike",
        recurrence=recurrence(module),
    )


def reset(module) -> None:
    for state, buffer in module.named_buffers():
        setattr(module, state, torch.zeros(0, device=buffer.device))


def name(spike_fn) -> str:
    return getattr(spike_fn, "__name__", type(spike_fn).__name__)


def dynamics(module) -> dict:
    beta = module.alpha_mem_calculated.detach()
    fields = {"beta": beta, "gain": 1 - beta if module.norm_input else torch.ones_like(beta)}
    alpha = module.alpha_syn_calculated
    if alpha is not None:
        fields |= {"alpha": alpha.detach(), "gain": fields["gain"] * alpha.detach()}
    rho = getattr(module, "alpha_adapt_calculated", None)
    if rho is None:
        return fields
    if alpha is not None and module.norm_input:
        fields["alpha"] = fields["alpha"] * (1 - beta)
    return fields | {"adapt": module.adapt_scale * (1 - rho.detach()), "rho": rho.detach()}


def firing(module) -> dict:
    if name(module.spike_fn) not in ("SingleSpike", "MultiSpike", "MaxSpike"):
        raise Refusal(f"spike_fn {name(module.spike_fn)}; expected SingleSpike, MultiSpike or MaxSpike")
    threshold = threshold_of(module)
    fields = {"threshold": threshold, "at_threshold": True}
    kind = type(module.reset_fn).__name__
    if kind == "MembraneReset":
        return fields | {"reset": "zero", "v_reset": float(module.reset_fn.reset_value)}
    usual = (None,) if hasattr(module, "b0") else (None, float(threshold.max()))
    if kind != "MembraneSubtract" or module.reset_fn.subtract_value not in usual:
        raise Refusal(f"reset_fn {module.reset_fn}; expected MembraneReset, or MembraneSubtract of the threshold")
    return fields | {"reset": "subtract"}


def threshold_of(module) -> torch.Tensor:
    """Where it does not adapt."""
    return torch.as_tensor(getattr(module, "b0", module.spike_threshold)).detach()


def derivative(module, places):
    """Of U − θ: Sinabs' functions give it at U."""
    threshold = threshold_of(module).max()
    return module.surrogate_grad_fn(torch.tensor(places).float() + threshold, threshold).double().numpy()


def recurrence(module):
    """The weights of `rec_connect`, which may be any module: what it makes of one spike of each neuron."""
    connect = getattr(module, "rec_connect", None)
    if connect is None:
        return None
    return "all", lambda shape: probe(connect, shape), None


def probe(connect, shape) -> torch.Tensor:
    count = shape[0] * shape[1] * shape[2]
    if count > LARGEST:
        raise Refusal(f"rec_connect of {count} neurons; expected {LARGEST} at most")
    trailing = tuple(shape) if shape[1] * shape[2] > 1 else (shape[0],)
    device = next((parameter.device for parameter in connect.parameters()), None)
    with torch.no_grad():
        if bool(connect(torch.zeros(1, *trailing, device=device)).any()):
            raise Refusal("rec_connect has a bias, which acts from the second step on; expected bias=False")
        return connect(torch.eye(count, device=device).reshape(count, *trailing)).reshape(count, count).T
