"""Pictures of maps in the library's colours."""

from __future__ import annotations

import base64
import struct
import zlib
from functools import cache
from importlib.resources import files

import numpy as np

_SEQUENTIAL = 256  # colours; the diverging palette follows


@cache
def palettes() -> tuple[np.ndarray, np.ndarray]:
    """The sequential and the diverging palette, uint8 [colours, 3]."""
    table = np.frombuffer(files("spikelens").joinpath("palette.bin").read_bytes(), np.uint8).reshape(-1, 3)
    return table[:_SEQUENTIAL], table[_SEQUENTIAL:]


def colours(values: np.ndarray, signed: bool) -> np.ndarray:
    """A map [H, W] as uint8 [H, W, 3]: signed around zero, which is white, else from its lowest to its highest
    value."""
    sequential, diverging = palettes()
    values = np.nan_to_num(np.asarray(values, np.float64))
    if signed:
        largest = np.abs(values).max(initial=0) or 1.0
        middle = (len(diverging) - 1) / 2
        return diverging[np.rint(middle + values / largest * middle).astype(int)]
    low = values.min(initial=0)
    span = (values.max(initial=0) - low) or 1.0
    return sequential[np.rint((values - low) / span * (len(sequential) - 1)).astype(int)]


def grey_or_colour(image: np.ndarray) -> np.ndarray:
    """A sample [C, H, W] as uint8 [H, W, 3], from its lowest to its highest value; of other than three channels their
    sum."""
    image = np.asarray(image, np.float64)
    image = image if len(image) == 3 else np.repeat(image.sum(axis=0, keepdims=True), 3, axis=0)
    low = image.min(initial=0)
    span = (image.max(initial=0) - low) or 1.0
    return np.rint((image - low) / span * 255).astype(np.uint8).transpose(1, 2, 0)


def png(picture: np.ndarray) -> bytes:
    """uint8 [H, W, 3] as a PNG file."""
    height, width, _ = picture.shape
    rows = b"".join(b"\0" + row.tobytes() for row in np.ascontiguousarray(picture))
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    ]
    body = b"".join(struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + body


def image_tag(picture: np.ndarray, title: str, size: int = 160) -> str:
    data = base64.b64encode(png(picture)).decode()
    return (
        f'<img title="{title}" alt="{title}" width="{size}" '
        'style="image-rendering: pixelated; outline: 1px solid #ccc" '
        f'src="data:image/png;base64,{data}">'
    )
