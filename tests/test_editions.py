"""The editions for teachers and students differ in the exercises, and in nothing else."""

import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tests.test_notebooks import each_chapter
from tools.editions import EDITIONS, edited

LEFT_OUT = re.compile(r"\b(?:unfold\w*|folded answers?|solutions?)\b", re.I)
BOX = re.compile(r":::\{admonition\}.*?\n:::", re.S)

BEFORE = """Text.

```python
fk.book.check("not an exercise")
```

## Exercises

**1.** Why?

:::{admonition} Solution
:class: dropdown
Because.
:::

**2.** Write it.

```python
mine = ...
fk.book.check("a/b", mine)
```"""
AFTER = """**3. Open.** What if?

:::{admonition} A hint, and what a good answer shows
:class: dropdown
Look closer.
:::"""


def notebook():
    start = new_code_cell("x = 1", metadata={"tags": ["hide-cell"]})
    solution = new_code_cell("mine = 1", metadata={"tags": ["hide-cell", "nbval-ignore-output"]})
    quiz = new_code_cell("quiz()")
    cells = [start, new_markdown_cell(BEFORE), quiz, solution, new_markdown_cell(AFTER)]
    return new_notebook(cells=cells)


def test_students_get_starts_as_cells_and_no_solutions():
    cells = edited(notebook(), "student").cells
    assert [cell.source for cell in cells if cell.cell_type == "code"] == [
        "x = 1", 'mine = ...\nfk.book.check("a/b", mine)', "quiz()"]  # fmt: skip
    text = "\n".join(cell.source for cell in cells)
    assert "Because." not in text
    assert "mine = 1" not in text
    assert "**1.** Why?" in text
    assert ":class: dropdown\nLook closer." in text
    assert 'fk.book.check("not an exercise")' in cells[1].source


def test_teachers_get_everything_open():
    cells = edited(notebook(), "teacher").cells
    assert cells[0].metadata.tags == ["hide-cell"]  # none of the exercises
    assert [c.metadata.get("tags") for c in cells if c.source == "mine = 1"] == [["exercise"]]
    text = "\n".join(cell.source for cell in cells)
    assert "admonition} Solution\nBecause." in text
    assert "dropdown" not in text


def test_a_notebook_without_exercises_stays_as_it_is():
    for edition in EDITIONS:
        cells = [new_markdown_cell("# A?"), new_code_cell("x", metadata={"tags": ["hide-cell"]})]
        assert edited(new_notebook(cells=list(cells)), edition).cells == cells


@each_chapter
@pytest.mark.parametrize("edition", EDITIONS)
def test_what_comes_before_the_exercises_is_the_same(path, edition):
    def before(cells):
        text = "\n\n".join(f"{cell.metadata.get('tags')} {cell.source}" for cell in cells)
        return text.partition("## Exercises")[0].split()

    book = nbformat.read(path, 4)
    assert before(edited(nbformat.read(path, 4), edition).cells) == before(book.cells)


@each_chapter
def test_no_solution_is_left_for_students_and_no_question_lost(path):
    cells = edited(nbformat.read(path, 4), "student").cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    whole = "\n".join(c.source for c in nbformat.read(path, 4).cells if c.cell_type == "markdown")
    assert "{admonition} Solution" not in text
    for number in range(1, 9):
        for end in (".", " "):
            assert text.count(f"**{number}{end}") == whole.count(f"**{number}{end}")
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    assert "assert fk.book.check" not in code
    assert code.count("book.check(") == whole.count("book.check(")


@each_chapter
def test_students_are_not_told_of_what_they_do_not_have(path):
    for cell in edited(nbformat.read(path, 4), "student").cells:
        if cell.cell_type == "markdown":
            for line in BOX.sub("", cell.source).splitlines():
                assert not LEFT_OUT.search(line), line
