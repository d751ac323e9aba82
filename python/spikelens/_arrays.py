"""Arrays of NumPy, PyTorch and everything with DLPack or ``__array__``, as the C++ library takes them."""

from __future__ import annotations

import operator
import reprlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikelens import _core
from spikelens._core import InputError

LAYOUTS = ("NTCHW", "TNCHW")


def shown(value: Any) -> str:
    """A value as sentences have it: short, and on one line."""
    return " ".join(reprlib.repr(value).split())


def to_numpy(values: Any) -> np.ndarray:
    """The same numbers as a NumPy array; nothing is copied where the memory can be shared."""
    if isinstance(values, np.ndarray):
        return values
    if hasattr(values, "detach"):  # a tensor of PyTorch
        if values.device.type != "cpu":
            raise InputError(
                f"the tensor is on the device {values.device}; expected one in the CPU's memory: tensor.cpu()"
            )
        return _of_tensor(values.detach())
    if hasattr(values, "__dlpack__") and not hasattr(values, "__array__"):
        return np.from_dlpack(values)
    try:
        return np.asarray(values)
    except ValueError as reason:  # lists of several lengths
        raise InputError(f"what was given is no array: {reason}") from None


def _of_tensor(tensor: Any) -> np.ndarray:
    """Of bfloat16, which NumPy does not have, the same numbers in float32."""
    if str(tensor.dtype) == "torch.bfloat16":
        tensor = tensor.float()
    try:
        return tensor.resolve_conj().resolve_neg().numpy()
    except TypeError as reason:  # sparse, quantized
        raise InputError(f"the tensor is no array of numbers in the CPU's memory: {reason}") from None


def like(values: np.ndarray, original: Any) -> Any:
    """A tensor where the original was one; the memory is shared."""
    if hasattr(original, "detach"):
        import torch

        return torch.from_numpy(np.ascontiguousarray(values))
    return values


def check_layout(layout: str | None) -> str | None:
    if layout is not None and layout not in LAYOUTS:
        raise InputError(f"there is no layout '{layout}'{_core.suggestion(str(layout), list(LAYOUTS))}")
    return layout


@dataclass(frozen=True)
class Samples:
    """What a network is shown: ``values`` is float32 [N, C, H, W] or uint8 [N, T, C, H, W]."""

    values: np.ndarray
    time_first: bool

    @property
    def spiking(self) -> bool:
        return self.values.ndim == 5

    def restore(self, values: np.ndarray) -> np.ndarray:
        """[N, T, …] in the layout of the input; the memory is shared."""
        return np.swapaxes(values, 0, 1) if self.time_first and values.ndim == 5 else values


def samples_of(inputs: Any, shape: tuple[int, ...], layout: str | None) -> Samples:
    """Images [N, *shape] of any numbers, or spikes, whole numbers from 0 to 255, in the layout said."""
    check_layout(layout)
    values = to_numpy(inputs)
    leading = _leading_axes(values.shape, shape)
    if values.dtype.kind not in "fiub":
        raise InputError(f"the input holds values of the type {values.dtype}, expected numbers")
    values = values.reshape(values.shape[:leading] + tuple(shape))
    if leading == 1:
        with np.errstate(over="ignore"):  # the library says what is not finite
            return Samples(np.ascontiguousarray(values, dtype=np.float32), layout == "TNCHW")
    if layout is None:
        raise InputError(
            f"spikes of shape {list(values.shape)} need a layout: 'TNCHW', time first, as snnTorch and SpikingJelly "
            "have it, or 'NTCHW', samples first"
        )
    if layout == "TNCHW":
        values = np.swapaxes(values, 0, 1)
    return Samples(np.ascontiguousarray(_spikes(values)), layout == "TNCHW")


def _leading_axes(given: tuple[int, ...], shape: tuple[int, ...]) -> int:
    """1 of images, 2 of spikes. A network that sees [C, 1, 1] may be given [..., C]."""
    endings = [tuple(shape)] + ([tuple(shape[:1])] if tuple(shape[1:]) == (1, 1) else [])
    for ending in endings:
        leading = len(given) - len(ending)
        if leading in (1, 2) and given[leading:] == ending:
            return leading
    text = ", ".join(map(str, shape))
    raise InputError(
        f"the input has shape {list(given)}; the network expects images [N, {text}] or spikes [N, T, {text}]"
    )


def _spikes(values: np.ndarray) -> np.ndarray:
    if values.dtype == np.uint8:
        return values
    if values.dtype == np.bool_:
        return values.view(np.uint8)
    with np.errstate(invalid="ignore"):
        spikes = values.astype(np.uint8)
    wrong = spikes != values
    if wrong.any():
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise InputError(
            f"spikes must be whole numbers from 0 to 255; sample {place[0]} holds {values[place]} at {place[1:]}"
        )
    return spikes


def floats(values: Any, what: str) -> np.ndarray:
    """Numbers as a contiguous array of float32."""
    array = to_numpy(values)
    if array.dtype.kind not in "fiub":
        raise InputError(f"{what} must be numbers, not {array.dtype}")
    return np.ascontiguousarray(array, dtype=np.float32)


def integers(values: Any, what: str, count: int, bits: int = 32) -> list[int]:
    """One whole number of so many bits for each sample: a list or an array of them, or one for all."""
    array = to_numpy(values)
    if array.dtype.kind not in "iu":
        raise InputError(f"{what} must be whole numbers, not {array.dtype}")
    numbers = [int(array)] * count if array.ndim == 0 else [int(value) for value in array.reshape(-1)]
    for number in numbers:
        whole_number(number, what, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return numbers


def seed_number(seed: Any) -> int:
    return whole_number(seed, "seed", 0, 2**64 - 1)


def whole_number(value: Any, what: str, least: int, most: int) -> int:
    """The value as an int of Python's; one that is none, or beyond these bounds, is an InputError."""
    try:
        number = operator.index(value)
    except TypeError:
        raise InputError(f"{what} must be a whole number, not {shown(value)}") from None
    if not least <= number <= most:
        raise InputError(f"{what} must be from {least} to {most}, not {number}")
    return number
