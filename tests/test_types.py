"""What a reader's own script is told by a type checker."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mypy")

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")

BEFORE = """
from typing import assert_type
import torch
from torch import Tensor, nn
from foolkit.evolution import Elites
from foolkit.gradients import Perturbed

my_module: nn.Module = nn.Linear(3, 4)
my_names = ["ant", "bee", "cat", "dog"]
images, labels = torch.rand(5, 3, 32, 32), torch.zeros(5, dtype=torch.int64)
"""

AFTER = """
assert_type(elites, Elites)
assert_type(net.input_shape, tuple[int, int, int])
x, y = fk.data.digits()
assert_type(fk.gradients.fgsm(net, x, y, epsilon=0.1), Perturbed)
assert_type(fk.gradients.pgd(net, x, y, epsilon=0.1, norm=2).success, Tensor)
assert_type(fk.gradients.pgd(net, x, y, epsilon=[0.1, 0.2]), list[Perturbed])
assert_type(fk.gradients.noise(net, x, y, size=found.l2), Perturbed)
assert_type(fk.gradients.noise(net, x, y, size=(1, 2)), list[Perturbed])
own: fk.encodings.Encoding[fk.encodings.PixelGenomes] = fk.encodings.Pixels((1, 28, 28))
fk.plot.gallery(fk.evolve(net, fk.encodings.CPPN(net.input_shape), generations=1))
"""

WRONG = """
import foolkit as fk

net = fk.models.load("lenet")
x, y = fk.data.digits()
fk.gradients.pgd(net, x, y, epsilon=[0.1, 0.2]).success  # "list[Perturbed]" has no attribute
fk.evolve(net, "pixels")  # has incompatible type "str"; expected "Encoding[Any]"
own: fk.encodings.Encoding[fk.encodings.CPPNGenomes] = fk.encodings.Pixels((1, 28, 28))  # "Pixels"
fk.gradients.fgsm(net, x, y)  # No overload variant of "fgsm"
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What mypy says of each script: its errors by name, as (line, text)."""
    folder = tmp_path_factory.mktemp("scripts")
    examples = re.findall(r"```python\n(.*?)```", README, re.S)
    scripts = {"readme": "\n".join([BEFORE, *examples, AFTER]), "wrong": WRONG}
    for name, script in scripts.items():
        (folder / f"{name}.py").write_text(script, "utf-8")
    finished = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", ROOT / "pyproject.toml"]
        + [str(folder / f"{name}.py") for name in scripts],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    found = re.findall(r"(\w+)\.py:(\d+): error: (.*)", finished.stdout)
    assert found, finished.stdout + finished.stderr
    return {s: [(int(line), what) for name, line, what in found if name == s] for s in scripts}


def test_scripts_after_the_readme_have_no_errors(told):
    assert told["readme"] == []


def test_mistakes_are_found_line_by_line(told):
    lines = WRONG.splitlines()
    hints = [(n, line.partition("  # ")[2]) for n, line in enumerate(lines, 1) if "  # " in line]
    assert [line for line, _ in told["wrong"]] == [line for line, _ in hints]
    for (_, what), (_, hint) in zip(told["wrong"], hints, strict=True):
        assert hint in what
