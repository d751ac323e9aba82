"""One run of a model with an example, in which every function of torch is seen."""

from __future__ import annotations

import contextlib
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from . import cells, functions, layers
from .graph import Graph, Node, Refusal
from .values import ALL, STATIC, Sizes, Unknown, Value, canonical

HANDLERS = functions.HANDLERS | layers.HANDLERS


def function_name(func) -> str:
    name = getattr(func, "__name__", str(func))
    return func.__self__.__name__ if name == "__get__" else name


class Trace(TorchFunctionMode):
    """Follows what depends on the input from tensor to tensor. A tensor that does not depend on it is a constant."""

    def __init__(self, model, table: dict[int, cells.Cell], shape, samples: int, steps: int | None) -> None:
        super().__init__()
        self.names = {id(module): name for name, module in model.named_modules()}
        self.table = table
        self.graph = Graph(shape)
        self.sizes = Sizes(samples, steps)
        self.instances: list[cells.Instance] = []
        self.hidden: dict[int, cells.Instance] = {}
        self.notes: list[str] = []
        self.read: list[str] = []  # where Python read numbers that depend on the input
        self.before_softmax: dict[int, Any] = {}
        self._softened: dict[int, str] = {}  # the same tensors: why they cannot be used
        self._tensors: dict[int, tuple[Any, Value | Unknown]] = {}
        self._neurons: dict[int, Node] = {}
        self._stack: list[Any] = []
        self._suspended = 0

    # what tensors are

    def put(self, tensor, value: Value | Unknown) -> None:
        self._tensors[id(tensor)] = (tensor, value)

    def tracked(self, tensor) -> Value | Unknown | None:
        """None for a constant."""
        found = self._tensors.get(id(tensor))
        return found[1] if found else None

    def put_softened(self, out, given, name: str) -> None:
        """What softmax gives: the network ends with what it is applied to."""
        self.before_softmax[id(out)] = given
        self._softened[id(out)] = self.named(f"{name} is followed at the end of a model alone")

    def value(self, tensor) -> Value:
        found = self.tracked(tensor)
        if id(tensor) in self._softened:
            raise Refusal(self._softened[id(tensor)])
        if isinstance(found, Unknown):
            raise Refusal(found.reason)
        if found is None:
            raise Refusal("a constant where the network's input is expected")
        return functions.finished(self, found)

    def constant(self, tensor, name: str):
        if tensor is not None and self.tracked(tensor) is not None:
            raise Refusal(f"{name} whose weights depend on the input")
        return tensor

    def canonical(self, tensor, value: Value):
        return canonical(tensor, value, self.sizes)

    def tensors_in(self, structure) -> list:
        if isinstance(structure, torch.Tensor):
            return [structure]
        if isinstance(structure, dict):
            structure = list(structure.values())
        if isinstance(structure, (list, tuple)):
            return [tensor for part in structure for tensor in self.tensors_in(part)]
        return []

    # nodes

    def pool(self, node: Node, kind: str, size, stride, padding=(0, 0), shape=None) -> Node:
        """Of the whole windows within the padding; `shape` [rows, columns] says that windows beyond them count."""
        size, stride = tuple(map(int, size)), tuple(map(int, stride))
        if size == (1, 1) and stride == (1, 1) and padding == (0, 0):
            return node
        whole = [(n + 2 * p - k) // s + 1 for n, p, k, s in zip(node.shape[1:], padding, size, stride)]
        extents = whole if shape is None else list(shape)
        return self.graph.add(
            "pool",
            [node],
            (node.shape[0], *extents),
            self.where(),
            pool=kind,
            size=size,
            stride=stride,
            padding=tuple(padding),
            ceil=extents != whole,
        )

    def neuron_node(self, instance: cells.Instance, given: Node) -> Node:
        instance.inputs.append(given)
        if id(instance) not in self._neurons:
            self._neurons[id(instance)] = Node("neuron", [given], given.shape, instance.where, {"cell": instance})
        node = self._neurons[id(instance)]
        if node.shape != given.shape:
            raise Refusal(f"its input changes from {node.shape} to {given.shape}")
        return node

    def neuron_of(self, instance: cells.Instance) -> Node | None:
        return self._neurons.get(id(instance))

    def state_node(self, instance: cells.Instance, name: str) -> Node:
        node = self._neurons[id(instance)]
        return self.graph.add("state", [node], node.shape, instance.where, cell=instance, name=name)

    def aligned(self, *values: Value) -> list[Value]:
        """Values of one step, where some may be of the step before or the same at all."""
        for value in values:
            if (
                isinstance(value.when, (functions.Partial, functions.Summed))
                and len({id(v.when) for v in values}) > 1
                and any(v.when != value.when for v in values)
            ):
                raise Refusal("a sum over time meets what is no such sum")
        steps = {value.when for value in values if isinstance(value.when, int)}
        if len(steps) > 1:
            now = max(steps)
            if steps != {now, now - 1}:
                raise Refusal("steps that do not follow each other meet")
            values = [self._delayed(value) if value.when == now - 1 else value for value in values]
        whole = next((value for value in values if value.when == ALL), None)
        if whole:
            values = [self._along(value, whole) for value in values]
        when = next((value.when for value in values if value.when != STATIC), STATIC)
        when = max(steps) if steps else when
        return [Value(value.node, value.dims, when) for value in values]

    def _delayed(self, value: Value) -> Value:
        return value.of(self.graph.add("delay", [value.node], value.node.shape, value.node.where))

    @staticmethod
    def _along(value: Value, whole: Value) -> Value:
        if value.when == STATIC and value.labels == tuple(label for label in whole.labels if label != "T"):
            return Value(value.node, whole.dims, ALL)
        return value

    def or_zeros(self, part, parts, dim: int) -> Value:
        """A value; for a constant of zeros, the node that gives them."""
        if self.tracked(part) is not None:
            return self.value(part)
        like = next(self.value(other) for other in parts if self.tracked(other) is not None)
        if bool(part.any()) or like.node.shape[1:] != (1, 1):
            raise Refusal("a constant is put beside what depends on the input")
        node = self.graph.add("zeros", [], (part.shape[dim], 1, 1), self.where())
        return Value(node, like.dims[:dim] + self.sizes.dims("C", node) + like.dims[dim + 1 :])

    # where the run is

    def where(self) -> str:
        if not self._stack:
            return "the model"
        module = self._stack[-1]
        return f"{self.names.get(id(module), '') or 'the model'} ({type(module).__name__})"

    def named(self, reason: str) -> str:
        return f"{self.where()}: {reason}"

    @contextlib.contextmanager
    def suspended(self):
        self._suspended += 1
        try:
            yield
        finally:
            self._suspended -= 1

    @contextlib.contextmanager
    def watching(self, model):
        """Names modules while they run, and takes neurons as wholes."""
        modules = torch.nn.modules.module

        def leave(module, args, out) -> None:
            self._stack.pop()

        handles = [
            modules.register_module_forward_pre_hook(lambda module, args: self._stack.append(module)),
            modules.register_module_forward_hook(leave, always_call=True),
        ]
        wrapped = [module for module in model.modules() if id(module) in self.table]
        own = {id(module): module.__dict__.get("forward") for module in wrapped}  # a forward that a user put there
        for module in wrapped:
            self._wrap(module)
        try:
            with self:
                yield self
        finally:
            for module in wrapped:
                del module.__dict__["forward"]
                if own[id(module)] is not None:
                    module.__dict__["forward"] = own[id(module)]
            for handle in handles:
                handle.remove()

    def _wrap(self, module) -> None:
        original, cell = module.forward, self.table[id(module)]

        def forward(*args, **kwargs):
            if self._suspended:
                return original(*args, **kwargs)
            if isinstance(cell, Refusal):
                with self.suspended():
                    output = original(*args, **kwargs)
                if any(self.tracked(tensor) for tensor in self.tensors_in([args, kwargs])):
                    for tensor in self.tensors_in(output):
                        self.put(tensor, Unknown(self.named(str(cell))))
                return output
            return cells.call(self, module, cell, original, args, kwargs)

        module.__dict__["forward"] = forward

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        if not self._suspended:
            self._record(func, args, kwargs, out)
        return out

    def _record(self, func, args, kwargs, out) -> None:
        outputs = self.tensors_in(out)
        found = [self.tracked(tensor) for tensor in self.tensors_in([args, kwargs])]
        name = function_name(func)
        if name in functions.RANDOM:
            found.append(Unknown(self.named(f"{name} draws random numbers; give what it codes as the example")))
        if name in functions.READ and any(found):
            self.read.append(self.named(name))
        if not any(found) or name in functions.CONSTANTS or not (outputs or name == "__setitem__"):
            return
        outputs = outputs or [args[0]]
        unknown = next((value for value in found if isinstance(value, Unknown)), None)
        try:
            if unknown:
                raise Refusal(unknown.reason)
            self._handle(name, args, kwargs, out, outputs)
        except Refusal as reason:
            text = str(reason) if unknown else self.named(str(reason))
            for tensor in outputs:
                self.put(tensor, Unknown(text))

    def _handle(self, name, args, kwargs, out, outputs) -> None:
        handler = HANDLERS.get(name)
        if handler is None:
            raise Refusal(f"{name} is not supported")
        if not args:  # F.linear(input=x, …)
            args, kwargs = (kwargs["input"],), {key: value for key, value in kwargs.items() if key != "input"}
        values = handler(self, name, args, kwargs, out)
        values = values if isinstance(values, list) else [values]
        for tensor, value in zip(outputs, values, strict=True):
            self.put(tensor, value)
