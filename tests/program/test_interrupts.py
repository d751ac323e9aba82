#!/usr/bin/env python3
"""Stops the program at random moments, by signals and by kill -9, and trains where training goes wrong.

usage: test_interrupts.py PROGRAM
"""

import json
import pathlib
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import time
import unittest

from test_program import NETWORK, PROGRAM, ProgramTest, make_data, without_times

EVALUATE = ["--methods", "grad2d,ig2d:steps=32,gate,input", "--samples", "0", "--step", "1"]


def checkpoint_position(run):
    """(epochs done, samples of the next) as the checkpoint has it."""
    content = (run / "checkpoint.safetensors").read_bytes()
    header = json.loads(content[8 : 8 + struct.unpack("<Q", content[:8])[0]])
    document = json.loads(header["__metadata__"]["spikelens.checkpoint"])
    return document["epochs_done"], document.get("part", {}).get("samples", 0)


def listens(process):
    """Whether the program waits for SIGINT by now."""
    try:
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    except FileNotFoundError:
        return False
    blocked = re.search(r"SigBlk:\s*([0-9a-f]+)", status)  # of all signals, for a moment, while a thread starts
    mask = int(blocked[1], 16) if blocked else 0
    return bool(mask >> (signal.SIGINT - 1) & 1) and not mask >> (signal.SIGQUIT - 1) & 1


def replaced(arguments, option, value):
    """The arguments with this option in place of their own."""
    if option in arguments:
        at = arguments.index(option)
        arguments = arguments[:at] + arguments[at + 2 :]
    return [*arguments, f"{option}={value}"]


