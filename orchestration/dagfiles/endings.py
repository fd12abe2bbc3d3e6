"""What is left of a parser: the bounded record of its output, and in words why it gave no result."""

from __future__ import annotations

import os
import signal

from orchestration.dagfiles.protocol import OUTPUT_KEPT

_HINTS = {
    signal.SIGXCPU: " It used too much processor time.",
    signal.SIGKILL: " It killed itself, or the system ran out of memory.",
    signal.SIGSEGV: " A library it imports crashed, or it recursed too deep.",
}
_LAST_WORDS = 2000


class Output:
    """The beginning and the end of what a parser printed; the middle of too much is dropped."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._tail = bytearray()
        self._size = 0

    def add(self, data: bytes) -> None:
        """Take what was printed next."""
        self._size += len(data)
        room = OUTPUT_KEPT // 2 - len(self._head)
        self._head += data[:room]
        self._tail = (self._tail + data[room:])[-OUTPUT_KEPT // 2 :]

    def text(self) -> str:
        """The record as text, without NUL."""
        left_out = self._size - len(self._head) - len(self._tail)
        between = f"\n… {left_out} bytes left out …\n" if left_out else ""
        return f"{self._head.decode(errors='replace')}{between}{self._tail.decode(errors='replace')}".replace("\0", "")


def why(path: str, *, failure: str | None, status: int | None, output: str) -> str:
    """Why the parser of a file gave no result, for the author of the file.

    ``failure``: why it was ended from outside, if it was. ``status``: as ``os.waitpid`` gives it, None if the process
    that started the parser went first.
    """
    if failure is not None:
        text = f"The parser of {path} was ended: {failure}"
    elif status is None:
        text = f"The parser of {path} ended with the process that started it: something in the file kills others."
    elif os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        known = number in list(signal.Signals)
        name = signal.Signals(number).name if known else f"signal {number}"
        text = f"The parser of {path} was killed by {name}.{_HINTS.get(signal.Signals(number), '') if known else ''}"
    else:
        code = os.waitstatus_to_exitcode(status)
        text = (
            f"The parser of {path} ended with status {code} before it could say what is in the file. "
            "Something in it ends the process, or closes files it did not open (os._exit, os.closerange)."
        )
    last = output.strip()[-_LAST_WORDS:]
    return f"{text}\nThe last of its output:\n{last}" if last else text
