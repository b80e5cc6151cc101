"""What an examination says, writes and plans; what stops it, and what goes on."""

import json
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from torch import nn

import foolkit as fk
from foolkit.cli import main
from foolkit.examination import Limit, Report, compare, run
from foolkit.examination.context import Sizes
from foolkit.examination.plan import Cost, Need, plan
from foolkit.examination.report import Section
from foolkit.examination.sections import EXPERIMENTS, evolved, number_names
from foolkit.examination.yardsticks import yardsticks
from tests.examination.networks import K, N, judge, pictures, tiny


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("examined") / "report"


@pytest.fixture(scope="module")
def report(folder):
    images, labels = pictures()
    return fk.examine(
        tiny(), images, labels, minutes=0.1, judge=judge(), folder=folder, progress=False
    )


def test_every_section_finds_something(report):
    assert [section.name for section in report.sections] == [one.name for one in EXPERIMENTS]
    assert {section.name: section.error for section in report.sections if section.error} == {}
    assert report.finished
    for section in report.sections:
        assert section.verdict.endswith(".")
        assert section.numbers
        assert section.good
        for number in section.numbers:
            if number.low == number.low:
                assert number.low <= number.value <= number.high


def test_attack(report):
    kept, numbers = report["attacks"].kept, report.numbers
    with torch.no_grad():
        before = tiny()(kept["originals"]).argmax(1) == kept["labels"]
        after = tiny()(kept["images"]).argmax(1) == kept["labels"]
    assert float((kept["images"] - kept["originals"]).abs().max()) <= 0.03 + 1e-6
    robust = float((before & after).double().mean())
    assert numbers["robust_accuracy@0.03"].value == pytest.approx(robust)
    assert numbers["survives@0.03"].value == pytest.approx(float(after[before].double().mean()))
    broken = [int((kept["breaker"] == k).sum()) for k in range(4)]
    assert sum(broken) == int((before & ~after).sum())
    assert f"cross-entropy {broken[0]}" in report["attacks"].note
    assert f"no gradient {broken[3]}" in report["attacks"].note
    curve = [numbers[f"robust_accuracy@{size:g}"].value for size in run.EPSILONS]
    assert curve == sorted(curve, reverse=True)
    assert curve[0] <= numbers["accuracy"].value + 1e-9


def test_breeding_that_was_cut_short_acquits_nobody(monkeypatch):
    dull = nn.Sequential(nn.Flatten(), nn.Linear(64, K))
    with torch.no_grad():
        dull[1].weight.zero_()
        dull[1].weight[0] = 1e-3  # nearly the same confidence of each class, whatever it sees
        dull[1].bias.zero_()
    bred = [one for one in EXPERIMENTS if one.name in ("neighbours", "evolved")]
    monkeypatch.setattr(run, "EXPERIMENTS", tuple(bred))
    found = fk.examine(dull, *pictures(), minutes=0.001, progress=False)["evolved"]
    assert found.cut
    assert found.numbers[0].value == 0
    assert found.grade == "unclear"
    low = replace(found.numbers[0], low=0.0, high=0.0)  # as if many runs had agreed
    monkeypatch.setattr(evolved.Number, "of", lambda *_, **__: low)
    assert (
        fk.examine(dull, *pictures(), minutes=0.001, progress=False)["evolved"].grade == "unclear"
    )


def test_a_saved_report_is_the_report(report, folder):
    again = Report.load(folder)
    assert again.to_json() == report.to_json()
    assert json.loads((folder / "report.json").read_text())["schema"] == 1
    assert len((folder / "report.csv").read_text().splitlines()) == 1 + len(report.numbers)
    for one, other in zip(report.sections, again.sections, strict=True):
        for mine, theirs in zip(one.pictures, other.pictures, strict=True):
            assert torch.equal(mine.image, theirs.image)
    assert {row["change"] for row in compare(report, again)} == {"unclear"}


