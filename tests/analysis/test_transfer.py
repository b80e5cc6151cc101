import math
from itertools import pairwise

import pytest
import torch
from torch import nn

import foolkit as fk
from foolkit.analysis import Forgeries, transfer
from foolkit.analysis.transfer import MEASURES


class Told(nn.Module):
    """Says what the first pixel tells it to: class ``round(10 * pixel)``, certain of it or not."""

    def __init__(self, shift: int = 0, scale: float = 100.0) -> None:
        super().__init__()
        self.shift, self.scale = shift, scale

    def forward(self, images):
        said = ((images[:, 0, 0, 0] * 10).round().long() + self.shift) % 4
        return self.scale * nn.functional.one_hot(said, 4).float()


def telling(classes):
    """Images [N, 1, 3, 3] that are taken for ``classes`` by ``Told()``."""
    images = torch.zeros(len(classes), 1, 3, 3)
    images[:, 0, 0, 0] = torch.as_tensor(classes) / 10
    return images


@pytest.fixture(scope="module")
def lenet():
    return fk.models.load("lenet")


@pytest.fixture(scope="module")
def digits():
    return tuple(tensor[:60] for tensor in fk.models.comparison_digits())


@pytest.fixture(scope="module")
def judges(lenet):
    return {"lenet": lenet, "fc": fk.models.load("fc100-100-10"), "tree": fk.models.load("tree")}


@pytest.fixture(scope="module")
def fooled(lenet, digits):
    return fk.gradients.fgsm(lenet, *digits, epsilon=0.25)


@pytest.fixture(scope="module")
def runs(lenet):
    encoding = fk.encodings.CPPN(lenet.input_shape)
    return [
        fk.evolve(lenet, encoding, generations=5, batch=50, seed=seed, progress=False)
        for seed in range(4)
    ]


def test_the_call_of_the_design(lenet, runs):
    result = transfer({"lenet": lenet, "fc": fk.models.load("fc100-100-10")}, runs[0])
    assert result.families == ("forgeries",)
    assert result.judges == ("lenet", "fc")
    assert (result.images, result.runs, result.networks) == ((10,), (1,), (1,))
    for interval in result.measures.values():  # of a single run no interval is known
        assert interval.low.isnan().all()
        assert interval.high.isnan().all()
    own = result.measures["confidence"].value[0, 0]
    assert float(own) == pytest.approx(float(runs[0].confidence.mean()), abs=1e-4)


def test_against_plain_python(judges, fooled, runs):
    families = {"fgsm": fooled, "cppn": runs}
    result = transfer(judges, families, threshold=0.9, seed=3)
    for f, name in enumerate(families):
        family = Forgeries.of(families[name])
        kinds = ((family.images, result.measures), (family.control(3), result.control))
        for images, measures in kinds:
            for j, judge in enumerate(judges.values()):
                tally = dict.fromkeys(MEASURES, 0.0)
                for i in range(len(family)):
                    answer = fk.models.predict(judge, images[i : i + 1])[0].tolist()
                    wanted = int(family.classes[i])
                    top = answer.index(max(answer))
                    tally["same"] += top == wanted
                    tally["confidence"] += answer[wanted]
                    tally["certain"] += top == wanted and answer[wanted] >= 0.9
                    known = family.truth is not None
                    tally["error"] += (top != int(family.truth[i])) if known else math.nan
                for measure, total in tally.items():
                    value = float(measures[measure].value[f, j])
                    expected = total / len(family)
                    assert value == pytest.approx(expected, abs=1e-5, nan_ok=True)
    for m in MEASURES:
        gap = result.measures[m].value - result.control[m].value
        assert torch.allclose(result.excess[m].value, gap, equal_nan=True)


def test_on_the_network_itself_every_forgery_works(lenet, fooled):
    result = transfer({"lenet": lenet}, fooled)
    assert result.images == (int(fooled.success.sum()),)
    for measure in ("same", "error"):
        interval = result.measures[measure]
        assert float(interval.value) == float(interval.high) == 1
        assert float(interval.low) == pytest.approx(0.025 ** (1 / result.runs[0]))
    assert result.control["same"].value < 0.5
    assert result.excess["same"].low > 0.3
    everything = transfer({"lenet": lenet}, fooled, failures=True)
    assert everything.images == (len(fooled),)
    assert float(everything.measures["error"].value) == pytest.approx(
        float(fooled.success.double().mean())
    )


