"""Each exercise knows a right answer from wrong ones, and says what is wrong without telling."""

import math
import re
from collections import Counter

import nbformat
import pytest
import torch
from torch import nn

import foolkit as fk
from foolkit.book.checking import NotYet, number, size, tensor
from foolkit.book.exercises import EXERCISES, check
from tests.test_notebooks import PATHS

ASKED = re.compile(r"""book\.check\(\s*"([\w/-]+)\"""")


@pytest.fixture(scope="module")
def net():
    return fk.models.load("lenet")


@pytest.fixture(scope="module")
def digits():
    return tuple(part[:60] for part in fk.data.digits())


def test_every_exercise_is_posed_once_and_its_solution_asserts_it():
    posed, solved = Counter(), Counter()
    for path in PATHS:
        cells = nbformat.read(path, 4).cells
        for cell in cells:
            asked = ASKED.findall(cell.source)
            assert all(name.startswith(f"{path.stem}/") for name in asked)
            if cell.cell_type == "markdown":
                posed.update(asked)
            elif asked:
                assert "hide-cell" in cell.metadata.tags
                assert len(re.findall(r"^\s*assert .*$", cell.source, re.M)) == len(asked)
                solved.update(asked)
    assert posed == solved == Counter(list(EXERCISES))


def test_an_unknown_exercise_and_missing_arguments_are_errors():
    with pytest.raises(ValueError, match="name: expected one of .*confidence/ece"):
        check("confidence/eec", 1)
    with pytest.raises(TypeError, match=r"confidence/error-rate takes \(rate, m\), got 1 of them"):
        check("confidence/error-rate", 0.1)


def test_a_verdict_says_itself_and_counts_as_true_or_false():
    right, wrong = check("confidence/by-hand", 0.15), check("confidence/by-hand", 0.5)
    assert right
    assert not wrong
    assert repr(right).startswith("✓ Right: ")
    assert repr(wrong) == "✗ Not yet: the ECE is too high, by less than 1"


def test_dots_and_nothing_are_asked_for():
    assert "in place of the dots" in check("confidence/by-hand", ...).words
    assert "does your function return something" in check("confidence/ece", lambda *_: None,
        torch.rand(5), torch.rand(5) > 0.5).words  # fmt: skip
    assert "expected a function, got float" in check("certified/furthest", 1.23).words


@pytest.mark.parametrize(
    ("mine", "words"),
    [
        (-0.15, "wrong sign"),
        (15, "a hundred times too large"),
        (0.2, "too high, by less than 0.1$"),
        (0.1495, "too low, by less than 0.001"),
        (float("nan"), "expected a finite number"),
        (torch.zeros(3), r"expected one number, got a tensor \[3\]"),
        ("0.15", "expected a number, got str"),
        (True, "expected a number, got bool"),
    ],
)
def test_a_number_that_differs_is_described(mine, words):
    with pytest.raises(NotYet, match=words) as told:
        number(mine, 0.15, 1e-4, "it")
    assert "0.15" not in str(told.value).replace("0.1$", "")


@pytest.mark.parametrize(
    ("mine", "words"),
    [
        ([1.0, 2.0], "expected a tensor .*got list"),
        (torch.ones(3), r"expected the shape \[2\], got \[3\]"),
        (torch.tensor([1.0, float("nan")]), "NaN"),
        (torch.tensor([-1.0, -2.0]), "wrong sign"),
        (torch.tensor([1.0, 2.03]), "in 1 of 2 numbers: they lie above .* by less than 0.1 at"),
        (torch.tensor([0.0, 9.0]), "in 2 of 2 numbers: they lie above and below"),
    ],
)
def test_a_tensor_that_differs_is_described(mine, words):
    with pytest.raises(NotYet, match=words):
        tensor(mine, torch.tensor([1.0, 2.0]), 1e-3, "it")


def test_a_difference_is_told_to_the_next_power_of_ten():
    assert [size(gap) for gap in (0.03, 0.1, 3, 250)] == [
        "less than 0.1", "less than 1", "less than 10", "less than 1000"]  # fmt: skip


def words(name, *answer):
    """What is said of a wrong answer."""
    verdict = check(name, *answer)
    assert not verdict, verdict
    return verdict.words


