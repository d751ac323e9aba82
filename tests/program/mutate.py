"""Seeded damage to files: the same seed and index give the same bytes."""

import json
import struct

TERMINAL = ["\x1b[2J", "\x1b]0;title\x07", "\x9b31m", "\r", "\n", "\x00", "\x7f", "\u202e", "\u2028", "\x08"]
NUMBERS = [
    0,
    1,
    (1 << 64) - 1,
    (1 << 63) - 1,
    1 << 63,
    0x7FFFFFFF7FFFFFFF,
    0x8000000080000000,
    0x7FFF7FFF7FFF7FFF,
    0xFFFFFFFE,
    0x4040404040404040,
]
OTHERS = [
    None,
    True,
    False,
    0,
    1,
    -1,
    1e308,
    -0.0,
    1 << 62,
    -(1 << 63),
    "",
    "text",
    [],
    {},
    [[]],
    [None],
    {"": None},
    ["a", 1],
]


def range_in(noise, data):
    first = noise.randrange(len(data))
    longest = len(data) - first if noise.randrange(4) == 0 else 16
    return first, min(len(data), first + 1 + noise.randrange(max(1, longest)))


def damaged_once(data, noise):
    if not data:
        return bytes(noise.randrange(256) for _ in range(1 + noise.randrange(16)))
    first, end = range_in(noise, data)
    kind = noise.randrange(9)
    if kind == 0:  # one bit
        return data[:first] + bytes([data[first] ^ 1 << noise.randrange(8)]) + data[first + 1 :]
    if kind == 1:  # one byte
        return data[:first] + bytes([noise.randrange(256)]) + data[first + 1 :]
    if kind == 2:  # a number where readers break
        width = 1 << noise.randrange(4)
        word = (noise.choice(NUMBERS) & (1 << 8 * width) - 1).to_bytes(width, noise.choice(["little", "big"]))
        return data[:first] + word + data[first + width :]
    if kind == 3:  # a part missing
        return data[:first] + data[end:]
    if kind == 4:  # a part twice, perhaps elsewhere
        at = noise.choice([end, noise.randrange(len(data) + 1)])
        return data[:at] + data[first:end] + data[at:]
    if kind == 5:  # two parts exchanged
        other = noise.randrange(len(data))
        low, high = sorted((first, other))
        length = min(end - first, high - low, len(data) - high)
        return (
            data[:low]
            + data[high : high + length]
            + data[low + length : high]
            + data[low : low + length]
            + data[high + length :]
        )
    if kind == 6:  # cut
        return data[:first]
    if kind == 7:  # more at the end
        return data + bytes(noise.randrange(256) for _ in range(1 + noise.randrange(16)))
    text = noise.choice(TERMINAL).encode()  # a terminal's commands over or between what is there
    return data[:first] + text + data[first + noise.choice([0, len(text)]) :]


def damaged(data, noise):
    for _ in range(1 + noise.randrange(1 + noise.randrange(5))):
        data = damaged_once(data, noise)
    return data


def places(node):
    """Every (container, key) of a document."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in list(items):
        yield node, key
        yield from places(value)


def damaged_document(document, noise):
    """A JSON document with members of other types, exchanged, missing, renamed, or with commands to terminals."""
    document = json.loads(json.dumps(document))
    for _ in range(1 + noise.randrange(3)):
        every = list(places(document))
        if not every:
            return noise.choice(OTHERS)
        # As many of the members near the root as of those in long lists.
        node, key = noise.choice(every if noise.randrange(2) else list(places_near_root(document)))
        kind = noise.randrange(5)
        if kind == 0:
            node[key] = noise.choice(OTHERS)
        elif kind == 1:
            other, other_key = noise.choice(every)
            node[key], other[other_key] = json.loads(json.dumps(other[other_key])), json.loads(json.dumps(node[key]))
        elif kind == 2:
            del node[key]
        elif kind == 3 and isinstance(node, dict):
            node[key + noise.choice(TERMINAL)] = node.pop(key)
        else:
            node[key] = str(node[key])[:40] + noise.choice(TERMINAL)
    return document


def places_near_root(document):
    for node, key in list(places(document)):
        if node is document or any(
            node is document[k] for k in (document if isinstance(document, dict) else range(len(document)))
        ):
            yield node, key


def damaged_json(data, noise):
    if noise.randrange(3) == 0:
        return damaged(data, noise)
    return json.dumps(
        damaged_document(json.loads(data), noise),
        indent=noise.choice([None, 2]),
        ensure_ascii=noise.choice([True, False]),
    ).encode("utf-8", "surrogatepass")


def damaged_safetensors(data, noise):
    if noise.randrange(3) == 0:
        return damaged(data, noise)
    length = struct.unpack("<Q", data[:8])[0]
    text = json.dumps(damaged_document(json.loads(data[8 : 8 + length]), noise)).encode()
    return struct.pack("<Q", len(text)) + text + data[8 + length :]


def damaged_file(name, data, noise):
    """Fields of JSON and safetensors are damaged as fields too, other files as bytes."""
    if name.endswith(".json"):
        return damaged_json(data, noise)
    return damaged_safetensors(data, noise) if name.endswith(".safetensors") else damaged(data, noise)
