"""The project's commands: ``python tools/book.py COMMAND`` (or ``make COMMAND``).

Needs nothing but Python 3.11: what a command needs is installed into ``.venv``, as pinned.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PEERS = ROOT / "_build" / "peers"
HASHED, TORCH = "requirements.lock", "requirements-torch.lock"
LOCKS = (HASHED, TORCH, "requirements-no-deps.lock", "pyproject.toml")
PIP = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")
UV = ("-m", "uv", "pip", "install", "--quiet", "--python", BIN / "python")
OLDEST = "3.11"
HEADER = """\
# Exact versions of all but torch, for Linux, macOS and Windows, with the hashes of their files.
# Installed with --no-deps. Made by: make lock"""
HEADER_OF_TORCH = """\
# Without hashes, since its files differ from index to index: with CUDA, without, for one processor.
# Installed by pip when the rest is there. Made by: make lock"""
OF_TORCH = ("nvidia-", "cuda-", "triton==")
LAB = ("jupyterlab==4.6.6", "jupyterlab-myst==2.7.0")  # the second knows the text's directives
TYPESCRIPT = "typescript@5.9.3"
SLOWEST = ("--durations=20", "--durations-min=2")  # are named at the end
NBVAL = ("--nbval", "--nbval-current-env", "--nbval-sanitize-with=tests/nbval.cfg")
UNDER_FIRE = ("tests/test_faults.py", "tests/test_bad_input.py", "tests/test_damaged_files.py",
              "tests/test_determinism.py", "tests/test_large_versions.py")  # fmt: skip
MOST_WORKERS = 4  # each with a torch of its own: about a gigabyte
SHELL = "chromium-headless-shell"  # opens a page in half the time of one that could have windows
BROWSERS = (
    SHELL,
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "msedge",
)


def run(*command: str | Path, **environment: str) -> None:
    """Run a command in the project's folder; end this program with its exit code if it fails."""
    finished = subprocess.run(list(command), cwd=ROOT, env={**os.environ, **environment})
    if finished.returncode:
        print(f"failed ({finished.returncode}): {' '.join(map(str, command))}", file=sys.stderr)
        sys.exit(finished.returncode)


def python(*arguments: str | Path, **environment: str) -> None:
    """Run the project's own Python, which keeps what it has compiled for the next processes."""
    run(BIN / "python", *arguments, PYTHONDONTWRITEBYTECODE="", **environment)


def has_pip() -> bool:
    """Whether ``.venv`` has a Python with pip."""
    try:
        asked = subprocess.run([BIN / "python", "-m", "pip", "--version"], capture_output=True)
    except FileNotFoundError:
        return False
    return asked.returncode == 0


def install() -> None:
    """Make ``.venv`` as the lock files say, unless it already is."""
    if sys.version_info < (3, 11):  # noqa: UP036 - run before anything is installed
        sys.exit(f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}")
    wanted = hashlib.sha256(b"".join((ROOT / name).read_bytes() for name in LOCKS)).hexdigest()
    stamp = VENV / "installed"
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    print("installing into .venv (a few minutes the first time) ...", flush=True)
    if not has_pip():  # no environment yet, or one whose making was cut off
        venv.create(VENV, with_pip=True, clear=True)
    stamp.unlink(missing_ok=True)
    (uv,) = (pin for pin in pins((ROOT / HASHED).read_text("utf-8")) if pin.startswith("uv=="))
    (VENV / "uv.lock").write_text(uv, "utf-8")
    python(*PIP, "--require-hashes", "--no-deps", "-r", VENV / "uv.lock")
    pinned = ("--require-hashes", "--no-deps", "-r", HASHED)
    if subprocess.run([BIN / "python", *UV, *pinned], cwd=ROOT).returncode:
        print("uv cannot: all by pip, which takes longer", flush=True)
        python(*PIP, *pinned)
    # torch by pip, whose settings may name a place of other builds, such as one without CUDA
    python(*PIP, "-r", TORCH)
    python(*PIP, "--no-deps", "-r", "requirements-no-deps.lock")
    python(*PIP, "--no-deps", "--no-build-isolation", "-e", ".")
    stamp.write_text(wanted)


