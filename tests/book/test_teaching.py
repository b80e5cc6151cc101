"""What a chapter holds for a class is counted from its notebook."""

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from foolkit.book.road import Card
from foolkit.book.teaching import VIEW, lesson

EXERCISES = """Before. **1. Not** an exercise.

## Exercises

**1. One.** Why?

**2. Two** (code). Write it.

```python
fk.book.check("a/b", mine)
```

**3. Open.** What if?"""


def shown(text):
    return new_code_cell(outputs=[new_output("execute_result", {VIEW: {}, "text/plain": text})])


def test_a_chapter_is_counted(tmp_path):
    cells = [
        new_markdown_cell("# Is it?"),
        shown("Predict(question='How many?')"),
        shown("Quiz(10 images)"),
        shown("Climb()"),
        new_markdown_cell(EXERCISES),
        new_code_cell('assert fk.book.check("a/b", 1)'),
        new_markdown_cell("**4. Four.** How?\n\n## Recall\n\n**5. Not** one."),
    ]
    nbformat.write(new_notebook(cells=cells), tmp_path / "one.ipynb")
    found = lesson(tmp_path, Card("one", "Is it?", "", 5, None))
    assert (found.guesses, found.widgets) == (1, 2)
    assert (found.checked, found.others, found.open) == (1, 2, 1)


def test_a_chapter_without_exercises_has_none(tmp_path):
    nbformat.write(new_notebook(cells=[new_markdown_cell("# Is it?")]), tmp_path / "one.ipynb")
    found = lesson(tmp_path, Card("one", "Is it?", "", 5, None))
    assert (found.guesses, found.widgets, found.checked, found.others, found.open) == (0,) * 5
