"""What every chapter must be, read from its committed file; nbval proves the outputs."""

import re
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from tools import book as commands
from tools import chapters

ROOT = Path(__file__).resolve().parent.parent
PATHS = chapters.chapters(ROOT / "book")
LARGEST = 2_000_000  # bytes
TAGS = {"hide-input", "hide-output", "hide-cell", "nbval-ignore-output", "colab", "remove-cell"}
TEXTS = [*PATHS, *sorted((ROOT / "book").glob("*.md"))]
each_chapter = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


def code_cells(path):
    return [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]


@each_chapter
def test_was_executed_in_order_without_errors(path):
    cells = code_cells(path)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert not [o for cell in cells for o in cell.outputs if o.output_type == "error"]
    assert not [o for cell in cells for o in cell.outputs if o.get("name") == "stderr"]


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_links_name_files(path):
    """Pages would do without the ending; Jupyter and a repository's website would not."""
    text = path.read_text("utf-8")
    if path.suffix == ".ipynb":
        text = "\n".join(
            c.source for c in nbformat.reads(text, 4).cells if c.cell_type == "markdown"
        )
    for target in re.findall(r"\]\(([^)#:\s]+)\)", text):
        assert (path.parent / target).is_file(), target


@each_chapter
def test_open_exercises_have_a_hint(path):
    text = "\n".join(c.source for c in nbformat.read(path, 4).cells if c.cell_type == "markdown")
    for exercise in re.findall(r"^\*\*\d+\. Open\.\*\*.*?(?=^##|\Z)", text, re.M | re.S):
        assert "\n\n:::{admonition} A hint, and what a good answer shows\n" in exercise


@each_chapter
def test_has_one_title_and_it_is_a_question(path):
    text = "\n".join(c.source for c in nbformat.read(path, 4).cells if c.cell_type == "markdown")
    titles = [line for line in text.splitlines() if line.startswith("# ")]
    assert len(titles) == 1
    assert path.stem == "index" or titles[0].endswith("?")


@each_chapter
def test_cells_are_short(path):
    lengths = [len(cell.source.splitlines()) for cell in code_cells(path)]
    assert max(lengths) <= 24
    assert statistics.median(lengths) <= 12
    assert len(lengths) <= 30


@each_chapter
def test_what_a_chapter_claims_of_its_figures_is_true(path):
    """Such a cell prints a sentence and whether it holds; nbval would keep a False as it is."""
    for cell in code_cells(path):
        if "nbval-ignore-output" not in cell.metadata.get("tags", ()):
            for output in cell.outputs:
                assert ": False" not in output.get("text", "")


@each_chapter
def test_every_figure_has_alt_text_and_a_caption(path):
    for cell in code_cells(path):
        for output in cell.outputs:
            for kind in {"image/png", "image/jpeg"} & set(output.get("data", {})):
                about = output.metadata[kind]
                assert about["alt"].strip()
                assert about["caption"].strip()
                assert kind == "image/jpeg" or about["dark"]


@each_chapter
def test_file_is_small(path):
    assert path.stat().st_size < LARGEST


@each_chapter
def test_tags_are_known(path):
    assert {tag for cell in code_cells(path) for tag in cell.metadata.get("tags", [])} <= TAGS


@each_chapter
def test_file_is_normalised(path):
    normal = nbformat.writes(chapters.normalise(nbformat.read(path, 4)))
    assert path.read_text("utf-8").rstrip("\n") == normal.rstrip("\n")


@each_chapter
def test_prints_facts_that_are_compared(path):
    """nbval would prove nothing of a chapter whose every cell is exempt."""
    compared = [
        output.text
        for cell in code_cells(path)
        if "nbval-ignore-output" not in cell.metadata.get("tags", [])
        for output in cell.outputs
        if output.output_type == "stream"
    ]
    assert "True" in "".join(compared)


@pytest.mark.parametrize(("output", "code"), [("True\n", 0), ("False\n", 1)])
def test_nbval_notices_another_output(tmp_path, output, code):
    """The options of ``make test`` and the book's conftest compare what a cell prints."""
    shutil.copy(ROOT / "book" / "conftest.py", tmp_path)
    cell = new_code_cell("print(1 + 1 == 2)", outputs=[new_output("stream", text=output)])
    cell.execution_count = 1
    path = tmp_path / "tiny.ipynb"
    nbformat.write(chapters.normalise(new_notebook(cells=[cell])), path)
    finished = subprocess.run(
        [sys.executable, "-m", "pytest", *commands.NBVAL, "-c", ROOT / "pyproject.toml", path],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert finished.returncode == code, finished.stdout
