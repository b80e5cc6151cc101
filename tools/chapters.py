"""Executes, normalises and builds the chapters; run by ``tools/book.py`` in the environment."""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import shutil
import subprocess
import sys
import time
from base64 import b64decode, b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
import yaml
from jupyter_core.utils import run_sync
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from tools.book import side_by_side
from tools.editions import EDITIONS, Edition, edited

ROOT = Path(__file__).resolve().parent.parent
TIMEOUT = 600  # seconds a cell
WIDGET_STATE = "application/vnd.jupyter.widget-state+json"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
COLAB = """import sys

if "google.colab" in sys.modules:
    %pip install --quiet 'foolkit[all] @ git+{url}'
    %pip install --quiet --no-deps {without}"""


def pages(book: Path) -> list[str]:
    """The names of all pages of a book's ``_toc.yml``, the first one first."""
    toc = yaml.safe_load((book / "_toc.yml").read_text("utf-8"))
    return [toc["root"], *(page["file"] for page in toc.get("chapters", []))]


def chapters(book: Path) -> list[Path]:
    """The notebooks among them, in the same order."""
    return [path for name in pages(book) if (path := book / f"{name}.ipynb").exists()]


def address(config: Path) -> str | None:
    """The repository's address, once ``_config.yml`` names it: the one setting."""
    return yaml.safe_load(config.read_text("utf-8")).get("repository", {}).get("url")


def for_colab(notebook: NotebookNode, url: str | None) -> NotebookNode:
    """The notebook with, if there is an address, a first cell that installs foolkit on Colab."""
    cells = [cell for cell in notebook.cells if "colab" not in cell.metadata.get("tags", [])]
    if url:
        pins = (ROOT / "requirements-no-deps.lock").read_text("utf-8").splitlines()
        without = " ".join(pin for pin in pins if pin.startswith("facenet"))  # their pins are stale
        install = new_code_cell(COLAB.format(url=url, without=without))
        install.metadata.tags = ["colab", "remove-cell"]  # the page does without it
        cells.insert(0, install)
    notebook.cells = cells
    return notebook


class FailedChapter(Exception):
    """Says which cell of which chapter failed, and shows its traceback; or that it was ended."""


def execute(path: Path, url: str | None = None) -> float:
    """Execute a notebook in place, in its folder; return the seconds it took.

    Raises:
        SystemExit: a cell failed; says which, and shows its traceback. The file is not changed.
    """
    try:
        return run_sync(_execute)(path, url, os.environ)
    except FailedChapter as failed:
        sys.exit(str(failed))


def execute_all(paths: list[Path], config: Path) -> None:
    """Execute notebooks in place, side by side; one line when one is done.

    The last one waits for all others, since it may read them, as the scoreboard does.

    Raises:
        SystemExit: as ``execute``; those that run beside it are left unchanged.
    """
    at_once, threads = side_by_side()
    environment = {"OMP_NUM_THREADS": str(threads), **os.environ}
    url, done = address(config), 0

    async def one(path: Path, turn: asyncio.Semaphore) -> None:
        nonlocal done
        async with turn:
            seconds = await _execute(path, url, environment)
        done += 1
        print(f"chapter {done}/{len(paths)}  {path.stem:26}{seconds:6.1f} s", flush=True)

    async def all_of_them() -> None:
        turn = asyncio.Semaphore(at_once)
        async with asyncio.TaskGroup() as group:  # one that fails ends the others
            for path in paths[:-1]:
                group.create_task(one(path, turn))
        await one(paths[-1], turn)

    failures: list[str] = []
    try:
        run_sync(all_of_them)()
    except* FailedChapter as failed:
        failures += map(str, failed.exceptions)
    if failures:
        sys.exit("\n".join(failures))


async def _execute(path: Path, url: str | None, environment: Mapping[str, str]) -> float:
    notebook = for_colab(nbformat.read(path, as_version=4), url)
    client = NotebookClient(
        notebook, timeout=TIMEOUT, kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        extra_arguments=["--IPKernelApp.log_level=ERROR"],  # it warns of its local port
    )  # fmt: skip
    start = time.perf_counter()
    try:
        # without progress bars: what is executed here is read, and nobody waits for it
        await client.async_execute(env={**environment, "FOOLKIT_PROGRESS": "0"})
    except CellExecutionError as error:
        failed = [
            number
            for number, cell in enumerate(notebook.cells)
            if any(o.output_type == "error" for o in cell.get("outputs", []))
        ]
        cell = failed[-1] if failed else "?"
        raise FailedChapter(f"{path.name}, cell {cell} failed:\n{error}") from None
    except DeadKernelError:
        raise FailedChapter(f"{path.name}: its kernel ended before the chapter did") from None
    nbformat.write(normalise(notebook), path)
    return time.perf_counter() - start


