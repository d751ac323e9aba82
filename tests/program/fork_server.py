"""Runs the program in forks of its loaded state, some milliseconds each."""

import os
import struct
import subprocess


class Server:
    """The program, loaded once and forked for every run: fork_server.c says how."""

    def __init__(self, program, library):
        (requests, self.requests), (self.answers, answers) = os.pipe(), os.pipe()
        environment = {**os.environ, "LD_PRELOAD": library, "OPENBLAS_NUM_THREADS": "1"}
        environment["ASAN_OPTIONS"] = environment.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"

        def take_descriptors():
            os.dup2(requests, 198)
            os.dup2(answers, 199)

        self.process = subprocess.Popen(
            [program], env=environment, preexec_fn=take_descriptors, close_fds=False, stdin=subprocess.DEVNULL
        )
        os.close(requests)
        os.close(answers)

    def run(self, arguments, folder):
        texts = ["/dev/null", str(folder / "stdout"), str(folder / "stderr"), *arguments]
        message = b"".join(os.fsencode(text) + b"\0" for text in texts)
        os.write(self.requests, struct.pack("<I", len(message)) + message)
        return Run(struct.unpack("<3q", os.read(self.answers, 24)), folder)

    def stop(self):
        os.close(self.requests)
        os.close(self.answers)
        self.process.wait(timeout=10)


class Run:
    """One run of the program, with what it said and what it took."""

    def __init__(self, answer, folder):
        self.status = os.waitstatus_to_exitcode(answer[0])
        self.memory, self.seconds = answer[1] * 1024, answer[2] / 1e6
        self.stdout, self.stderr = ((folder / name).read_bytes() for name in ("stdout", "stderr"))
