"""The commands behind make, on a tiny book of their own."""

import os
import subprocess
import sys
import tarfile
import time
import zipfile
from pathlib import Path

import nbformat
import pytest
from nbformat.sign import NotebookNotary
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools import book as commands
from tools import chapters

ROOT = Path(__file__).resolve().parent.parent

FIGURE = """
import foolkit as fk
fig, ax = fk.plot.figure(alt="a <line> & more", caption='It "rises".')
ax.plot([0, 1])
fig
"""


@pytest.fixture
def book(tmp_path):
    """A git checkout with a book of two chapters, never executed."""
    folder = tmp_path / "book"
    (folder / "assets").mkdir(parents=True)
    (folder / "assets" / "book.css").write_text("")
    (folder / "_toc.yml").write_text(
        "format: jb-book\nroot: index\nchapters:\n  - file: second\n  - file: page\n"
    )
    (folder / "page.md").write_text("# A page\n")
    write(folder, index=FIGURE, second="print('hello')\nprint('world')")
    (tmp_path / "_config.yml").write_text(
        "title: tiny\nonly_build_toc_files: true\nexecute:\n  execute_notebooks: 'off'\n"
        "sphinx:\n  config:\n    html_static_path: [assets]\n"
    )
    (tmp_path / ".gitignore").write_text("/_build/\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "tiny")
    return folder


def write(folder, **sources):
    """A notebook of one code cell for each name."""
    for name, source in sources.items():
        cells = [new_markdown_cell(f"# What is {name}?"), new_code_cell(source)]
        notebook = new_notebook(cells=cells, metadata={"language_info": {"name": "python"}})
        nbformat.write(notebook, folder / f"{name}.ipynb")


def git(folder, *arguments):
    return subprocess.run(
        ["git", *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout


def make(book, run):
    root = book.parent
    return chapters.make_book(book, root / "_build", root / "_config.yml", run=run)


def test_chapters_come_in_the_order_of_the_contents(book):
    assert [path.stem for path in chapters.chapters(book)] == ["index", "second"]


def test_book_executes_copies_and_writes_no_tracked_file(book, capsys):
    page = make(book, run=True)
    assert page == book.parent / "_build" / "html" / "index.html"
    assert "hello\nworld" in (page.parent / "second.html").read_text()
    assert git(book.parent, "status", "--porcelain") == ""
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:3] for line in lines] == [
        ["chapter", "1/2", "index"],
        ["chapter", "2/2", "second"],
    ]


def test_figures_have_both_versions_alt_text_and_caption(book):
    page = make(book, run=True).read_text()
    figure = page[page.index('<figure class="book-figure') : page.index("</figure>")]
    assert figure.count('alt="a &lt;line&gt; &amp; more"') == 2
    assert figure.count('class="only-light"') == figure.count('class="only-dark"') == 1
    assert "It “rises”." in figure or "It &quot;rises&quot;." in figure


def test_html_shows_the_outputs_that_are_there(book):
    path = book / "second.ipynb"
    notebook = nbformat.read(path, 4)
    notebook.cells[1].outputs = [new_output("stream", text="from an earlier day")]
    nbformat.write(notebook, path)
    page = make(book, run=False)
    assert "from an earlier day" in (page.parent / "second.html").read_text()


def test_a_failing_cell_is_named_and_nothing_is_built(book):
    path = book / "second.ipynb"
    notebook = nbformat.read(path, 4)
    notebook.cells[1].source = "1 / 0"
    nbformat.write(notebook, path)
    with pytest.raises(SystemExit, match=r"second.ipynb, cell 1 failed:(?s:.*)ZeroDivisionError"):
        make(book, run=True)
    assert not (book.parent / "_build" / "html").exists()


def execute_side_by_side(book, **sources):
    write(book, **sources)
    chapters.execute_all([book / f"{name}.ipynb" for name in sources], book.parent / "_config.yml")


def test_a_failing_chapter_ends_those_beside_it(book):
    before = time.monotonic()
    with pytest.raises(SystemExit, match=r"second.ipynb, cell 1 failed:(?s:.*)ZeroDivisionError"):
        execute_side_by_side(book, index="import time\ntime.sleep(500)", second="1 / 0", last="")
    assert time.monotonic() - before < 400


def test_chapters_are_executed_side_by_side_and_the_last_one_reads_the_others(book):
    """The first waits for the second; the last finds what the second wrote."""
    wait = "import time\nfrom pathlib import Path\nwhile not Path('made').exists(): time.sleep(0.1)"
    execute_side_by_side(
        book,
        index=wait if commands.side_by_side()[0] > 1 else "",
        second="from pathlib import Path\nPath('made').write_text('by the second')",
        last="from pathlib import Path\nprint(Path('made').read_text())",
    )
    assert nbformat.read(book / "last.ipynb", 4).cells[1].outputs[0].text == "by the second\n"


def test_a_broken_link_fails_the_build(book):
    (book / "page.md").write_text("# A page\n\n[nowhere](no-such-page.md)\n")
    with pytest.raises(SystemExit, match="building the pages failed"):
        make(book, run=False)


def test_notebooks_executes_in_place_without_a_noisy_diff(book):
    chapters.make_notebooks(book, book.parent / "_config.yml", [])
    first = {path: path.read_bytes() for path in book.glob("*.ipynb")}
    chapters.make_notebooks(book, book.parent / "_config.yml", ["second"])
    chapters.make_notebooks(book, book.parent / "_config.yml", [])
    assert {path: path.read_bytes() for path in book.glob("*.ipynb")} == first
    cell = nbformat.read(book / "second.ipynb", 4).cells[1]
    assert (book / "assets" / "cover.png").read_bytes().startswith(b"\x89PNG")
    assert cell.execution_count == 1
    assert [output.text for output in cell.outputs] == ["hello\nworld\n"]
    with pytest.raises(SystemExit, match="notebooks: expected some of index, second, got third"):
        chapters.make_notebooks(book, book.parent / "_config.yml", ["third"])


def test_one_setting_adds_the_cell_for_colab_and_the_page_does_without_it(book):
    config = book.parent / "_config.yml"
    plain = config.read_text()
    lines = (ROOT / "_config.yml").read_text().splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("# repository:"))
    block = [line.removeprefix("# ") for line in lines[start : lines.index("", start)]]
    config.write_text(plain + "\n".join(block).replace("OWNER/NAME", "example/fool") + "\n")
    for _ in range(2):  # a second time adds no second cell
        chapters.make_notebooks(book, config, ["second"])
    cells = nbformat.read(book / "second.ipynb", 4).cells
    assert [cell.metadata.get("tags", []) for cell in cells[:2]] == [["colab", "remove-cell"], []]
    wanted = "%pip install --quiet 'foolkit[all] @ git+https://github.com/example/fool'"
    assert wanted in cells[0].source
    assert "%pip install --quiet --no-deps facenet-pytorch==" in cells[0].source
    page = (make(book, run=False).parent / "second.html").read_text()
    assert "%pip" not in page
    colab = "https://colab.research.google.com/github/example/fool/blob/main/book/second.ipynb"
    assert colab in page
    config.write_text(plain)
    chapters.make_notebooks(book, config, ["second"])
    assert len(nbformat.read(book / "second.ipynb", 4).cells) == 2