def normalise(notebook: NotebookNode) -> NotebookNode:
    """The notebook without what would change at every execution; doing it twice changes nothing."""
    seen: dict[str, int] = {}
    count = 0
    for cell in notebook.cells:
        digest = hashlib.sha256(cell.source.encode()).hexdigest()[:8]
        seen[digest] = seen.get(digest, 0) + 1
        cell.id = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
        tags = sorted(cell.metadata.get("tags", []))
        cell.metadata = NotebookNode({"tags": tags} if tags else {})
        if cell.cell_type == "code":
            count += 1
            cell.execution_count = count
            cell.outputs = merge_streams(cell.outputs)
            for output in cell.outputs:
                if output.output_type == "execute_result":
                    output.execution_count = count
    widgets = normal_widgets(notebook)
    notebook.metadata = NotebookNode(
        kernelspec={"display_name": "Python 3", "language": "python", "name": "python3"},
        language_info={"name": "python"},
        **({"widgets": {WIDGET_STATE: widgets}} if widgets else {}),
    )
    notebook.nbformat_minor = 5
    return notebook


def saved_widgets(notebook: NotebookNode) -> dict[str, Any]:
    """The saved models of a notebook's widgets by id."""
    return notebook.metadata.get("widgets", {}).get(WIDGET_STATE, {}).get("state", {})


def normal_widgets(notebook: NotebookNode) -> dict[str, Any] | None:
    """The state of the widgets that a cell shows, with ids that count them; None: no widget.

    A kernel draws its ids at random. Models that no output leads to (of a progress bar, of a
    widget that was only made) are left out; the ids in the outputs are renamed too.
    """
    saved = saved_widgets(notebook)
    views = [
        output.data[WIDGET_VIEW]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if WIDGET_VIEW in output.get("data", {})
    ]
    names: dict[str, str] = {}

    def visit(model: str) -> None:
        if model not in saved or model in names:
            return
        names[model] = hashlib.sha256(f"widget {len(names)}".encode()).hexdigest()[:32]
        for other in references(saved[model]["state"]):
            visit(other)

    for view in views:
        visit(view["model_id"])
        view["model_id"] = names.get(view["model_id"], view["model_id"])
    state = {}
    for model, name in names.items():
        state[name] = {**saved[model], "state": renamed(saved[model]["state"], names)}
        if "buffers" in saved[model]:
            state[name]["buffers"] = sorted(saved[model]["buffers"], key=lambda b: str(b["path"]))
    return {"state": ordered(state), "version_major": 2, "version_minor": 0} if state else None


REFERENCE = "IPY_MODEL_"


def references(value: Any) -> list[str]:
    """The ids of the models that a saved value refers to."""
    if isinstance(value, dict):
        return [model for key in sorted(value) for model in references(value[key])]
    if isinstance(value, list):
        return [model for item in value for model in references(item)]
    if isinstance(value, str) and value.startswith(REFERENCE):
        return [value.removeprefix(REFERENCE)]
    return []