class InterruptTest(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.many = cls.root / "many"
        make_data(cls.many, train=900, test=200)
        cls.whole = cls.root / "whole"
        cls.json_of(*cls.long_training(cls.whole))
        cls.json_of(*cls.interpretation(cls.whole))
        cls.json_of(*cls.evaluation(cls.whole))

    @classmethod
    def long_training(cls, out, *more):
        return [
            "train",
            "--data",
            cls.many,
            "--network",
            NETWORK,
            "--steps",
            "5",
            "--epochs",
            "2",
            "--batch",
            "20",
            "--learning-rate",
            "0.2",
            "--out",
            out,
            *more,
        ]

    @staticmethod
    def interpretation(run):
        return ["interpret", run, "--mu-max", "6", "--draws", "20"]

    @staticmethod
    def evaluation(run):
        return ["evaluate", run, *EVALUATE]

    def start(self, arguments, **options):
        return subprocess.Popen(
            [PROGRAM, *map(str, arguments), "--quiet"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    def stop(self, arguments, signals, after, pause=0.0):
        """Sends the signals `after` seconds after the program has begun to listen.

        Returns the exit code, the lines on stderr and the seconds to the end.
        """
        with self.start(arguments) as process:
            while not listens(process) and process.poll() is None:
                time.sleep(0.001)
            time.sleep(after)
            sent = time.monotonic()
            for one in signals:
                process.send_signal(one)
                time.sleep(pause)
            stderr = process.communicate(timeout=60)[1]
            return process.returncode, stderr.splitlines(), time.monotonic() - sent

    def stop_until_done(self, arguments, moments, check=lambda line: None):
        """Runs the command again and again, stopped at random moments each a little later, until it ends by itself."""
        allowance = 0.0
        for _ in range(200):
            code, lines, seconds = self.stop(arguments, [signal.SIGINT], moments.uniform(0, allowance))
            self.assertLess(seconds, 10)
            allowance += 0.05
            if code == 0:
                return
            self.assertEqual(code, -signal.SIGINT, lines)
            told = [line for line in lines if line.startswith("spikelens: stopped; ")]
            self.assertEqual(len(told), 1, lines)
            self.assertIn("kept", told[0])
            check(told[0])
        self.fail("never finished")


class Interrupts(InterruptTest):
    def trained_in_pieces(self, name, train):
        """A run that `train(run, positions)` stopped again and again, at least once within an epoch.

        Moments are drawn, so that on a busy machine none may fall there: then another run is begun.
        """
        for attempt in range(20):
            run, positions = self.root / f"{name}-{attempt}", set()
            train(run, positions, random.Random(attempt))
            if any(samples > 0 for _, samples in positions):
                return run
        self.fail("never within an epoch")

    def train_with_stops(self, run, positions, moments):
        def check(line):
            if "nothing new was kept" in line:
                return
            within = re.search(r"epoch (\d+) is kept up to sample ([\d,]+) of 900", line)
            told = (
                (int(within[1]) - 1, int(within[2].replace(",", "")))
                if within
                else (int(re.search(r"(\d+) epochs? (?:is|are) kept", line)[1]), 0)
            )
            self.assertEqual(checkpoint_position(run), told)
            positions.add(told)
            self.assertIn("run the same command again to go on", line)

        self.stop_until_done(self.long_training(run), moments, check)

    def train_with_kills(self, run, positions, moments):
        for i in range(200):
            with self.start(self.long_training(run, "--checkpoint-every", "0")) as process:
                while not listens(process) and process.poll() is None:
                    time.sleep(0.001)
                try:
                    process.communicate(timeout=moments.uniform(0, 0.1 * i))
                    self.assertEqual(process.returncode, 0)
                    return
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.communicate()
            if (run / "checkpoint.safetensors").exists():
                positions.add(checkpoint_position(run))
        self.fail("never finished")

    def test_stopped_by_ctrl_c_and_run_again_ends_in_the_same_results(self):
        other = self.trained_in_pieces("stopped", self.train_with_stops)
        self.stop_until_done(self.interpretation(other), random.Random(2))
        self.stop_until_done(self.evaluation(other), random.Random(3))
        self.assertEqual((other / "model.safetensors").read_bytes(), (self.whole / "model.safetensors").read_bytes())
        for name in ("train", "interpret", "evaluate"):
            results = [without_times(json.loads((run / f"{name}.json").read_text())) for run in (other, self.whole)]
            self.assertEqual(*results, name)

    def test_killed_within_an_epoch_and_run_again_ends_in_the_same_bits(self):
        other = self.trained_in_pieces("killed", self.train_with_kills)
        for name in ("model", "checkpoint"):
            bytes_of = [
                re.sub(rb'\\"seconds\\":[0-9.e-]+', b"", (run / f"{name}.safetensors").read_bytes()[8:]).replace(
                    b" ", b""
                )
                for run in (other, self.whole)
            ]
            self.assertEqual(*bytes_of, name)

    def test_every_signal_ends_the_program_as_a_shell_expects(self):
        for i, one in enumerate((signal.SIGINT, signal.SIGTERM, signal.SIGHUP)):
            code, lines, _ = self.stop(self.long_training(self.root / f"by-{i}"), [one], 0.2)
            self.assertEqual(code, -one)
            self.assertEqual(len(lines), 1, lines)

    def test_a_second_signal_ends_it_too_and_the_line_is_printed_once(self):
        for pause in (0.0, 0.005, 0.15):
            code, lines, seconds = self.stop(self.evaluation(self.whole_again()), [signal.SIGTERM] * 2, 0.1, pause)
            if code == 0:
                continue  # it was through before
            self.assertEqual(code, -signal.SIGTERM)
            self.assertEqual(len(lines), 1, lines)
            self.assertLess(seconds, 5)

    def whole_again(self):
        again = self.root / "again"
        if again.exists():
            shutil.rmtree(again)
        shutil.copytree(self.whole, again)
        shutil.rmtree(again / "evaluate")
        return again

    def test_a_signal_that_is_ignored_stays_ignored(self):
        with self.start(
            self.long_training(self.root / "nohup"), preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)
        ) as process:
            while not listens(process) and process.poll() is None:
                time.sleep(0.001)
            process.send_signal(signal.SIGHUP)
            process.communicate(timeout=120)
            self.assertEqual(process.returncode, 0)


class ImpossibleOptions(ProgramTest):
    def test_an_impossible_option_deletes_nothing(self):
        run = self.root / "kept"
        shutil.copytree(self.run_dir, run)
        before = {path.name: path.read_bytes() for path in run.iterdir()}
        for option, value in (
            ("--epochs", 0),
            ("--epochs", -3),
            ("--batch", 0),
            ("--learning-rate", -1),
            ("--learning-rate", 0),
            ("--learning-rate", "nan"),
            ("--momentum", 1),
            ("--weight-decay", -1),
            ("--clip-norm", -1),
            ("--train-samples", -5),
            ("--steps", 0),
            ("--steps", 70000),
            ("--surrogate", "triangel"),
            ("--reset", "one"),
            ("--beta", 2),
            ("--beta", "nan"),
            ("--threshold", 0),
            ("--threshold", -1),
            ("--checkpoint-every", -1),
            ("--network", "4C3-LIFF"),
            ("--coding", "ratte"),
        ):
            with self.subTest(option=option, value=value):
                self.refused(*replaced(self.train_arguments(run), option, value), "--restart")
                self.assertEqual({path.name: path.read_bytes() for path in run.iterdir()}, before)

    def test_fewer_epochs_than_are_done_are_refused(self):
        self.refused(
            *replaced(self.train_arguments(self.run_dir), "--epochs", 3),
            saying=["12 epochs are kept", "beyond 3 epochs"],
        )


class TrainingThatFails(ProgramTest):
    def test_divergence_is_said(self):
        out = self.root / "diverged"
        arguments = replaced(self.train_arguments(out), "--learning-rate", 1e6)
        done = self.call(*arguments, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        document = json.loads(done.stdout)
        self.assertTrue(document["diverged"])
        self.assertTrue(document["epochs"][-1]["diverged"])
        self.assertIn("training diverged: the mean loss of epoch 12 is", done.stderr)
        self.assertTrue(json.loads((out / "train.json").read_text())["diverged"])
        self.assertIn("diverged: ", self.call(*arguments).stdout)
        for command in (
            ["interpret", out, "--draws", 1, "--mu-max", 2],
            ["evaluate", out, "--methods", "random", "--samples", 2],
        ):
            self.assertIn("warning: training diverged", self.call(*command).stderr, command)

    def test_silent_layers_are_named(self):
        done = self.call(*self.train_arguments(self.root / "silent"), "--threshold", "1000", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        document = json.loads(done.stdout)
        self.assertEqual(document["silent_layers"], ["conv1", "conv2", "full3"])
        self.assertTrue(document["at_chance"])
        self.assertIn("no neuron of conv2 spikes", done.stderr)
        self.assertIn("learned nothing", done.stderr)

    def test_a_training_that_learns_has_no_warning(self):
        self.assertFalse(self.train["diverged"] or self.train["at_chance"] or self.train["silent_layers"])
        self.assertFalse(any(epoch["diverged"] for epoch in self.train["epochs"]))


if __name__ == "__main__":
    del sys.argv[1]
    unittest.main(verbosity=2)
