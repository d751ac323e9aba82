"""What a tensor of the run stands for: a node of the network, at which steps, and what its axes are.

The axes of every tensor are groups of the labels T, N, C, H, W: time, samples, channels, rows, columns. `x.flatten(0,
1)` of [T, N, C, H, W] is [(T, N), C, H, W]. Axes of length 1 carry no label, as they tell nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from .graph import Node, Refusal

STATIC = "static"  # the same at every step
ALL = "all"  # every step, along the axis T


@dataclass(frozen=True)
class Partial:
    """`factor` times the sum over the steps before `count`."""

    count: int
    factor: float = 1.0


@dataclass(frozen=True)
class Filling:
    """A tensor with an axis T, of which the steps before `count` are filled in."""

    count: int


@dataclass(frozen=True)
class Summed:
    """`factor` times the sum over all steps."""

    factor: float


@dataclass(frozen=True)
class Value:
    node: Node
    dims: tuple[tuple[str, ...], ...]
    when: object = STATIC  # STATIC, ALL, Filling, Partial, Summed or the number of a step

    def of(self, node: Node, dims=None) -> Value:
        return replace(self, node=node, dims=self.dims if dims is None else tuple(dims))

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(label for group in self.dims for label in group)


@dataclass(frozen=True)
class Unknown:
    """A tensor that depends on the input in a way that cannot be followed. Only an error where the network needs it."""

    reason: str


@dataclass
class Sizes:
    """Lengths of the axes that every tensor may have."""

    samples: int
    steps: int | None  # None until something tells

    def of(self, label: str, node: Node) -> int:
        if label == "N":
            return self.samples
        if label == "T":
            return self.steps or 1
        return node.shape["CHW".index(label)]

    def group(self, labels, node: Node) -> int:
        length = 1
        for label in labels:
            length *= self.of(label, node)
        return length

    def found_steps(self, steps: int, where: str) -> None:
        if self.steps is None:
            self.steps = steps
        elif self.steps != steps:
            raise Refusal(f"{where} runs for {steps} steps, but the rest of the model for {self.steps}")

    def dims(self, order: str, node: Node) -> tuple[tuple[str, ...], ...]:
        """The groups of a tensor whose axes are these labels, one each."""
        return tuple(() if self.of(label, node) == 1 else (label,) for label in order)


def regroup(value: Value, shape, sizes: Sizes, what: str) -> tuple[tuple[str, ...], ...]:
    """The groups of the same numbers in the same order under another shape."""
    labels = list(value.labels)
    dims = []
    for length in shape:
        group, product = [], 1
        while labels and product < length:
            product *= sizes.of(labels[0], value.node)
            group.append(labels.pop(0))
        if product != length:
            raise Refusal(
                f"{what} cuts an axis into parts: {tuple(shape)} of a tensor whose axes are {names(value.dims)}"
            )
        dims.append(tuple(group))
    if labels:
        raise Refusal(f"{what} to {tuple(shape)} of a tensor whose axes are {names(value.dims)}")
    return tuple(dims)


def names(dims) -> str:
    return "[" + ", ".join("·".join(group) or "1" for group in dims) + "]"


def canonical(tensor, value: Value, sizes: Sizes):
    """The tensor as [N, T, C, H, W], with length 1 where it has no such axis."""
    labels = value.labels
    tensor = tensor.detach().reshape([sizes.of(label, value.node) for label in labels])
    order = [label for label in "NTCHW" if label in labels]
    tensor = tensor.permute([labels.index(label) for label in order])
    return tensor.reshape([sizes.of(label, value.node) if label in labels else 1 for label in "NTCHW"])
