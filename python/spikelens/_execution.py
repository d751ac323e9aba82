"""How calls work: threads, memory, kernel, and who hears of their progress."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from spikelens import _core
from spikelens._arrays import shown, whole_number
from spikelens._core import InputError

Progress = Callable[[str, int, int, str], None]


class _Bar:
    """One bar of tqdm on stderr for each task that is told of."""

    def __init__(self, tqdm: type) -> None:
        self._tqdm, self._task = tqdm, ""
        self._bar: Any = None

    def __call__(self, task: str, done: int, total: int, detail: str) -> None:
        if self._bar is None or task != self._task:
            self.close()
            self._task = task
            self._bar = self._tqdm(desc=task, total=total, file=sys.stderr, leave=False)
        self._bar.set_postfix_str(detail, refresh=False)
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


def _bytes(memory: Any) -> int:
    """A number of them may be written as 2e9."""
    whole = int(memory) if isinstance(memory, float) and memory.is_integer() else memory
    return whole_number(whole, "memory", 1, 2**63 - 1)


@contextmanager
def settings(
    threads: int, memory: int | None, kernel: str, progress: Progress | bool | None
) -> Iterator[_core.Settings]:
    """``progress``: a function, False for none, None for a bar of tqdm where it is installed and stderr is a
    terminal. Raises InputError for what is none of what a call takes."""
    if not (callable(progress) or isinstance(progress, (bool, type(None)))):
        raise InputError(f"progress is a function, True, False or None, not {shown(progress)}")
    if not isinstance(kernel, str):
        raise InputError(f"kernel is the name of a kernel, or empty for the best, not {shown(kernel)}")
    threads = whole_number(threads, "threads", 0, 2**31 - 1)
    keywords = {} if memory is None else {"memory": _bytes(memory)}
    bar = None
    if progress is True or (progress is None and sys.stderr is not None and sys.stderr.isatty()):
        try:
            from tqdm import tqdm

            bar = progress = _Bar(tqdm)
        except ImportError:
            progress = None
    told = progress if callable(progress) else None
    try:
        yield _core.Settings(threads=threads, kernel=kernel, progress=told, **keywords)
    finally:
        if bar is not None:
            bar.close()