def test_verdicts_are_the_judges(judges, fooled):
    result = transfer(judges, {"fgsm": fooled})
    family = Forgeries.of(fooled)
    said = result.verdicts["fgsm"]
    for j, judge in enumerate(judges.values()):
        answer = fk.models.predict(judge, family.images)
        assert torch.equal(said.predicted[j], answer.argmax(1))
        assert torch.allclose(said.confidence[j], answer.amax(1), atol=1e-5)
        own = answer.gather(1, family.classes[:, None])[:, 0]
        assert torch.allclose(said.own[j], own, atol=1e-5)
    assert result.control_verdicts["fgsm"].predicted.shape == said.predicted.shape


# --- runs, networks and intervals ---------------------------------------------------------


def test_whole_runs_are_drawn():
    # ten runs of twenty images each that agree within a run: 200 images are worth ten
    classes = torch.arange(10).repeat_interleave(20) % 2
    images = telling(classes)
    forgeries = Forgeries(images, torch.zeros(200, dtype=torch.int64), torch.arange(200) // 20)
    by_run = transfer({"told": Told()}, forgeries, resamples=4000).measures["same"]
    by_image = transfer(
        {"told": Told()}, Forgeries(images, forgeries.classes), resamples=4000
    ).measures["same"]
    assert float(by_run.value) == float(by_image.value) == 0.5
    # the 95 % interval of a share of a half of n: about half -+ 1.96 / (2 sqrt(n))
    assert float(by_run.high - by_run.low) == pytest.approx(1.96 / 10**0.5, rel=0.15)
    assert float(by_image.high - by_image.low) == pytest.approx(1.96 / 200**0.5, rel=0.15)


def test_networks_are_drawn_before_runs():
    # what a network does is all that matters: 3 networks of 50 runs are worth three
    networks = torch.arange(150) // 50
    classes = (networks == 0).long()
    one = Forgeries(telling(classes), torch.ones(150, dtype=torch.int64))
    three = Forgeries(telling(classes), torch.ones(150, dtype=torch.int64), networks=networks)
    narrow = transfer({"told": Told()}, one).measures["same"]
    wide = transfer({"told": Told()}, three)
    assert wide.networks == (3,)
    assert wide.runs == (150,)
    wide = wide.measures["same"]
    assert float(wide.low) == 0
    assert float(wide.high) == 1
    assert float(narrow.high - narrow.low) < 0.2


def test_equal_numbers_on_other_networks_are_other_runs():
    family = Forgeries(
        telling([0] * 6), torch.zeros(6, dtype=torch.int64),
        runs=torch.tensor([4, 4, 9, 4, 9, 9]), networks=torch.tensor([7, 7, 7, 2, 2, 2]),
    )  # fmt: skip
    result = transfer({"told": Told()}, family)
    assert (result.runs, result.networks) == ((4,), (2,))


def test_the_exact_interval_of_none():
    family = Forgeries(telling([0] * 12), torch.ones(12, dtype=torch.int64))
    interval = transfer({"told": Told()}, family, level=0.9).measures["same"]
    assert float(interval.value) == float(interval.low) == 0
    assert float(interval.high) == pytest.approx(1 - 0.05 ** (1 / 12))


def test_the_interval_covers():
    """Of 95 % intervals of runs from a known law, about 95 % hold the truth."""
    draws = torch.Generator().manual_seed(0)
    held = 0
    for trial in range(120):
        hits = torch.rand(40, generator=draws) < 0.3  # each run: all of its images, or none
        classes = hits.long().repeat_interleave(3)
        family = Forgeries(
            telling(classes), torch.ones(120, dtype=torch.int64), torch.arange(120) // 3
        )
        interval = transfer(
            {"told": Told()}, family, control=False, resamples=400, seed=trial
        ).measures["same"]
        held += float(interval.low) <= 0.3 <= float(interval.high)
    assert held / 120 > 0.88


def test_deterministic_and_no_more_than_asked(judges, fooled):
    first, again = (transfer(judges, fooled, resamples=200, seed=5) for _ in range(2))
    assert first.table() == again.table()
    bare = transfer(judges, fooled, control=False)
    assert (bare.control, bare.excess, bare.control_verdicts) == ({}, {}, {})
    assert {record["kind"] for record in bare.table()} == {"forgery"}


# --- the control ---------------------------------------------------------------------------


def test_noise_of_the_same_size(fooled):
    family = Forgeries.of(fooled)
    control = family.control(seed=1)
    size = (family.images - family.originals).flatten(1).norm(dim=1)
    assert torch.allclose((control - family.originals).flatten(1).norm(dim=1), size, rtol=1e-3)
    assert not torch.equal(control, family.images)
    assert torch.equal(control, family.control(seed=1))
    assert not torch.equal(control, family.control(seed=2))


def test_without_originals_the_pixels_change_places():
    images = torch.rand(5, 3, 4, 6)
    control = Forgeries(images, torch.zeros(5, dtype=torch.int64)).control()
    assert not torch.equal(control, images)

    def colours(image):
        return sorted(map(tuple, image.flatten(1).T.tolist()))

    assert all(colours(a) == colours(b) for a, b in zip(control, images, strict=True))


# --- what forgeries are made of ------------------------------------------------------------


def test_of_elites_and_of_a_list(runs):
    one, all_runs = Forgeries.of(runs[0], network=2), Forgeries.of(runs)
    assert torch.equal(one.images, runs[0].images)
    assert one.classes.tolist() == list(range(10))
    assert one.networks.tolist() == [2] * 10
    assert all_runs.runs.tolist() == [r for r in range(4) for _ in range(10)]
    assert all_runs.truth is None
    joined = Forgeries.join([Forgeries.of(runs[:2], network=0), Forgeries.of(runs[2:], network=1)])
    assert joined.runs.tolist() == all_runs.runs.tolist()
    assert joined.networks.tolist() == [0] * 20 + [1] * 20
    assert Forgeries.of(joined) is joined


def test_of_attacks(lenet, digits, fooled):
    family = Forgeries.of(fooled)
    kept = fooled.success
    assert torch.equal(family.images, fooled.images[kept])
    assert torch.equal(family.classes, fooled.predicted[kept])
    assert torch.equal(family.truth, fooled.labels[kept])
    assert family.runs.unique().numel() == len(family)  # each digit stands for itself
    several = Forgeries.of([fooled, fooled])
    assert several.runs.unique().numel() == 2 * len(family)
    goals = (digits[1] + 1) % 10
    aimed = fk.gradients.pgd(lenet, digits[0], goals, epsilon=0.3, targeted=True, progress=False)
    assert Forgeries.of(aimed).truth is None
    assert torch.equal(Forgeries.of(aimed).classes, goals[aimed.success])


def test_of_images_and_classes():
    family = Forgeries.of((telling([1, 2]), torch.tensor([1, 3])))
    result = transfer({"told": Told()}, family)
    assert float(result.measures["same"].value) == 0.5
    assert result.measures["error"].value.isnan().all()
    assert "error" not in {record["measure"] for record in result.table()}


# --- what comes out ------------------------------------------------------------------------


def test_table_and_text(judges, fooled, runs):
    result = transfer(judges, {"fgsm": fooled, "cppn": runs}, resamples=200)
    table = result.table()
    assert len(table) == 3 * 3 * (4 + 3)  # judges, kinds, measures (the patterns show nothing)
    wanted = {"family": "fgsm", "judge": "fc", "measure": "same"}
    row = {record["kind"]: record for record in table if wanted.items() <= record.items()}
    assert row["forgery"]["value"] == float(result.measures["same"].value[0, 1])
    assert row["control"]["high"] == float(result.control["same"].high[0, 1])
    assert row["excess"]["low"] == float(result.excess["same"].low[0, 1])
    assert all(record["low"] <= record["value"] <= record["high"] for record in table)
    lines = repr(result).splitlines()
    assert "control" in lines[0]
    assert lines[1].split() == ["lenet", "fc", "tree"]
    assert lines[2].split()[:2] == ["fgsm", "100"]


@pytest.mark.parametrize("measure", MEASURES)
def test_the_heat_map(judges, fooled, runs, measure):
    result = transfer(judges, {"fgsm": fooled, "cppn": runs}, resamples=200)
    drawn = fk.plot.transfer(result, measure)
    assert drawn.png().startswith(b"\x89PNG")
    ax = drawn.axes[0]
    assert [t.get_text() for t in ax.get_xticklabels()] == list(judges)
    assert [t.get_text() for t in ax.get_yticklabels()] == ["fgsm", "cppn"]
    assert len(ax.texts) == 6
    assert ax.images[0].get_clim() == (0, 1)
    assert "fgsm" in drawn.alt
    with pytest.raises(ValueError, match="measure: expected one of 'same', .* got 'height'"):
        fk.plot.transfer(result, "height")


def test_the_cells_can_be_read_on_every_shade():
    classes = torch.zeros(20, dtype=torch.int64)
    families = {
        str(share): (telling([0] * share + [1] * (20 - share)), classes) for share in range(21)
    }
    drawn = fk.plot.transfer(transfer({"told": Told()}, families, control=False))
    shades = [drawn.axes[0].images[0].to_rgba(share / 20)[:3] for share in range(21)]

    def light(colour):  # relative luminance of WCAG 2
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
        return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    from matplotlib.colors import to_rgb

    assert all(light(a) < light(b) for a, b in pairwise(shades))
    for shade, text in zip(shades, drawn.axes[0].texts, strict=True):
        dark, bright = sorted([light(shade), light(to_rgb(text.get_color()))])
        assert (bright + 0.05) / (dark + 0.05) > 4.5


# --- bad input -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"judges": {}}, ValueError, "judges: expected a mapping .* got none"),
        ({"judges": Told()}, TypeError, "judges: expected a mapping .* got Told"),
        ({"judges": {"a": len}}, TypeError, "judges: expected torch.nn.Modules, got .* for 'a'"),
        ({"forgeries": {}}, ValueError, "forgeries: expected at least one family"),
        ({"forgeries": []}, TypeError, "forgeries: expected .* got nothing"),
        ({"forgeries": "mine"}, TypeError, "forgeries: expected .* got str"),
        ({"forgeries": telling([0])}, TypeError, "forgeries: expected .* got Tensor"),
        (
            {"forgeries": (telling([0, 1]), torch.tensor([0]))},
            ValueError,
            r"forgeries.classes: expected shape \[2\]",
        ),
        (
            {"forgeries": (telling([0]) + 2, torch.tensor([0]))},
            ValueError,
            r"forgeries.images: expected values in \[0, 1\]",
        ),
        (
            {"forgeries": (telling([0]), torch.tensor([7]))},
            ValueError,
            "judges: expected 'told' to know class 7, got 4 classes",
        ),
        ({"threshold": 2.0}, ValueError, "threshold: expected a number in"),
        ({"resamples": 0}, ValueError, "resamples: expected an integer"),
        ({"level": 1.0}, ValueError, "level: expected a number between 0 and 1"),
        ({"seed": -1}, ValueError, "seed: expected an integer"),
        ({"chunk": 0}, ValueError, "chunk: expected an integer"),
    ],
)
def test_bad_arguments(changes, error, message):
    good = {"judges": {"told": Told()}, "forgeries": (telling([0, 1]), torch.tensor([0, 1]))}
    with pytest.raises(error, match=message):
        transfer(**{**good, **changes})


def test_images_that_a_judge_does_not_take(lenet):
    pair = (telling([0]), torch.tensor([0]))
    with pytest.raises(ValueError, match=r"as the judge 'lenet' takes, got \[1, 3, 3\] in 'mine'"):
        transfer({"lenet": lenet}, {"mine": pair})
    other = Forgeries.of((torch.zeros(1, 1, 2, 2), torch.tensor([0])))
    with pytest.raises(ValueError, match="forgeries: expected images of one shape"):
        Forgeries.join([Forgeries.of(pair), other])


def test_an_attack_that_fooled_nobody(lenet, digits):
    right = fk.models.predict(lenet, digits[0]).argmax(1) == digits[1]
    idle = fk.gradients.fgsm(lenet, digits[0][right], digits[1][right], epsilon=0.0)
    with pytest.raises(ValueError, match="forgeries: expected images that fool .* got .* do not"):
        Forgeries.of(idle)
    assert len(Forgeries.of(idle, failures=True)) == int(right.sum())
    with pytest.raises(ValueError, match="forgeries.originals: expected 2 images, got 1"):
        Forgeries(telling([0, 1]), torch.tensor([0, 1]), originals=telling([0]))
