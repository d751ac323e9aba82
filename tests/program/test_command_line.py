#!/usr/bin/env python3
"""Tries what the program says, and where: help, errors, tables, and terminals, descriptors and limits out of the usual.

usage: test_command_line.py PROGRAM FORK_SERVER
"""

import json
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile
import unicodedata
import unittest

from fork_server import Server
from test_program import NETWORK, PROGRAM, ProgramTest, make_data

FORK_SERVER = sys.argv[2]
COMMANDS = [
    "train",
    "import",
    "interpret",
    "filters",
    "explain",
    "evaluate",
    "merge",
    "report",
    "reproduce",
    "codings",
    "inspect",
    "export",
    "data",
    "methods",
    "help",
]
OF_CLI11 = [
    "required but",
    "is required",
    "equires",
    "ould not convert",
    "not an allowed",
    "not in range",
    "Exactly",
    "At Most",
    "At Least",
    "TEXT",
    "INT",
    "UINT",
    "FLOAT",
    "subcommand",
    "not expected",
    "Number",
    "override",
    "excludes",
    "[json",
]


def columns(text):
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def controls(text):
    return [c for c in text if (unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp") and c not in "\n\u200c\u200d")]


class CommandLine(ProgramTest):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(PROGRAM, str(pathlib.Path(FORK_SERVER).resolve()))
        super().setUpClass()

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.server.stop()

    @classmethod
    def call(cls, *arguments):
        with tempfile.TemporaryDirectory() as name:
            done = cls.server.run(list(map(str, arguments)), pathlib.Path(name))
        return subprocess.CompletedProcess(arguments, done.status, done.stdout.decode(), done.stderr.decode())

    @classmethod
    def train_arguments(cls, out):
        return [
            "train",
            "--data",
            str(cls.data),
            "--network",
            NETWORK,
            "--steps",
            "5",
            "--epochs",
            "1",
            "--batch",
            "40",
            "--out",
            str(out),
        ]

    def shell(self, line, **options):
        """A line of the shell's, where $P is the program, $R the run and $D the data."""
        environment = {**os.environ, "P": PROGRAM, "R": str(self.run_dir), "D": str(self.data), "TMP": str(self.root)}
        return subprocess.run(
            ["bash", "-c", line], capture_output=True, text=True, timeout=120, env=environment, **options
        )

    def one_line(self, done, status):
        self.assertEqual(done.returncode, status, done)
        lines = [
            line for line in done.stderr.splitlines() if not line.startswith("training: ")
        ]  # what training says before it starts
        self.assertEqual(len(lines), 1, done.stderr)
        self.assertTrue(lines[0].startswith("spikelens: "), done.stderr)
        return lines[0]


class Help(CommandLine):
    def test_bare_and_help_show_help(self):
        bare, asked, said = self.call(), self.call("--help"), self.call("help")
        self.assertEqual([bare.returncode, asked.returncode, said.returncode], [0, 0, 0])
        self.assertEqual(bare.stdout, asked.stdout)
        self.assertEqual(bare.stdout, said.stdout)
        for command in COMMANDS:
            self.assertIn(f"\n  {command} ", bare.stdout)
            self.assertEqual(self.call("help", command).stdout, self.call(command, "--help").stdout)
        self.assertIn("Exit status", bare.stdout)
        self.assertIn("--help", self.call("help", "data", "check").stdout)
        self.assertEqual(
            json.loads(self.call("help", "train", "--json").stdout)["text"], self.call("train", "--help").stdout
        )

    def test_help_on_what_is_no_command_is_an_error(self):
        for arguments in (["trian", "--help"], ["--help", "trian"], ["help", "trian"]):
            self.refused(*arguments, saying=["'train'"])
        self.refused("data", "lst", "--help", saying=["'list'"])

    def test_help_fits_80_columns(self):
        for command in [
            [],
            *([c] for c in COMMANDS),
            ["data", "list"],
            ["data", "check"],
            ["data", "download"],
            ["reproduce", "svebi-awa2"],
        ]:
            text = self.call(*command, "--help").stdout
            for line in text.splitlines():
                self.assertLessEqual(columns(line), 80, line)
                self.assertEqual(line, line.rstrip())
            for phrase in ("this help message", "{", "=[", "Positionals", "Subcommands", "SUBCOMMAND", "REQUIRED"):
                self.assertNotIn(phrase, text.partition("Exit status")[0])
            self.assertIn("Print this text", text)
            self.assertEqual("Also: --json" in text, command != [])

    def test_lists_and_describes(self):
        self.assertEqual(self.call("data").stdout, self.call("data", "list").stdout)
        self.assertIn("fashion-mnist", self.call("data").stdout)
        one = self.call("methods", "ig2d")
        self.assertEqual(one.returncode, 0, one.stderr)
        for word in (
            "meaning",
            "needs",
            "cost",
            "source",
            "steps",
            "32",
            "1 to 100000",
            "black, blur or mean",
            "absolute",
        ):
            self.assertIn(word, one.stdout)
        self.assertNotIn("svebi", one.stdout)
        document = json.loads(self.call("methods", "ig2d", "--json").stdout)
        self.assertEqual([m["method"] for m in document["methods"]], ["ig2d"])
        steps = next(option for option in document["methods"][0]["option_list"] if option["option"] == "steps")
        self.assertEqual((steps["default"], steps["expected"]), ("32", "a whole number from 1 to 100000"))
        self.assertTrue(steps["meaning"])
        self.refused("methods", "ig2", saying=["ig2d"])
        metric = self.call("methods", "road")
        self.assertEqual(metric.returncode, 0, metric.stderr)
        for word in ("road", "higher is better", "cost", "source"):
            self.assertIn(word, metric.stdout)
        self.assertEqual(
            [m["metric"] for m in json.loads(self.call("methods", "road", "--json").stdout)["metrics"]], ["road"]
        )


class UsageErrors(CommandLine):
    def test_each_names_option_value_and_what_is_expected(self):
        run = str(self.run_dir)
        for arguments, words in [
            (["train", "--out", "x", "--epochs", "many"], ["--epochs", "'many'", "whole number"]),
            (["train", "--out", "x", "--epochs", "1.5"], ["--epochs", "'1.5'", "whole number"]),
            (["train", "--out", "x", "--epochs", "010"], ["--epochs", "'010'", "whole number"]),
            (["train", "--out", "x", "--epochs", "99999999999999999999"], ["--epochs", "64 bits"]),
            (["train", "--out", "x", "--epochs", "99999999999"], ["--epochs", "99999999999", "smaller"]),
            (["train", "--out", "x", "--learning-rate", "fast"], ["--learning-rate", "'fast'", "number"]),
            (["train", "--out", "x", "--learning-rate", "nan"], ["--learning-rate", "'nan'", "finite"]),
            (["train", "--out", "x", "--learning-rate", "1e999"], ["--learning-rate", "finite"]),
            (["train", "--out", "x", "--epochs", "1", "--epochs", "2"], ["--epochs", "2 times", "'1'", "'2'", "once"]),
            (["train", "--out", "x", "--epochs"], ["--epochs", "needs a value", "whole number"]),
            (["train"], ["train needs --out", "run directory"]),
            (["interpret"], ["interpret needs run", "run directory"]),
            (["import"], ["file", "--out"]),
            (["report", run, run], ["unexpected", run]),
            (["report", run, "--images", "501"], ["--images", "0 to 500", "not 501"]),
            (["explain", run, "--test", "0", "one"], ["one"]),
            (["train", "--out", "x", "--batch", "0"], ["batch must be 1 or more, not 0 (--batch)"]),
            (["train", "--out", "x", "--accumulate", "0"], ["cannot be computed in 0 parts (--accumulate)"]),
            (["train", "--out", "x", "--schedule", "cosin"], ["no schedule 'cosin'", "step(EPOCHS,FACTOR)"]),
            (["train", "--out", "x", "--augment", "flop"], ["'flop'", "flip,crop=4"]),
            (["train", "--out", "x", "--freeze", ","], ["--freeze names no layer"]),
            (["train", "--out", "x", "--replace-last"], ["none is given (--replace-last)"]),
            (["train", "--out", "x", "--from", run, "--network", "shallow"], ["tells them itself (--from)"]),
            (["import", "f.pth", "--out", "x.safetensors", "--replace-last", "0"], ["0 outputs", "(--replace-last)"]),
            (["reproduce", "svebi-awa2"], ["photographs is missing (--data)"]),
            (
                ["reproduce", "svebi-mnist", "--batch", "50"],
                ["unknown option '--batch'", "see spikelens reproduce svebi-mnist --help"],
            ),
            (["reproduce"], ["reproduce: a command is needed", "svebi-mnist"]),
            (["data", "check", "x", "--split", "1.0"], ["split '1.0'", "0.8", "800"]),
            (["evaluate", run, "--metrics", ","], ["--metrics names no metric", "spikelens methods"]),
            (["import", "f.nir", "--out", "x", "--dt", "-1"], ["dt is -1", "above 0"]),
            (["interpret", run, "--signed=7x"], ["--signed", "no value"]),
            (["data", "--json=false"], ["--json", "no value"]),
            (["data", "--seed", "-1"], ["--seed", "'-1'", "0 or more"]),
            (["data", "--seed", "99999999999999999999999"], ["--seed", "64 bits"]),
            (["data", "--threads", "5000"], ["--threads", "'5000'", "0 to 1024"]),
            (["data", "--memory", "lots"], ["--memory", "'lots'", "512M"]),
            (["data", "--memory", "0"], ["--memory", "'0'", "above 0"]),
            (["data", "--memory", "99999999999G"], ["--memory", "512M"]),
            (["--quiet"], ["a command is needed", "train"]),
            (["data", "check"], ["data check needs data"]),
            (["data", "download"], ["data download needs data", "see spikelens data download --help"]),
            (["data", "check", "x", "y"], ["unexpected argument 'y'", "see spikelens data check --help"]),
            (["train", "--data"], ["--data needs a value"]),
            (["train", "--out", "", "--data", "mnist"], ["--out is empty, expected a value"]),
            (["import", "f.nir", "--out", "x", "--network", ""], ["--network is empty"]),
            (["inspect", ""], ["model is empty"]),
            (["interpret", run, "--memory", "1K"], ["more than the 1024 bytes of memory"]),
        ]:
            with self.subTest(arguments=arguments):
                line = self.refused(*arguments, saying=words)
                for phrase in OF_CLI11:
                    self.assertNotIn(phrase, line)
                self.assertEqual(len(self.call(*arguments).stderr.splitlines()), 1)

    def test_errors_are_json_too(self):
        for arguments, kind, status in (
            (["trian"], "input", 2),
            (["train", "--epochs", "x", "--out", "y"], "input", 2),
            (["inspect", self.root / "no"], "input", 2),
        ):
            done = self.call(*arguments, "--json")
            self.assertEqual((done.returncode, done.stdout), (status, ""))
            error = json.loads(done.stderr)["error"]
            self.assertEqual(error["kind"], kind)
            self.assertEqual(f"spikelens: {error['message']}\n", self.call(*arguments).stderr)
        full = self.shell("$P data --json > /dev/full")
        self.assertEqual(full.returncode, 1)


class Tables(CommandLine):
    def test_results_fit_80_columns(self):
        long = "ig2d:steps=4:baseline=blur:view=absolute"
        self.call("interpret", self.run_dir, "--mu-max", "50", "--draws", "1")
        for arguments in (
            ["methods"],
            ["methods", "svebi"],
            ["data"],
            ["inspect", self.run_dir],
            ["interpret", self.run_dir, "--mu-max", "50", "--draws", "1"],
            [
                "evaluate",
                self.run_dir,
                "--methods",
                f"{long},grad2d,random",
                "--metrics",
                "insertion,deletion,sensitivity,randomisation,completeness",
                "--samples",
                "4",
            ],
        ):
            done = self.call(*arguments)
            self.assertEqual(done.returncode, 0, done.stderr)
            for line in done.stdout.splitlines():
                self.assertLessEqual(columns(line), 80, line)
        for word in ("insertion ↑", "deletion ↓", "completeness", "ms per sample"):
            self.assertIn(word, done.stdout)
        for part in long.split(":"):
            self.assertIn(part, done.stdout)


class Descriptors(CommandLine):
    """What messages are written to changes nothing but the messages."""

    def test_messages_that_cannot_be_written_change_nothing(self):
        wanted = (self.run_dir / "model.safetensors").read_bytes()
        for i, how in enumerate(("2>&-", "2>/dev/full", "0<&-", "0<&- 2>&-", "2> >(true)", "0<&- 1>/dev/null 2>&-")):
            out = self.root / f"said{i}"
            done = self.shell(f"$P {' '.join(self.train_arguments(out))} {how}")
            self.assertEqual(done.returncode, 0, how)
            self.assertEqual((out / "model.safetensors").read_bytes(), wanted)
            self.assertEqual((out / "train.json").read_bytes()[:1], b"{")

    def test_an_error_without_stderr_keeps_its_status(self):
        for how in ("2>&-", "2>/dev/full", "0<&- 1>&- 2>&-"):
            self.assertEqual(self.shell(f"$P inspect /nowhere {how}").returncode, 2)

    def test_stages_do_their_work_whatever_is_closed(self):
        for command in (
            "interpret $R --mu-max 2 --draws 1",
            "evaluate $R --methods random --samples 4",
            "explain $R --test 0 --method random",
            "report $R --images 2",
        ):
            self.assertEqual(self.shell(f"$P {command} 2>/dev/full").returncode, 0, command)
            self.assertIn("standard output", self.one_line(self.shell(f"$P {command} --quiet >/dev/full"), 1))

    def test_a_result_that_cannot_be_written_is_an_error(self):
        for how in (">&-", ">/dev/full"):
            for command in ("methods", "data --json", "help", "inspect $R", "--version"):
                self.assertIn("standard output", self.one_line(self.shell(f"$P {command} {how}"), 1))
        self.assertEqual(self.shell("$P methods >&- 2>&-").returncode, 1)

    def test_nobody_to_read_the_result_ends_it_quietly(self):
        done = self.shell("set -o pipefail; $P methods --json | true; $P data | head -1")
        self.assertEqual(done.stderr, "")
        read, write = os.pipe()
        os.close(read)
        with subprocess.Popen([PROGRAM, "methods"], stdout=write, stderr=subprocess.PIPE) as process:
            os.close(write)
            self.assertEqual((process.wait(timeout=60), process.stderr.read()), (1, b""))

    def test_no_data_file_takes_the_place_of_a_closed_descriptor(self):
        out = self.root / "closed"
        self.shell(f"$P {' '.join(self.train_arguments(out))} 0<&- 1>&- 2>&-")
        for name in ("train.json", "manifest.json"):
            json.loads((out / name).read_text())


class Limits(CommandLine):
    def test_files_that_may_not_grow(self):
        line = self.one_line(
            self.shell(f"ulimit -f 1; $P {' '.join(self.train_arguments(self.root / 'small'))} --quiet"), 1
        )
        self.assertIn("small", line)
        self.call("interpret", self.run_dir, "--mu-max", "2", "--draws", "1")
        for command in (
            "interpret $TMP/r --mu-max 3 --draws 1",
            "evaluate $TMP/r --methods random --samples 4",
            "explain $TMP/r --test 0 --method random",
            "report $TMP/r --images 2",
        ):
            run = self.root / "r"
            shutil.copytree(self.run_dir, run)
            (run / "responses.h5").unlink()
            self.assertIn("File too large", self.one_line(self.shell(f"ulimit -f 1; $P {command} --quiet"), 1))
            self.assertEqual(self.shell(f"$P {command} --quiet").returncode, 0)
            shutil.rmtree(run)

    def test_little_address_space_ends_in_a_sentence(self):
        self.call("interpret", self.run_dir, "--mu-max", "2", "--draws", "1")
        commands = [
            "data",
            f"{' '.join(self.train_arguments('$TMP/tiny'))}",
            "explain $R --test 0 --method grad2d --out $TMP/maps",
            "evaluate $R --methods ig2d --samples 4",
        ]
        if os.environ.get("SPIKELENS_MUTATIONS"):
            commands += [
                "inspect $R",
                "interpret $R --mu-max 3",
                "report $R --images 2",
                "export $R --out $TMP/e.safetensors",
            ]
        for megabytes in (300, 600, 1000, 2000):
            for command in commands:
                with self.subTest(megabytes=megabytes, command=command):
                    done = self.shell(
                        f"ulimit -v {megabytes}000; exec timeout -k 1 60 $P {command} --quiet --threads 4"
                    )
                    if "error while loading shared libraries" in done.stderr:
                        continue  # the program has not begun
                    self.assertIn(done.returncode, (0, 1), done)
                    if done.returncode == 1:
                        self.one_line(done, 1)


class Terminals(CommandLine):
    """Names from outside reach the terminal as text."""

    def test_class_names_and_file_names(self):
        evil = "cat\x1b[2J\x9b31m\u202e"
        data = self.root / "evil\x1b[31m"
        make_data(data, 60, 12)
        (data / "classes.txt").write_text(f"{evil}\n{'猫のとても長い名前' * 6}\n{'very_long_' * 9}\n")
        run = self.root / "run\x1b]0;x\x07"
        outputs = []
        for arguments in (
            ["train", "--data", data, "--network", NETWORK, "--epochs", "1", "--out", run],
            ["interpret", run, "--mu-max", "2", "--draws", "1"],
            ["explain", run, "--test", "0", "1", "2", "--method", "input"],
            ["explain", run, "--test", "0", "--target", "ca\x1bt"],
            ["inspect", run],
            ["data", "check", data],
            ["inspect", self.root / "\x1b[5m\n.safetensors"],
            ["explain", run, "\x1b[5m.png"],
            ["train", "\x1b[1m"],
            ["\x1b[1m"],
            ["train", "--\x1b[1m"],
            ["evaluate", run, "--methods", "ig\x1b[1m"],
            ["train", "--out", "x", "--epochs", "\x1b[1m"],
        ):
            for more in ([], ["--json"]):
                done = self.call(*arguments, *more)
                outputs.append(done.stdout + done.stderr)
                self.assertEqual(controls(outputs[-1]), [], arguments)
                if arguments[0] == "explain" and not more:
                    self.assertLessEqual(max(map(columns, done.stdout.splitlines()[:-1]), default=0), 80)
                if more and done.returncode == 0:
                    json.loads(done.stdout)
                if done.returncode != 0:
                    self.assertEqual(done.stdout, "")
                    self.assertTrue(
                        done.stderr.splitlines()[-1].startswith("spikelens: " if not more else "{"), done.stderr
                    )
        self.assertTrue(any("cat\\x1b[2J\\u009b31m\\u202e" in text for text in outputs))
        self.assertIn(evil, json.loads(self.call("inspect", run, "--json").stdout)["classes"])

    def test_names_that_are_not_utf8(self):
        name = os.fsencode(self.root) + b"/caf\xe9"
        done = subprocess.run([PROGRAM.encode(), b"inspect", name], capture_output=True, timeout=60)
        self.assertEqual((done.returncode, done.stderr.decode().count("caf\\xe9")), (2, 1))
        done = subprocess.run([PROGRAM.encode(), b"inspect", name, b"--json"], capture_output=True, timeout=60)
        self.assertIn("caf\ufffd", json.loads(done.stderr)["error"]["message"])


class Documents(CommandLine):
    """What is wrong in a document of a run is told with the document's name."""

    def copy_with(self, name, content):
        run = self.root / f"with-{name}"
        shutil.rmtree(run, ignore_errors=True)
        shutil.copytree(self.run_dir, run)
        (run / name).write_text(content)
        return run

    def test_members_of_another_kind(self):
        self.json_of("interpret", self.run_dir, "--mu-max", "2", "--draws", "1")
        self.json_of("evaluate", self.run_dir, "--methods", "input", "--samples", "4")
        commands = {
            "manifest.json": ["inspect"],
            "train.json": ["report", "--images", "1"],
            "interpret.json": ["report", "--images", "1"],
            "evaluate.json": ["report", "--images", "1"],
        }
        for name, (command, *options) in commands.items():
            document = json.loads((self.run_dir / name).read_text())
            del document["checksum"]
            for i, key in enumerate(document):
                value = (None, 7, "text", [], {}, [7], {"a": 7})[i % 7]
                with self.subTest(name=name, key=key, value=value):
                    run = self.copy_with(name, json.dumps({**document, key: value}))
                    done = self.call(command, run, *options, "--quiet")
                    self.assertIn(done.returncode, (0, 2), done.stderr)
                    if done.returncode:
                        self.assertIn(name, self.one_line(done, 2))

    def test_a_run_that_may_not_be_written(self):
        done = self.shell("cp -r $R $TMP/locked; ulimit -f 0; $P interpret $TMP/locked --mu-max 2 --quiet")
        self.assertIn("locked", self.one_line(done, 1))


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    del sys.argv[1:3]
    unittest.main(verbosity=2)