def test_normalising():
    cells = [
        new_code_cell(
            "a", outputs=[new_output("stream", text="x"), new_output("stream", text="y")]
        ),
        new_code_cell(
            "a", execution_count=17, metadata={"execution": {"t": "1"}, "tags": ["b", "a"]}
        ),
        new_markdown_cell("text"),
    ]
    notebook = chapters.normalise(new_notebook(cells=cells, metadata={"jupytext": {}}))
    once = nbformat.writes(notebook)
    assert nbformat.writes(chapters.normalise(notebook)) == once
    assert len({cell.id for cell in notebook.cells}) == 3
    assert [cell.execution_count for cell in notebook.cells[:2]] == [1, 2]
    assert notebook.cells[0].outputs[0].text == "xy"
    assert notebook.cells[1].metadata == {"tags": ["a", "b"]}
    assert set(notebook.metadata) == {"kernelspec", "language_info"}


def test_every_command_is_in_the_makefile_and_says_what_it_does():
    makefile = (ROOT / "Makefile").read_text()
    for command in commands.COMMANDS:
        assert commands.name_of(command) in makefile
        assert command.__doc__
    finished = subprocess.run(
        [sys.executable, ROOT / "tools" / "book.py", "--help"], capture_output=True, text=True
    )
    assert all(commands.name_of(c) in finished.stdout for c in commands.COMMANDS)


def test_an_unusable_browser_is_an_error(monkeypatch):
    monkeypatch.setenv("FOOLKIT_BROWSER", "/no/such/browser")
    with pytest.raises(SystemExit, match="FOOLKIT_BROWSER: expected a browser"):
        commands.find_browser()


def test_the_wheel_carries_weights_and_types(tmp_path):
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation",
         "--wheel-dir", str(tmp_path), str(ROOT)],
        check=True,
    )  # fmt: skip
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for name in ("py.typed", "models/weights/lenet.safetensors", "models/weights/lenet.json"):
        assert f"foolkit/{name}" in names
    assert not [name for name in names if name.startswith(("tests", "book", "benchmarks"))]


def test_the_source_package_installs_and_runs_elsewhere(tmp_path):
    """Built from the checkout, made into a wheel without it, and used where it is not in sight."""
    built, clean = tmp_path / "built", tmp_path / "clean"
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(built)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (source,) = built.glob("foolkit-*.tar.gz")
    with tarfile.open(source) as packed:
        names = [name.partition("/")[2] for name in packed.getnames()]
    assert {"LICENSE", "README.md", "pyproject.toml", "foolkit/py.typed"} <= set(names)
    assert not [name for name in names if name.startswith(("book", "shared", "_build"))]
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation",
         "--target", str(clean), str(source)],
        check=True,
    )  # fmt: skip
    program = (
        "import foolkit as fk; net = fk.models.load('lenet'); x, y = fk.data.digits();"
        "print(fk.__file__); print((net(x[:100]).argmax(1) == y[:100]).float().mean().item())"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(clean)},
        check=True,
        capture_output=True,
        text=True,
    )
    where, right = ran.stdout.split()
    assert Path(where).is_relative_to(clean)
    assert float(right) > 0.95


def test_what_is_carried_along_has_its_licence():
    vendored = [folder for folder in (ROOT / "book/assets/vendor").iterdir() if folder.is_dir()]
    assert vendored
    for folder in vendored:
        assert [file for file in folder.iterdir() if file.name.upper().startswith("LICENSE")]
    locked = [
        pin
        for name in (commands.HASHED, commands.TORCH)
        for pin in commands.pins((ROOT / name).read_text("utf-8"))
    ]
    assert all("==" in pin.partition("\n")[0] for pin in locked)  # exact, and from an index
    assert not [pin for pin in locked if "://" in pin or pin.startswith("-")]


def test_jupyter_trusts_the_chapters_once_they_are_opened(tmp_path, monkeypatch):
    """Of a notebook that nobody signed, JupyterLab shows no stored widget."""
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path))
    commands.trust()
    with NotebookNotary(data_dir=str(tmp_path)) as notary:
        for path in chapters.chapters(ROOT / "book"):
            assert notary.check_signature(nbformat.read(path, 4)), path.name
