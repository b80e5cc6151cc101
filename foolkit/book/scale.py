"""The one switch that makes every chapter run its large version."""

from __future__ import annotations

import os

from foolkit.checks import check_count

MODES = ("quick", "full", "rehearsal")


def scaled(quick: int, full: int) -> int:
    """``quick`` by default, ``full`` when the environment says ``FOOLKIT_SCALE=full``.

    ``FOOLKIT_SCALE=rehearsal`` gives a hundredth of ``full`` (at least 1): it walks the large
    path in seconds, and is how the tests run it.

    Raises:
        TypeError, ValueError: no counts; another value of ``FOOLKIT_SCALE``.
    """
    quick, full = check_count(quick, "quick"), check_count(full, "full")
    mode = os.environ.get("FOOLKIT_SCALE", "quick")
    if mode not in MODES:
        raise ValueError(f"FOOLKIT_SCALE: expected {', '.join(MODES)}, got {mode!r}")
    return {"quick": quick, "full": full, "rehearsal": max(1, full // 100)}[mode]
