"""What README, CITATION.cff and the other documents say is so."""

import re
import tomllib
from itertools import chain
from pathlib import Path

import pytest
import torch
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from torch import nn

import foolkit as fk
from tools import book

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def test_the_examples_of_the_readme_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    sweep = fk.sweep
    small = {"seeds": (0,), "generations": 1, "workers": 1, "progress": False}
    monkeypatch.setattr(fk, "sweep", lambda *given, **more: sweep(*given, **(more | small)))
    names = {
        "__name__": "__main__",
        "my_module": nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 4)),
        "my_names": ["ant", "bee", "cat", "dog"],
        "images": torch.rand(5, 3, 32, 32, generator=torch.Generator().manual_seed(0)),
        "labels": torch.tensor([0, 1, 2, 3, 0]),
    }
    examples = re.findall(r"```python\n(.*?)```", README, re.S)
    assert len(examples) == 3
    for example in examples:
        exec(example, names)
    assert len(list((tmp_path / "elites").glob("*.png"))) == 10
    assert len(names["runs"]) == 4
    assert isinstance(names["found"], fk.gradients.Perturbed)


def test_the_links_of_the_documents_lead_to_files():
    for path in ROOT.glob("*.md"):
        for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text("utf-8")):
            assert (ROOT / target).exists(), f"{path.name}: {target}"


def test_the_table_of_the_layout_names_every_part():
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    table = text[text.index("## Layout") : text.index("Three contracts")]
    named = set(re.findall(r"`([\w.]+)/?`", table))
    parts = {p.name for p in (ROOT / "foolkit").iterdir() if p.suffix == ".py" or p.is_dir()}
    assert parts - named == {"__init__.py", "__main__.py"} | (parts & {"__pycache__"})


def test_the_glossary_is_in_order():
    text = (ROOT / "book" / "glossary.md").read_text("utf-8")
    words = re.findall(r"^(\S.*)\n  ", text, re.MULTILINE)
    assert len(words) > 60
    assert words == sorted(words, key=str.casefold)


def test_versions_agree():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert citation["version"] == fk.__version__
    pins = (ROOT / "requirements-torch.lock").read_text("utf-8")
    for name in ("torch", "torchvision"):
        (version,) = re.findall(rf"^{name}==(\S+)$", pins, re.M)
        assert f"{name}=={version}" in README


def locked():
    """Every requirement of the lock files of ``make lock``, and the hashes of its files."""
    for name in (book.HASHED, book.TORCH):
        for pin in book.pins((ROOT / name).read_text("utf-8")):
            line, *hashes = pin.split(" \\\n")
            yield line, [one.strip() for one in hashes]


def test_all_but_torch_is_locked_by_the_hashes_of_its_files():
    for line, hashes in locked():
        if Requirement(line).name in ("torch", "torchvision"):
            assert not hashes
        else:
            assert hashes
            assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", one) for one in hashes)


@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
@pytest.mark.parametrize("python", ["3.11.0", "3.12.0", "3.13.0"])
def test_the_lock_pins_once_what_is_asked_for(system, python):
    place = {
        "sys_platform": system, "python_full_version": python, "python_version": python[:4],
        "implementation_name": "cpython", "platform_python_implementation": "CPython",
    }  # fmt: skip
    pins = [Requirement(pin) for pin, _ in locked()]
    here = [pin for pin in pins if pin.marker is None or pin.marker.evaluate(place)]
    versions = {}
    for pin in here:
        (exact,) = pin.specifier
        assert exact.operator == "=="
        assert pin.url is None
        assert versions.setdefault(canonicalize_name(pin.name), exact.version) == exact.version
    assert not [name for name in versions if name.startswith(("nvidia", "cuda", "triton"))]

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    asked = [
        *project["project"]["dependencies"],
        *chain(*project["project"]["optional-dependencies"].values()),
        *project["dependency-groups"]["install"],
    ]
    for one in map(Requirement, asked):
        if one.name != "foolkit":
            assert versions[canonicalize_name(one.name)] in one.specifier
