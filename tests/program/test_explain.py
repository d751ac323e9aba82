#!/usr/bin/env python3
"""Tries explain, report and export as a user with own pictures and folders would, on data made here.

usage: test_explain.py PROGRAM
"""

import base64
import json
import shutil
import struct
import unittest
import zlib

from small_files import JPEG, safetensors
from test_program import SIDE, ProgramTest


def png(pixels, kind, extra=b""):
    """A PNG of rows of tuples; kind 0 grey, 2 RGB, 4 grey and alpha, 6 RGB and alpha."""

    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", len(pixels[0]), len(pixels), 8, kind, 0, 0, 0)
    rows = b"".join(b"\0" + bytes(value for pixel in row for value in pixel) for row in pixels)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + extra
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def bar(lit, dark, vertical=False, side=SIDE):
    middle = side // 2
    return [[lit if abs((x if vertical else y) - middle) < 2 else dark for x in range(side)] for y in range(side)]


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class Explain(ProgramTest):
    def setUp(self):
        self.folder = self.root / self.id().rpartition(".")[2]
        self.folder.mkdir()

    def put(self, name, content):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def explain(self, *arguments, run=None):
        return self.json_of("explain", run or self.run_dir, *arguments)

    def test_a_map_does_not_depend_on_its_place(self):
        """A7: equal content, equal results, in any order and under any name."""
        first, copy = self.put("a.png", png(bar((255,), (0,)), 0)), self.put("b/copy.png", png(bar((255,), (0,)), 0))
        other = self.put("c.png", png(bar((255,), (0,), vertical=True), 0))
        coded = self.root / "coded"
        if not coded.exists():
            self.json_of(*self.train_arguments(coded), "--coding", "rate")
        methods = {self.run_dir: "random,lime:samples=20", coded: "random"}
        for run, method in methods.items():
            seen = []
            for name, files in (("1", [first, other, copy]), ("2", [copy, first, other])):
                out = self.folder / f"{run.name}{name}"
                document = self.explain(*files, "--methods", method, "--out", out, run=run)
                for image in document["images"]:
                    if image["image"] != str(other):
                        seen.append(
                            (image["scores"], [(out / entry["values"]).read_bytes() for entry in image["maps"]])
                        )
            self.assertEqual(len(seen), 4)
            for one in seen[1:]:
                self.assertEqual(one, seen[0])

    def test_what_reading_changed_is_said(self):
        """A8: on standard error and in the document."""
        path = self.put("drawing.png", png(bar((255, 10, 10, 255), (0, 0, 0, 0), side=30), 6))
        done = self.call("explain", self.run_dir, path, "--method", "input", "--out", self.folder / "out")
        self.assertEqual(done.returncode, 0, done.stderr)
        changes = ["composed on black", "3 channels to grey", f"30×30 resized to {SIDE}×{SIDE}"]
        self.assertIn(f"{path}: {', '.join(changes)}", done.stderr)
        self.assertEqual(
            json.loads((self.folder / "out" / "explain.json").read_text())["images"][0]["changes"], changes
        )

    def test_pictures_that_make_no_sense_are_refused(self):
        """A8: black on clear is nothing on black; white keeps it."""
        hidden = self.put("hidden.png", png(bar((0, 255), (0, 0)), 4))
        self.refused(
            "explain",
            self.run_dir,
            hidden,
            "--method",
            "input",
            "--out",
            self.folder / "out",
            saying=["becomes uniform", "background"],
        )
        self.assertFalse((self.folder / "out").exists())
        self.explain(hidden, "--background", "white", "--method", "input", "--out", self.folder / "out")
        self.refused(
            "explain", self.run_dir, hidden, "--background", "wite", "--out", self.folder / "out", saying=["'white'"]
        )
        self.refused(
            "explain",
            self.run_dir,
            "--test",
            "0",
            "--background",
            "white",
            "--out",
            self.folder / "none",
            saying=["background", "none is named"],
        )
        clear = self.put("clear.png", png(bar((9, 0), (0, 0)), 4))
        self.refused(
            "explain",
            self.run_dir,
            clear,
            "--method",
            "input",
            "--out",
            self.folder / "out",
            saying=["transparent everywhere"],
        )
        dot = self.put("dot.png", png([[(9,)]], 0))
        self.refused(
            "explain", self.run_dir, dot, "--method", "input", "--out", self.folder / "out", saying=["too few"]
        )

    def test_no_file_of_the_user_is_overwritten(self):
        """B12: names of all kinds of inputs beside the outputs."""
        drawings = {
            "a.png": (255,),
            "a.jpg.png": (250,),
            "A.png": (245,),
            "a_input.png": (240,),
            "test00000.png": (235,),
            "..png": (230,),
            "new\nline.png": (225,),
            "-x.png": (220,),
            "x" * 240 + ".png": (215,),
            "a_input.npy.png": (210,),
        }
        files = [self.put(name, png(bar(lit, (0,)), 0)) for name, lit in drawings.items()]
        before = contents(self.folder)
        document = self.explain(*files, "--test", "1", "--methods", "input,random", "--out", self.folder)
        after = contents(self.folder)
        self.assertEqual({name: after[name] for name in before}, before)
        names = [
            name
            for image in document["images"]
            for entry in image["maps"]
            for name in (entry["map"], entry["overlay"], entry["values"])
        ]
        names += [image["file"] for image in document["images"]]
        self.assertEqual(len(document["images"]), len(files) + 1)
        self.assertEqual(len({name.lower() for name in names}), len(names))
        self.assertEqual(set(names) | {"explain.json"}, set(after) - set(before))
        self.explain(*files, "--test", "1", "--methods", "input,random", "--out", self.folder)  # ours is replaced
        self.assertEqual({name: contents(self.folder)[name] for name in before}, before)

    def test_outputs_give_way_to_what_others_wrote(self):
        """B12: refused before anything is written."""
        for name in (
            "test00000.png",
            "test00000_input.png",
            "test00000_input_overlay.png",
            "test00000_input.npy",
            "explain.json",
        ):
            out = self.folder / name.replace(".", "-")
            out.mkdir()
            (out / name).write_bytes(b"{}" if name.endswith("json") else b"mine")
            self.refused(
                "explain",
                self.run_dir,
                "--test",
                "0",
                "--method",
                "input",
                "--out",
                out,
                saying=[name, "not written by Spikelens"],
            )
            self.assertEqual(list(contents(out)), [name])

    def test_report_and_export_never_destroy(self):
        """B12"""
        run = self.folder / "run"
        shutil.copytree(self.run_dir, run)
        note = self.put("note.html", b"<p>mine</p>")
        before = contents(self.folder)
        for name in ("manifest.json", "model.safetensors", "checkpoint.safetensors", "train.json", "probe.h5"):
            self.refused("report", run, "--out", run / name, saying=[name])
        self.refused("report", run, "--out", note, saying=["note.html"])
        self.refused("report", run, "--out", run, saying=["folder"])
        self.refused("export", run, "--out", run / "model.safetensors", saying=["model.safetensors"])
        for name in ("other.nir", "other.safetensors"):
            before[name] = b"mine"
            self.refused("export", run, "--out", self.put(name, b"mine"), saying=["not written by Spikelens"])
        self.assertEqual(contents(self.folder), before)
        for _ in range(2):  # its own are replaced
            self.json_of("export", run, "--out", self.folder / "own.safetensors")
            self.json_of("report", run, "--images", "2", "--out", self.folder / "own.html")

    def test_train_takes_no_folder_of_somebody_else(self):
        """B12"""
        for name in ("manifest.json", "train.json", "model.safetensors"):
            out = self.folder / name.replace(".", "-")
            out.mkdir()
            (out / name).write_text('{"mine": 1}')
            self.refused(*self.train_arguments(out), saying=[name, "not written by Spikelens"])
            self.assertEqual(contents(out), {name: b'{"mine": 1}'})

    def test_explanations_are_kept(self):
        """B14: by sample, target and method."""
        path, out = self.put("a.png", png(bar((255,), (0,)), 0)), self.folder / "out"
        listed = lambda: sorted(
            (image["file"], image["target"], entry["method"])
            for image in json.loads((out / "explain.json").read_text())["images"]
            for entry in image["maps"]
        )
        self.explain(path, "--method", "input", "--out", out)
        name, predicted = listed()[0][:2]
        self.explain("--test", "0", "--method", "input", "--out", out)
        self.explain(path, "--methods", "random,input", "--out", out)
        other = (predicted + 1) % 3
        self.explain(path, "--method", "input", "--target", other, "--out", out)
        of_file = [entry for entry in listed() if entry[0] == name]
        self.assertEqual(
            of_file, sorted([(name, predicted, "input"), (name, predicted, "random"), (name, other, "input")])
        )
        self.assertEqual(len(listed()), 4)
        document = json.loads((out / "explain.json").read_text())
        for image in document["images"]:
            for entry in image["maps"]:
                self.assertTrue((out / entry["map"]).exists())

    def test_explanations_of_another_model_go_and_that_is_said(self):
        """B14"""
        out, second = self.folder / "out", self.folder / "second"
        self.explain("--test", "0", "1", "--method", "input", "--out", out)
        self.json_of(*self.train_arguments(second), "--seed", "3")
        done = self.call("explain", second, "--test", "0", "--method", "input", "--out", out)
        self.assertIn("2 maps of another model or other data are no longer listed", done.stderr)
        self.assertEqual(len(json.loads((out / "explain.json").read_text())["images"]), 1)

    def test_a_killed_explain_is_repaired_by_the_next(self):
        """B12: values whose picture says another checksum never lie there."""
        out = self.folder / "out"
        self.explain("--test", "0", "--method", "random", "--out", out)
        whole = contents(out)
        for gone in ("explain.json", "test00000_random.npy", "test00000.png"):
            (out / gone).unlink()
            self.explain("--test", "0", "--method", "random", "--out", out)
            self.assertEqual(contents(out), whole)
        self.explain("--test", "0", "--method", "random", "--seed", "2", "--out", out)
        self.assertNotEqual(contents(out)["test00000_random.npy"], whole["test00000_random.npy"])

    def run_of(self, weights, bias, network="3F"):
        """A run of one layer: three classes, each of its own weights of a pixel, a number or as many as pixels."""
        pixels = SIDE * SIDE
        numbers = [value for one in weights for value in (one if isinstance(one, list) else [one] * pixels)]
        file = self.put(
            "weights.safetensors", safetensors({"full1.weight": ([3, pixels], numbers), "full1.bias": ([3], bias)})
        )
        run = self.folder / f"run{len(list(self.folder.iterdir()))}"
        self.json_of(
            "import",
            file,
            "--network",
            network,
            "--input",
            f"1,{SIDE},{SIDE}",
            "--steps",
            "4",
            "--data",
            self.data,
            "--out",
            run,
        )
        return run

    def test_maps_that_say_nothing_are_said_to(self):
        """A11: in the text, in the document; what is drawn of them is empty, but for a constant."""
        import test_explain_pictures as pictures

        slope = [1e-4 * (i % 7) for i in range(SIDE * SIDE)]
        for state, remark, run, method in (
            ("zero", "zero", self.run_of([0, 0, 0], [0, 2, 1]), "grad2d"),
            ("constant", "constant", self.run_of([0.5, 0.25, 0.1], [0, 0, 0]), "grad2d"),
            ("noise", "rounding noise", self.run_of([slope, 0, 0], [1e6, 0, 0]), "ig2d"),
            ("not finite", "not finite", self.run_of([3e38, 0, 0], [0, 0, 0]), "occlusion"),
            ("values", "", self.run_of([slope, 0, 0], [1, 0, 0]), "grad2d"),
        ):
            with self.subTest(state=state):
                entry = self.explain("--test", "0", "--method", method, run=run)["images"][0]["maps"][0]
                self.assertEqual((entry["state"], entry.get("remark", "map is ")), (state, "map is " + remark))
                text = self.call("explain", run, "--test", "0", "--method", method).stdout
                self.assertEqual(f"  {method}: map is {remark}\n" in text, remark != "", text)
                self.assertNotIn("nan", text)
                colours = set(pictures.pixels_of(run / "explain" / entry["map"]))
                self.assertEqual(len(colours) > 1, state == "values")

    def test_what_the_network_left_undecided_is_said(self):
        """A11"""
        for run, sentence in (
            (self.run_of([0, 0, 0], [0, 0, 0]), "all class scores are equal: undecided"),
            (self.run_of([0, 0, 0], [0, 0, 0], "3F-LIF"), "no output spike: undecided"),
            (self.run_of([3e38, 0, 0], [0, 0, 0]), "class scores are not finite"),
        ):
            done = self.call("explain", run, "--test", "0", "--method", "random")
            self.assertTrue(done.stdout.startswith(f"test image 0: {sentence}"), done.stdout)

    def test_one_map_is_one(self):
        out = self.folder / "out"
        self.assertIn(
            "\n1 map with", self.call("explain", self.run_dir, "--test", "0", "--method", "random", "--out", out).stdout
        )
        self.assertIn(
            "\n2 maps with",
            self.call("explain", self.run_dir, "--test", "0", "1", "--method", "random", "--out", out).stdout,
        )

    def test_methods_and_targets_that_say_nothing_are_refused(self):
        for arguments, words in (
            (["--methods", ""], ["--method", "empty"]),
            (["--methods", ","], ["names no method"]),
            (["--target", ""], ["--target", "empty"]),
            (["--methods", "ig2d,ig2d:steps=32"], ["asked for twice", "the same as 'ig2d'"]),
            (["--methods", "random,random:view=natural"], ["asked for twice"]),
            (["--methods", "ig2d:steps=8:baseline=black,ig2d:baseline=black:steps=08"], ["asked for twice"]),
        ):
            self.refused("explain", self.run_dir, "--test", "0", *arguments, "--out", self.folder / "out", saying=words)
        self.assertFalse((self.folder / "out").exists())
        self.explain(
            "--test",
            "0",
            "--methods",
            "ig2d:steps=2,ig2d:steps=3,ig2d:steps=2:view=absolute",
            "--out",
            self.folder / "out",
        )

    def test_explanations_do_not_mix_into_a_run(self):
        """B12"""
        other = self.folder / "other"
        shutil.copytree(self.run_dir, other)
        before = contents(other)
        for out in (other, other / "explain", self.run_dir):
            self.refused("explain", self.run_dir, "--test", "0", "--method", "random", "--out", out, saying=["run"])
        self.assertEqual(contents(other), before)
        self.explain("--test", "0", "--method", "random", "--out", self.run_dir / "explain")

    def test_every_orientation_of_a_jpeg(self):
        """A8: the picture that is seen is explained, whatever way the camera lay."""
        upright = base64.b64decode(JPEG)
        pixels = None
        import test_explain_pictures as pictures

        turns = {
            1: lambda x, y, n: (x, y),
            2: lambda x, y, n: (n - x, y),
            3: lambda x, y, n: (n - x, n - y),
            4: lambda x, y, n: (x, n - y),
            5: lambda x, y, n: (y, x),
            6: lambda x, y, n: (y, n - x),
            7: lambda x, y, n: (n - y, n - x),
            8: lambda x, y, n: (n - y, x),
        }
        for orientation, of_file in turns.items():
            for order, mark in (("<", b"II*\0"), (">", b"MM\0*")):
                exif = b"Exif\0\0" + mark + struct.pack(order + "IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)
                block = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
                path, out = self.put(f"turned{orientation}.jpg", upright[:2] + block + upright[2:]), self.folder / "out"
                image = self.explain(path, "--method", "input", "--out", out)["images"][0]
                shown = pictures.pixels_of(out / image["file"])
                side = int(len(shown) ** 0.5 + 0.5)
                pixels = pixels or shown
                turned = [
                    pixels[of_file(x, y, side - 1)[1] * side + of_file(x, y, side - 1)[0]]
                    for y in range(side)
                    for x in range(side)
                ]
                self.assertEqual(shown, turned, orientation)
                self.assertEqual(any("EXIF orientation" in change for change in image["changes"]), orientation > 1)

    def test_signed_maps_are_clear_at_zero(self):
        """D22: the overlay of a signed map has the picture's own grey where the map is zero, and no JET."""
        import test_explain_pictures as pictures

        out = self.folder / "out"
        document = self.explain("--test", "0", "--method", "grad2d", "--out", out)
        entry = document["images"][0]["maps"][0]
        values = pictures.values_of(out / entry["values"])
        shown, drawn = (
            pictures.pixels_of(out / entry["overlay"]),
            pictures.pixels_of(out / document["images"][0]["file"]),
        )
        reach = max(map(abs, values))
        factor = int((len(shown) / len(values)) ** 0.5 + 0.5)
        side = SIDE * factor
        for i, value in enumerate(values):
            at = i // SIDE * factor * side + i % SIDE * factor
            red, _, blue = shown[at]
            if value == 0:
                grey = round(127.5 + drawn[at][0] / 2)
                self.assertTrue(all(abs(channel - grey) <= 1 for channel in shown[at]), (i, shown[at], grey))
            elif abs(value) > 0.1 * reach:
                self.assertEqual(red > blue, value > 0, i)


if __name__ == "__main__":
    import sys

    del sys.argv[1]
    unittest.main(verbosity=2)