def test_confidence(net):
    confidence, right = torch.rand(300), torch.rand(300) < 0.5

    def reliability(confidence, right, bins):
        return fk.analysis.reliability(confidence, right, bins).error

    assert check("confidence/ece", reliability, confidence, right)
    signed = lambda c, r, _: float((r.float() - c).mean().abs())  # noqa: E731
    assert "bins is too low" in words("confidence/ece", signed, confidence, right)
    assert check("confidence/error-rate", 3 / 1000, 1000)
    assert "too high" in words("confidence/error-rate", 3.7 / 1000, 1000)  # two-sided
    assert "the limit" in words("confidence/shrug", torch.zeros(1, 1, 28, 28), net)
    assert "[1, 1, 28, 28], got [28, 28]" in words("confidence/shrug", torch.zeros(28, 28), net)
    assert "got -1 to" in words("confidence/shrug", torch.full((1, 1, 28, 28), -1.0), net)


def test_evolved_noise(net):
    curve = torch.linspace(0, 1, 50)
    first = lambda curve, level: int((curve >= level).int().argmax())  # noqa: E731
    assert "never passes" in words("evolved-noise/passes", first, curve)
    later = lambda curve, level: int((curve >= level).nonzero()[0]) + 1  # noqa: E731
    assert "too high" in words("evolved-noise/passes", later, curve)
    black = torch.zeros(1, 1, 28, 28)
    sure = float(fk.models.predict(net, black)[0, 1])
    assert "falls" in words("evolved-noise/alone", black, [0.5, 0.2], net)
    assert "not the end of the curve" in words("evolved-noise/alone", black, [0.1, 0.9999], net)
    assert "below 99.99%" in words("evolved-noise/alone", black, [0.0, sure], net)


