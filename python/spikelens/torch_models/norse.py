"""Norse's neurons, with the step Δt of the module.

LIFBoxCell         v += Δt·τ_mem⁻¹·(v_leak − v + x): β = 1 − Δt·τ_mem⁻¹, gain Δt·τ_mem⁻¹
LIF, LIFCell       the same with i += x before and i −= Δt·τ_syn⁻¹·i after: α = 1 − Δt·τ_syn⁻¹
LIFRecurrent(Cell) with weights of their own on the input and on their spikes
IAF, IAFCell       v += x
LI(Box)(Cell)      no spikes: ends a network, LI with the synapse of LIF; LILinearCell has weights of its own

They fire at v > v_th and reset to v_reset at once (LIFBoxCell also by subtraction). The potential is counted from
v_leak (IAF: from v_reset), where it starts. States are passed from call to call, as Norse does.
"""

from __future__ import annotations

import torch

from .cells import Cell
from .graph import Refusal
from .surrogates import derivative_of


def describe(module) -> Cell | None:
    import norse.torch as norse
    from norse.torch.module import snn

    kinds = (snn.SNNCell, snn.SNNRecurrentCell, snn.SNN, snn.SNNRecurrent, norse.LILinearCell)
    if not isinstance(module, kinds):
        return None
    time = "TN" if isinstance(module, (snn.SNN, snn.SNNRecurrent)) else "step"
    if type(module) in (norse.LICell, norse.LI, norse.LIBoxCell, norse.LILinearCell):
        return readout(module, time)
    if type(module).__name__.startswith("LSNN"):
        raise Refusal(
            "its input acts one step after it comes, which no neuron here has; expected LIFCell or LIFRecurrentCell"
        )
    known = ("LIFCell", "LIF", "LIFBoxCell", "LIFRecurrentCell", "LIFRecurrent", "IAFCell", "IAF")
    if type(module).__name__ not in known or not type(module).__module__.startswith("norse."):
        raise Refusal(
            "this neuron of Norse has no counterpart; expected LIFCell, LIFBoxCell, LIFRecurrentCell, IAFCell, "
            "LIBoxCell, or their forms over time"
        )
    if getattr(module, "record_states", False):
        raise Refusal("record_states=True")
    return spiking(module, time)


def spiking(module, time: str) -> Cell:
    import norse.torch as norse
    from norse.torch.functional import reset, threshold
    from norse.torch.module import iaf

    p = module.p
    integrates = type(module) in (iaf.IAFCell, iaf.IAF)
    rest = p.v_reset if integrates else p.v_leak
    neuron = {
        "beta": 1.0,
        "reset": "zero",
        "threshold": tensor(p.v_th) - tensor(rest),
        "v_reset": tensor(p.v_reset) - tensor(rest),
    }
    if not integrates:
        neuron |= leaks(module)
    if type(module) is norse.LIFBoxCell and p.reset_method is not reset.reset_value:
        if p.reset_method is not reset.reset_subtract:
            raise Refusal("a reset of its own")
        neuron["reset"] = "subtract"
    recurrent = hasattr(module, "recurrent_weights")
    surrogate = derivative_of(lambda u: threshold.threshold(u, p.method, torch.as_tensor(p.alpha)))
    return Cell(
        neuron,
        **common(time, rest),
        surrogate=surrogate,
        through_reset=not recurrent,
        weight=module.input_weights if recurrent else None,
        recurrence=("all", module.recurrent_weights.detach(), None) if recurrent else None,
    )


def tensor(value) -> torch.Tensor:
    return torch.as_tensor(value).detach().double()


def leaks(module) -> dict:
    p, rate = module.p, module.dt * tensor(module.p.tau_mem_inv)
    fields = {"beta": 1 - rate, "gain": rate}
    if hasattr(p, "tau_syn_inv"):
        fields["alpha"] = 1 - module.dt * tensor(p.tau_syn_inv)
    return fields


def readout(module, time: str) -> Cell:
    if bool(tensor(module.p.v_leak).any()):
        raise Refusal("a readout with v_leak, which scores do not have")
    return Cell(
        leaks(module) | {"reset": "none"},
        **common(time, 0.0),
        fires=False,
        weight=getattr(module, "input_weights", None),
    )


def common(time: str, rest) -> dict:
    """States come as the second argument, a named tuple, and go as the second output."""

    def incoming(args, kwargs):
        state = args[1] if len(args) > 1 else kwargs.get("state")
        return [] if state is None else [part for part in state if isinstance(part, torch.Tensor)]

    rest = tensor(rest)
    if rest.numel() != 1:
        raise Refusal("a potential at rest that differs between neurons")
    return {
        "time": time,
        "spikes": lambda output: output[0],
        "incoming": incoming,
        "rest": float(rest),
        "keeps_state": False,
        "outgoing": lambda output: [part for part in output[1] if isinstance(part, torch.Tensor)],
        "potential": lambda output: getattr(output[1], "v", None),
    }
