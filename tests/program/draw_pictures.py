#!/usr/bin/env python3
"""Draws ten classes of pictures, for a demo without photographs: five shapes, plain or striped, any colour and place.

usage: draw_pictures.py FOLDER [TRAIN] [VAL]      (FOLDER/{train,val}/CLASS/NUMBER.ppm; 100 and 20 of each class)
"""

import pathlib
import random
import sys

SIDE = 64
SHAPES = {
    "disc": lambda x, y: x * x + y * y < 1,
    "ring": lambda x, y: 0.36 < x * x + y * y < 1,
    "square": lambda x, y: max(abs(x), abs(y)) < 0.85,
    "triangle": lambda x, y: -0.9 < y < 0.9 and 2 * abs(x) < 0.9 + y,
    "cross": lambda x, y: max(abs(x), abs(y)) < 1 and min(abs(x), abs(y)) < 0.3,
}


def picture(shape, striped, draw):
    behind, colour = ([draw.randrange(256) for _ in range(3)] for _ in range(2))
    while sum(abs(a - b) for a, b in zip(behind, colour)) < 200:
        colour = [draw.randrange(256) for _ in range(3)]
    size = draw.uniform(14, 26)
    centre = [draw.uniform(size, SIDE - size) for _ in range(2)]
    values = bytearray()
    for row in range(SIDE):
        for column in range(SIDE):
            inside = SHAPES[shape]((column - centre[0]) / size, (row - centre[1]) / size)
            seen = colour if inside and not (striped and row % 8 < 4) else behind
            noise = draw.randrange(-12, 13)
            values += bytes(min(255, max(0, value + noise)) for value in seen)
    return b"P6 %d %d 255\n" % (SIDE, SIDE) + values


def main(folder, train=100, val=20):
    for part, count in (("train", train), ("val", val)):
        for shape in SHAPES:
            for striped in (False, True):
                name = f"striped_{shape}" if striped else shape
                to = pathlib.Path(folder) / part / name
                to.mkdir(parents=True, exist_ok=True)
                draw = random.Random(f"{part} {name}")
                for number in range(int(count)):
                    (to / f"{number:03}.ppm").write_bytes(picture(shape, striped, draw))


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3, 4):
        raise SystemExit(__doc__.split("\n\n")[1])
    main(*sys.argv[1:])
