"""What parameters take, by their names: whatever else is given is an ``InputError`` that says so."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from functools import wraps
from typing import Any, TypeVar

import numpy as np

from spikelens._arrays import shown
from spikelens._core import InputError

Function = TypeVar("Function", bound=Callable[..., Any])


def is_list(value: Any, kind: type | tuple[type, ...] = object) -> bool:
    """Several things of this type, but no text and no dict."""
    if not isinstance(value, Collection) or isinstance(value, (str, bytes, Mapping, set)):
        return False
    if isinstance(value, np.ndarray) and value.ndim == 0:
        return False
    return all(isinstance(one, kind) for one in value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_text_or_none(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _is_flag(value: Any) -> bool:
    return isinstance(value, (bool, np.bool_))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not _is_flag(value)


def _is_whole(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not _is_flag(value) and abs(value) < 2**31


def _is_network(value: Any) -> bool:
    from spikelens.network import Network

    return isinstance(value, Network)


def _is_interpretation(value: Any) -> bool:
    from spikelens.interpretation import Interpretation

    return value is None or isinstance(value, Interpretation)


def _is_path(value: Any) -> bool:
    return isinstance(value, (str, os.PathLike)) and bool(os.fspath(value))


def _is_shape(value: Any) -> bool:
    return value is None or (is_list(value, (int, np.integer)) and len(value) == 3)


_LAYERS = "True, False, the name of a layer or a list of such names"
_PARAMETERS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "net": (_is_network, "a spikelens.Network"),
    "interpretation": (_is_interpretation, "a spikelens.Interpretation or None"),
    "text": (_is_text, "a text such as '16C3-LIF-MP2-10F'"),
    "method": (_is_text, "the name of a method"),
    "baseline": (_is_text, "'black', 'blur' or 'mean'"),
    "response": (_is_text, "'energy' or 'l2'"),
    "dialect": (_is_text, "the name of a dialect, such as 'auto'"),
    "reset": (_is_text_or_none, "'subtract', 'zero', 'none' or None"),
    "surrogate": (_is_text_or_none, "a text such as 'atan(2)' or None"),
    "layout": (_is_text_or_none, "a text of axes such as 'TNCHW' or None"),
    "signed": (_is_flag, "True or False"),
    "per_sample": (_is_flag, "True or False"),
    "return_convergence_delta": (_is_flag, "True or False"),
    "mu": (lambda value: value is None or _is_number(value), "a number"),
    "dt": (lambda value: value is None or _is_number(value), "a number of seconds or None"),
    "shape": (_is_shape, "three whole numbers (C, H, W)"),
    "output": (lambda value: value is None or _is_whole(value), "the number of an output or None"),
    "rule": (_is_text, "the name of a rule of evidence"),
    "windows": (_is_whole, "a whole number from 0 to 8"),
    "draws": (_is_whole, "a whole number below 2**31"),
    "crops": (_is_whole, "a whole number below 2**31"),
    "pixels_per_step": (_is_whole, "a whole number below 2**31"),
    "spike_steps": (_is_whole, "a whole number below 2**31"),
    "counts": (lambda value: _is_flag(value) or _is_text(value) or is_list(value, str), _LAYERS),
    "spikes": (lambda value: _is_flag(value) or _is_text(value) or is_list(value, str), _LAYERS),
    "potentials": (lambda value: _is_flag(value) or _is_text(value) or is_list(value, str), _LAYERS),
    "filters": (
        lambda value: _is_text_or_none(value) or is_list(value, str),
        "the name of a filter, a list of them or None",
    ),
    "metrics": (lambda value: _is_text(value) or is_list(value, str), "the name of a metric or a list of such names"),
    "methods": (
        lambda value: _is_text(value) or isinstance(value, Mapping) or is_list(value, str),
        "the name of a method, a list of such names, or a dict of name → method",
    ),
    "classes": (lambda value: is_list(value, str), "a list of texts"),
    "tensors": (
        lambda value: value is None or (isinstance(value, Mapping) and all(map(_is_text, value))),
        "a dict of name → array, or None",
    ),
    "path": (_is_path, "the path of a file or folder"),
    "ax": (lambda value: value is None or hasattr(value, "imshow"), "axes of Matplotlib or None"),
}


def checked(function: Function) -> Function:
    """The same function, which first looks at the parameters that have such a name. It gets NumPy's True and False as
    Python's."""
    signature = inspect.signature(function)

    @wraps(function)
    def look_first(*args: Any, **kwargs: Any) -> Any:
        given = None
        with suppress(TypeError):
            given = signature.bind(*args, **kwargs)
        if given is None:
            return function(*args, **kwargs)  # which says what is missing or unknown
        for name, value in given.arguments.items():
            is_it, what = _PARAMETERS.get(name, (None, ""))
            if is_it is not None and not is_it(value):
                raise InputError(f"{name} must be {what}, not {shown(value)}")
            if isinstance(value, np.bool_):
                given.arguments[name] = bool(value)
        return function(*given.args, **given.kwargs)

    return look_first  # type: ignore[return-value]
