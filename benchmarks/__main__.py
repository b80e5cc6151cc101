"""``python -m benchmarks [names] [--json FILE]``: speeds as ratios to a floor of the same run."""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
from pathlib import Path
from typing import Any

import torch

import benchmarks
from benchmarks.timing import Skipped
from foolkit.book.scoreboard import measured_on

HELPERS = ("__main__", "attackers", "breeders", "references", "timing")


def subjects() -> list[str]:
    """The modules of this folder that have rows."""
    names = (module.name for module in pkgutil.iter_modules(benchmarks.__path__))
    return [name for name in names if name not in HELPERS]


def met(row: dict[str, Any]) -> bool | None:
    """Whether a row meets its bar; None where it has none."""
    if row["bar"] is None:
        return None
    return row["value"] <= row["bar"] if row.get("lower") else row["value"] >= row["bar"]


def table(rows: list[dict[str, Any]]) -> str:
    """The rows for a terminal."""
    verdicts = {True: "met", False: "MISSED", None: ""}
    lines = []
    for row in rows:
        bar = "" if row["bar"] is None else f"bar {row['bar']:g}"
        lines.append(f"{row['value']:9.2f}  {bar:10} {verdicts[met(row)]:7} {row['name']}")
        lines.append(f"{'':30}{row['unit']}; {row['detail']}")
    return "\n".join(lines)


def main() -> None:
    """Run the named subjects, or all; print a table and write JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(subjects())}; default: all")
    parser.add_argument("--json", type=Path, default=Path("_build/benchmarks.json"))
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(subjects())
    if unknown:
        parser.error(f"names: expected some of {', '.join(subjects())}, got {sorted(unknown)}")
    rows, skipped = [], {}
    for name in arguments.names or subjects():
        print(f"{name} ...", flush=True)
        try:
            found = importlib.import_module(f"benchmarks.{name}").rows()
        except Skipped as reason:
            skipped[name] = str(reason)
            print(f"skipped: {reason}", flush=True)
            continue
        print(table(found), flush=True)
        rows += [{"subject": name, **row} for row in found]
    report = {
        "torch": torch.__version__,
        "measured_on": measured_on(),
        "rows": rows,
        "skipped": skipped,
    }
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(report, indent=2) + "\n", "utf-8")
    print(f"written to {arguments.json}")


if __name__ == "__main__":
    main()
