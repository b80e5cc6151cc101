"""A sweep on one local worker and on two."""

from __future__ import annotations

import os
import tempfile
from typing import Any

import foolkit as fk
from benchmarks.timing import alternate, median, ratio

RUNS, GENERATIONS = 4, 300


def rows() -> list[dict[str, Any]]:
    """Workers' start included, as a user waits for it; nothing on a single processor."""
    if (os.cpu_count() or 1) < 2:
        print("sweeps: two processors are needed, nothing measured")
        return []

    def sweep(workers: int) -> None:
        with tempfile.TemporaryDirectory() as folder:
            fk.sweep(
                folder, networks=["lenet"], encodings=["pixels"], seeds=range(RUNS),
                generations=GENERATIONS, workers=workers, progress=False,
            )  # fmt: skip

    seconds = alternate({"one": lambda: sweep(1), "two": lambda: sweep(2)}, repeats=3)
    return [
        {
            "name": f"sweep of {RUNS} runs, two workers against one",
            "value": ratio(seconds, "two", "one"),
            "bar": None,
            "unit": "x the speed of one worker",
            "detail": f"{median(seconds['one']):.1f} s and {median(seconds['two']):.1f} s",
        }
    ]
