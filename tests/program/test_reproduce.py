#!/usr/bin/env python3
"""Takes the commands out of a report, pastes them into a shell in another folder, and compares the numbers.

usage: test_reproduce.py PROGRAM
"""

import base64
import html.parser
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import zlib

PROGRAM = pathlib.Path(sys.argv[1]).resolve()
sys.argv[1:] = [str(PROGRAM)]
sys.path.insert(0, str(pathlib.Path(__file__).parent))
from test_program import NETWORK, make_data, without_times  # noqa: E402

DATA, RUN, REPORT = "it's the data", 'runs/a $HOME "run" & more', "the report;.html"
STAGES = [
    [
        "train",
        "--data",
        DATA,
        "--network",
        NETWORK,
        "--steps",
        "4",
        "--epochs",
        "3",
        "--batch",
        "30",
        "--learning-rate",
        "0.15",
        "--momentum",
        "0.8",
        "--surrogate",
        "atan(2)",
        "--train-samples",
        "200",
        "--seed",
        "5",
        "--out",
        RUN,
    ],
    [
        "interpret",
        RUN,
        "--mu",
        "2.5",
        "--mu-max",
        "4",
        "--draws",
        "3",
        "--response",
        "l2",
        "--train-samples",
        "150",
        "--seed",
        "6",
    ],
    [
        "evaluate",
        RUN,
        "--methods",
        "grad2d,svebi,input",
        "--samples",
        "40",
        "--baseline",
        "mean",
        "--step",
        "7",
        "--seed",
        "8",
    ],
    ["report", RUN, "--images", "6", "--methods", "grad2d,gate", "--seed", "9", "--out", REPORT],
]


class Commands(html.parser.HTMLParser):
    """The text of the first <pre> after the heading "Commands", and of each figure's own."""

    def __init__(self, text):
        super().__init__()
        self.after, self.inside, self.all, self.of_figures, self.figure, self.heading = False, False, None, {}, None, ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        if tag == "figure":
            self.figure = dict(attributes).get("id")
        elif tag == "pre":
            self.inside, self.taken = True, ""
        elif tag == "h3":
            self.heading = ""

    def handle_endtag(self, tag):
        if tag == "h3" and self.heading == "Commands":
            self.after = True
        elif tag == "figure":
            self.figure = None
        elif tag == "pre":
            self.inside = False
            if self.after and self.all is None:
                self.all = self.taken
            elif self.figure:
                self.of_figures[self.figure] = self.taken

    def handle_data(self, data):
        if self.inside:
            self.taken += data
        self.heading += data


def block(text, name):
    return zlib.decompress(
        base64.b64decode(re.search(f'<script type="application/octet-stream" id="{name}">([^<]*)</script>', text)[1])
    )


def shown(report):
    """What a report shows, without times, and its maps to the byte."""
    text = report.read_text()
    values = json.loads(block(text, "values"))
    return {key: without_times(values[key]) for key in ("classes", "paths", "figures", "images", "mu")}, block(
        text, "maps"
    )


class Reproduce(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = pathlib.Path(tempfile.mkdtemp(prefix="spikelens-reproduce-"))
        cls.first, cls.second = cls.root / "first", cls.root / "second"
        make_data(cls.first / DATA)
        shutil.copytree(cls.first / DATA, cls.second / DATA)
        for stage in STAGES:
            done = subprocess.run([PROGRAM, *stage], cwd=cls.first, capture_output=True, text=True, timeout=300)
            assert done.returncode == 0, done.stderr
        cls.commands = Commands((cls.first / REPORT).read_text())
        script = 'spikelens() { "$PROGRAM" "$@" || exit 1; }\n' + (cls.commands.all or "false\n")
        cls.pasted = subprocess.run(
            ["bash", "-c", script],
            cwd=cls.second,
            env={"PROGRAM": str(PROGRAM), "HOME": "/nowhere", "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            timeout=600,
        )

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.root)

    def test_every_stage_is_there(self):
        lines = self.commands.all.splitlines()
        self.assertEqual([line.split()[1] for line in lines], [stage[0] for stage in STAGES])
        self.assertEqual(self.pasted.returncode, 0, self.pasted.stderr)

    def test_the_documents_are_the_same(self):
        for stage in ("train", "interpret", "evaluate"):
            first, second = (
                json.loads((folder / RUN / f"{stage}.json").read_text()) for folder in (self.first, self.second)
            )
            self.assertEqual(without_times(first), without_times(second), stage)

    def test_the_report_is_the_same(self):
        first, second = shown(self.first / REPORT), shown(self.second / REPORT)
        self.assertEqual(first[0], second[0])
        self.assertEqual(first[1], second[1])

    def test_every_figure_names_its_commands(self):
        figures = re.findall(r'<figure class="chart" id="([^"]+)"', (self.first / REPORT).read_text())
        self.assertGreater(len(figures), 5)
        for figure in figures:
            self.assertIn(figure, self.commands.of_figures)
            for line in self.commands.of_figures[figure].splitlines():
                self.assertIn(line, self.commands.all.splitlines())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
