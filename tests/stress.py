"""How hard the tests try: a little in every run, much more with ``make stress``.

And what they share to stop a run: the command line in a process of its own, which is killed.
"""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STRESS = os.environ.get("FOOLKIT_STRESS") == "1"
KILLS = 50 if STRESS else 5  # of processes, at moments that a seed draws
CASES = 10_000 if STRESS else 500  # of arguments and of files that are not as they should be
KILL = signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM

COUNT = ["git", "rev-list", "--count", "HEAD"]

COMMAND = """
import sys
sys.path.insert(0, sys.argv[1])
from tests import stress
stress.shorten(setattr)
from foolkit import cli
cli.main(sys.argv[2:])
"""


def shorten(put):
    """Make commands short, and their steps small: the same here and in a process of its own.

    ``put`` sets an attribute: ``setattr``, or that of ``monkeypatch``.
    """
    import foolkit as fk
    from foolkit.evolution import map_elites
    from foolkit.examination import run
    from foolkit.models import train

    put(map_elites, "SAVE_EVERY", 0.0)  # a checkpoint after every generation
    put(run, "EXPERIMENTS", run.EXPERIMENTS[:2])
    put(train, "training_digits", lambda split: fk.data.digits())
    put(train, "mnist", lambda split: fk.data.digits())
    put(train, "RECIPES", {n: replace(r, epochs=1) for n, r in train.RECIPES.items()})


def commits():
    """How many there are: what is looked at by turns is the same for one state of the project."""
    said = subprocess.run(COUNT, cwd=ROOT, capture_output=True, text=True)
    return int(said.stdout) if said.returncode == 0 else 0


def start(*arguments):
    """``foolkit`` with these arguments, as above, in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, str(ROOT), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(path, process, seconds=600):
    """Until there is such a file."""
    deadline = time.monotonic() + seconds
    while not path.exists():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def kill(process):
    """At once, without a word to it."""
    process.send_signal(KILL)
    process.communicate()
