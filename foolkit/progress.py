"""The progress bar of every long call, and the one switch that turns all of them off."""

from __future__ import annotations

import os
from typing import Any

from tqdm.auto import tqdm

from foolkit.checks import check_flag

SWITCH = "FOOLKIT_PROGRESS"


def progress_bar(total: int, unit: str, *, progress: bool = True, delay: float = 1.0) -> tqdm[Any]:
    """A bar of ``total`` units, to be used in a ``with`` statement.

    Args:
        total: units of the whole work.
        unit: their name, in the plural.
        progress: what the caller was asked for; ``FOOLKIT_PROGRESS=0`` in the environment shows
            none whatever it says.
        delay: seconds before the bar appears, so that short work shows none.

    Raises:
        TypeError: ``progress`` is neither True nor False.
        ValueError: another value of ``FOOLKIT_PROGRESS`` than 0 and 1.
    """
    check_flag(progress, "progress")
    switch = os.environ.get(SWITCH, "1")
    if switch not in ("0", "1"):
        raise ValueError(f"{SWITCH}: expected 0 or 1, got {switch!r}")
    hidden = switch == "0" or not progress
    return tqdm(total=total, unit=f" {unit}", disable=hidden, delay=delay)
