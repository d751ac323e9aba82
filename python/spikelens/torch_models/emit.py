"""The graph as a network text and its tensors, named as model files name them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .graph import Node, Refusal, as_array, users, walk

ORDER = (
    "beta",
    "threshold",
    "reset",
    "delay",
    "at_threshold",
    "decay_input",
    "gain",
    "v_reset",
    "alpha",
    "adapt",
    "rho",
)
WORDS = {"at_threshold": "ge"}
USUAL = {
    "reset": "subtract",
    "delay": False,
    "at_threshold": False,
    "decay_input": False,
    "gain": 1.0,
    "v_reset": 0.0,
    "alpha": 0.0,
    "adapt": 0.0,
    "rho": 0.0,
    "threshold": 1.0,
}


@dataclass
class Emitted:
    """What `_core.network` takes, and which layer each neuron became."""

    text: str = ""
    tensors: dict[str, np.ndarray] = field(default_factory=dict)
    layers: dict[int, int] = field(default_factory=dict)  # id of a neuron's node: index of its layer


def number(value: float) -> str:
    return str(np.float32(value))


def sides(a: int, b: int) -> str:
    return str(a) if a == b else f"{a}x{b}"


def conv_text(node: Node) -> str:
    text = f"{node.shape[0]}C{sides(*node.weight.shape[2:])}p{sides(*node.padding)}"
    text += f"s{sides(*node.stride)}" if node.stride != (1, 1) else ""
    text += f"d{sides(*node.dilation)}" if node.dilation != (1, 1) else ""
    text += f"g{node.groups}" if node.groups != 1 else ""
    return text


def pool_text(node: Node) -> str:
    word = {"max": "MP", "average": "AP", "sum": "SP"}[node.pool]
    text = f"{word}{sides(*node.size)}" + (f"s{sides(*node.stride)}" if node.stride != node.size else "")
    return text + (f"p{sides(*node.padding)}" if any(node.padding) else "") + ("c" if node.ceil else "")


class Emitter:
    def __init__(self, output: Node) -> None:
        self.order = walk(output)
        self.readers = users(self.order)
        self.output = output
        self.made = Emitted()
        self.stages: list[str] = []
        self.names: dict[int, str] = {}  # id of a node: the layer that has it
        self.count = 0
        self.point = "input"  # the layer that the text stands at
        self.open: Node | None = None  # the last node of a layer that a neuron or a pool may still join

    def run(self, leak: dict[str, float] | None) -> Emitted:
        self.names[id(self.order[0])] = "input"
        for node in self.order:
            if node.kind == "input":
                self.names[id(node)] = "input"
            elif node.weighted:
                self.weighted(node)
            elif node.kind == "norm":
                self.norm(node)
            elif node.kind == "neuron":
                self.neuron(node)
            elif node.kind == "pool":
                self.joins(node)
                self.stages.append(pool_text(node))
            else:
                self.join(node)
        if self.open is not self.output:
            raise Refusal(f"{self.output.where}: the last layer cannot be put last")
        if leak:
            self.stages.append(f"LI({','.join(f'{name}={number(value)}' for name, value in leak.items())})")
        self.made.text = "-".join(self.stages)
        return self.made

    def layer(self, kind: str, node: Node) -> str:
        self.count += 1
        name = f"{kind}{self.count}"
        self.names[id(node)] = self.point = name
        self.open = node
        return name

    def go(self, node: Node) -> None:
        """Stands the text at a node's layer."""
        name = self.names[id(node)]
        if self.point != name:
            self.stages.append(f"@{name}")
            self.point = name

    def weighted(self, node: Node) -> None:
        self.go(node.inputs[0])
        neuron = self.only_neuron(node)
        recurrence = neuron.cell.recurrence if neuron else None
        bias = node.bias
        if recurrence and recurrence[2] is not None:
            bias = as_array(recurrence[2]) + (0 if bias is None else bias)
        name = self.layer(node.kind, node)
        self.stages.append(
            (conv_text(node) if node.kind == "conv" else f"{node.shape[0]}F") + ("b0" if bias is None else "")
        )
        self.made.tensors[f"{name}.weight"] = node.weight.astype(np.float32)
        if bias is not None:
            self.made.tensors[f"{name}.bias"] = bias.astype(np.float32)
        if recurrence:
            self.recurrence(name, node, recurrence)

    def norm(self, node: Node) -> None:
        if node.inputs[0].kind == "input":
            raise Refusal(f"{node.where}: normalises the network's input at each step, before any weights")
        self.go(node.inputs[0])
        name = self.layer("norm", node)
        self.stages.append(f"BN{len(node.scale)}")
        self.made.tensors[f"{name}.weight"] = node.scale[:, :, 0, 0].astype(np.float32)
        self.made.tensors[f"{name}.bias"] = node.shift[:, :, 0, 0].astype(np.float32)

    def only_neuron(self, node: Node):
        readers = self.readers[id(node)]
        return readers[0] if len(readers) == 1 and readers[0].kind == "neuron" else None

    def recurrence(self, name: str, node: Node, recurrence) -> None:
        kind, weight, _ = recurrence
        weight = weight(node.shape) if callable(weight) else weight
        weight = as_array(weight).astype(np.float32)
        if kind == "one":
            weight = np.broadcast_to(weight.reshape(-1), (node.shape[0],)).copy()
        if kind == "conv" and (weight.shape[2] != weight.shape[3] or weight.shape[2] % 2 == 0):
            raise Refusal(
                f"{node.where}: recurrence by a kernel of {weight.shape[2:]}; expected a square one of odd size"
            )
        self.stages.append({"all": "R", "one": "R1", "conv": f"RC{weight.shape[-1]}"}[kind])
        self.made.tensors[f"{name}.recurrent.weight"] = weight

    def joins(self, node: Node) -> None:
        """A neuron or a pool: of the layer before, where nothing else reads it, else of a layer of its own."""
        below = node.inputs[0]
        if (
            self.open is below
            and len(self.readers[id(below)]) == 1
            and below.kind != "pool"
            and not node.kind == below.kind == "neuron"
        ):
            self.names[id(node)] = self.names[id(below)]
            self.open = node
            return
        if below.kind == "input":
            raise Refusal(f"{node.where}: reads the network's input without weights")
        self.stages.append(f"@{self.names[id(below)]}")
        self.layer("pass", node)

    def neuron(self, node: Node) -> None:
        if node.cell.recurrence and not (node.inputs[0].weighted and self.only_neuron(node.inputs[0]) is node):
            raise Refusal(f"{node.where}: a recurrent neuron needs weights of its own before it")
        self.joins(node)
        name = self.names[id(node)]
        self.stages.append(neuron_text(node.cell.fields, name, node, self.made.tensors))
        self.made.layers[id(node)] = self.count - 1

    def join(self, node: Node) -> None:
        words = {"add": "add", "and": "and", "iand": "iand", "cat": "cat"}
        if node.kind not in words:
            raise Refusal(f"{node.where}: {node.kind} has no place in a network")
        ends = "|".join(f"@{self.names[id(child)]}" for child in node.inputs)
        self.stages.append(f"[{ends}]{words[node.kind]}")
        self.layer(node.kind, node)


def neuron_text(fields, name: str, node: Node, tensors) -> str:
    options = []
    for key in ORDER:
        value = fields.get(key, USUAL.get(key))
        word = WORDS.get(key, key)
        if isinstance(value, np.ndarray):
            options.append(f"{word}={'*' if value.ndim == 1 else '**'}")
            tensors[f"{name}.neuron.{key}"] = value.astype(np.float32)
        elif key == "beta" or value != USUAL[key]:
            options.append(
                word if value is True else f"{word}={value}" if isinstance(value, str) else f"{word}={number(value)}"
            )
    return f"LIF({','.join(options)})"