def pins(lock: str) -> list[str]:
    """The requirements of a lock file, each with the lines of its hashes."""
    return [pin for pin in re.split(r"\n(?=\S)", lock.strip()) if not pin.startswith("#")]


def find_browser() -> str | None:
    """A Chromium that the tests of the pages can drive; ``$FOOLKIT_BROWSER`` goes first."""
    named = os.environ.get("FOOLKIT_BROWSER")
    if named and not shutil.which(named):
        sys.exit(f"FOOLKIT_BROWSER: expected a browser to run, found none at {named}")
    places = (
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
        r"C:\Program Files\Google\Chrome\Application\chrome.exe",
        r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
    )
    found = (shutil.which(name) for name in (named, *BROWSERS, *places) if name)
    return next((path for path in found if path), None)


def install_browser() -> str | None:
    """The browser; on Debian, as root, its package is installed if there is none."""
    browser = find_browser()
    if browser is None and shutil.which("apt-get") and hasattr(os, "geteuid") and not os.geteuid():
        print("installing Debian's chromium for the tests of the pages ...", flush=True)
        quiet = {"DEBIAN_FRONTEND": "noninteractive"}
        run("apt-get", "update", "-qq", **quiet)
        known = subprocess.run(["apt-cache", "show", SHELL], capture_output=True).returncode == 0
        package = SHELL if known else "chromium"  # older Debians have no other
        run("apt-get", "install", "-qq", "-y", "--no-install-recommends", package, **quiet)
        browser = find_browser()
    return browser


def side_by_side() -> tuple[int, int]:
    """How many processes work side by side here, and the threads that each may have.

    One a processor: two threads of one process are not twice as fast.
    """
    cores = os.cpu_count() or 1
    workers = min(cores, MOST_WORKERS)
    return workers, cores // workers


def book(_: list[str]) -> None:
    """Execute copies of all chapters on this machine and build the book from them."""
    install()
    python("tools/chapters.py", "book")


def html(arguments: list[str]) -> None:
    """Build the book from the committed outputs: seconds. --edition student, or teacher."""
    install()
    python("tools/chapters.py", "html", *arguments)


def slides(arguments: list[str]) -> None:
    """Slides of all chapters, or those named, as one file: _build/slides.html."""
    html([])
    python("-m", "tools.slides", *arguments)


def paper(_: list[str]) -> None:
    """The book as a PDF and, where pandoc is at hand, as an EPUB: in _build/paper."""
    html([])
    python("-m", "tools.paper", FOOLKIT_BROWSER=install_browser() or "")


def notebooks(arguments: list[str]) -> None:
    """Execute chapters (all, or those named) in place, and normalise them."""
    install()
    python("tools/chapters.py", "notebooks", *arguments)


def test(arguments: list[str]) -> None:
    """Style and types, then the suite: units, notebooks against their outputs, the built pages."""
    lint([])
    browser = install_browser()
    python("tools/chapters.py", "html")
    workers, threads = side_by_side()  # a file each
    workers = min(workers + 1, MOST_WORKERS)  # those that drive a browser often wait for it
    python(
        *("-m", "pytest", "-n", str(workers), "--dist", "loadfile", *SLOWEST, *NBVAL, *arguments),
        FOOLKIT_BROWSER=browser or "",
        FOOLKIT_PROGRESS="0",  # the notebooks' outputs were made without bars
        OMP_NUM_THREADS=str(threads),
    )


def stress(arguments: list[str]) -> None:
    """The tests under fire, with ten to twenty times as many cases: an hour of one processor."""
    install()
    workers, _ = side_by_side()
    python(
        *("-m", "pytest", "-n", str(workers), *UNDER_FIRE, *arguments),
        FOOLKIT_STRESS="1",
        FOOLKIT_PROGRESS="0",
        OMP_NUM_THREADS="1",
    )


