"""The C++ library. `import spikelens` is the door to it."""

from collections.abc import Mapping, Sequence
import os
from typing import Annotated

import numpy
from numpy.typing import NDArray

class InputError(ValueError): ...

class RunError(RuntimeError): ...


class Settings:
    """
    How a call works: threads, bytes of memory, kernel, and who hears of its progress.
    """

    def __init__(self, threads: int = 0, memory: int = 1073741824, kernel: str = '', progress: object | None = None) -> None: ...

    @property
    def threads(self) -> int: ...

    @property
    def memory(self) -> int: ...

    @property
    def kernel(self) -> str: ...

class Network:
    """
    A spiking network: layers, weights, steps and classes. It never changes.
    """

    @property
    def text(self) -> str: ...

    @property
    def steps(self) -> int: ...

    @property
    def input_shape(self) -> tuple: ...

    @property
    def class_count(self) -> int: ...

    @property
    def classes(self) -> list[str]: ...

    @property
    def layers(self) -> list: ...

    @property
    def parameters(self) -> int: ...

    @property
    def fingerprint(self) -> str: ...

    def tensors(self) -> dict: ...

    def save(self, path: str | os.PathLike) -> None: ...

def network(text: str, shape: Sequence[int], steps: int, tensors: Mapping[str, Annotated[NDArray[numpy.float32], dict(order='C', device='cpu', writable=False)]], classes: Sequence[str] = []) -> Network:
    """
    The network of a text, with these weights: float32 arrays named as model files name them ("conv1.weight").
    """

def draw_network(text: str, shape: Sequence[int], steps: int, seed: int) -> Network:
    """The network of a text, with weights drawn by the seed."""

def load_model(path: str | os.PathLike) -> Network:
    """The network of a model file."""

def simulate(network: Network, samples: object, counts: Sequence[int], spikes: Sequence[int], potentials: Sequence[int], settings: Settings) -> dict:
    """
    Scores and what else is asked for, by index of the layers: a dict of arrays.
    """

class Knowledge:
    """Relevant filters and probes of a network; either may be absent."""

    def __init__(self) -> None: ...

    @property
    def has_relevant(self) -> bool: ...

    @property
    def has_probe(self) -> bool: ...

def attribute(network: Network, samples: object, method: str, targets: Sequence[int] | None, addresses: Sequence[int] | None, seed: int, knowledge: Knowledge, surrogate: str, delta: bool, settings: Settings) -> dict:
    """Attributions, scores, targets and states of maps: a dict."""

def pixel_maps(values: Annotated[NDArray[numpy.float32], dict(order='C', device='cpu', writable=False)], method: str) -> NDArray[numpy.float32]:
    """Maps [N, H, W]: time and channels summed, then the method's view."""

def catalogue() -> str:
    """
    Every method and every metric as JSON, as `spikelens methods --json` prints them.
    """

def describe_method(method: str) -> str:
    """One method with the options that it takes as given, as JSON."""

def suggestion(word: str, names: Sequence[str]) -> str:
    """The end of a sentence about an unknown word: the nearest name, or all."""

def surrogate_text(text: str) -> str:
    """The surrogate as it is written in full."""

def evidence(network: Network, samples: object, rule: str, targets: Sequence[int] | None, surrogate: str, settings: Settings) -> dict:
    """
    What each filter brought to the score: values, targets, names, layers and, by share, biases: a dict.
    """

def decisions(network: Network, samples: object, targets: Sequence[int] | None, windows: int, settings: Settings) -> dict:
    """
    Scores and predictions after each step, when each sample was decided, shares of windows: a dict.
    """

class MetricOptions:
    """What metrics may be told: baseline, pixels and spikes per step, seed."""

    def __init__(self, baseline: str, pixels_per_step: int, spike_steps: int, seed: int) -> None: ...

def shuffled_network(network: Network, seed: int) -> Network:
    """The network with shuffled weights in its fully connected layers."""

def needs_shuffled(metric: str) -> bool:
    """Whether a metric compares with the network whose weights are shuffled."""

def evaluate(network: Network, shuffled: Network | None, samples: object, targets: Sequence[int] | None, masks: Annotated[NDArray[numpy.uint8], dict(order='C', device='cpu', writable=False)] | None, methods: dict, metrics: Sequence[str], knowledge: Knowledge, surrogate: str, options: MetricOptions, settings: Settings) -> dict:
    """What each method scores by each metric: a dict of dicts."""

class Budgets:
    """
    The budgets mu, the one that is shown, and whether weights may be negative.
    """

    def __init__(self, all: Sequence[float], chosen: float, signed: bool) -> None: ...

class Findings:
    """Responses of all filters, and the filters that drive each class."""

    @property
    def filters(self) -> list: ...

    @property
    def samples(self) -> int: ...

    @property
    def undecided(self) -> int: ...

    @property
    def predicted(self) -> NDArray[numpy.int64]: ...

    @property
    def active(self) -> NDArray[numpy.int64]: ...

    @property
    def gram(self) -> NDArray[numpy.float64]: ...

    @property
    def correlation(self) -> NDArray[numpy.float64]: ...

    @property
    def response_sum(self) -> NDArray[numpy.float64]: ...

    def state(self) -> tuple: ...

    @property
    def knowledge(self) -> Knowledge: ...

    def path(self, class_index: int) -> list: ...

    def breakpoints(self, class_index: int) -> list: ...

def interpret(network: Network, samples: object, budgets: Budgets, response: str, settings: Settings) -> Findings:
    """The filters that drive each class."""

def restored(network: Network, state: tuple[int, int, Sequence[int], Sequence[int], Sequence[Sequence[tuple[float, int, int, int]]], Annotated[NDArray[numpy.float64], dict(order='C', device='cpu', writable=False)], Annotated[NDArray[numpy.float64], dict(order='C', device='cpu', writable=False)], Annotated[NDArray[numpy.float64], dict(order='C', device='cpu', writable=False)]], budgets: Budgets) -> Findings:
    """What `Findings.state` was taken of: its filters are found again."""

def ablate(network: Network, findings: Findings, samples: object, labels: Sequence[int], draws: int, seed: int, settings: Settings) -> dict:
    """Accuracy with relevant and with random filters silenced."""

def visualise(network: Network, findings: Findings, samples: object, filters: Sequence[int], crops: int, settings: Settings) -> list:
    """What these filters (rows of the responses) see."""

def load_run(path: str | os.PathLike) -> tuple:
    """Network, knowledge and surrogate of a run directory."""

def import_nir(path: str | os.PathLike, dialect: str, dt: float | None, reset: str | None, steps: int, input: Sequence[int] | None) -> tuple:
    """Network and assumptions of a file with a NIR graph."""
