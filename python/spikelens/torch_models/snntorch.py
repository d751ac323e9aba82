"""snnTorch's neurons.

Leaky        U = βU + I, fires at U > θ; the reset acts one step later: −θ, or U to 0 before the leak.
             With reset_delay=False it acts at once. Where U stays above θ after such a reset by subtraction, snnTorch
             subtracts the next θ before it compares: refused if the run with the example shows it.
Synaptic     the same with J = αJ + I.
Lapicque     β = 1 − Δt/(RC), gain Δt/C.
RLeaky, RSynaptic  with recurrence, whose bias joins that of the weights.

Reset to zero one step later puts the potential of all but Leaky to 0 after that step's current has been added, which
the engine does not have: refused, as are Alpha, inhibition, quantised states and other neurons.
"""

from __future__ import annotations

from .cells import Cell
from .graph import Refusal
from .surrogates import derivative_of


def describe(module) -> Cell | None:
    import snntorch

    if not isinstance(module, snntorch.SpikingNeuron):
        return None
    known = {
        snntorch.Leaky: leaky,
        snntorch.Synaptic: synaptic,
        snntorch.Lapicque: lapicque,
        snntorch.RLeaky: leaky,
        snntorch.RSynaptic: synaptic,
    }
    if type(module) not in known:
        raise Refusal(
            "this neuron of snnTorch has no counterpart; expected Leaky, Synaptic, Lapicque, RLeaky or RSynaptic"
        )
    if module.inhibition:
        raise Refusal("inhibition=True: only the largest potential fires")
    if module.state_quant:
        raise Refusal("state_quant: states are rounded at every step")
    return known[type(module)](module)


def leaky(module, **more) -> Cell:
    neuron = {"beta": module.beta.detach().clamp(0, 1), "threshold": module.threshold, **resets(module), **more}
    return cell(module, neuron, ("mem",))


def synaptic(module) -> Cell:
    neuron = {
        "beta": module.beta.detach().clamp(0, 1),
        "alpha": module.alpha.detach().clamp(0, 1),
        "threshold": module.threshold,
        **resets(module),
    }
    return cell(module, neuron, ("syn", "mem"))


def lapicque(module) -> Cell:
    resistance, capacity, step = module.R.double(), module.C.double(), module.time_step.double()
    neuron = {
        "beta": 1 - step / (resistance * capacity),
        "gain": resistance * (1 / (resistance * capacity)) * step,
        "threshold": module.threshold,
        **resets(module),
    }
    return cell(module, neuron, ("mem",))


def resets(module) -> dict:
    word = {"_base_sub": "subtract", "_base_zero": "zero", "_base_int": "none"}[module.state_function.__name__]
    delay = bool(getattr(module, "reset_delay", True)) and word != "none"
    if word == "zero" and delay and type(module).__name__ != "Leaky":
        raise Refusal(
            "reset_mechanism='zero' one step later puts the potential to 0 with that step's current; expected "
            "reset_delay=False or 'subtract'"
        )
    return {"reset": word, "delay": delay}


def recurrence(module, factor: float):
    if not hasattr(module, "recurrent"):
        return None
    connection = module.recurrent
    if not module.all_to_all:
        return "one", connection.V.detach() * factor, None
    bias = None if connection.bias is None else connection.bias.detach()
    return "all" if module.linear_features else "conv", connection.weight.detach() * factor, bias


def cell(module, neuron, names) -> Cell:
    if module.graded_spikes_factor.numel() != 1:
        raise Refusal("graded_spikes_factor differs between neurons")
    factor = float(module.graded_spikes_factor)
    recurrent = recurrence(module, factor)
    order = (("spk",) if recurrent else ()) + names

    def incoming(args, kwargs):
        given = dict(zip(order, args[1:])) | {name: kwargs[name] for name in order if name in kwargs}
        return [given[name] if given.get(name) is not None else getattr(module, name) for name in names]

    def first(output):
        return output[0] if isinstance(output, tuple) else output

    return Cell(
        neuron,
        spikes=first,
        potential=lambda output: module.mem,
        incoming=incoming,
        outgoing=lambda output: [getattr(module, name) for name in names],
        recurrence=recurrent,
        factor=factor,
        reset=module.reset_mem,
        surrogate=derivative_of(module.spike_grad),
        below_after_reset=neuron["reset"] == "subtract" and not neuron["delay"],
    )
