"""For tests of the program: small data sets that a small network learns, what documents of two runs have in common."""

import gzip
import random
import struct

SIDE, CLASSES = 12, 3


def idx_bytes(extents, data):
    return struct.pack(">BBBB", 0, 0, 8, len(extents)) + struct.pack(f">{len(extents)}I", *extents) + bytes(data)


def picture(label, noise):
    """A horizontal, a vertical or a diagonal bar at a random place."""
    at = noise.randrange(2, SIDE - 2)
    lit = {0: lambda y, x: abs(y - at) < 2, 1: lambda y, x: abs(x - at) < 2, 2: lambda y, x: abs(y - x + at - 6) < 2}[
        label
    ]
    return [min(255, noise.randrange(40) + (180 if lit(y, x) else 0)) for y in range(SIDE) for x in range(SIDE)]


def make_data(folder, train=240, test=90):
    folder.mkdir(parents=True)
    noise = random.Random(5)
    for name, count in (("train", train), ("t10k", test)):
        labels = [i % CLASSES for i in range(count)]
        pixels = [value for label in labels for value in picture(label, noise)]
        (folder / f"{name}-images-idx3-ubyte.gz").write_bytes(
            gzip.compress(idx_bytes([count, SIDE, SIDE], pixels), mtime=0)
        )
        (folder / f"{name}-labels-idx1-ubyte").write_bytes(idx_bytes([count], labels))
    (folder / "classes.txt").write_text("horizontal\nvertical\ndiagonal\n")


def recording(label, noise, side=10, events=240):
    """A bar that moves: down (0) or to the right (1), 60 ms long, as N-MNIST writes it."""
    data = b""
    for i in range(events):
        time = 60000 * i // events
        along, across = noise.randrange(side), min(side - 1, side * i // events)
        x, y = (along, across) if label == 0 else (across, along)
        data += bytes([x, y, noise.randrange(2) << 7 | time >> 16, time >> 8 & 255, time & 255])
    return data


def make_recordings(folder, train=60, test=20):
    noise = random.Random(3)
    for split, count in (("train", train), ("test", test)):
        for i in range(count):
            path = folder / split / ("down" if i % 2 == 0 else "right")
            path.mkdir(parents=True, exist_ok=True)
            (path / f"{i:05}.bin").write_bytes(recording(i % 2, noise))


def without_times(document):
    """The document without what the clock or the path decides."""
    if isinstance(document, dict):
        return {
            key: without_times(value)
            for key, value in document.items()
            if key not in ("checksum", "seconds", "seconds_per_explanation", "run", "threads", "report", "bytes")
        }
    return [without_times(value) for value in document] if isinstance(document, list) else document
