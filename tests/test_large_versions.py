"""Each chapter's ``FOOLKIT_SCALE=full``, its counts divided by 100: a third of them a day.

The rest of a chapter takes as long in it as when nbval runs it. All of them with ``make stress``.
"""

import datetime
import os
import shutil
import subprocess
import sys

import pytest

from tests.stress import ROOT, STRESS
from tools import chapters

SCALED = [p for p in chapters.chapters(ROOT / "book") if "scaled(" in p.read_text("utf-8")]
DAYS = 3  # until all had their turn


@pytest.mark.parametrize("path", SCALED, ids=lambda path: path.stem)
def test_the_large_version_runs(path, tmp_path):
    turn = (datetime.date.today().toordinal() - SCALED.index(path)) % DAYS
    if turn and not STRESS:
        pytest.skip("another day, or with make stress")
    copy = shutil.copytree(path.parent, tmp_path / "book") / path.name
    code = (
        "from pathlib import Path; from tools import chapters;"
        f" chapters.execute(Path({str(copy)!r}))"
    )
    finished = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "FOOLKIT_SCALE": "rehearsal"},
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stderr