def test_regular_patterns(net, digits):
    assert check("regular-patterns/ring", 6, 3.6, net)
    assert "below 99.90%" in words("regular-patterns/ring", 1, 0, net)
    cppn = fk.encodings.CPPN(net.input_shape)
    genomes = cppn.sample(3, torch.Generator().manual_seed(0))
    whole = cppn.render(genomes, size=(56, 56))
    assert check("regular-patterns/nearer", whole[:, :, 14:42, 14:42], cppn, genomes)
    assert "differs in" in words("regular-patterns/nearer", cppn.render(genomes), cppn, genomes)
    assert "got [3, 1, 56, 56]" in words("regular-patterns/nearer", whole, cppn, genomes)
    raw = fk.models.Classifier(
        nn.Sequential(nn.Flatten(), nn.Linear(784, 10)),
        input_shape=net.input_shape,
        classes=10,
        name="raw",
    )
    noise = torch.rand(10, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    assert "train it" in words("regular-patterns/own-network", raw, *digits, noise)
    assert "breed until" in words("regular-patterns/own-network", net, *digits, noise)


def test_adversarial_perturbations(net, digits):
    images, labels = digits
    weight = torch.randn(784, generator=torch.Generator().manual_seed(0))
    assert check("adversarial-perturbations/linear", lambda w, e: e * w.abs().sum(), weight)
    largest = lambda w, e: e * w.norm()  # noqa: E731
    assert "too low" in words("adversarial-perturbations/linear", largest, weight)
    single = lambda x, y, e: fk.gradients.fgsm(net, x, y, epsilon=e).images  # noqa: E731
    assert "too few" in words("adversarial-perturbations/pgd", single, net, images, labels)
    twice = lambda x, y, e: single(x, y, 2 * e)  # noqa: E731
    assert "leave the box" in words("adversarial-perturbations/pgd", twice, net, images, labels)
    name = "adversarial-perturbations/mask"
    assert "lower half" in words(name, single(images, labels, 0.3), net, images, labels)
    assert "0 of 60 are misread" in words(name, images, net, images, labels).replace("1 of", "0 of")
    assert "after their label" in words("adversarial-perturbations/on-demand", images, net, labels)


def test_gradient_images(net, digits):
    start = torch.rand(10, 1, 28, 28, generator=torch.Generator().manual_seed(0))

    def climb(net, image, step=0.01, clip=True, sign=1):
        for _ in range(30):
            image.requires_grad_()
            (slope,) = torch.autograd.grad(net(image).log_softmax(1).diagonal().sum(), image)
            slope = sign * slope / slope.square().mean((1, 2, 3), keepdim=True).sqrt()
            image = image.detach() + step * slope
            image = image.clamp(0, 1) if clip else image
        return image

    name = "gradient-images/ascent"
    assert check(name, climb, net, start)
    down = lambda net, x: climb(net, x, sign=-1)  # noqa: E731
    assert "does the step go up" in words(name, down, net, start)
    double = lambda net, x: climb(net, x, step=0.02)  # noqa: E731
    assert "off by less than" in words(name, double, net, start)
    free = lambda net, x: climb(net, x, clip=False)  # noqa: E731
    assert "expected values in [0, 1]" in words(name, free, net, start)
    images, labels = digits
    threes = images[labels == 3]
    assert "below 99.90%" in words("gradient-images/real-start", threes, net, threes)
    eights = fk.gradients.ascent(net, torch.full((len(threes),), 8), start=threes, progress=False)
    assert check("gradient-images/real-start", eights.images, net, threes)
    other = eights.images.roll(1, 0)
    assert "nearer to another 3" in words("gradient-images/real-start", other, net, threes)


def test_few_pixels():
    assert check("few-pixels/count", lambda k: math.comb(784, k) * 255**k)
    assert "for 1 pixels" in words("few-pixels/count", lambda k: (784 * 256) ** k)
    assert "for 2 pixels" in words("few-pixels/count", lambda k: (784 * 255) ** k)
    net = fk.models.load("lenet")
    images, labels = (part[:240] for part in fk.data.digits())
    own = lambda x, y, e: fk.gradients.universal(  # noqa: E731
        net, x, y, epsilon=e, passes=6, batch=40, progress=False).change  # fmt: skip
    assert check("few-pixels/universal", own, net, images, labels)
    name = "few-pixels/universal"
    too_far = lambda x, y, e: 2 * own(x, y, e)  # noqa: E731
    assert "leave the box" in words(name, too_far, net, images, labels)
    signs = lambda x, y, e: e * torch.randn(1, 28, 28).sign()  # noqa: E731
    assert "too few" in words(name, signs, net, images, labels)
    assert "expected a tensor [1, 28, 28]" in words(name, lambda x, y, e: x, net, images, labels)
    assert "is None" in words(name, lambda x, y, e: None, net, images, labels)


def test_repetition():
    draws = torch.Generator().manual_seed(0)
    motifs, rank = torch.rand(2, 16, 1, 7, 7, generator=draws), torch.arange(16).expand(2, -1)
    turn = ((rank % 2 == 1) & (rank < 8))[..., None, None, None]
    assert check("repetition/mirrored", torch.where(turn, motifs.flip(-1), motifs), motifs, rank)
    upside = torch.where(turn, motifs.flip(-2), motifs)
    assert "top to bottom" in words("repetition/mirrored", upside, motifs, rank)
    assert "differs in" in words("repetition/mirrored", motifs.flip(-1), motifs, rank)
    motifs = motifs + torch.rand(2, 1, 1, 7, 7, generator=draws)
    itself = lambda motifs: torch.stack(  # noqa: E731
        [of.flatten(1).corrcoef() for of in motifs]).mean()  # fmt: skip
    assert "with itself" in words("repetition/alike", itself, motifs)
    across = lambda motifs: motifs.flatten(0, 1).flatten(1).corrcoef().mean()  # noqa: E731
    assert "across all digits" in words("repetition/alike", across, motifs)


def test_parts_without_a_whole(digits):
    tiles = fk.analysis.cut_tiles(digits[0], 4)
    order = torch.arange(16)
    order[4], order[9] = 9, 4  # counted from 1
    wrong = fk.analysis.paste_tiles(tiles[:, order])
    assert "4 of the 16 places" in words("parts-without-a-whole/swapped", wrong, digits[0])
    faces = fk.data.faces(50, "face", seed=7)
    judge = fk.models.faces.load_face_net("pooled")
    assert "differs in" in words("parts-without-a-whole/moved", [1.0] * 6, judge, faces)
    assert "got [5]" in words("parts-without-a-whole/moved", [1.0] * 5, judge, faces)


def test_imagenet():
    def corners(image):
        places = ((0, 0), (0, 32), (32, 0), (32, 32), (16, 16))
        return torch.stack([image[:, y : y + 224, x : x + 224] for y, x in places])

    mirrored = lambda image: torch.cat([corners(image).flip(-1), corners(image)])  # noqa: E731
    assert check("imagenet/crops", mirrored)
    twice = lambda image: corners(image).repeat(2, 1, 1, 1)  # noqa: E731
    assert "mirror images are not" in words("imagenet/crops", twice)
    upside = lambda image: torch.cat([corners(image), corners(image).flip(-2)])  # noqa: E731
    assert "mirror images are not" in words("imagenet/crops", upside)
    shifted = lambda image: mirrored(image.roll(1, 1))  # noqa: E731
    assert "10 of the ten" in words("imagenet/crops", shifted)
    assert "expected the shape" in words("imagenet/crops", corners)

    sure = fk.bank.champions.stored()[0].confidence
    alone = lambda confidence, level: int((confidence >= level).sum())  # noqa: E731
    assert "*mean*" in words("imagenet/selection", alone, sure)
    unsorted = lambda confidence, level: int((  # noqa: E731
        confidence.cumsum(0) / torch.arange(1, len(confidence) + 1) >= level).sum())  # fmt: skip
    assert "too " in words("imagenet/selection", unsorted, sure)


def test_certified():
    two_sided = lambda sigma, n: sigma * float(  # noqa: E731
        torch.distributions.Normal(0.0, 1.0).icdf(torch.tensor(0.0005 ** (1 / n))))  # fmt: skip
    assert "too low" in words("certified/furthest", two_sided)
    corners = lambda layer, low, high: (layer(low), layer(high))  # noqa: E731
    assert "a negative weight takes the other end" in words("certified/layer", corners)
    one = lambda layer, low, high: layer(low)  # noqa: E731
    assert "expected two tensors" in words("certified/layer", one)


def test_out_in_the_world():
    assert check("real-world/alarms", 90, 90_000 * 0.001**5)
    assert "too low" in words("real-world/alarms", 25, 1)
    squares = torch.rand(2, 3, 48, 48, generator=torch.Generator().manual_seed(0))
    squares = (squares * 255).round() / 255
    order = torch.randperm(3 * 48 * 48, generator=torch.Generator().manual_seed(0))
    torn = squares.flatten(1)[:, order].view_as(squares)
    assert "torn apart" in words("real-world/shuffled", torn, squares)
    assert "as they were" in words("real-world/shuffled", squares, squares)
    assert check("real-world/shuffled", squares.transpose(2, 3), squares)
    assert "not those of" in words("real-world/shuffled", 1 - squares, squares)


def test_local_models(digits):
    images, labels = digits
    field = fk.models.load("rbf")
    assert "leave the box" in words("local-models/patient", 1 - images, field, images, labels)
    assert "no more than one step" in words("local-models/patient", images, field, images, labels)
    noise = torch.rand(10, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    assert "0 of ten" in words("local-models/breeder", noise, field)


def test_since_2014(net, digits):
    images = digits[0]

    def share(sure, level):
        return float((sure >= level).double().mean())

    def own(judge, known, bred, classes):
        sure = fk.models.predict(judge, bred).gather(1, classes[:, None])[:, 0]
        return share(sure, fk.models.predict(judge, known).amax(1).median())

    def of_any_class(judge, known, bred, classes):
        sure = fk.models.predict(judge, bred).amax(1)
        return share(sure, fk.models.predict(judge, known).amax(1).median())

    def papers(judge, known, bred, classes):
        return share(fk.models.predict(judge, bred).gather(1, classes[:, None])[:, 0], 0.9999)

    mixer = fk.models.load("mixer")
    bred = fk.bank.later.load().elites["patterns"][2, 0]  # against the mixer
    given = (mixer, images, bred, torch.arange(10))
    assert check("since-2014/own-level", own, *given)
    assert "too high" in words("since-2014/own-level", of_any_class, *given)
    assert "too low" in words("since-2014/own-level", papers, *given)
    assert "expected a function" in words("since-2014/own-level", 0.5, *given)


def test_the_ratio_of_logits():
    def ratio(logits, labels, third=2):
        rows = torch.arange(len(logits))
        others = logits.clone()
        others[rows, labels] = -torch.inf
        largest = logits.sort(1, descending=True).values
        lead = others.amax(1) - logits[rows, labels]
        return lead / (largest[:, 0] - largest[:, third])

    assert check("grading/ratio", ratio)
    assert "the ratio" in words("grading/ratio", lambda z, y: ratio(z, y, 1))
    assert "wrong sign" in words("grading/ratio", lambda z, y: -ratio(z, y))
    assert "10,000" in words("grading/ratio", lambda z, y: ratio(z, y) + 0.01 * (z.max() > 100))


def test_transfer(net, digits):
    images, labels = digits
    other = fk.models.load("resnet")

    def passes(shown):
        return fk.models.predict(net, shown).argmax(1) == fk.models.predict(other, shown).argmax(1)

    asked = (net, other, images)
    assert check("transfer/second-opinion", passes, *asked)
    assert "other way round" in words("transfer/second-opinion", lambda x: ~passes(x), *asked)
    everyone = lambda shown: torch.ones(len(shown), dtype=torch.bool)  # noqa: E731
    assert "decided otherwise" in words("transfer/second-opinion", everyone, *asked)
    share = lambda shown: passes(shown).float().mean()  # noqa: E731
    assert "expected a bool" in words("transfer/second-opinion", share, *asked)
    third = fk.models.load("fc100-100-10")
    far = fk.gradients.fgsm(third, images, labels, epsilon=0.2).images
    near = images + 0.25 * (far - images)
    assert check("transfer/committee", near, images, third, images, labels)
    assert "0.06 is allowed" in words("transfer/committee", far, images, third, images, labels)
    assert "no more than" in words("transfer/committee", images, images, third, images, labels)


def test_why(net, digits):
    assert check("why/none", 3.7e6)
    assert "rule of three" in words("why/none", 3e6)
    assert "too low" in words("why/none", 1e6)
    bend = fk.analysis.bend_from_tangent
    trial = digits[0].clone().requires_grad_(True)
    nn.functional.cross_entropy(net(trial), digits[1], reduction="sum").backward()
    near = float(fk.gradients.lbfgs(net, *digits, progress=False).l2.nanquantile(0.5))
    mine = {length: float(bend(net, digits[0], trial.grad, [length]).nanmedian())
            for length in (near, 4 * near)}  # fmt: skip
    assert check("why/own-boundary", mine[near], net, *digits)
    assert "too high" in words("why/own-boundary", mine[4 * near], net, *digits)


def test_rejection(net, digits):
    scores, held = torch.arange(10.0), torch.arange(40.0) / 10
    read = torch.arange(10) > 1  # 95 % of the held are at 0.2 or more: one digit is refused
    assert check("rejection/cost", 0.5, 0.0, scores, held, read)
    assert "that gets in" in words("rejection/cost", 0.5, 1.0, scores, held, read)
    assert "too low" in words("rejection/cost", 0.1, 0.0, scores, held, read)
    detectors = [fk.bank.guarded.detectors(net)[name] for name in ("max softmax", "energy")]
    held = fk.bank.guarded.detector_digits()[2]
    given = (net, detectors, held)
    first = torch.stack([digits[0][digits[1] == k][0] for k in range(10)])
    assert check("rejection/two-guards", first, *given)
    noise = torch.rand(10, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    assert "breed until five are" in words("rejection/two-guards", noise, *given)


def test_your_network():
    assert check("your-network/lowest", lambda n: 0.025 ** (1 / n))
    assert "on one side" in words("your-network/lowest", lambda n: 0.05 ** (1 / n))
    assert "too low" in words("your-network/lowest", lambda n: 0.01 ** (1 / n))
    of = fk.examination.Number.of
    first, near, far = (
        of("share", "a share", fk.analysis.exact_interval(hits, 100), 100, better="higher")
        for hits in (50, 55, 70)
    )
    assert check("your-network/another-seed", True, first, near)
    assert check("your-network/another-seed", False, first, far)
    assert "both ends" in words("your-network/another-seed", True, first, far)
    assert "got float" in words("your-network/another-seed", 0.7, first, far)
