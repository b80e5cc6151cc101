"""Every file that is read, cut off or with bits turned over: a clear error, or what was written."""

import json
import pickle
import random
import shutil
import warnings

import pytest
import torch
from PIL import Image

import foolkit as fk
from foolkit.evolution import Elites, History, MapElites
from foolkit.examination import Report
from foolkit.files import load_tensors, save_tensors
from foolkit.gradients import Ascent, Attacked, Perturbed
from foolkit.runs.folder import claim, write_gallery
from tests import stress
from tests.fuzz.calls import CALLS, ELITES, IMAGES, LABELS, NET, SHAPE

SETTINGS = {"command": "evolve", "model": "lenet", "seed": 3, "epsilon": [0.1, 0.2]}
CLASSES = ["a", "b", "c", "d"]


def tensors_of(made):
    return {name: tensor for name, tensor in vars(made).items() if isinstance(tensor, torch.Tensor)}


def made_by(name):
    function, arguments = CALLS[name]
    return function(**arguments)


def module_of(path):
    return fk.models.load(path, input_shape=SHAPE).state_dict()


def resumed(path):
    return MapElites(NET, fk.encodings.Pixels(SHAPE), batch=8).resume(path).state_dict()


def gallery(path):
    shutil.copy(path, path.parent / "results.json")
    (path.parent / "config.json").write_text(json.dumps(SETTINGS))
    write_gallery(path.parent)


def settings_of(path):
    shutil.copy(path, path.parent / "config.json")
    claim(path.parent, SETTINGS)


def report_of(path):
    (path.parent / "images").mkdir(exist_ok=True)
    shutil.copy(path, path.parent / "report.json")
    return Report.load(path.parent).to_json()


def pictures(path):
    (path.parent / "photos").mkdir(exist_ok=True)
    shutil.copy(path, path.parent / "photos" / path.name)
    return fk.data.photographs(path.parent / "photos", (3, 8, 8))[0]


def rows(path):
    return fk.data.labels_of_table(path, ["one.png", "two.png"], CLASSES)


class Spied(pickle.Unpickler):
    """Of which nobody may have one."""

    def __init__(self, *_, **__):
        raise AssertionError("something was unpickled")


def write_png(path, kind="PNG"):
    Image.new("RGB", (20, 20), (10, 200, 30)).save(path, kind)


def write_program(path):
    torch.export.save(torch.export.export(NET, (IMAGES,)), path)


def write_report(path):
    found = [["accuracy", "?", "confidence"]]
    sections = tuple(fk.examination.report.Section(*one, "Done.") for one in found)
    about = {"name": "small", "input_shape": list(SHAPE), "classes": 4, "weights": "0"}
    Report(
        about,
        {
            "images": 6,
            "labels": True,
            "minutes": None,
            "seed": 0,
            "judge": None,
            "measured_on": "a processor",
            "foolkit": "0",
        },
        sections,
    ).save(path.parent)
    shutil.move(path.parent / "report.json", path)


RESULTS = [{"file": "a.png", "confidence": 0.5, "predicted": "a", "about": "an image"}]
# name of the file, how it is written, how it is read
FILES = {
    "elites": ("a.safetensors", lambda p: ELITES.save(p), lambda p: tensors_of(Elites.load(p))),
    "perturbed": ("a.safetensors", lambda p: made_by("pgd").save(p),
                  lambda p: tensors_of(Perturbed.load(p))),
    "painted": ("a.safetensors", lambda p: made_by("ascent").save(p),
                lambda p: tensors_of(Ascent.load(p))),
    "ensemble": ("a.safetensors", lambda p: made_by("ensemble").save(p),
                 lambda p: tensors_of(Attacked.load(p))),
    "history": ("a.safetensors", lambda p: ELITES.history.save(p),
                lambda p: tensors_of(History.load(p))),
    "checkpoint": ("a.safetensors", lambda p: MapElites(
        NET, fk.encodings.Pixels(SHAPE), batch=8).save(p), resumed),
    "tensors": ("a.safetensors", lambda p: save_tensors(p, {"a": IMAGES, "b": LABELS}, {"n": 1}),
                lambda p: load_tensors(p, "path")[0]),
    "program": ("a.pt2", write_program, module_of),
    "results": ("rows.json", lambda p: p.write_text(json.dumps(RESULTS)), gallery),
    "settings": ("some.json", lambda p: p.write_text(json.dumps(SETTINGS)), settings_of),
    "report": ("some.json", write_report, report_of),
    "PNG": ("a.png", write_png, pictures),
    "JPEG": ("a.jpg", lambda p: write_png(p, "JPEG"), pictures),
    "labels": ("a.csv", lambda p: p.write_text("file,label\none.png,a\ntwo.png,c\n"), rows),
}  # fmt: skip
FILES = {
    name: file for name, file in FILES.items() if name != "history" or hasattr(History, "save")
}
# of a digest, or of a checksum, nothing that was changed is taken
SEALED = ("elites", "perturbed", "painted", "ensemble", "checkpoint", "tensors")


@pytest.fixture(autouse=True)
def nothing_is_unpickled(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("something was unpickled")

    monkeypatch.setattr(pickle, "Unpickler", Spied)
    monkeypatch.setattr(pickle, "load", refuse)
    monkeypatch.setattr(pickle, "loads", refuse)


def damaged(content, draws):
    """Cut off, or with some bits of it turned over."""
    if draws.random() < 0.3:
        return content[: draws.randrange(len(content))]
    changed = bytearray(content)
    # half of them at the beginning, where headers are
    most = min(len(changed), 300) if draws.random() < 0.5 else len(changed)
    for _ in range(draws.choice((1, 1, 2, 20))):
        changed[draws.randrange(most)] ^= 1 << draws.randrange(8)
    return bytes(changed)


@pytest.mark.parametrize("kind", FILES)
def test_a_damaged_file_is_refused_or_is_what_was_written(kind, tmp_path):
    name, write, read = FILES[kind]
    write(tmp_path / name)
    content = (tmp_path / name).read_bytes()
    whole = read(tmp_path / name)
    draws = random.Random(kind)
    slow = 4 if kind == "program" else 1  # a network is run when it is loaded
    refused, unnamed = 0, []
    cases = max(3, stress.CASES * 2 // 5 // len(FILES) // slow)
    for number in range(cases):
        place = tmp_path / str(number)
        place.mkdir()
        changed = damaged(content, draws)
        (place / name).write_bytes(changed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of PIL, and of torch.export
            try:
                found = read(place / name)
            except (ValueError, TypeError, FileNotFoundError, FloatingPointError) as error:
                unnamed += [] if is_named(error) else [f"{type(error).__name__}: {error}"]
                refused += 1
                continue
        if kind in SEALED:
            assert found.keys() == whole.keys()
            assert all(torch.equal(found[key], whole[key]) for key in whole), number
    assert refused
    assert unnamed == []


def is_named(error):
    """Whether it begins with the name of an argument, and says more than one word."""
    head, _, rest = str(error).partition(": ")
    return head.replace("_", "").isalnum() and len(rest.split()) > 2
