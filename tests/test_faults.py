"""Killed, out of space, two at once: nothing is lost, and nothing that is half written is taken."""

import errno
import json
import os
import random
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import foolkit as fk
from foolkit import cli
from foolkit.runs import batches
from tests import stress

resource = pytest.importorskip("resource", reason="limits of a process are those of Unix")
UNEQUAL = ("seconds",)  # what differs between two runs that are the same
# where a command may be killed: once this file is there, it has begun
BEGUN = {"train": "softmax-1.safetensors"}
KILLED = list(
    ("evolve", "examine", "train", "attack", "ascend") if stress.STRESS else ("examine", "evolve")
)


def run(*arguments):
    """The exit code."""
    with pytest.raises(SystemExit) as ended:
        cli.main([str(argument) for argument in arguments])
    return ended.value.code


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A network in a file, and pictures in a folder."""
    place = tmp_path_factory.mktemp("place")
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(108, 20), nn.Tanh(), nn.Linear(20, 4)).eval()
    torch.export.save(torch.export.export(net, (torch.rand(2, 3, 6, 6),)), place / "mine.pt2")
    (place / "photos").mkdir()
    draws = np.random.default_rng(0)
    for n in range(12):
        pixels = draws.integers(0, 256, (6, 6, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(place / "photos" / f"{n:02d}.png")
    return place


@pytest.fixture
def commands(place, monkeypatch):
    """Arguments by command, ``--out`` left out; what they start in this process is short."""
    stress.shorten(monkeypatch.setattr)
    net = ["--model", place / "mine.pt2", "--device", "cpu", "--seed", 3, "--quiet"]
    photos = ["--images", place / "photos"]
    return {
        "evolve": ["evolve", *net, "--generations", 60, "--batch", 30],
        "attack": ["attack", *net, *photos, "--batch", 2, "--steps", 20, "--epsilon", 0.1],
        "ascend": ["ascend", *net, "--batch", 1, "--threshold", 1, "--steps", 100],
        "examine": ["examine", *net, *photos, "--full", "--batch", 12],
        "train": ["train", "softmax-1", "softmax-1e-2"],
    }


def contents(folder):
    """All files by name, without what differs between two runs that are the same."""

    def plain(node):
        if isinstance(node, dict):
            return {name: plain(v) for name, v in node.items() if name not in UNEQUAL}
        return [plain(v) for v in node] if isinstance(node, list) else node

    found = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = str(path.relative_to(folder))
        if path.name.startswith(".") or name.startswith(("parts/", "checkpoint", "plan")):
            continue  # of the work, not of the result
        content = path.read_bytes()
        found[name] = plain(json.loads(content)) if path.suffix == ".json" else content
        if path.name == "report.html":  # it has the seconds too, within its text
            found[name] = len(content) > 1000
    return found


@pytest.mark.parametrize("number", range(stress.KILLS if stress.STRESS else len(KILLED)))
def test_killed_at_any_moment_the_same_command_ends_as_if_it_had_not_been(
    commands, tmp_path, number
):
    name = KILLED[number % len(KILLED)]
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    begun = BEGUN.get(name, "config.json")
    started = time.monotonic()
    assert run(*commands[name], "--out", whole) == 0
    takes = time.monotonic() - started
    process = stress.start(*commands[name], "--out", killed)
    stress.wait_for(killed / begun, process)
    time.sleep(takes * random.Random(number).random())
    stress.kill(process)
    assert run(*commands[name], "--out", killed) == 0
    assert contents(killed) == contents(whole)


@pytest.mark.parametrize("limit", [0, 300, 3_000, 30_000])
@pytest.mark.parametrize("name", ["evolve", "attack", "ascend", "examine", "train"])
def test_a_full_disk_is_said_and_the_same_command_goes_on(commands, tmp_path, capsys, name, limit):
    """No file may be larger than that: what the system says then is as of a full disk."""
    out, whole = tmp_path / "full", tmp_path / "whole"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        code = run(*commands[name], "--out", out)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    said = capsys.readouterr().err
    assert code in (0, 1)
    assert code == 1 or limit == 30_000
    if code == 1:
        assert os.strerror(errno.EFBIG) in said
        assert "the same command goes on" in said
    assert run(*commands[name], "--out", out) == 0
    assert run(*commands[name], "--out", whole) == 0
    assert contents(out) == contents(whole)


@pytest.mark.parametrize("name", ["evolve", "attack", "ascend", "examine", "train"])
def test_where_nothing_can_be_written_it_is_said_before_any_work(commands, tmp_path, capsys, name):
    (tmp_path / "file").write_text("mine")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        assert run(*commands[name], "--out", out) == 2
        assert "expected a folder that can be written" in capsys.readouterr().err
    assert (tmp_path / "file").read_text() == "mine"
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "softmax-1.json").write_text("{}")
    assert run(*commands[name], "--out", taken) == 2
    assert ": expected a " in capsys.readouterr().err
    assert [p.name for p in taken.iterdir()] == ["softmax-1.json"]


@pytest.mark.parametrize("name", ["evolve", "attack"] if stress.STRESS else ["attack"])
def test_two_of_the_same_command_at_once_end_as_one(commands, tmp_path, name):
    both, whole = tmp_path / "both", tmp_path / "whole"
    pair = [stress.start(*commands[name], "--out", both) for _ in range(2)]
    ended = [(process.communicate()[1], process.returncode) for process in pair]
    assert [code for _, code in ended] == [0, 0], ended
    assert run(*commands[name], "--out", whole) == 0
    assert contents(both) == contents(whole)
    assert not (both / batches.FOLDER).exists()


def test_a_network_that_was_trained_is_kept_and_another_is_refused(commands, tmp_path, capsys):
    out = tmp_path / "out"
    assert run(*commands["train"], "--out", out) == 0
    written = {path: path.stat().st_mtime_ns for path in out.iterdir()}
    first = capsys.readouterr().out
    assert run(*commands["train"], "--out", out) == 0
    assert capsys.readouterr().out == first
    assert {path: path.stat().st_mtime_ns for path in out.iterdir()} == written
    weights = out / "softmax-1.safetensors"
    weights.write_bytes(weights.read_bytes()[:-2])
    assert run(*commands["train"], "--out", out) == 2
    assert "out: expected a folder without a softmax-1" in capsys.readouterr().err


SWEEP = """
import sys
import foolkit as fk
from foolkit.evolution import map_elites
if __name__ == "__main__":
    fk.sweep(sys.argv[1], networks=["lenet"], seeds=(3, 4), workers=2, generations=60, batch=20,
             progress=False)
