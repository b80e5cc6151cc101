"""What README, CITATION.cff and the other documents say is so."""

import re
from pathlib import Path

import torch
import yaml
from torch import nn

import foolkit as fk

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


def test_versions_agree():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert citation["version"] == fk.__version__
    pins = (ROOT / "requirements.lock").read_text("utf-8")
    for name in ("torch", "torchvision"):
        (version,) = re.findall(rf"^{name}==(\S+)$", pins, re.M)
        assert f"{name}=={version}" in README
