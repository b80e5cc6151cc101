"""The files by which others run the book: GitHub's workflows, Colab's versions, Binder's set-up."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

from tools import book

ROOT = Path(__file__).resolve().parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FILE = re.compile(r"[\w/-]+\.(?:txt|lock|ipynb)")


def steps(workflow):
    """What a workflow's jobs run in a shell."""
    jobs = yaml.safe_load(workflow.read_text("utf-8"))["jobs"].values()
    return [step["run"] for job in jobs for step in job["steps"] if "run" in step]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_name_commands_and_files_that_there_are(workflow):
    commands = {command.__name__ for command in book.COMMANDS}
    assert steps(workflow)
    for step in steps(workflow):
        if step.startswith("make "):
            assert step.removeprefix("make ") in commands
        for file in FILE.findall(step):
            assert (ROOT / file).is_file(), file


def test_there_is_one_for_the_tests_the_pages_and_colab():
    assert [path.stem for path in WORKFLOWS] == ["colab", "pages", "tests"]


def test_the_toolkit_allows_what_colab_brings():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    asked = [*project["dependencies"], *project["optional-dependencies"]["widgets"]]
    allowed = {r.name: r.specifier for r in map(Requirement, asked)}
    lines = (ROOT / "tools" / "colab-constraints.txt").read_text("utf-8").splitlines()
    pins = [Requirement(line) for line in lines if not line.startswith("#")]
    assert {pin.name for pin in pins} >= {"torch", "torchvision", "anywidget"}
    for pin in pins:
        (exact,) = pin.specifier
        assert Version(exact.version) in allowed.get(pin.name, pin.specifier), pin


def test_binders_set_up_is_a_script_that_installs_what_is_pinned():
    script = ROOT / ".binder" / "postBuild"
    subprocess.run(["bash", "-n", script], check=True)
    assert script.stat().st_mode & 0o100
    for file in FILE.findall(script.read_text("utf-8")):
        assert (ROOT / file).is_file(), file


def test_binder_shows_the_text_as_make_lab_does():
    """Of its own, Binder has JupyterLab alone."""
    (myst,) = [pin for pin in book.LAB if pin.startswith("jupyterlab-myst")]
    assert f" {myst}\n" in (ROOT / ".binder" / "postBuild").read_text("utf-8")
    assert "jupyterlab-myst" in (ROOT / "environment.yml").read_text("utf-8")
