"""Networks: made from a text, a file, a run or a NIR graph, and simulated exactly."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from spikelens import _core
from spikelens._arrays import check_layout, floats, samples_of, seed_number, shown, whole_number
from spikelens._core import InputError
from spikelens._execution import Progress, settings
from spikelens._given import checked


@dataclass(frozen=True, repr=False)
class Simulation:
    """What a network made of its input.

    scores       float32 [N, classes]: the potential of the readout after the last step / T, or its spike count / T
    predictions  int64 [N], the class of the first maximum
    undecided    bool [N]: all scores are equal, so that the prediction is no decision
    counts       layer → uint16 [N, C, H, W], spikes over all steps
    spikes       layer → uint8 [N, T, C, H, W] (in the layout of the input), 0 or 1
    potentials   layer → float32 [N, T, C, H, W] (likewise), the membrane when it is compared with the threshold
    """

    scores: np.ndarray
    predictions: np.ndarray
    undecided: np.ndarray
    counts: dict[str, np.ndarray] = field(default_factory=dict)
    spikes: dict[str, np.ndarray] = field(default_factory=dict)
    potentials: dict[str, np.ndarray] = field(default_factory=dict)

    def __repr__(self) -> str:
        kept = [
            f"{name} of {', '.join(getattr(self, name))}"
            for name in ("counts", "spikes", "potentials")
            if getattr(self, name)
        ]
        return f"<Simulation of {len(self.scores)} samples: scores{''.join(', ' + text for text in kept)}>"


class Network:
    """A spiking network: layers, weights, time steps, classes. Its weights never change. It can be pickled, without the
    relevant filters and probes that a run brings.

    ``spikelens.parse``, ``load``, ``from_nir`` and ``from_torch`` make one. ``surrogate`` is what gradient methods put
    in place of the step's derivative, ``layout`` the order of axes of spikes where a call does not say it ("TNCHW" or
    "NTCHW").
    """

    comparison: Any = None  #: of a network that ``from_torch`` made: what it and its model gave on the example

    def __init__(
        self,
        core: _core.Network,
        *,
        knowledge: _core.Knowledge | None = None,
        surrogate: str = "",
        layout: str | None = None,
        notes: Iterable[str] = (),
    ) -> None:
        if not isinstance(core, _core.Network):
            raise InputError("spikelens.parse, load, from_nir and from_torch make a Network")
        self._core = core
        self._knowledge = knowledge or _core.Knowledge()
        self.surrogate = surrogate
        self.layout = layout
        self.notes = tuple(notes)  #: what was assumed when the network was imported, one sentence each

    @property
    def surrogate(self) -> str:
        """Of gradient methods: "triangle(0.3)", "atan(2,through_reset)", "sigmoid(25)", "fast_sigmoid(25)"."""
        return self._surrogate

    @surrogate.setter
    def surrogate(self, text: str) -> None:
        if not isinstance(text, (str, type(None))):
            raise InputError(f"surrogate must be a text such as 'atan(2)' or None, not {shown(text)}")
        self._surrogate = _core.surrogate_text(text or "triangle")

    @property
    def layout(self) -> str | None:
        """The order of axes of spikes where a call does not say it: "TNCHW", "NTCHW", or None: each call must."""
        return self._layout

    @layout.setter
    def layout(self, layout: str | None) -> None:
        self._layout = check_layout(layout)

    @property
    def text(self) -> str:
        """The network as one line: "16C3-LIF-MP2-10F"."""
        return self._core.text

    @property
    def steps(self) -> int:
        """Time steps T of images; spikes bring their own."""
        return self._core.steps

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """[C, H, W]"""
        return self._core.input_shape

    @property
    def classes(self) -> list[str]:
        """Names of the classes; their numbers where they have no names."""
        return self._core.classes or [str(index) for index in range(self._core.class_count)]

    @property
    def layers(self) -> list[dict[str, Any]]:
        """Name, kind, neuron and shapes of each layer."""
        return self._core.layers

    @property
    def parameters(self) -> int:
        """How many weights and biases there are."""
        return self._core.parameters

    @property
    def fingerprint(self) -> str:
        """64 hex digits: equal for networks that are equal to the bit."""
        return self._core.fingerprint

    def tensors(self) -> dict[str, np.ndarray]:
        """Copies of the weights by their names in model files: "conv1.weight", "conv1.bias", …"""
        return self._core.tensors()

    @checked
    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes a model file (safetensors), which ``load`` and the program read."""
        self._core.save(os.fspath(path))

    @checked
    def simulate(
        self,
        inputs: Any,
        *,
        layout: str | None = None,
        counts: bool | Sequence[str] = False,
        spikes: bool | Sequence[str] = False,
        potentials: bool | Sequence[str] = False,
        threads: int = 0,
        memory: int | None = None,
        kernel: str = "",
        progress: Progress | bool | None = None,
    ) -> Simulation:
        """Computes the network exactly; the result has the same bits for any number of threads and any batch.

        inputs   images [N, C, H, W], the same current at every step, or spikes, whole numbers from 0 to 255, in
                 ``layout``: "TNCHW" (snnTorch, SpikingJelly) or "NTCHW". NumPy, PyTorch on the CPU, DLPack; float32
                 images and uint8 spikes that are contiguous are looked at in place.
        counts, spikes, potentials
                 layers to record, by name ("conv1"); True: all that have a neuron.
        threads  0: all cores. memory: about the bytes for samples on their way. kernel: "scalar" … "amx"; "": the best.
        progress f(task, done, total, detail); None: a bar of tqdm where it is installed and stderr is a terminal;
        False: none.

        Raises InputError for another shape, values that are not finite, and unknown layers. Ctrl-C stops it.
        """
        samples = samples_of(inputs, self.input_shape, layout or self.layout)
        recorded = self._indices(counts), self._indices(spikes), self._indices(potentials)
        with settings(threads, memory, kernel, progress) as how:
            found = _core.simulate(self._core, samples.values, *recorded, how)
        found["undecided"] = found["undecided"].view(np.bool_)
        for kept in ("spikes", "potentials"):
            found[kept] = {name: samples.restore(values) for name, values in found[kept].items()}
        return Simulation(**found)

    def _indices(self, layers: bool | Sequence[str]) -> list[int]:
        spiking = {layer["name"]: index for index, layer in enumerate(self.layers) if layer["neuron"]}
        if isinstance(layers, str):
            layers = [layers]
        names = (list(spiking) if layers else []) if isinstance(layers, bool) else layers
        for name in names:
            if name not in spiking:
                raise InputError(
                    f"there is no layer '{name}' with a neuron{_core.suggestion(str(name), list(spiking))}"
                )
        return [spiking[name] for name in names]

    def _resolve_class(self, target: Any) -> Any:
        """A class by its name as its number; anything else as it is."""
        if not isinstance(target, str):
            return target
        if target not in self.classes:
            raise InputError(f"there is no class '{target}'{_core.suggestion(target, self.classes)}")
        return self.classes.index(target)

    def __repr__(self) -> str:
        c, h, w = self.input_shape
        return (
            f"<Network {self.text}: input [{c}, {h}, {w}], {self.steps} steps, {len(self.classes)} classes, "
            f"{self.parameters:,} parameters>"
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Network) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __reduce__(self) -> tuple[Any, ...]:
        arguments = (self.text, self.input_shape, self.steps, self.tensors(), self._core.classes)
        return _unpickled, (arguments, self.surrogate, self.layout, self.notes, self.comparison)


