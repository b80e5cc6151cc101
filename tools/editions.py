"""Two more editions of the book: solutions unfolded for teachers, and left out for students."""

from __future__ import annotations

import re
from typing import Literal, get_args

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

Edition = Literal["student", "teacher"]
EDITIONS = get_args(Edition)
EXERCISES = "## Exercises"
SHOWN = "exercise"  # this tag keeps a cell open, where the story folds code
DROPDOWN = re.compile(r"(:::\{admonition\} [^\n]+\n):class: dropdown\n")
SOLUTION = re.compile(r":::\{admonition\} Solution\n.*?\n:::\n*", re.S)
START = re.compile(r"```python\n(?P<code>(?:(?!```).)*?book\.check\(.*?)\n```\n*", re.S)


def edited(notebook: NotebookNode, edition: Edition) -> NotebookNode:
    """The notebook with its exercises as an edition has them; without exercises, as it was.

    For teachers every solution, hint and answer is open. For students there are no solutions,
    and the start of a coding exercise is a cell to go on from. Both keep hints, and the answers
    to the questions of recall: folded for students.
    """
    cells: list[NotebookNode] = []
    exercises = False
    for cell in notebook.cells:
        before, title, after = cell.source.partition(EXERCISES)
        if cell.cell_type == "markdown" and title and not exercises:
            exercises = True
            cells.append(new_markdown_cell(before + title))
            cell = new_markdown_cell(after.strip())
        if not exercises:
            cells.append(cell)
        elif edition == "teacher":
            cells.append(opened(cell))
        else:
            cells += posed(cell)
    notebook.cells = cells
    return notebook


def opened(cell: NotebookNode) -> NotebookNode:
    """A cell of the exercises with nothing folded."""
    if cell.cell_type == "markdown":
        cell.source = DROPDOWN.sub(r"\1", cell.source)
    elif "hide-cell" in cell.metadata.get("tags", []):
        cell.metadata.tags = [SHOWN]
    return cell


def posed(cell: NotebookNode) -> list[NotebookNode]:
    """A cell of the exercises without solutions; a start in it becomes a cell of code."""
    if cell.cell_type == "code":
        return [] if "hide-cell" in cell.metadata.get("tags", []) else [cell]
    cells = []
    # text and code alternate: a pattern with one group splits into both
    for number, part in enumerate(START.split(SOLUTION.sub("", cell.source))):
        if number % 2:
            cells.append(new_code_cell(part, metadata={"tags": [SHOWN]}))
        elif part.strip():
            cells.append(new_markdown_cell(part.strip()))
    return cells
