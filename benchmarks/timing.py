"""Timing on a noisy machine: alternate what is compared, quote medians of ratios."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import torch


class Skipped(Exception):
    """A subject cannot be measured here; says why."""


def alternate(
    functions: dict[str, Callable[[], object]], repeats: int = 9
) -> dict[str, list[float]]:
    """Call each function in turn, ``repeats`` times round; seconds of each call by name.

    One unmeasured round comes first. On a GPU each call is waited for.
    """
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for turn in range(repeats + 1):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            if turn:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def ratio(seconds: dict[str, list[float]], faster: str, floor: str) -> float:
    """Median over the rounds of ``floor``'s seconds to ``faster``'s: how many times as fast."""
    pairs = zip(seconds[floor], seconds[faster], strict=True)
    return statistics.median(slow / fast for slow, fast in pairs)


def median(values: list[float]) -> float:
    """The median."""
    return statistics.median(values)


# of the process alone: ru_maxrss begins at what its parent had
KIBIBYTES = """
def kibibytes(name):
    return int(open("/proc/self/status").read().split(name + ":")[1].split()[0])
"""


def peak_memory(script: str, device: str = "cpu") -> float:
    """GiB that a fresh process needed for ``script``: its own, or those of its GPU."""
    read = {
        "cuda": "import torch; print(torch.cuda.max_memory_allocated())",
        "linux": f"{KIBIBYTES}print(1024 * kibibytes('VmHWM'))",
        "darwin": "import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)",
    }[device if device == "cuda" else sys.platform]
    return _last_number(f"{script}\n{read}") / 2**30


def added_memory(before: str, script: str) -> float | None:
    """MiB that a fresh process needs at its peak for ``script``, beyond what ``before`` left.

    None where the peak cannot be begun anew: elsewhere than on Linux.
    """
    if sys.platform != "linux":
        return None
    code = f"""{KIBIBYTES}
{before}
open("/proc/self/clear_refs", "w").write("5")
held = kibibytes("VmRSS")
{script}
print(kibibytes("VmHWM") - held)
"""
    return _last_number(code) / 1024


def _last_number(code: str) -> int:
    command = [sys.executable, "-c", code]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return int(printed.split()[-1])
