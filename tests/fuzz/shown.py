"""Calls, as in ``calls``, of what is drawn, reported and shown: figures, the report, widgets."""

import tempfile
from functools import wraps
from unittest import mock

import matplotlib
import torch
from matplotlib.figure import Figure

import foolkit as fk
from foolkit import examination as e
from foolkit import scoreboard as s
from foolkit import widgets as w
from foolkit.analysis import Interval
from foolkit.examination import Report, Section, run
from foolkit.runs import sweep as sweeping
from tests.fuzz.calls import BORN, DRAWN, ELITES, IMAGES, LABELS, NAMED, NET, QUIET, REPEATS

matplotlib.use("agg")
SAID = {"alt": "a", "caption": "b"}
DIGITS, SHOWN = torch.rand(3, 1, 28, 28), torch.tensor([0, 1, 2])
AXES = Figure().subplots()
TRANSFERRED = fk.analysis.transfer(
    {"a": NET, "b": NAMED}, ELITES, threshold=0.3, resamples=5, progress=False
)
SHARE = Interval(0.5, 0.4, 0.6, 0.95)
FOUND = e.Number("right", "share", 0.5, 0.4, 0.6, "share", "higher", 10)
SECTION = Section("one", "One?", "noise", numbers=(FOUND,))
NETWORK = {"name": "a", "input_shape": [1, 6, 6], "classes": 4, "weights": "0"}
SETTINGS = {"images": 10, "labels": True, "minutes": None, "seed": 0, "judge": None,
            "measured_on": "a", "foolkit": "0"}  # fmt: skip
REPORT = Report(NETWORK, SETTINGS, (SECTION,))
MERIT = s.Merit("a", "b", "c", True)
STORED = fk.bank.networks.load()
PATCH = fk.gradients.Patch(torch.rand(1, 5, 5), target=1)
DETECTORS = {"a": fk.analysis.PixelNeighbours(2).fit(DIGITS)}
FORGED = {"a": (DIGITS, SHOWN)}
PLACE = tempfile.TemporaryDirectory()


@wraps(fk.examine)
def examine(**arguments):
    """Every check, and the plan, but no experiment."""
    with mock.patch.object(run, "_all_sections", return_value=True):
        return fk.examine(**arguments)


@wraps(fk.sweep)
def sweep(**arguments):
    """Every check, and the folders, but no worker."""
    with mock.patch.multiple(sweeping, _client=mock.MagicMock(), _finish=mock.DEFAULT):
        return fk.sweep(**arguments)


@wraps(fk.book.check)
def check(name, mine):
    return fk.book.check(name, mine)


@wraps(s.Record)
def record(merits):
    return s.Record(merits)


