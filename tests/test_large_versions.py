"""Each chapter's ``FOOLKIT_SCALE=full``, its counts divided by 100: a sixth of them by turns.

The rest of a chapter takes as long in it as when nbval runs it. All of them with ``make stress``.
"""

import os
import shutil
import subprocess
import sys

import pytest

from tests import stress
from tools import chapters

SCALED = [p for p in chapters.chapters(stress.ROOT / "book") if "scaled(" in p.read_text("utf-8")]
TURNS = 6  # another with every commit


@pytest.mark.parametrize("path", SCALED, ids=lambda path: path.stem)
def test_the_large_version_runs(path, tmp_path):
    if SCALED.index(path) % TURNS != stress.commits() % TURNS and not stress.STRESS:
        pytest.skip("at another commit, or with make stress")
    copy = shutil.copytree(path.parent, tmp_path / "book") / path.name
    code = (
        "from pathlib import Path; from tools import chapters;"
        f" chapters.execute(Path({str(copy)!r}))"
    )
    finished = subprocess.run(
        [sys.executable, "-c", code],
        cwd=stress.ROOT,
        env={**os.environ, "FOOLKIT_SCALE": "rehearsal"},
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stderr
