"""Every number of a report again: the images as they were made, judged with plain PyTorch."""

import io
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn.functional import normalize

import foolkit as fk
from foolkit.analysis.forgeries import Forgeries
from foolkit.examination import attack, run
from foolkit.examination.sections import attacks, evolved, neighbours, rays, rubbish
from tests.examination.networks import K, N, judge, pictures, tiny

SIZE = 0.03
RIGHT = N - 6  # which it reads as their labels say


@pytest.fixture(scope="module")
def made():
    """What was made on the way, call by call, by the name of what made it."""
    return {}


@pytest.fixture(scope="module")
def report(made):
    def spied(patch, place, name):
        real = getattr(place, name)

        def tell(*given, **named):
            found = real(*given, **named)
            made.setdefault(f"{place.__name__.rpartition('.')[2]}.{name}", []).append(found)
            return found

        patch.setattr(place, name, tell)

    with pytest.MonkeyPatch.context() as patch:
        for place, names in (
            (neighbours, ("deepfool", "for_files", "noise")), (attacks, ("noise",)),
            (attack, ("strongest",)), (rubbish, ("rubbish",)), (rays, ("random_directions",)),
            (sys.modules["foolkit.analysis.robustness"], ("noise", "fgsm", "pgd", "blind")),
            (Forgeries, ("control",)),
        ):  # fmt: skip
            for name in names:
                spied(patch, place, name)
        images, labels = pictures()
        patch.setattr(evolved, "WANTED", 20)  # generations
        yield fk.examine(tiny(), images, labels, minutes=None, judge=judge(), progress=False)


@pytest.fixture
def numbers(report):
    return {name: number.value for name, number in report.numbers.items()}


def said(images, net=None):
    with torch.no_grad():
        return (net or tiny())(images).argmax(1)


def sure(images):
    with torch.no_grad():
        return tiny()(images).softmax(1).amax(1)


def share(hits):
    return pytest.approx(float(hits.double().mean()), abs=1e-9)


def test_nothing_is_left_out(report):
    """What is derived in this file, and there is no more."""
    derived = {
        "accuracy", "mean_confidence", "overconfidence", "calibration_error",
        "calibration_error_by_chance", "unseen_neighbour", "neighbour_found",
        "neighbour_survives_8_bits", "neighbour_survives_jpeg", "noise_of_same_size",
        "neighbour_l2", "neighbour_linf", f"survives@{SIZE}", f"survives_noise@{SIZE}", "painted",
        "zero_gradients", f"fooled_by_judge@{SIZE}", "fooled_by_noise",
        *(f"{of}_accuracy@{size:g}" for size in run.EPSILONS for of in ("robust", "noise")),
        *(f"certain_of_{kind}" for kind in ("uniform", "gaussian", "smooth", "tiles")),
        *(f"bred_{kind}{of}" for kind in ("patterns", "noise") for of in ("", "_confidence")),
        *(f"ray_changes@{times}x" for times in (1, 2, 3, 5, 10)),
        *(f"right_under_{attack}" for attack in
          ("noise", "fgsm", "pgd", "transfer", "evolution", "without_limit")),
        *(f"{of}{family}{by}" for family in families(report)
          for of, by in (("fools_judge_", ""), *(("", f"_seen_by_{name}") for name in
                         ("confidence", "energy", "pixels", "features")))),
    }  # fmt: skip
    assert set(report.numbers) == derived


def test_accuracy_and_calibration(numbers):
    images, labels = pictures()
    confidence, right = sure(images).double(), (said(images) == labels).double()
    assert numbers["accuracy"] == share(right)
    assert numbers["mean_confidence"] == pytest.approx(float(confidence.mean()), abs=1e-6)
    gap = float((confidence - right).mean())
    assert numbers["overconfidence"] == pytest.approx(gap, abs=1e-6)

    def error(right):
        total = 0.0
        for b in range(10):
            inside = (confidence > b / 10) & (confidence <= (b + 1) / 10)
            if inside.any():
                total += float((right[inside] - confidence[inside]).sum().abs()) / N
        return total

    assert numbers["calibration_error"] == pytest.approx(error(right), abs=1e-6)
    draws = torch.Generator().manual_seed(7)
    chance = [error((torch.rand(N, generator=draws) < confidence).double()) for _ in range(1000)]
    mean, apart = np.mean(chance), np.std(chance) / 1000**0.5
    assert numbers["calibration_error_by_chance"] == pytest.approx(mean, abs=6 * apart)


