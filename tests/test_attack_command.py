"""``foolkit attack`` on pictures of one's own: what lies in its folder is what is said of it."""

import csv
import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import foolkit as fk
from foolkit import cli
from foolkit.files import read_png
from foolkit.gradients import Attacked, Perturbed
from foolkit.runs import perturbed

CLASSES = ("ant", "bee", "cat", "dog")
SHAPE = (3, 6, 6)


def run(*arguments):
    with pytest.raises(SystemExit) as ended:
        cli.main([str(argument) for argument in arguments])
    return ended.value.code


def rows_of(folder):
    return {row["name"]: row for row in json.loads((folder / "results.json").read_text())}


def summary_of(folder):
    return json.loads((folder / perturbed.SUMMARY).read_text())


def small(classes=4):
    torch.manual_seed(0)
    layer = nn.Linear(108, classes)
    with torch.no_grad():
        layer.weight.sub_(layer.weight.mean(1, keepdim=True)).mul_(3)
        layer.bias.zero_()  # so that no class has all pictures
    return nn.Sequential(nn.Flatten(), layer).eval()


def export(module, path):
    torch.export.save(torch.export.export(module, (torch.rand(2, *SHAPE),)), path)
    return path


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A network in a file, its class names, and twelve pictures in a folder."""
    place = tmp_path_factory.mktemp("place")
    export(small(), place / "mine.pt2")
    (place / "names.txt").write_text("\n".join(CLASSES) + "\n\n", "utf-8-sig")
    (place / "photos").mkdir()
    draws = np.random.default_rng(0)
    for n in range(12):
        pixels = draws.integers(0, 256, (6, 6, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(place / "photos" / f"{n:02d}.png")
    return place


@pytest.fixture
def net(place):
    return fk.models.load(place / "mine.pt2", classes=CLASSES)


@pytest.fixture
def truth(place, net):
    """The classes of the pictures, of which the network reads nine right."""
    images, names = fk.data.photographs(place / "photos", SHAPE)
    said = fk.models.predict(net, images).argmax(1)
    said[:3] = (said[:3] + 1) % 4
    return dict(zip(names, said.tolist(), strict=True))


@pytest.fixture
def options(place):
    return ["attack", "--model", place / "mine.pt2", "--classes", place / "names.txt", "--images",
            place / "photos", "--quiet"]  # fmt: skip


@pytest.mark.parametrize("method", ["deepfool", "pgd"])
def test_what_is_said_of_a_file_is_what_the_network_says_of_it(options, net, tmp_path, method):
    """Smallest changes do not survive 8 bits: the listing must not say they do."""
    out = tmp_path / "run"
    assert run(*options, "--method", method, "--lossless", "--out", out) == 0
    rows, found = rows_of(out), Perturbed.load(out / perturbed.IMAGES)
    assert len(rows) == 12
    page = (out / "gallery.html").read_text()
    originals, names = fk.data.photographs(options[6], SHAPE)
    for n, name in enumerate(names):
        row = rows[name]
        file = read_png(out / row["file"])
        said = fk.models.predict(net, file[None])[0]
        assert net.classes[int(said.argmax())] == row["predicted"]
        assert float(said.max()) == pytest.approx(row["confidence"], abs=1e-5)
        assert row["success_8bit"] == (row["predicted"] != row["label"])
        exact = torch.from_numpy(np.load(out / row["lossless"]))
        assert torch.equal(exact, found.images[n])
        assert row["success"] == bool(found.success[n])
        assert torch.equal(read_png(out / row["original"]), originals[n])
        change = file - originals[n]
        assert float(change.norm()) == pytest.approx(row["l2"], abs=1e-5)
        assert float(change.abs().max()) == pytest.approx(row["linf"], abs=1e-5)
        shown = read_png(out / row["change"])
        largest = max(row["linf"], 1e-12)
        assert torch.allclose(shown, 0.5 + change / (2 * largest), atol=0.003)
        assert f'alt="{row["about"]}; the network says {row["predicted"]},' in page
        assert all(f'src="{row[key]}"' in page for key in ("file", "original", "change"))
    if method == "deepfool":
        assert sum(row["success"] for row in rows.values()) == 12
        assert sum(row["success_8bit"] for row in rows.values()) < 12
        assert "fooled before it was rounded to a file" in page
    else:  # the default epsilon, 8 of 255 levels, and not a level more
        assert max(row["linf"] for row in rows.values()) == pytest.approx(8 / 255)
    with (out / "results.csv").open(newline="") as file:
        table = {row["name"]: row for row in csv.DictReader(file)}
    assert {name: row["predicted"] for name, row in table.items()} == {
        name: row["predicted"] for name, row in rows.items()
    }


def test_with_for_files_every_file_fools(options, tmp_path, capsys):
    out = tmp_path / "run"
    assert run(*options, "--method", "deepfool", "--for-files", "--out", out) == 0
    assert all(row["success_8bit"] and row["success"] for row in rows_of(out).values())
    assert run(*options, "--for-files", "--out", tmp_path / "other") == 2
    assert "--method pgd takes no --for-files" in capsys.readouterr().err


def test_without_labels_accuracy_is_not_claimed(options, tmp_path, capsys):
    assert run(*options, "--out", tmp_path / "run") == 0
    said = capsys.readouterr().out
    assert "no labels: what the network said is right; robust accuracy" in said
    assert "clean accuracy" not in said
    assert "shows" not in (tmp_path / "run" / "gallery.html").read_text()
    assert "device: cpu" in said or "device: cuda" in said


@pytest.mark.parametrize("how", ["table", "folders"])
def test_labels_tell_what_was_wrong_before_from_what_is_fooled(
    options, truth, tmp_path, capsys, how
):
    if how == "table":
        table = tmp_path / "labels.csv"
        table.write_text(
            "file,label\n" + "".join(f"{name},{CLASSES[k]}\n" for name, k in truth.items())
        )
        options += ["--labels", table]
    else:
        for name, k in truth.items():
            folder = tmp_path / "sorted" / CLASSES[k]
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((options[6] / name).read_bytes())
        options[6] = tmp_path / "sorted"
    out = tmp_path / "run"
    assert run(*options, "--epsilon", 0.1, "--out", out) == 0
    about, rows = summary_of(out), rows_of(out)
    assert about["images"] == 12
    assert about["clean_accuracy"] == pytest.approx(9 / 12)
    right = {n: r for n, r in rows.items() if r["before"] == r["label"]}
    assert about["tried"] == len(right) == 9
    assert about["fooled"] == sum(row["success"] for row in right.values()) > 0
    assert about["robust_accuracy"] == pytest.approx((9 - about["fooled"]) / 12)
    assert about["fooled_8bit"] == sum(row["success_8bit"] for row in right.values())
    for row in rows.values():
        assert ("was wrong before" in row["about"]) == (row["before"] != row["label"])
    said = capsys.readouterr().out
    assert "12 images, clean accuracy 75.0 %; robust accuracy" in said
    assert f"{about['fooled']} of 9 that were right are fooled" in said


def test_medians_are_of_those_that_are_fooled(options, tmp_path):
    out = tmp_path / "run"
    assert run(*options, "--epsilon", 0.03, "--out", out) == 0
    found, about = Perturbed.load(out / perturbed.IMAGES), summary_of(out)
    assert 0 < about["fooled"] < 12
    assert about["median_l2"] == pytest.approx(float(found.l2[found.success].median()))
    nobody = perturbed.summary(found[~found.success])
    assert (nobody["fooled"], nobody["median_l2"]) == (0, None)
    assert perturbed.told(nobody, True)[1].endswith("are fooled (0 as files)")


def test_a_table_that_has_changed_makes_its_part_anew(options, truth, tmp_path):
    def labelled(shift):
        table = tmp_path / "labels.csv"
        table.write_text("".join(f"{name},{(k + shift) % 4}\n" for name, k in truth.items()))
        arguments = [*options, "--labels", table, "--out", tmp_path / "run"]
        assert run(*arguments) == 0
        return {name: row["label"] for name, row in rows_of(tmp_path / "run").items()}

    first, second = labelled(0), labelled(1)
    assert all(first[name] != second[name] for name in first)


def test_several_sizes_have_a_folder_each_and_go_on(options, tmp_path, monkeypatch, capsys):
    out = tmp_path / "run"
    sizes = ["--epsilon", 0.05, "--epsilon", 0.01, "--epsilon", 0.02, "--batch", 5]
    calls, pgd = [], fk.gradients.pgd

    def stopping(*arguments, **named):
        calls.append(len(arguments[1]))
        if len(calls) == 2:
            raise KeyboardInterrupt
        return pgd(*arguments, **named)

    monkeypatch.setattr(fk.gradients, "pgd", stopping)
    assert run(*options, *sizes, "--out", out) == 130
    assert run(*options, *sizes, "--out", out) == 0
    assert calls == [5, 5, 5, 2]  # the first part is not made again
    with (out / "epsilons.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert [row["epsilon"] for row in table] == ["0.01", "0.02", "0.05"]
    robust = [float(row["robust_accuracy"]) for row in table]
    assert robust == sorted(robust, reverse=True)
    assert robust[0] > robust[-1]
    for size in (0.01, 0.02, 0.05):
        place = out / f"epsilon-{size}"
        found = Perturbed.load(place / perturbed.IMAGES)
        assert len(found) == len(rows_of(place)) == 12
        assert float(found.linf.max()) == pytest.approx(size, abs=1e-6)
        assert json.loads((place / "config.json").read_text())["epsilon"] == size
        assert (place / "gallery.html").is_file()
        alone = tmp_path / f"alone-{size}"
        assert run(*options, "--epsilon", size, "--batch", 5, "--out", alone) == 0
        assert Perturbed.load(alone / perturbed.IMAGES).originals.equal(found.originals)
    assert not (out / "parts").exists()


@pytest.mark.parametrize("method", ["blind", "apgd", "square", "ensemble"])
def test_methods_of_one_size_are_called_for_each(options, tmp_path, monkeypatch, method):
    few = partial(fk.gradients.ensemble, queries=100)  # of 5,000, which the steps do not change
    monkeypatch.setattr(fk.gradients, "ensemble", few)
    sizes = ["--epsilon", 0.1, "--epsilon", 0.02, "--batch", 5, "--steps", 6, "--seed", 2]
    out, kind = tmp_path / "run", Attacked if method == "ensemble" else Perturbed
    assert run(*options, "--method", method, *sizes, "--out", out) == 0
    for size in (0.02, 0.1):
        found = kind.load(out / f"epsilon-{size}" / perturbed.IMAGES)
        assert len(found) == 12
        assert float(found.linf.max()) == pytest.approx(size, abs=1e-6)
        alone = [*sizes[4:], "--epsilon", size, "--out", tmp_path / f"alone-{size}"]
        assert run(*options, "--method", method, *alone) == 0
        again = kind.load(tmp_path / f"alone-{size}" / perturbed.IMAGES)
        assert torch.equal(found.images, again.images)


@pytest.mark.parametrize("sizes", [[], [0.02], [0.02, 0.1]])
def test_json_is_one_object_with_what_the_summaries_say(options, tmp_path, capsys, sizes):
    out = tmp_path / "run"
    method = ["--method", "deepfool"] if not sizes else ["--steps", 3]
    given = [word for size in sizes for word in ("--epsilon", size)]
    assert run(*options, *method, *given, "--json", "--out", out) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["out"], said["targeted"], said["known_labels"]) == (str(out), False, False)
    assert [one["epsilon"] for one in said["runs"]] == (sizes or [None])
    for one in said["runs"]:
        summary = json.loads((Path(one["out"]) / perturbed.SUMMARY).read_text())
        assert summary.items() <= one.items()
    assert run(*options, *method, *given, "--out", out) == 0  # the same run, said to a person
    assert "gallery: " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (["--norm", "L2", "--epsilon", 0.5], {"norm": "2", "epsilon": 0.5}),
        (["--norm", "Linf", "--loss", "dlr", "--restarts", 2], {"loss": "dlr", "restarts": 2}),
        (["--loss", "margin", "--norm", "1", "--epsilon", 3], {"loss": "margin", "norm": "1"}),
    ],
)
def test_options_reach_the_method(options, net, tmp_path, monkeypatch, more, expected):
    seen, pgd = {}, fk.gradients.pgd

    def watching(*arguments, **named):
        seen.update(named)
        return pgd(*arguments, **named)

    monkeypatch.setattr(fk.gradients, "pgd", watching)
    assert run(*options, *more, "--out", tmp_path / "run") == 0
    assert expected.items() <= seen.items()


def test_one_file_however_its_path_is_written(options, place, tmp_path, monkeypatch):
    monkeypatch.chdir(place)
    more = ["--quiet", "--out", tmp_path / "run"]
    assert run("attack", "--model", "mine.pt2", "--images", "photos", *more) == 0
    assert run("attack", "--model", "./mine.pt2", "--images", "./photos/", *more) == 0


def test_a_refusal_leaves_no_claim(place, tmp_path, capsys):
    export(small(2), tmp_path / "two.pt2")
    out = tmp_path / "run"
    options = ["attack", "--model", tmp_path / "two.pt2", "--images", place / "photos", "--quiet"]
    assert run(*options, "--loss", "dlr", "--out", out) == 2
    assert "loss: 'dlr' needs at least 3 classes" in capsys.readouterr().err
    assert not out.exists()
    out.mkdir()
    assert run(*options, "--loss", "dlr", "--out", out) == 2
    assert list(out.iterdir()) == []
    assert run(*options, "--loss", "margin", "--out", out) == 0


def test_a_network_that_reads_nothing_right_is_pointed_out(options, truth, tmp_path, capsys):
    table = tmp_path / "labels.csv"
    table.write_text("".join(f"{name},{(k + 2) % 4}\n" for name, k in truth.items()))
    assert run(*options, "--labels", table, "--out", tmp_path / "run") == 0
    assert "hardly any of these images right" in capsys.readouterr().err


def test_a_network_that_ends_in_a_softmax_and_wants_normalised_images(place, net, tmp_path):
    class Ends(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = small()

        def forward(self, images):
            return self.inner(0.25 * images + 0.5).softmax(1)

    export(Ends().eval(), tmp_path / "ends.pt2")
    evolved, judged = tmp_path / "evolved", tmp_path / "judged"
    said = ["--outputs", "probabilities", "--mean", "0.5", "--std", "0.25"]
    assert run("evolve", "--model", tmp_path / "ends.pt2", *said, "--generations", 3, "--batch",
               20, "--quiet", "--out", evolved) == 0  # fmt: skip
    plain = fk.models.load(place / "mine.pt2")
    elites = fk.evolution.Elites.load(evolved / "elites.safetensors")
    own = fk.models.predict(plain, elites.images).diagonal()
    assert torch.allclose(own, elites.confidence, atol=1e-4)
    assert run("transfer", evolved, "--model", tmp_path / "ends.pt2", *said, "--batch", 3,
               "--quiet", "--out", judged) == 0  # fmt: skip
    records = json.loads((judged / "transfer.json").read_text())
    confidence = next(
        r["value"] for r in records if (r["measure"], r["kind"]) == ("confidence", "forgery")
    )
    assert confidence == pytest.approx(float(elites.confidence.mean()), abs=1e-4)
    assert (judged / "transfer.csv").read_text().startswith("family,judge,measure,kind,value")


def test_a_target_is_reached_or_not(options, truth, tmp_path, capsys):
    out = tmp_path / "run"
    goal = truth["05.png"]  # as the network says, too
    assert run(*options, "--target", goal, "--epsilon", 0.5, "--out", out) == 0
    about = summary_of(out)
    assert "clean_accuracy" not in about
    assert about["tried"] < 12  # some were there before
    assert about["fooled"] > 0
    assert "reached their goal" in capsys.readouterr().out
    assert {row["label"] for row in rows_of(out).values()} == {CLASSES[goal]}
