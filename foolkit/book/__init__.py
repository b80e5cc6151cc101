"""What only the book needs: its scale, records, checks of exercises, how its pages show figures.

``BookFigure`` is where the builder of the pages looks for it; it loads docutils, which the toolkit
can do without, when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from foolkit.book import scoreboard
    from foolkit.book.exercises import check
    from foolkit.book.figure import BookFigure

__all__ = ["BookFigure", "check", "scoreboard"]


def __getattr__(name: str) -> Any:
    if name == "BookFigure":
        return import_module("foolkit.book.figure").BookFigure
    if name == "check":
        return import_module("foolkit.book.exercises").check
    if name == "scoreboard":
        return import_module("foolkit.book.scoreboard")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
