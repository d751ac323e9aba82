"""A small valid file of every kind that the program reads, written after the formats' descriptions."""

import base64
import io
import json
import struct
import zipfile
import zlib

EVENTS = [
    (10, 0, 0, 1),
    (10, 4, 3, 0),
    (25, 4, 0, 1),
    (1000, 0, 3, 0),
    (1001, 2, 1, 1),
    (5000, 2, 1, 0),
]  # t, x, y, polarity
SIDE = 12
JPEG = """
/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABsSFBcUERsXFhceHBsgKEIrKCUlKFE6PTBCYFVlZF9VXVtqeJmBanGQc1tdhbWGkJ6jq62rZ4C8yb
qmx5moq6T/wAALCAAMAAwBAREA/8QAFQABAQAAAAAAAAAAAAAAAAAAAgT/xAAkEAAABQIFBQAAAAAAAAAAAAAAAQIDEhExBAUTUdIUFZGT4v/d
AAQAAf/aAAgBAQAAPwAE1g3YwNtml4JbOvlRj//QCGHo2w3tb4j/0TnKe2dPoLcVqSrNxR2psZbj/9KNGZvx+18h/9k="""
PROGRESSIVE_JPEG = """
/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABsSFBcUERsXFhceHBsgKEIrKCUlKFE6PTBCYFVlZF9VXVtqeJmBanGQc1tdhbWGkJ6jq62rZ4C8yb
qmx5moq6T/wgALCAAMAAwBAREA/8QAFwAAAwEAAAAAAAAAAAAAAAAAAAECA//aAAgBAQAAAAGR5f/EABoQAAICAwAAAAAAAAAAAAAAAAABAhED
EyP/2gAIAQEAAQUCqDKZm5mxn//EAB0QAAAFBQAAAAAAAAAAAAAAAAABAhGRECFBQmH/2gAIAQEABj8CwUDWSCWe/af/xAAdEAACAQQDAAAAAA
AAAAAAAAAAAREhMYHRoeHw/9oACAEBAAE/IaCMK2FH4cCXrVXYUfb2f//aAAgBAQAAABDP/8QAHRAAAgEEAwAAAAAAAAAAAAAAAREAECExUUFh
kf/aAAgBAQABPxAXqjLj9KcZM7rBzC0Runb/2Q=="""


def recordings():
    """Name → bytes of the same few events in every format."""
    aedat2 = b"#!AER-DAT2.0\r\n# created today\r\n"
    davis = b"#!AER-DAT2.0\r\n# AEChip: eu.seebetter.ini.chips.davis.DAVIS240C\r\n#End Of ASCII Header\r\n"
    nmnist = dat = evt2 = evt3 = b""
    high = -1
    for t, x, y, p in EVENTS:
        nmnist += bytes([x, y]) + (p << 23 | t).to_bytes(3, "big")
        aedat2 += struct.pack(">II", (127 - y) << 8 | (127 - x) << 1 | (1 - p), t)
        davis += struct.pack(">II", (179 - y) << 22 | (239 - x) << 12 | p << 11, t)
        dat += struct.pack("<II", t, p << 28 | y << 14 | x)
        if t >> 6 != high:
            high = t >> 6
            evt2 += struct.pack("<I", 0x80000000 | high)
        evt2 += struct.pack("<I", p << 28 | (t & 63) << 22 | x << 11 | y)
        evt3 += struct.pack("<HHHH", 0x8000 | t >> 12 & 0xFFF, 0x6000 | t & 0xFFF, y, 0x2000 | p << 11 | x)
    return {
        "nmnist.bin": nmnist,
        "old.aedat": aedat2,
        "davis.aedat": davis,
        "three.aedat": aedat3(),
        "four.aedat4": aedat4(),
        "columns.npz": npz_columns(),
        "frames.npz": stored({"frames.npy": npy("|u1", (2, 2, 2, 3), bytes(i % 4 for i in range(24)))}),
        "two.raw": b"% date 2020\n% evt 2.0\n% format EVT2;height=10;width=10\n% end\n" + evt2,
        "three.raw": b"% evt 3.0\n% format EVT3;height=10;width=10\n% end\n" + evt3,
        "one.dat": b"% Data file containing CD events\n% Version 2\n% Width 10\n% Height 10\n" + bytes([12, 8]) + dat,
    }


def aedat3():
    def packet(kind, events):
        count = len(events) // 8
        return struct.pack("<HHIIIIII", kind, 1, 8, 4, 0, count, count, count) + events

    header = (
        b"#!AER-DAT3.1\r\n#Format: RAW\r\n#Source 1: DVS128\r\n"
        b"#Start-Time: 2020-01-01 00:00:00 (TZ+0000)\r\n#!END-HEADER\r\n"
    )
    events = b"".join(struct.pack("<II", x << 17 | y << 2 | p << 1 | 1, t) for t, x, y, p in EVENTS)
    return header + packet(1, events[:16]) + packet(0, bytes([7]) * 8) + packet(1, events[16:])