CALLS = {
    "plot.Figure": (fk.plot.Figure, {**SAID}),
    "plot.figure": (fk.plot.figure, {**SAID, "rows": 1, "columns": 2, "size": (3.0, 2.0)}),
    "plot.show_image": (fk.plot.show_image, {"ax": AXES, "image": IMAGES[0], "title": "a"}),
    "plot.images": (fk.plot.images, {**SAID, "images": IMAGES[:2], "titles": ["a", "b"],
                                     "columns": 2}),
    "plot.literal": (fk.plot.literal, {"name": "$a$"}),
    "plot.percent": (fk.plot.percent, {"confidence": 0.5}),
    "plot.gallery": (fk.plot.gallery, {**SAID, "elites": ELITES, "columns": 2}),
    "plot.convergence": (fk.plot.convergence, {**SAID, "runs": {"a": [ELITES.history]},
                                               "mark": 0.9}),
    "plot.cppn": (fk.plot.cppn, {**SAID, "genome": BORN.sample(1, DRAWN)[0]}),
    "plot.transfer": (fk.plot.transfer, {**SAID, "result": TRANSFERRED, "measure": "same"}),
    "plot.shares": (fk.plot.shares, {**SAID, "estimates": {("a", "b"): SHARE}, "label": "share"}),
    "plot.networks": (fk.plot.networks, {
        **SAID, "measured": STORED, "values": {"a": torch.rand(len(STORED.names))}}),
    "plot.designs": (fk.plot.designs, {
        **SAID, "measured": STORED,
        "values": {"a": torch.rand(len(STORED.names), len(STORED.names))}}),
    "plot.copies": (fk.plot.copies, {**SAID, "images": DIGITS, "repeats": REPEATS,
                                     "titles": ["a", "b", "c"], "columns": 2}),
    "examine": (examine, {**QUIET, "net": NAMED, "images": IMAGES, "labels": LABELS,
                          "minutes": 0.01, "seed": 0, "judge": NET, "folder": None,
                          "epsilons": (0.1, 0.2), "chunk": 4}),
    "compare": (e.compare, {"one": REPORT, "other": REPORT}),
    "Report.save": (REPORT.save, {"folder": PLACE.name, "book": None}),
    "Report.load": (lambda folder: Report.load(folder), {"folder": REPORT.save(PLACE.name).parent}),
    "Limit.parse": (e.Limit.parse, {"text": "right<0.5"}),
    "sweep": (sweep, {**QUIET, "folder": f"{PLACE.name}/sweep", "networks": ["lenet"],
                      "encodings": ("cppn",), "seeds": (0,), "generations": 2, "batch": 8,
                      "precision": "float32", "device": "cpu", "threads": 1, "workers": 1,
                      "scheduler": None}),
    "book.check": (check, {"name": "your-network/lowest", "mine": lambda n: 0.5}),
    "scaled": (fk.scaled, {"quick": 2, "full": 200}),
    "scoreboard.about": (s.about, {"value": 0.5, "width": 0.1, "why": "a", "form": ".2f"}),
    "scoreboard.above": (s.above, {"value": 0.5, "why": "a", "form": ".0%"}),
    "scoreboard.below": (s.below, {"value": 0.5, "why": "a", "form": ".0%"}),
    "scoreboard.together": (s.together, {"verdicts": [True, None]}),
    "scoreboard.Record": (record, {"merits": MERIT}),
    "scoreboard.Ledger": (s.Ledger, {"records": {"a": [MERIT]}}),
    "Breed": (w.Breed, {"seed": 0, "rate": 0.1, "eta": 15.0, "batch": 50}),
    "BreedForName": (w.BreedForName, {"goal": 3, "seed": 0, "size": 112, "batch": 8}),
    "BreedPatterns": (w.BreedPatterns, {"seed": 0, "batch": 50, "chooser": "network",
                                        "network": "lenet"}),
    "CameraScene": (w.CameraScene, {"chosen": 0, "left": 104, "top": 38, "side": 48, "seed": 0}),
    "Climb": (w.Climb, {"goal": 3, "start": "noise", "step_size": 0.01, "decay": 0.0, "blur": 0.0,
                        "blur_every": 1, "jitter": 0, "total_variation": 0.0, "seed": 0,
                        "mean": DIGITS[:1]}),
    "DefenceBench": (w.DefenceBench, {"networks": {"a": "lenet"}, "images": DIGITS,
                                      "labels": SHOWN, "ticked": ["a"], "attack": "fgsm",
                                      "epsilon": 0.25, "steps": 20, "restarts": 1,
                                      "transferred": False, "chosen": 0, "seed": 0}),
    "DrawAndFool": (w.DrawAndFool, {"digit": 3, "epsilon": 0.2, "target": 1,
                                    "image": DIGITS[:1], "play": False}),
    "Eraser": (w.Eraser, {"images": DIGITS, "chosen": 0, "brush": 7}),
    "FaceBuilder": (w.FaceBuilder, {"faces": fk.data.drawing(2), "chosen": 0, "lesson": "parts",
                                    "trained": 0, "seed": 0}),
    "FoolPhotograph": (w.FoolPhotograph, {"photographs": torch.rand(1, 3, 224, 224),
                                          "titles": ["a"], "chosen": 0, "goal": 9, "epsilon": 3}),
    "Gallery": (w.Gallery, {"images": DIGITS, "names": ["a", "b", "c"],
                            "orders": {"by": [1.0, 2.0, 3.0]}, "notes": [["x"], [], []],
                            "size": 112, "second": ("d", ["a", "b", "c"]), "live": False,
                            "seed": 0}),
    "Jigsaw": (w.Jigsaw, {"images": DIGITS, "labels": SHOWN, "names": ["a", "b", "c"],
                          "chosen": 0, "grid": 4, "seed": 0}),
    "Judges": (w.Judges, {"forgeries": FORGED, "makers": ["lenet"], "judges": ["lenet-b"],
                          "examples": 2}),
    "MysteryDefence": (w.MysteryDefence, {"images": DIGITS, "labels": SHOWN, "epsilon": 0.2,
                                          "steps": 20, "questions": 150, "seed": 0}),
    "NoiseAndTemperature": (w.NoiseAndTemperature, {"digit": 3, "noise": 0.0, "temperature": 1.0,
                                                    "seed": 0, "image": DIGITS[:1]}),
    "OnePixel": (w.OnePixel, {"images": DIGITS, "labels": SHOWN, "chosen": 0, "keep": False}),
    "PatchDrag": (w.PatchDrag, {"images": DIGITS, "labels": SHOWN, "patches": [PATCH],
                                "names": ["a"], "chosen": 0, "patch": 0, "corner": (0, 0)}),
    "Predict": (w.Predict, {"question": "a?", "truth": 0.5, "choices": (), "low": 0.0,
                            "high": 1.0, "logarithmic": False, "unit": "", "shown": None}),
    "Predict, a word": (w.Predict, {"question": "a?", "truth": "b", "choices": ("b", "c")}),
    "PressUntilFooled": (w.PressUntilFooled, {"kind": "uniform", "judge": "lenet", "seed": 0}),
    "Quiz": (w.Quiz, {"images": DIGITS, "labels": SHOWN, "kinds": ["a", "b", "c"],
                      "net": fk.models.load("lenet"), "seed": 0}),
    "SliceExplorer": (w.SliceExplorer, {"digit": 3, "directions": None, "across": DIGITS[:1],
                                        "along": DIGITS[1:2], "clip": False, "seed": 0,
                                        "reach": 8.0, "image": DIGITS[:1]}),
    "Threshold": (w.Threshold, {"detectors": DETECTORS, "images": DIGITS,
                                "kinds": ["a", "b", "c"], "held": torch.rand(100, 1, 28, 28),
                                "chosen": "a", "accepted": 95}),
    "ToyPlane": (w.ToyPlane, {"model": "softmax", "points": [[0.0, 1.0, 0]],
                              "probe": (-2.0, -1.0), "zoom": 1.0, "seed": 0}),
    "WallpaperChooser": (w.WallpaperChooser, {"background": "plain", "object": "flower",
                                              "goal": 0, "size": 0.5}),
}  # fmt: skip
