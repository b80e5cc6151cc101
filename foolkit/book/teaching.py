"""What a chapter holds for a class, counted from its notebook."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import nbformat

from foolkit.book.road import Card, cards

VIEW = "application/vnd.jupyter.widget-view+json"
NUMBERED = re.compile(r"^\*\*\d+\. ", re.M)  # where an exercise begins


@dataclass(frozen=True)
class Lesson:
    """One chapter, counted.

    Attributes:
        card: its question, and the minutes to read it.
        guesses: how often it asks for a guess before a result.
        widgets: live experiments beside the guesses.
        checked: coding exercises with a start and a check that computes the answer.
        others: exercises whose answer is folded away.
        open: exercises without an answer.
    """

    card: Card
    guesses: int
    widgets: int
    checked: int
    others: int
    open: int


def lessons(book: Path) -> list[Lesson]:
    """The chapters of a book's folder, in its order, each counted."""
    return [lesson(book, card) for card in cards(book)]


def lesson(book: Path, card: Card) -> Lesson:
    """One chapter, counted."""
    cells = nbformat.read(book / f"{card.name}.ipynb", as_version=4).cells
    shown = [
        output.data.get("text/plain", "")
        for cell in cells
        for output in cell.get("outputs", [])
        if VIEW in output.get("data", {})
    ]
    guesses = sum(text.startswith("Predict(") for text in shown)
    text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    text = text.partition("## Exercises")[2].partition("## Recall")[0]
    posed = NUMBERED.split(text)[1:]
    kinds = [
        "open" if exercise.startswith("Open.") else "checked" if "book.check(" in exercise else ""
        for exercise in posed
    ]
    checked, unanswered = kinds.count("checked"), kinds.count("open")
    others = len(kinds) - checked - unanswered
    return Lesson(card, guesses, len(shown) - guesses, checked, others, unanswered)