def aedat4():
    xml = (
        b'<dv version="2.0"><node name="outInfo" path="/mainloop/Recorder/outInfo/">'
        b'<node name="0" path="/mainloop/Recorder/outInfo/0/"><attr key="compression" type="string">NONE</attr>'
        b'<attr key="typeIdentifier" type="string">EVTS</attr><node name="info" path="/info/">'
        b'<attr key="sizeX" type="int">10</attr><attr key="sizeY" type="int">10</attr></node></node></node></dv>'
    )
    header = (
        struct.pack("<I4s6HIIIIq", 20, b"IOHE", 10, 24, 4, 16, 8, 0, 12, 0, 16, 0, -1)
        + struct.pack("<I", len(xml))
        + xml
        + b"\0"
    )
    packet = struct.pack("<I4s4HIIII", 16, b"EVTS", 6, 8, 4, 0, 8, 8, 0, len(EVENTS))
    packet += b"".join(struct.pack("<qHHI", t, x, y, p) for t, x, y, p in EVENTS)
    packet = struct.pack("<I", len(packet)) + packet
    return b"#!AER-DAT4.0\r\n" + struct.pack("<I", len(header)) + header + struct.pack("<II", 0, len(packet)) + packet


def npy(kind, shape, data):
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}"
    text += " " * (63 - (len(text) + 10) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + data


def stored(files, compression=zipfile.ZIP_STORED):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", compression) as writer:
        for name, data in files.items():
            writer.writestr(zipfile.ZipInfo(name), data, compression)
    return archive.getvalue()


def npz_columns():
    columns = zip(*EVENTS)
    layouts = [("t", "<i8", "<q"), ("x", "<u2", "<H"), ("y", ">i4", ">i"), ("p", "|b1", "B")]
    return stored(
        {
            f"{name}.npy": npy(kind, f"({len(EVENTS)},)", b"".join(struct.pack(code, v) for v in values))
            for (name, kind, code), values in zip(layouts, columns)
        },
        zipfile.ZIP_DEFLATED,
    )


def pictures():
    pixels = bytes((7 * x + 20 * y) % 256 for y in range(SIDE) for x in range(SIDE))
    rows = [pixels[y * SIDE : (y + 1) * SIDE] for y in range(SIDE)]

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", SIDE, SIDE, 8, 0, 0, 0, 0))
    png += (
        chunk(b"tEXt", b"Comment\0a picture")
        + chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows)))
        + chunk(b"IEND", b"")
    )
    bmp = struct.pack("<2sIII", b"BM", 54 + 3 * SIDE * SIDE, 0, 54) + struct.pack(
        "<IiiHHIIiiII", 40, SIDE, SIDE, 1, 24, 0, 3 * SIDE * SIDE, 2835, 2835, 0, 0
    )
    bmp += b"".join(bytes(v for v in row for _ in range(3)) for row in reversed(rows))
    return {
        "grey.png": png,
        "colour.bmp": bmp,
        "colour.ppm": b"P6\n# a comment\n12 12\n255\n" + bytes(v for v in pixels for _ in range(3)),
        "grey.pgm": b"P5\n12 12\n255\n" + pixels,
        "one.jpg": base64.b64decode(JPEG),
        "progressive.jpg": base64.b64decode(PROGRESSIVE_JPEG),
    }


WEIGHTS = {
    "conv1.weight": (2, 1, 3, 3),
    "conv1.bias": (2,),
    "fc2.weight": (3, 18),
    "fc2.bias": (3,),
}  # of WEIGHTS_NETWORK
WEIGHTS_NETWORK = ["--network", "2C3-LIF-MP2-3F", "--input", "1,6,6", "--steps", "4"]


def values(count):
    return b"".join(struct.pack("<f", (i * 37 % 101 - 50) / 60) for i in range(count))


def size_of(shape):
    count = 1
    for extent in shape:
        count *= extent
    return count


def state_dict():
    """What torch.save writes of a state dict: a zip file with a pickle and one file per storage."""

    def text(value):
        return b"X" + struct.pack("<I", len(value)) + value.encode()

    def integers(numbers):
        return b"(" + b"".join(b"K" + bytes([n]) for n in numbers) + b"t"

    pickle, files = b"\x80\x02ccollections\nOrderedDict\n)R(", {}
    for i, (name, shape) in enumerate(WEIGHTS.items()):
        strides = [size_of(shape[axis + 1 :]) for axis in range(len(shape))]
        pickle += text(name) + b"ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage") + b"ctorch\nFloatStorage\n"
        pickle += (
            text(str(i)) + text("cpu") + b"K" + bytes([size_of(shape)]) + b"tQK\0" + integers(shape) + integers(strides)
        )
        pickle += b"\x89ccollections\nOrderedDict\n)RtR"
        files[f"archive/data/{i}"] = values(size_of(shape))
    return stored({"archive/data.pkl": pickle + b"u.", **files, "archive/version": b"3\n"})


def safetensors(tensors=None):
    """Of the weights above, or of name → (shape, numbers)."""
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, shape in WEIGHTS.items() if tensors is None else ((name, shape) for name, (shape, _) in tensors.items()):
        tensor = values(size_of(shape)) if tensors is None else struct.pack(f"<{size_of(shape)}f", *tensors[name][1])
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(tensor)]}
        data += tensor
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data
