"""``wrk`` (https://github.com/wg/wrk): requests a second and latency of one address."""

from __future__ import annotations

import math
import re
import shutil
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

CONNECTIONS = 4


@dataclass(frozen=True, slots=True)
class Measure:
    """Requests a second, and latency in milliseconds; infinite where no answer came in time."""

    rate: float
    p50: float
    p99: float


def is_installed() -> bool:
    """Whether there is such a program."""
    return shutil.which("wrk") is not None


def measure(url: str, headers: Mapping[str, str], seconds: int) -> Measure:
    """One run of wrk; raises RuntimeError when any answer was not 2xx, or a connection failed."""
    asked = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    options = ["-t", "1", "-c", str(CONNECTIONS), "-d", f"{seconds}s", "--timeout", "60s", "--latency"]
    done = subprocess.run(["wrk", *options, *asked, url], capture_output=True, text=True, check=False)
    text = done.stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    if done.returncode != 0 or rate is None or "Non-2xx" in text or re.search(r"errors: connect [1-9]", text):
        raise RuntimeError(f"{url} answered errors:\n{text}{done.stderr}")
    latency = {part: _milliseconds(value) for part, value in re.findall(r"^\s+(50|99)%\s+(\S+)", text, re.MULTILINE)}
    if re.search(r"^\s+0 requests in", text, re.MULTILINE):
        return Measure(0.0, math.inf, math.inf)
    return Measure(float(rate[1]), latency["50"], latency["99"])


def median(measures: Sequence[Measure]) -> Measure:
    """The median of each number."""
    return Measure(*(statistics.median(getattr(m, name) for m in measures) for name in ("rate", "p50", "p99")))


def _milliseconds(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()  # type: ignore[union-attr]  # wrk's form
    return float(number) * {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}[unit]
