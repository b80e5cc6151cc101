"""Everything the chapters on defences rest on, trained and attacked anew, in one command.

``python -m tools.bank.defences`` calls the programs of ``STEPS`` one after the other, some hours
of one core. Stopped, it goes on: what is finished is not begun again, and each program goes
on by itself where it can. The files come into ``--out``, a folder of their own; the shipped
networks themselves are those of ``python -m foolkit.models.train``.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from foolkit.files import write_atomically

STEPS = {
    "hardened": (), "reseeded": (), "retrained short": ("short",), "retrained long": ("long",),
    "defended": (), "certified": (), "synthesis": (), "guarded": (), "graded": (),
}  # fmt: skip


def command(step: str, out: Path, checkpoints: Path) -> list[str]:
    """What runs one of ``STEPS``."""
    module = f"tools.bank.{step.split()[0]}"
    places = ("--out", str(out), "--checkpoints", str(checkpoints / step.replace(" ", "-")))
    return [sys.executable, "-m", module, *STEPS[step], *places]


def main() -> None:
    """Command line: all steps that are not finished.

    Raises:
        subprocess.CalledProcessError: a step failed; the same command begins with it.
    """
    parser = argparse.ArgumentParser(prog="python -m tools.bank.defences", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/defences/bank"))
    parser.add_argument("--checkpoints", type=Path, default=Path("runs/defences"))
    chosen = parser.parse_args()
    for step in STEPS:
        finished = chosen.checkpoints / f"{step.replace(' ', '-')}.finished"
        if not finished.exists():
            subprocess.run(command(step, chosen.out, chosen.checkpoints), check=True)
            write_atomically(finished, b"")


if __name__ == "__main__":
    main()
