"""Reads the pictures and values that explain writes, with nothing but Python's own library."""

import struct
import zlib


def values_of(path):
    """The float32 values of an NPY file."""
    content = path.read_bytes()
    begin = 10 + struct.unpack("<H", content[8:10])[0]
    return struct.unpack(f"<{(len(content) - begin) // 4}f", content[begin:])


def unfiltered(line, kind, above, channels):
    """Undoes a PNG filter (PNG specification, 9.2) in place."""
    for i in range(len(line)):
        left, up = line[i - channels] if i >= channels else 0, above[i]
        corner = above[i - channels] if i >= channels else 0
        paeth = min((abs(up - corner), 0, left), (abs(left - corner), 1, up), (abs(left + up - 2 * corner), 2, corner))[
            2
        ]
        line[i] = (line[i] + (0, left, up, (left + up) // 2, paeth)[kind]) & 255
    return line


def pixels_of(path):
    """(red, green, blue) of every pixel of an 8-bit grey or RGB PNG."""
    content, at, packed = path.read_bytes(), 8, b""
    while at < len(content):
        length, name = struct.unpack(">I4s", content[at : at + 8])
        chunk, at = content[at + 8 : at + 8 + length], at + 12 + length
        if name == b"IHDR":
            width, height, _, kind = struct.unpack(">IIBB", chunk[:10])
        packed += chunk if name == b"IDAT" else b""
    channels, raw, above, pixels = {0: 1, 2: 3}[kind], zlib.decompress(packed), None, []
    for y in range(height):
        begin = y * (width * channels + 1)
        line = bytearray(raw[begin + 1 : begin + 1 + width * channels])
        above = unfiltered(line, raw[begin], above or bytes(len(line)), channels)
        pixels += [tuple(line[3 * x : 3 * x + 3]) if channels == 3 else (line[x],) * 3 for x in range(width)]
    return pixels