def _unpickled(
    arguments: tuple[Any, ...], surrogate: str, layout: str | None, notes: tuple[str, ...], comparison: Any
) -> Network:
    net = Network(_core.network(*arguments), surrogate=surrogate, layout=layout, notes=notes)
    net.comparison = comparison
    return net


@checked
def parse(
    text: str,
    shape: Sequence[int],
    steps: int,
    tensors: Mapping[str, Any] | None = None,
    *,
    classes: Sequence[str] = (),
    seed: int = 1,
    surrogate: str = "",
    layout: str | None = None,
) -> Network:
    """The network of a text such as "16C3-LIF-MP2-10F" (README: a network is a line of text).

    shape    of the input, (C, H, W)
    steps    time steps T
    tensors  its weights by their names, "conv1.weight" [out, in, k, k], "full2.bias" [out], …; without them weights are
             drawn by the seed as PyTorch draws them

    >>> spikelens.parse("16C3-LIF-MP2-10F", (1, 28, 28), steps=10)
    <Network 16C3-LIF-MP2-10F: input [1, 28, 28], 10 steps, 10 classes, 31,530 parameters>

    Raises InputError for a text that is none, with the stage that is wrong, and for tensors that do not fit.
    """
    size = _extents(shape)
    steps = whole_number(steps, "steps", 1, 65535)
    if tensors is None:
        drawn = _core.draw_network(text, size, steps, seed_number(seed))
        core = _core.network(text, size, steps, drawn.tensors(), list(classes)) if classes else drawn
    else:
        values = {name: floats(tensor, f"the tensor {name}") for name, tensor in tensors.items()}
        core = _core.network(text, size, steps, values, list(classes))
    return Network(core, surrogate=surrogate, layout=layout)


def _extents(shape: Any) -> list[int]:
    if shape is None:
        raise InputError("shape must be three whole numbers (C, H, W), not None")
    return [whole_number(extent, "an extent of the shape", 1, 2**31 - 1) for extent in shape]


@checked
def load(path: str | os.PathLike[str]) -> Network:
    """The network of a run directory or of a model file (safetensors).

    A run brings its surrogate, and its relevant filters and probes where it has been interpreted, so that all methods
    work. Raises InputError for a file that is no model, and for results that were made of another one.
    """
    path = os.fspath(path)
    if os.path.isdir(path):
        core, knowledge, surrogate = _core.load_run(path)
        return Network(core, knowledge=knowledge, surrogate=surrogate)
    return Network(_core.load_model(path))


@checked
def from_nir(
    graph: Any,
    *,
    dialect: str = "auto",
    dt: float | None = None,
    reset: str | None = None,
    steps: int = 0,
    shape: Sequence[int] | None = None,
    surrogate: str = "",
    layout: str | None = None,
) -> Network:
    """The network of a NIR graph: a file, or a ``nir.NIRGraph``.

    dialect  whose neurons these are: "auto", "exact", "snntorch", "spikingjelly", "norse", "sinabs", "rockpool"
    dt       seconds per step. reset: "subtract", "zero" or "none" in place of the dialect's.
    steps    T for images; 0: 100. shape: (C, H, W) where the graph does not say it.

    ``notes`` of the network has one sentence for everything that the graph does not say. Raises InputError that names
    the node for what cannot be represented.
    """
    size = None if shape is None else _extents(shape)
    steps = whole_number(steps, "steps", 0, 65535)
    if isinstance(graph, (str, os.PathLike)):
        core, notes = _core.import_nir(os.fspath(graph), dialect, dt, reset, steps, size)
    else:
        if not hasattr(graph, "to_dict"):
            raise InputError(f"graph must be the path of a file or a nir.NIRGraph, not {shown(graph)}")
        import nir

        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "graph.nir")
            nir.write(path, graph)
            core, notes = _core.import_nir(path, dialect, dt, reset, steps, size)
    return Network(core, surrogate=surrogate, layout=layout, notes=notes)