def test_the_page_asks_for_nothing_and_fits_a_phone(report, folder, visit, assert_clean):
    for scheme, width in (("light", 1280), ("dark", 390)):
        page = visit((folder / "report.html").as_uri(), width=width, color_scheme=scheme)
        assert_clean(page, folder.as_uri())
        assert page.locator(".verdicts li").count() == 5
        assert page.locator("section[id]").count() == len(EXPERIMENTS) + 1
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for image in page.locator("img").all():
            assert image.get_attribute("alt").strip()
            assert image.evaluate("image => image.naturalWidth") > 0
        for drawing in page.locator("figure svg").all():
            assert drawing.get_attribute("aria-label").strip()


KILLED = """
import os, signal, sys
sys.path.insert(0, {root!r})
from dataclasses import replace
from tests.examination.networks import pictures, tiny
import foolkit as fk
from foolkit.examination import run
def die(context):
    os.kill(os.getpid(), signal.SIGKILL)
some = run.EXPERIMENTS[:3]
run.EXPERIMENTS = (*some[:2], replace(some[2], run=die))
fk.examine(tiny(), *pictures(), minutes=None, folder={folder!r}, progress=False)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_goes_on_after_it_was_killed(tmp_path, monkeypatch):
    from pathlib import Path

    place = tmp_path / "killed"
    code = KILLED.format(root=str(Path(__file__).parents[2]), folder=str(place))
    assert subprocess.run([sys.executable, "-c", code]).returncode < 0
    parts = sorted(path.name for path in (place / "parts").iterdir())
    assert parts == ["accuracy.safetensors", "neighbours.safetensors"]
    monkeypatch.setattr(run, "EXPERIMENTS", EXPERIMENTS[:3])
    before = (place / "parts" / "neighbours.safetensors").stat().st_mtime_ns
    again = fk.examine(tiny(), *pictures(), minutes=None, folder=place, progress=False)
    assert (place / "parts" / "neighbours.safetensors").stat().st_mtime_ns == before
    whole = fk.examine(tiny(), *pictures(), minutes=None, progress=False)
    assert {n: (v.value, v.low) for n, v in again.numbers.items() if v.low == v.low} == {
        n: (v.value, v.low) for n, v in whole.numbers.items() if v.low == v.low
    }


def with_section(monkeypatch, act):
    one = EXPERIMENTS[0]
    monkeypatch.setattr(run, "EXPERIMENTS", (replace(one, run=act), EXPERIMENTS[3]))


def test_a_section_that_fails_is_reported(monkeypatch):
    def act(context):
        raise RuntimeError("no luck")

    with_section(monkeypatch, act)
    found = fk.examine(tiny(), *pictures(), minutes=0.1, progress=False)
    assert found["accuracy"].error == "failed: RuntimeError: no luck"
    assert not found["rubbish"].error


def test_out_of_memory_halves_the_chunk(monkeypatch):
    tried = []

    def act(context):
        tried.append(context.chunk)
        if context.chunk > 4:
            raise RuntimeError("CUDA out of memory")
        return Section("accuracy", "?", "confidence", "Done.")

    with_section(monkeypatch, act)
    found = fk.examine(tiny(), *pictures(), minutes=0.1, chunk=16, progress=False)
    assert tried == [16, 8, 4]
    assert found["accuracy"].verdict == "Done."


def test_an_interrupted_report_has_what_there_was(monkeypatch, tmp_path):
    def act(context):
        raise KeyboardInterrupt

    stopping = replace(EXPERIMENTS[0], run=act)
    monkeypatch.setattr(run, "EXPERIMENTS", (EXPERIMENTS[3], stopping))
    found = fk.examine(tiny(), *pictures(), minutes=0.1, folder=tmp_path / "r", progress=False)
    assert not found.finished
    assert [section.name for section in found.sections] == ["rubbish"]
    assert "Stopped before" in (tmp_path / "r" / "report.html").read_text()


def test_without_labels_and_from_batches():
    images, labels = pictures()
    loader = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(images, labels), batch_size=20
    )
    few = [one for one in EXPERIMENTS if one.name in ("accuracy", "rubbish")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "EXPERIMENTS", tuple(few))
        found = fk.examine(tiny(), loader, minutes=0.1, progress=False)
        assert found.numbers["accuracy"].value == pytest.approx(1 - 6 / N)
        silent = fk.examine(tiny(), images, minutes=0.1, progress=False)
        assert silent["accuracy"].error.startswith("left out: there are no labels")


def test_an_estimator_without_a_gradient():
    tree = pytest.importorskip("sklearn.tree").DecisionTreeClassifier(max_depth=4, random_state=0)
    images, labels = pictures()
    tree.fit(images.flatten(1).numpy(), labels.numpy())
    net = fk.models.load(tree, input_shape=(1, 8, 8))
    found = fk.examine(net, images, labels, minutes=0.1, progress=False)
    left = {section.name for section in found.sections if "gives no gradient" in section.error}
    assert left == {"neighbours", "painted", "masked"}
    assert not found["evolved"].error
    kept = found["attacks"].kept
    flat = [kept[name].flatten(1).numpy() for name in ("originals", "images")]
    before, after = (torch.as_tensor(tree.predict(pixels)) == kept["labels"] for pixels in flat)
    share = float((before & after).double().mean())
    assert found.numbers["robust_accuracy@0.03"].value == pytest.approx(share)
    assert "Square" in found["attacks"].note


class Answers(nn.Module):
    """The tiny network, with an answer of another kind."""

    def __init__(self, kind):
        super().__init__()
        self.net, self.kind = tiny(), kind

    def forward(self, images):
        logits = self.net(images)
        if self.kind == "object":  # as those of Hugging Face
            return SimpleNamespace(loss=None, logits=logits)
        return logits[:, :1] if self.kind == "one logit" else {"logits": logits}


@pytest.mark.parametrize("kind", ["object", "dictionary", "one logit"])
def test_answers_of_other_kinds(monkeypatch, kind):
    few = [one for one in EXPERIMENTS if one.name in ("accuracy", "neighbours", "attacks")]
    monkeypatch.setattr(run, "EXPERIMENTS", tuple(few))
    images, labels = pictures()
    net = fk.models.load(Answers(kind), input_shape=(1, 8, 8))
    if kind == "one logit":
        assert net.classes == ("0", "1")
        labels = (tiny()(images)[:, 0] > 0).long()
    found = fk.examine(net, images[:20], labels[:20], minutes=0.05, progress=False)
    assert not any(section.error for section in found.sections)
    assert found.numbers["accuracy"].value == (1 if kind == "one logit" else 0.7)
    assert found.numbers["neighbour_found"].value > 0.9


def test_the_plan_keeps_to_its_time():
    need = Need("pictures", 1000, 2, forward=10, backward=5, weight=1)
    cost = Cost(0.01, 0.02)  # 0.2 seconds a picture
    shares = plan([("one", need), ("two", replace(need, wanted=10))], cost, 100)
    assert shares["one"].count == 200  # half of four fifths of the time
    assert (shares["two"].count, shares["two"].cut) == (10, "")
    assert sum(share.seconds for share in shares.values()) <= 100
    assert "2.2 times as wide" in shares["one"].cut
    assert plan([("one", need)], cost, 0.1)["one"].count == 1
    assert plan([("one", need)], cost, None)["one"].count == 1000
    slow = [(name, replace(need, least=10)) for name in "abcd"]  # 8 seconds for the least of all
    assert {share.count for share in plan(slow, cost, 5).values()} == {5}  # of four fifths
    assert {share.count for share in plan(slow, cost, 0.1).values()} == {1}
    search = replace(need, least=10, weaker=replace(need, forward=5, backward=2))
    assert not plan([("one", search)], cost, 100)["one"].weaker
    short = plan([("one", search)], cost, 2)["one"]  # 1.6 seconds: for 8, or for 17 of the weaker
    assert (short.count, short.weaker) == (17, True)
    assert "a shorter search" in short.cut


def test_limits(report):
    limit = Limit.parse("robust_accuracy@0.03 < 0.5")
    assert (limit.name, limit.sign, limit.value) == ("robust_accuracy@0.03", "<", 0.5)
    assert limit.size == 0.03
    value = report.numbers["accuracy"].value
    assert Limit.parse(f"accuracy<{value + 0.01}").met(report)
    assert not Limit.parse(f"accuracy>{value + 0.01}").met(report)
    assert Limit.parse(f"accuracy>={value}").met(report)
    for odd in ("accuracy", "accuracy=1", "accuracy<few", "<1", "accuracy<nan"):
        with pytest.raises(ValueError, match="fail-if: expected NAME<NUMBER"):
            Limit.parse(odd)
    with pytest.raises(ValueError, match="fail-if: acuracy was not measured"):
        Limit.parse("acuracy<1").met(report)


def test_all_numbers_are_announced(report):
    full = Sizes(N, K, True, True, True, run.EPSILONS, 64)
    assert set(report.numbers) <= set(number_names(full))
    assert len(number_names(full)) == len(set(number_names(full)))
    Limit.parse("survives@0.03<1").check(number_names(full))
    for unknown, without in (
        ("acuracy<1", {}), ("survives@0.1<1", {}), ("accuracy<1", {"labels": False}),
        ("fooled_by_noise<1", {"judge": False}), ("painted<1", {"gradient": False}),
        ("noise_seen_by_energy<1", {"pictures": 10}),
    ):  # fmt: skip
        with pytest.raises(ValueError, match="fail-if: .*No number is called"):
            Limit.parse(unknown).check(number_names(replace(full, **without)))


def test_bad_input_names_the_argument(folder, report):
    images, labels = pictures()
    for given, message in (
        ({"minutes": 0}, "minutes: expected a number > 0"),
        ({"epsilons": (0.0, 0.1)}, "epsilons: expected a number > 0"),
        ({"labels": labels + K}, "labels: expected classes 0 to 3"),
        ({"labels": nn.functional.one_hot(labels, K)}, r"labels: expected one class an image"),
        ({"chunk": 0}, "chunk: expected an integer"),
        ({"judge": nn.Sequential(nn.Flatten(), nn.Linear(64, 3))}, "judge: expected 4 classes"),
        ({"images": "photos"}, "images: expected a tensor"),
        ({"folder": folder, "seed": 1}, "folder: .* holds another run: .*seed is 0 there"),
    ):
        arguments = {"images": images, "labels": labels, "progress": False, **given}
        with pytest.raises((TypeError, ValueError), match=message):
            fk.examine(tiny(), **arguments)


def test_the_command_ends_with_3_beyond_a_limit(tmp_path, capsys):
    options = ["examine", "--model", "lenet", "--count", "12", "--minutes", "0.02", "--quiet"]
    with pytest.raises(SystemExit) as ended:
        main([*options, "--fail-if", "accuracy<2", "--out", str(tmp_path / "r")])
    assert ended.value.code == 3
    assert "failed: accuracy is" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        main([*options, "--fail-if", "accuracy", "--out", str(tmp_path / "other")])
    assert ended.value.code == 2
    with pytest.raises(SystemExit) as ended:
        main([*options, "--fail-if", "acuracy<1", "--out", str(tmp_path / "other")])
    assert ended.value.code == 2
    assert "did you mean accuracy" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()
    with pytest.raises(SystemExit) as ended:
        main(["compare", str(tmp_path / "r"), str(tmp_path / "r")])
    assert ended.value.code == 0
    assert "accuracy: " in capsys.readouterr().out


def test_the_yardsticks_are_what_the_networks_do(report):
    held = {one.name: one for one in yardsticks()}
    images, labels = (tensor[:200] for tensor in fk.data.digits())
    for name in ("lenet", "lenet-pgd"):
        right = fk.models.predict(fk.models.load(name), images).argmax(1) == labels
        value, low, high = held[name].numbers["accuracy"]
        assert value == pytest.approx(float(right.double().mean()), abs=1e-6)
        assert low <= value <= high
        assert held[name].told(report.numbers["accuracy"]).startswith(f"{100 * value:.1f} %")
    size = "robust_accuracy@0.1"  # what training against PGD is for
    assert held["lenet-pgd"].numbers[size][1] > held["lenet"].numbers[size][2]


def test_several_labels_an_image_are_refused_from_batches_too():
    images, labels = pictures()
    several = nn.functional.one_hot(labels, K)
    batches = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(images, several), batch_size=20
    )
    with pytest.raises(ValueError, match="one class an image.*cannot be examined"):
        fk.examine(tiny(), batches, progress=False)