def bench(arguments: list[str]) -> None:
    """Speeds as ratios to a floor measured in the same run; writes _build/benchmarks.json."""
    install()
    python("-m", "benchmarks", *arguments)


def bench_peers(_: list[str]) -> None:
    """Every routine beside the peers that have it; writes the page Speed of the book anew."""
    install()
    # into a folder of its own, without what they ask for: the torch is that of .venv
    python(*UV, "--no-deps", "--target", PEERS, "-r", "benchmarks/peers.lock")
    python("-m", "benchmarks", "peers", "--json", "benchmarks/peers.json", PYTHONPATH=str(PEERS))
    python("-m", "tools.speed")


def trust() -> None:
    """Sign the chapters, as ``jupyter trust`` does: of others JupyterLab shows no stored widget."""
    python("-m", "nbformat.sign", *sorted((ROOT / "book").glob("*.ipynb")))


def lab(arguments: list[str]) -> None:
    """Open the chapters in JupyterLab (installed on first use)."""
    install()
    if not any(VENV.glob("**/site-packages/jupyterlab_myst")):
        python(*PIP, *LAB)
    trust()
    python("-m", "jupyterlab", "book", *arguments)


def check_javascript() -> None:
    """The types of the widgets' JavaScript, where Node.js is at hand."""
    npx = shutil.which("npx")
    if not npx:
        print("JavaScript: not checked, there is no Node.js here")
        return
    run(npx, "--yes", "--package", TYPESCRIPT, "tsc", "-p", "jsconfig.json")


def lint(_: list[str]) -> None:
    """Style: ruff's rules and its formatting; the types, of Python and of JavaScript."""
    install()
    python("-m", "ruff", "check", ".")
    python("-m", "ruff", "format", "--check", ".")
    python("-m", "mypy")
    check_javascript()


def lock(_: list[str]) -> None:
    """Write the locks anew: what pyproject.toml asks for, as pinned before where it can be.

    For Linux, macOS and Windows, and all Pythons from the oldest that is supported. In neither is
    what torch itself pins, which differs from build to build: gigabytes for NVIDIA's GPUs, or
    nothing.
    """
    install()
    path, torch = ROOT / HASHED, ROOT / TORCH
    before = [pin for lock in (path, torch) for pin in pins(lock.read_text("utf-8"))]
    path.write_text("\n".join([*before, ""]), "utf-8")
    asked = [f"--extra={extra}" for extra in ("book", "test", "cluster", "onnx")]
    how = (
        *("--universal", "--python-version", OLDEST, "--generate-hashes"),
        *("--no-annotate", "--no-header", "--quiet"),
    )
    python(
        "-m",
        "uv",
        "pip",
        "compile",
        "pyproject.toml",
        *asked,
        "--group=install",
        *how,
        "-o",
        HASHED,
    )
    kept = [
        pin
        for pin in pins(path.read_text("utf-8"))
        if not pin.startswith(OF_TORCH) and "pypy" not in pin.partition("\n")[0]
    ]
    builds = [pin for pin in kept if pin.startswith(("torch==", "torchvision=="))]
    path.write_text("\n".join([HEADER, *(pin for pin in kept if pin not in builds), ""]), "utf-8")
    named = [pin.split()[0] for pin in builds]
    torch.write_text("\n".join([HEADER_OF_TORCH, *named, ""]), "utf-8")


def clean(_: list[str]) -> None:
    """Remove what was built, and the environment."""
    for folder in (ROOT / "_build", VENV):
        shutil.rmtree(folder, ignore_errors=True)


COMMANDS = (
    book, test, stress, html, slides, paper, notebooks, bench, bench_peers, lab, lint, lock, clean,
)  # fmt: skip


def name_of(command: Callable[[list[str]], None]) -> str:
    """As it is typed."""
    return command.__name__.replace("_", "-")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python tools/book.py", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        commands.add_parser(name_of(command), help=command.__doc__, add_help=False)
    chosen, arguments = parser.parse_known_args()
    {name_of(command): command for command in COMMANDS}[chosen.command](arguments)


if __name__ == "__main__":
    main()