def renamed(value: Any, names: dict[str, str]) -> Any:
    """A saved value with the ids that it refers to renamed."""
    if isinstance(value, dict):
        return {key: renamed(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [renamed(item, names) for item in value]
    if isinstance(value, str) and value.startswith(REFERENCE):
        model = value.removeprefix(REFERENCE)
        return REFERENCE + names.get(model, model)
    return value


def ordered(value: Any) -> Any:
    """The same value with every dictionary in the order of its keys."""
    if isinstance(value, dict):
        return {key: ordered(value[key]) for key in sorted(value)}
    return [ordered(item) for item in value] if isinstance(value, list) else value


def merge_streams(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Consecutive pieces of one stream as one output: where they were cut is a matter of timing."""
    merged: list[NotebookNode] = []
    for output in outputs:
        last = merged[-1] if merged else None
        if last and output.output_type == last.output_type == "stream" and output.name == last.name:
            last.text += output.text
        else:
            merged.append(output)
    return merged


def copy(book: Path, build: Path) -> Path:
    """A fresh copy of the book's folder under ``build``, which the build may change."""
    copied = build / "book"
    shutil.rmtree(copied, ignore_errors=True)
    shutil.copytree(book, copied, ignore=shutil.ignore_patterns(".*"))
    return copied


def build_html(copied: Path, build: Path, config: Path) -> Path:
    """Build the HTML, warnings as errors; return its index page."""
    shutil.rmtree(build / "html", ignore_errors=True)
    shutil.rmtree(build / ".doctrees", ignore_errors=True)
    program = str(shutil.which("jupyter-book", path=Path(sys.executable).parent))
    command = [
        program, "build", str(copied), "--config", str(config),
        "--path-output", str(build.parent), "-W", "--keep-going", "-n", "-q",
    ]  # fmt: skip
    finished = subprocess.run(command, capture_output=True, text=True, cwd=build.parent)
    if finished.returncode:
        sys.exit(f"{finished.stdout}\n{finished.stderr}\nbuilding the pages failed")
    return build / "html" / "index.html"


def drop_doubles(html: Path) -> None:
    """Remove what a built book holds twice, about two fifths of it.

    The notebooks to download have the pages' pictures and widgets in them again: they are left
    without outputs, to be run. And maps from the theme's scripts to their sources.
    """
    for path in (html / "_sources").glob("**/*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        notebook.metadata.pop("widgets", None)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        nbformat.write(notebook, path)
    for path in (html / "_static").glob("**/*.map"):
        path.unlink()


def make_book(
    book: Path, build: Path, config: Path, run: bool, edition: Edition | None = None
) -> Path:
    """Copy, execute the copies if ``run``, build; no file of ``book`` is written.

    Args:
        book: the chapters' folder.
        build: a folder named ``_build``, for what is made.
        config: the book's ``_config.yml``.
        run: whether to execute the copies.
        edition: whether solutions are unfolded (teacher) or left out (student).

    Returns:
        The index page.
    """
    copied = copy(book, build)
    found = chapters(copied)
    networks: set[str] = set()
    if run:
        execute_all(found, config)
    for path in found:
        networks |= refresh_widgets(path)
        if edition:
            nbformat.write(edited(nbformat.read(path, as_version=4), edition), path)
    page = build_html(copied, build, config)
    drop_doubles(page.parent)
    write_weights(page.parent / "_static", networks)
    return page


def refresh_widgets(path: Path) -> set[str]:
    """Give the saved widgets of a copied chapter the package's JavaScript of today.

    Returns:
        The networks that its widgets run.
    """
    notebook = nbformat.read(path, as_version=4)
    states = [model["state"] for model in saved_widgets(notebook).values()]
    ours = [s for s in states if s.get("_anywidget_id", "").startswith("foolkit.widgets.")]
    if ours:
        from foolkit import widgets  # brings PyTorch: only where it is needed

        styles: set[str] = set()  # the page applies each once, so one widget has to carry it
        for state in ours:
            kind = getattr(widgets, state["_anywidget_id"].rpartition(".")[2])
            state["_esm"], state["_css"] = kind._esm, "" if kind._css in styles else kind._css
            styles.add(kind._css)
        nbformat.write(notebook, path)
    named = [[state.get("network"), *state.get("networks", [])] for state in ours]
    return {name for names in named for name in names if name}


def write_weights(static: Path, networks: set[str]) -> None:
    """The files of the widgets' networks, as scripts: a page on disk may load nothing else."""
    if not networks:
        return
    from foolkit.widgets.base import files  # brings PyTorch: only where it is needed

    for name in sorted(networks):
        for file, read in files(name).items():
            content = b64encode(read()).decode()
            (static / f"{file}.js").write_text(f'foolkitFile("{file}", "{content}");\n', "utf-8")


def make_notebooks(book: Path, config: Path, names: list[str]) -> None:
    """Execute chapters in place."""
    found = {path.stem: path for path in chapters(book)}
    unknown = set(names) - set(found)
    if unknown:
        sys.exit(
            f"notebooks: expected some of {', '.join(found)}, got {', '.join(sorted(unknown))}"
        )
    execute_all([path for name, path in found.items() if not names or name in names], config)
    write_cover(book)


def write_cover(book: Path) -> None:
    """The README's picture: the first one of the opening page."""
    for cell in nbformat.read(book / "index.ipynb", as_version=4).cells:
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                (book / "assets" / "cover.png").write_bytes(b64decode(output.data["image/png"]))
                return


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=("book", "html", "notebooks"))
    parser.add_argument("names", nargs="*", help="chapters, for `notebooks`")
    parser.add_argument("--edition", choices=EDITIONS, help="with solutions unfolded, or without")
    chosen = parser.parse_args()
    if chosen.command == "notebooks":
        make_notebooks(ROOT / "book", ROOT / "_config.yml", chosen.names)
        return
    build = ROOT / "_build"
    if chosen.edition:  # beside the book itself, in a folder of its own
        build = build / chosen.edition / "_build"
        build.mkdir(parents=True, exist_ok=True)
    run = chosen.command == "book"
    print(make_book(ROOT / "book", build, ROOT / "_config.yml", run, chosen.edition))


if __name__ == "__main__":
    main()