"""
hard = pytest.mark.skipif(not stress.STRESS, reason="with make stress")


def killed_after(seconds, code, *arguments):
    """A Python program in a process of its own, which is killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], cwd=stress.ROOT,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    time.sleep(seconds)
    stress.kill(process)


@hard
@pytest.mark.filterwarnings("ignore::DeprecationWarning:distributed")
@pytest.mark.parametrize("number", range(4))
def test_a_sweep_whose_own_process_is_killed_goes_on(tmp_path, number):
    (tmp_path / "sweep.py").write_text(SWEEP)
    path = f"import runpy; runpy.run_path({str(tmp_path / 'sweep.py')!r}, run_name='__main__')"
    killed_after(5 + 15 * random.Random(number).random(), f"import sys; {path}", tmp_path / "out")
    runs = fk.sweep(
        tmp_path / "out", networks=["lenet"], seeds=(3, 4), workers=1, generations=60, batch=20,
        progress=False,
    )  # fmt: skip
    torch.set_num_threads(1)
    for run in runs:
        alone = fk.evolve(
            fk.models.load("lenet"), fk.encodings.CPPN((1, 28, 28)), seed=run.seed,
            generations=60, batch=20, progress=False,
        )  # fmt: skip
        assert torch.equal(run.elites().images, alone.images)


BOOK = """
import sys
from pathlib import Path
from tools import chapters
root = Path(sys.argv[1])
chapters.make_book(root / "book", root / "_build", root / "_config.yml", run=True)
"""


@hard
@pytest.mark.parametrize("number", range(4))
def test_a_book_whose_making_is_killed_can_be_made(small_book, tmp_path, number):
    """Of one short chapter."""
    small_book(tmp_path, {"index": ["import time; time.sleep(2); print('hello')"]})
    killed_after(2 + 20 * random.Random(number).random(), BOOK, tmp_path)
    made = subprocess.run(
        [sys.executable, "-c", BOOK, str(tmp_path)], cwd=stress.ROOT, capture_output=True, text=True
    )
    assert made.returncode == 0, made.stderr
    assert "hello" in (tmp_path / "_build" / "html" / "index.html").read_text()