def test_neighbours(numbers, made):
    exact, _ = made["neighbours.deepfool"]
    files, square_files = made["neighbours.for_files"]
    assert len(exact.labels) == RIGHT
    assert bool((said(exact.originals) == exact.labels).all())
    assert numbers["neighbour_found"] == share(said(exact.images) != exact.labels)

    def far(found):  # of what a file holds
        return (found.files.float() / 255 - found.originals).flatten(1)

    fools, square_fools = (
        said(found.files.float() / 255) != found.labels for found in (files, square_files)
    )
    assert numbers["neighbour_survives_8_bits"] == share(fools)
    near = far(square_files).abs().amax(1) <= 8 / 255 + 1e-6
    assert numbers["unseen_neighbour"] == share(square_fools & near)
    lengths = far(files).norm(dim=1)
    assert numbers["neighbour_l2"] == pytest.approx(float(lengths[fools].median()), rel=1e-5)
    largest = far(square_files).abs().amax(1)[square_fools].median()
    assert numbers["neighbour_linf"] == pytest.approx(float(largest), rel=1e-5)
    (shaken,) = made["neighbours.noise"]
    assert torch.equal(shaken.labels, files.labels[fools])
    sizes = (shaken.images - shaken.originals).flatten(1).norm(dim=1)
    assert torch.allclose(sizes, lengths[fools], rtol=0.02)
    assert numbers["noise_of_same_size"] == share(said(shaken.images) != shaken.labels)


def test_neighbours_as_jpeg(numbers, made):
    files = made["neighbours.for_files"][0]
    fools = said(files.files.float() / 255) != files.labels
    again = []
    for image in files.files[fools]:
        held = io.BytesIO()
        Image.fromarray(image[0].numpy()).save(held, "jpeg", quality=90)
        again.append(torch.from_numpy(np.array(Image.open(held)))[None].float() / 255)
    # Pillow's transform is of whole numbers: a level here and there is another
    stays = (said(torch.stack(again)) != files.labels[fools]).double().mean()
    assert numbers["neighbour_survives_jpeg"] == pytest.approx(float(stays), abs=0.1)


def test_attacks(numbers, made):
    images, labels = made["attacks.noise"][0][0].originals, made["attacks.noise"][0][0].labels
    right = said(images) == labels
    (found,) = (runs for runs in made["attack.strongest"] if len(runs) == len(run.EPSILONS))
    for size, attacked, shaken in zip(run.EPSILONS, found, made["attacks.noise"][0], strict=True):
        for name, changed in (("robust", attacked), ("noise", shaken)):
            assert torch.equal(changed.originals, images)
            assert float((changed.images - images).abs().max()) <= size + 1e-6
            assert 0 <= float(changed.images.min()) <= float(changed.images.max()) <= 1
            stands = said(changed.images) == labels
            assert numbers[f"{name}_accuracy@{size:g}"] == share(right & stands)
            if size == SIZE:
                name = {"robust": "survives", "noise": "survives_noise"}[name]
                assert numbers[f"{name}@{size:g}"] == share(stands[right])


def test_rubbish(numbers, made):
    (kinds,) = made["rubbish.rubbish"]
    assert set(kinds) == {"uniform", "gaussian", "smooth", "tiles", "black", "white"}
    for kind in ("uniform", "gaussian", "smooth", "tiles"):
        assert numbers[f"certain_of_{kind}"] == share(sure(kinds[kind]) >= 0.99)
    assert kinds["uniform"].double().mean() == pytest.approx(0.5, abs=0.02)
    pixels, _ = pictures()
    mine = {tuple(one.flatten().sort().values.tolist()) for one in pixels}
    assert all(tuple(one.flatten().sort().values.tolist()) in mine for one in kinds["tiles"])


def test_bred_and_painted(report, numbers):
    for kind in ("patterns", "noise"):
        images = report["evolved"].kept[f"{kind}.images"]
        goals = report["evolved"].kept[f"{kind}.goals"]
        assert len(images) == 3 * K  # of so few classes all are kept
        with torch.no_grad():
            own = tiny()(images).softmax(1).gather(1, goals[:, None])
        assert numbers[f"bred_{kind}"] == share(own >= 0.99)
        mean = float(own.double().mean())
        assert numbers[f"bred_{kind}_confidence"] == pytest.approx(mean, abs=1e-5)
    kept = report["painted"].kept
    assert torch.equal(said(kept["images"]), kept["classes"])
    assert bool((sure(kept["images"]) >= 0.99 - 1e-5).all())
    of = report.numbers["painted"].units
    assert numbers["painted"] == pytest.approx(len(kept["images"]) / of)


def test_rays(report, numbers, made):
    kept = report["neighbours"].kept
    (ways,) = made["rays.random_directions"]
    assert torch.allclose(ways.flatten(1).norm(dim=1), torch.ones(len(ways)))
    shown = torch.stack([p.float() for p in made["neighbours.deepfool"][0].originals])
    far = kept["l2"][: len(ways)]
    shown, far = shown[: len(ways)][far > 0], far[far > 0]
    changed = torch.zeros(len(shown), dtype=torch.bool)
    for times in (1, 2, 3, 5, 10):
        changed |= said(shown + (times * far).view(-1, 1, 1, 1) * ways) != said(shown)
        assert numbers[f"ray_changes@{times}x"] == share(changed)


def families(report):
    """The images that fooled, and their classes, from what the sections kept."""
    attacked, near = report["attacks"].kept, report["neighbours"].kept
    hit = attacked["success"]
    found = {
        "neighbours": (near["images"], torch.arange(len(near["images"]))),
        "attacks": (attacked["images"][hit], torch.arange(int(hit.sum()))),
    }
    for kind in ("patterns", "noise"):
        images, runs = (report["evolved"].kept[f"{kind}.{of}"] for of in ("images", "runs"))
        certain = sure(images) >= 0.99
        found[kind] = images[certain], runs[certain]
    painted = report["painted"].kept["images"]
    found["painted"] = painted, torch.arange(len(painted))
    return {name: (images, runs) for name, (images, runs) in found.items() if len(images)}


def test_two_networks(report, numbers, made):
    (aimed,) = next(runs for runs in made["attack.strongest"] if len(runs) == 1)
    assert float((aimed.images - aimed.originals).abs().max()) <= SIZE + 1e-6
    hit = (said(aimed.images, judge()) != aimed.labels) & (
        said(aimed.originals, judge()) == aimed.labels
    )
    misread = said(aimed.images[hit]) != aimed.labels[hit]
    assert numbers[f"fooled_by_judge@{SIZE}"] == share(misread)
    shaken = made["Forgeries.control"][0]
    assert numbers["fooled_by_noise"] == share(said(shaken) != aimed.labels[hit])
    lengths = [(one - aimed.originals[hit]).flatten(1).norm(dim=1)
               for one in (shaken, aimed.images[hit])]  # fmt: skip
    assert torch.allclose(*lengths, rtol=0.02)
    for name, (images, _) in families(report).items():
        same = said(images, judge()) == said(images)
        assert numbers[f"fools_judge_{name}"] == share(same)


def test_masked_gradients(numbers, made):
    images, labels = made["robustness.blind"][0].originals, made["robustness.blind"][0].labels
    assert bool((said(images) == labels).all())
    leaf = images.clone().requires_grad_()
    loss = torch.nn.functional.cross_entropy(tiny()(leaf), labels, reduction="sum")
    (slope,) = torch.autograd.grad(loss, leaf)
    stepped = (images + SIZE * slope.sign()).clamp(0, 1)
    assert numbers["right_under_fgsm"] == share(said(stepped) == labels)
    assert numbers["zero_gradients"] == share((slope == 0).flatten(1).all(1))
    inside, on_judge, outside = made["robustness.pgd"]
    stands = torch.ones(len(labels), dtype=torch.bool)
    for shaken in made["robustness.noise"]:
        stands &= said(shaken.images) == labels
        assert float((shaken.images - images).abs().max()) <= SIZE + 1e-6
    assert numbers["right_under_noise"] == share(stands)
    for name, changed, size in (
        ("pgd", inside, SIZE), ("transfer", on_judge, SIZE), ("without_limit", outside, 1),
        ("evolution", made["robustness.blind"][0], SIZE),
    ):  # fmt: skip
        assert float((changed.images - images).abs().max()) <= size + 1e-6
        assert numbers[f"right_under_{name}"] == share(said(changed.images) == labels)


def test_detectors(report, numbers):
    images, _ = pictures()
    order = torch.randperm(N, generator=torch.Generator().manual_seed(0))
    images = images[order]
    known, held = images[: N // 2], images[N // 2 :]
    net = tiny()

    def odds(shown):
        chances = net(shown).double().softmax(1).sort(1, descending=True).values
        return (chances[:, 0] / chances[:, 1:].sum(1)).log()

    def distance(kind):
        def score(shown):
            return -torch.cdist(kind(shown), kind(known)).kthvalue(5, 1).values

        return score

    scores = {
        "confidence": odds,
        "energy": lambda shown: net(shown).double().logsumexp(1),
        "pixels": distance(lambda shown: shown.flatten(1)),
        "features": distance(lambda shown: normalize(net[:-1](shown))),
    }
    with torch.no_grad():
        for name, score in scores.items():
            lowest = score(held).sort().values[1]  # of 24, one may be refused
            for family, (forged, _) in families(report).items():
                refused = (score(forged) < lowest - 1e-6).double().mean()
                found = numbers[f"{family}_seen_by_{name}"]
                assert found == pytest.approx(float(refused), abs=1.01 / len(forged)), name


def test_intervals_of_shares(report):
    """Those over pictures are exact (Clopper and Pearson 1934)."""
    beta = pytest.importorskip("scipy.stats").beta
    exact = 0
    for number in report.numbers.values():
        hits = round(number.value * number.units)
        if number.unit != "share" or "seen_by" in number.name or "bred" in number.name:
            continue
        if number.name.startswith(("fools_judge", "mean")):
            continue
        assert number.value * number.units == pytest.approx(hits, abs=1e-6), number.name
        tail = (1 - number.level) / 2
        low = beta.ppf(tail, hits, number.units - hits + 1) if hits else 0.0
        high = beta.ppf(1 - tail, hits + 1, number.units - hits) if hits < number.units else 1.0
        assert (number.low, number.high) == pytest.approx((low, high), abs=1e-6), number.name
        exact += 1
    assert exact > 20
