"""The checks of the book's coding exercises: each computes the right answer, and compares.

``check("confidence/ece", mine, confidence, right)`` calls the function that is registered under
that name with the rest of its arguments. Nothing is stored: an answer is right where it agrees
with what the package computes, or where it does to a network what the exercise asks for.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from foolkit import gradients
from foolkit.analysis import (
    Detector,
    acceptance_threshold,
    bend_from_tangent,
    calibration_error,
    interval_bounds,
    smoothed_certify,
)
from foolkit.analysis.camera import shuffled
from foolkit.analysis.intervals import exact_interval
from foolkit.analysis.search import Search, in_front
from foolkit.book import checking
from foolkit.book.checking import NotYet, Verdict
from foolkit.checks import check_choice
from foolkit.data.tiles import cut_tiles, paste_tiles
from foolkit.encodings import CPPN
from foolkit.encodings.cppn_genomes import CPPNGenomes
from foolkit.gradients.problem import Problem
from foolkit.gradients.sign import logits_ratio
from foolkit.models import Classifier, predict, refusing
from foolkit.models.crops import cut
from foolkit.models.faces import accepted

if TYPE_CHECKING:
    from foolkit.examination import Number

CERTAIN = 0.9999
Exercise = Callable[..., str]
EXERCISES: dict[str, Exercise] = {}


def check(name: str, *answer: Any) -> Verdict:
    """Whether an answer to an exercise is right; if it is not, in which way it differs.

    Args:
        name: of the exercise, "chapter/subject"; the exercise itself says it.
        answer: what the exercise asks for, and what it is about, in the order the exercise says.

    Returns:
        A verdict, true where the answer is right; it shows itself in words.

    Raises:
        ValueError: there is no such exercise.
        TypeError: more or fewer arguments than the exercise takes.
        Exception: whatever a function of the reader's raises.
    """
    check_choice(name, list(EXERCISES), "name")
    compare = EXERCISES[name]
    expected = inspect.signature(compare)
    try:
        expected.bind(*answer)
    except TypeError:
        names = ", ".join(expected.parameters)
        raise TypeError(f"answer: {name} takes ({names}), got {len(answer)} of them") from None
    try:
        return Verdict(True, compare(*answer))
    except NotYet as difference:
        return Verdict(False, str(difference))


def exercise(name: str) -> Callable[[Exercise], Exercise]:
    """Register a check: it returns what was compared in words, or raises ``NotYet``."""

    def register(function: Exercise) -> Exercise:
        EXERCISES[name] = function
        return function

    return register


def _function(mine: Any, what: str) -> Callable[..., Any]:
    """The reader's function."""
    if not callable(checking.given(mine, what)):
        raise NotYet(f"{what}: expected a function, got {type(mine).__name__}")
    return mine


@exercise("confidence/by-hand")
def by_hand(error: float) -> str:
    """The calibration error of the six answers, a number."""
    confidence = torch.tensor([0.55, 0.55, 0.95, 0.95, 0.95, 0.95])
    right = torch.tensor([True, False, True, True, True, False])
    checking.number(error, calibration_error(confidence, right, bins=10), 1e-3, "the ECE")
    return "the package computes the same."


@exercise("confidence/error-rate")
def error_rate(rate: float, m: int) -> str:
    """The rate of errors that ``m`` right answers rule out at 5 %: one-sided, exact."""
    right = exact_interval(0, m, level=0.9).high  # 5 % on either side
    checking.number(rate, right, 0.02 * right, "the rate")
    return "so says the exact interval of Clopper and Pearson."


@exercise("confidence/ece")
def ece(mine: Callable[[Tensor, Tensor, int], float], confidence: Tensor, right: Tensor) -> str:
    """A function of confidences ``[N]``, hits ``[N]`` and a number of bins: the ECE."""
    mine = _function(mine, "your function")
    for bins in (5, 15, 50, 150):
        exact = calibration_error(confidence, right, bins=bins)
        checking.number(mine(confidence, right, bins), exact, 1e-4, f"the ECE of {bins} bins")
    draws = torch.Generator().manual_seed(0)
    unsure = torch.rand(500, generator=draws)
    hits = torch.rand(500, generator=draws) < 0.5
    exact = calibration_error(unsure, hits, bins=10)
    checking.number(mine(unsure, hits, 10), exact, 1e-4, "the ECE of answers tossed by a coin")
    return "the package finds the same, with 5 to 150 bins and on answers of chance."


@exercise("confidence/shrug")
def shrug(image: Tensor, net: Classifier) -> str:
    """An image ``[1, 1, 28, 28]`` of which the network is less than 11 % certain."""
    image = checking.images(image, (1, *net.input_shape), "the image")
    highest = float(predict(net, image).max())
    if highest >= 0.11:
        raise NotYet(f"the highest confidence is {highest:.1%}, and 11 % is the limit")
    return f"the highest of the ten confidences is {highest:.1%}."


@exercise("evolved-noise/passes")
def passes(mine: Callable[[Tensor, float], int | None], curve: Tensor) -> str:
    """A function of a curve ``[generations]`` and a level: when the curve passes it, or None."""
    mine = _function(mine, "your function")
    for level in (0.5, 0.9, CERTAIN):
        there = (curve >= level).nonzero()
        if not len(there):
            continue
        checking.number(mine(curve, level), int(there[0]), 0, f"the generation of {level:.2%}")
    if mine(curve.clamp(max=0.4), 0.5) is not None:
        raise NotYet("a curve that never passes the level: expected None")
    if mine(torch.ones(3), 0.5) is None:
        raise NotYet("a curve that begins above the level passes it at generation 0")
    return "for every level, and for a curve that never passes."


@exercise("evolved-noise/alone")
def alone(image: Tensor, climbed: list[float], net: Classifier) -> str:
    """An image ``[1, 1, 28, 28]`` called a 1, and the best confidence of each generation."""
    image = checking.images(image, (1, *net.input_shape), "the image")
    curve = torch.tensor(checking.given(climbed, "the curve"))
    if len(curve) < 2 or bool((curve.diff() < 0).any()):
        raise NotYet("the best confidence so far falls: the best image of before must be kept")
    if abs(float(predict(net, image)[0, 1]) - float(curve[-1])) > 1e-3:
        raise NotYet("the network's confidence in the image is not the end of the curve")
    checking.confident(net, image, torch.tensor([1]), CERTAIN, "the image")
    return "it climbs, never falls, and ends at a 1 of more than 99.99 %."


@exercise("regular-patterns/ring")
def ring(a: float, b: float, net: Classifier) -> str:
    """Two numbers for which the ring ``exp(-(a d - b)^2)`` is a 0 at more than 99.9 %."""
    a, b = checking.given(a, "a"), checking.given(b, "b")
    axis = torch.linspace(-1, 1, 28)
    distance = (axis[:, None] ** 2 + axis**2).sqrt()
    drawn = torch.exp(-((a * distance - b) ** 2))[None, None]
    checking.confident(net, drawn, torch.tensor([0]), 0.999, "the ring as a 0")
    return "the network is more than 99.9 % certain of a 0."


@exercise("regular-patterns/nearer")
def nearer(mine: Tensor, encoding: CPPN, genomes: CPPNGenomes) -> str:
    """The middle 28 x 28 pixels of each pattern drawn at 56 x 56, ``[N, 1, 28, 28]``."""
    height, width = encoding.shape[1:]
    drawn = encoding.render(genomes, size=(2 * height, 2 * width))
    top, left = height // 2, width // 2
    middle = drawn[:, :, top : top + height, left : left + width]
    mine = checking.images(mine, middle.shape, "the images")
    checking.tensor(mine, middle, 1e-3, "the picture")
    return "that is the middle quarter, drawn from the formula."


@exercise("regular-patterns/own-network")
def own_network(net: Classifier, images: Tensor, labels: Tensor, forgeries: Tensor) -> str:
    """A network that reads held-out digits, and ten forgeries, one a class, that fool it."""
    right = float((predict(net, images).argmax(1) == labels).float().mean())
    if right < 0.85:
        raise NotYet(f"the network reads {right:.0%} of the digits: train it until it reads 85 %")
    forgeries = checking.images(forgeries, (10, *net.input_shape), "the forgeries")
    classes = torch.arange(10)
    sure = predict(net, forgeries)[classes, classes] >= 0.99
    if int(sure.sum()) < 5:
        raise NotYet(f"it is 99 % certain of {int(sure.sum())} of the ten: breed until it is of 5")
    return (
        f"it reads {right:.0%} of the digits, and is 99 % certain of {int(sure.sum())} forgeries."
    )


@exercise("adversarial-perturbations/linear")
def linear(mine: Callable[[Tensor, float], float], weight: Tensor) -> str:
    """A function of a weight and epsilon: by how much the score of a linear machine can fall."""
    mine = _function(mine, "your function")
    two = nn.Linear(weight.numel(), 2, bias=False)  # whose logits differ by the score
    machine = nn.Sequential(nn.Flatten(), two)
    with torch.no_grad():
        two.weight.copy_(torch.stack([-weight.flatten(), weight.flatten()]) / 2)
    grey = torch.full((1, 1, 1, weight.numel()), 0.5)
    for epsilon in (0.05, 0.25):
        step = gradients.fgsm(machine, grey, torch.tensor([1]), epsilon=epsilon, clip=False)
        with torch.no_grad():
            fall = float((machine(grey) - machine(step.images)).diff()[0, 0])
        checking.number(mine(weight, epsilon), fall, 1e-3 * fall, f"the fall at {epsilon:g}")
    return "one step of FGSM takes as much from a machine of that weight."


@exercise("adversarial-perturbations/pgd")
def pgd(
    mine: Callable[[Tensor, Tensor, float], Tensor], net: nn.Module, images: Tensor, labels: Tensor
) -> str:
    """A function of images, labels and epsilon: images in the box, as wrong as the package's."""
    mine = _function(mine, "your function")
    for epsilon in (0.1, 0.2):
        found = checking.images(mine(images, labels, epsilon), images.shape, "the images")
        checking.inside(found, images, epsilon, "the images")
        wrong = float((predict(net, found).argmax(1) != labels).float().mean())
        ours = gradients.pgd(net, images, labels, epsilon=epsilon, steps=20, progress=False)
        if wrong < float(ours.success.float().mean()) - 0.1:
            raise NotYet(f"at {epsilon:g} yours fools {wrong:.0%}, more than ten points too few")
    return "it stays in the box, and fools as many as the package's, within ten points."


@exercise("adversarial-perturbations/mask")
def mask(mine: Tensor, net: nn.Module, images: Tensor, labels: Tensor) -> str:
    """Images changed in the upper half alone, nearly all of them misread."""
    mine = checking.images(mine, images.shape, "the images")
    half = images.shape[2] // 2
    touched = int((mine[:, :, half:] != images[:, :, half:]).flatten(1).any(1).sum())
    if touched:
        raise NotYet(f"{touched} of {len(images)} images are changed in the lower half")
    fooled = int((predict(net, mine).argmax(1) != labels).sum())
    if fooled < 0.9 * len(images):
        raise NotYet(f"{fooled} of {len(images)} are misread, and nine in ten can be")
    return f"only the upper half is changed, and {fooled} of {len(images)} are misread."


@exercise("adversarial-perturbations/on-demand")
def on_demand(mine: Tensor, net: nn.Module, labels: Tensor) -> str:
    """Images of which each is read as the digit after its label, and 9 as 0."""
    mine = checking.images(mine, (len(labels), 1, 28, 28), "the images")
    read = predict(net, mine).argmax(1)
    reached = int((read == (labels + 1) % 10).sum())
    if reached < 0.95 * len(labels):
        raise NotYet(f"{reached} of {len(labels)} are read as the digit after their label")
    return f"{reached} of {len(labels)} are read as the digit that was asked for."


@exercise("few-pixels/count")
def count(mine: Callable[[int], int]) -> str:
    """A function of k: how many 8-bit images differ from a digit in exactly k pixels."""
    mine = _function(mine, "your function")
    for k in (0, 1, 2, 5):
        right = math.comb(784, k) * 255**k
        checking.number(mine(k), right, 1e-9 * right, f"the number for {k} pixels")
    return "places are chosen without order, and each has 255 other levels."


@exercise("few-pixels/universal")
def one_for_all(
    mine: Callable[[Tensor, Tensor, float], Tensor], net: nn.Module, images: Tensor, labels: Tensor
) -> str:
    """A function of images, labels and epsilon: one change for all, judged on the second half."""
    mine = _function(mine, "your function")
    epsilon, half = 0.3, len(images) // 2
    own, others = (images[:half], labels[:half]), (images[half:], labels[half:])
    change = checking.given(mine(*own, epsilon), "the change")
    if not isinstance(change, Tensor) or change.shape != images.shape[1:]:
        came = list(change.shape) if isinstance(change, Tensor) else type(change).__name__
        raise NotYet(f"the change: expected a tensor {list(images.shape[1:])}, got {came}")
    checking.inside(change, torch.zeros_like(change), epsilon, "the change")
    found = gradients.Universal(change.detach(), epsilon).judged(net, *others)
    signs = gradients.noise(net, *others, size=epsilon, norm="inf", kind="sign")
    ours = gradients.universal(net, *own, epsilon=epsilon, passes=5, batch=50, progress=False)
    wanted = float(ours.judged(net, *others).success.float().mean()) - 0.15
    share, chance = (float(one.success.float().mean()) for one in (found, signs))
    if share < wanted:
        raise NotYet(f"{share:.0%} of unseen digits are misread, more than 15 points too few")
    return f"{share:.0%} of unseen digits are misread, by random signs {chance:.0%}."


@exercise("gradient-images/ascent")
def ascent(mine: Callable[[nn.Module, Tensor], Tensor], net: nn.Module, start: Tensor) -> str:
    """A function of a network and ten starts: after 30 steps of 0.01, image i is a digit i."""
    mine = _function(mine, "your function")
    goals = torch.arange(len(start))
    ours = gradients.ascent(
        net, goals, start=start, steps=30, step_size=0.01, threshold=None, progress=False
    ).images
    found = checking.images(mine(net, start.clone()), start.shape, "the images")
    sure = predict(net, found)[goals, goals]
    if bool((sure < 0.5).any()):
        raise NotYet(f"{int((sure < 0.5).sum())} of {len(sure)} are not called by their goal:"
                     " does the step go up, and is image i asked to be a digit i?")  # fmt: skip
    gap = float((found - ours).abs().mean())
    if gap > 1e-3:
        raise NotYet(f"the pixels are off by {checking.size(gap)} on average: is each step"
                     " 0.01 in the root mean square, and is each clipped?")  # fmt: skip
    return "after 30 steps the images are the package's."


@exercise("gradient-images/real-start")
def real_start(mine: Tensor, net: nn.Module, threes: Tensor) -> str:
    """Images painted from real 3s that the network is certain are 8s, each near its own 3."""
    mine = checking.images(mine, threes.shape, "the images")
    checking.confident(net, mine, torch.full((len(mine),), 8), 0.999, "the 8s")
    apart = (mine[:, None] - threes).square().flatten(2).mean(2)
    if bool((apart.argmin(1) != torch.arange(len(mine))).any()):
        raise NotYet("some are nearer to another 3 than to their own: did they start from it?")
    return "each is an 8 to the network, and nearer to its own 3 than to any other."


@exercise("transfer/committee")
def committee(
    mine: Tensor, alone: Tensor, third: nn.Module, originals: Tensor, labels: Tensor
) -> str:
    """Digits changed for a committee, by 0.06 in RMS at most, that a third network misreads.

    It misreads more of them than of ``alone``, which were changed for one network.
    """
    mine = checking.images(mine, originals.shape, "the images")
    size = float((mine - originals).flatten(1).square().mean(1).sqrt().max())
    if size > 0.06 + 1e-4:
        raise NotYet(f"a change has the size {size:.3g} (RMS), and 0.06 is allowed")
    fallen, before = (float((predict(third, x).argmax(1) != labels).float().mean())
                      for x in (mine, alone))  # fmt: skip
    if fallen <= before:
        raise NotYet(f"the third network misreads {fallen:.0%}, no more than of the others")
    return f"the third network misreads {fallen:.0%}, and {before:.0%} of those made for one."


@exercise("transfer/second-opinion")
def second_opinion(
    mine: Callable[[Tensor], Tensor], first: nn.Module, second: nn.Module, images: Tensor
) -> str:
    """A function of images ``[N, 1, 28, 28]``: which pass, bool ``[N]``: the networks agree."""
    mine = _function(mine, "your function")
    draws = torch.Generator().manual_seed(0)
    for name, shown in (
        ("the images", images),
        ("uniform noise", torch.rand(100, *images.shape[1:], generator=draws)),
    ):
        right = predict(first, shown).argmax(1) == predict(second, shown).argmax(1)
        found = checking.given(mine(shown), "what your function returns")
        if not isinstance(found, Tensor) or found.dtype != torch.bool or found.shape != right.shape:
            raise NotYet(f"expected a bool tensor {list(right.shape)}, one answer an image")
        off = int((found != right).sum())
        if off == len(right):
            raise NotYet("it is the other way round: who agrees passes")
        if off:
            raise NotYet(f"of {name}, {off} of {len(right)} are decided otherwise")
    return "on your images and on noise."


@exercise("repetition/mirrored")
def mirrored(mine: Tensor, motifs: Tensor, rank: Tensor) -> str:
    """The motifs with every second of the first eight mirrored left to right.

    ``motifs`` are ``[..., cells, 1, h, w]`` and ``rank`` is ``[..., cells]``, counted from 0.
    """
    turn = (rank % 2 == 1) & (rank < 8)
    right = torch.where(turn[..., None, None, None], motifs.flip(-1), motifs)
    mine = checking.given(mine, "the motifs")
    upside = torch.where(turn[..., None, None, None], motifs.flip(-2), motifs)
    if isinstance(mine, Tensor) and mine.shape == right.shape and bool((mine == upside).all()):
        raise NotYet("the motifs are mirrored top to bottom, and left to right was asked for")
    checking.tensor(mine, right, 1e-6, "the motifs")
    return "every second of the eight faces the other way."


@exercise("repetition/alike")
def alike(mine: Callable[[Tensor], float], motifs: Tensor) -> str:
    """A function of motifs ``[digits, of a digit, 1, h, w]``: the mean correlation of two.

    Two different ones of one digit; all such pairs count alike.
    """
    mine = _function(mine, "your function")
    off = ~torch.eye(motifs.shape[1], dtype=torch.bool)
    right = float(torch.stack([of.flatten(1).corrcoef()[off] for of in motifs]).mean())
    with_itself = float(torch.stack([of.flatten(1).corrcoef() for of in motifs]).mean())
    across = float(motifs.flatten(0, 1).flatten(1).corrcoef().mean())
    found = checking.given(mine(motifs), "what your function returns")
    if right != with_itself and abs(float(found) - with_itself) < 1e-4:
        raise NotYet("a motif correlates with itself by 1: leave those pairs out")
    if abs(float(found) - across) < 1e-4:
        raise NotYet("those are pairs across all digits: take two of one digit")
    checking.number(found, right, 1e-3, "the mean correlation")
    return "that is the mean over all pairs of one digit."


@exercise("parts-without-a-whole/swapped")
def swapped(mine: Tensor, images: Tensor) -> str:
    """The images with tiles 5 and 10 of their 4 x 4 exchanged, counted from 0."""
    mine = checking.images(mine, images.shape, "the images")
    order = torch.arange(16)
    order[5], order[10] = 10, 5
    ours = paste_tiles(cut_tiles(images, 4)[:, order])
    off = (cut_tiles(mine, 4) != cut_tiles(ours, 4)).flatten(2).any(2).any(0).sum()
    if off:
        raise NotYet(f"{int(off)} of the 16 places hold another tile in some of the images")
    return "tiles 5 and 10 changed places, and nothing else did."


@exercise("parts-without-a-whole/moved")
def moved(mine: list[float], net: Classifier, faces: Tensor) -> str:
    """The share of faces that a network accepts, moved right by 0 to 5 pixels: six numbers."""
    mine = checking.given(mine, "the shares")
    right = torch.tensor([accepted(net, faces.roll(shift, 3)) for shift in range(6)])
    checking.tensor(torch.tensor(mine), right, 0.01, "the list of shares")
    return "those are the shares, from 0 to 5 pixels."


@exercise("imagenet/crops")
def crops(mine: Callable[[Tensor], Tensor]) -> str:
    """A function of an image ``[3, 256, 256]``: its ten crops of 224, in any order."""
    mine = _function(mine, "your function")
    image = torch.rand(3, 256, 256, generator=torch.Generator().manual_seed(0))
    right = cut(image[None], 224, 224, 10)[:, 0]
    found = checking.images(mine(image.clone()), right.shape, "the crops")
    there = torch.stack([(found == one).flatten(1).all(1).any() for one in right])
    if bool(there[:5].all()) and not bool(there[5:].any()):
        raise NotYet("the corners and the centre are there, their mirror images are not")
    if not bool(there.all()):
        raise NotYet(f"{int((~there).sum())} of the ten are not among your crops")
    return "four corners, the centre, and the mirror image of each."


@exercise("imagenet/selection")
def selection(mine: Callable[[Tensor, float], int], confidence: Tensor) -> str:
    """A function of confidences ``[K]`` and a level: how many of the surest have that mean."""
    mine = _function(mine, "your function")
    spread = torch.rand(300, generator=torch.Generator().manual_seed(0))
    for sure, level in ((confidence, 0.9912), (confidence, 0.95), (spread, 0.9), (spread, 0.4)):
        ordered = sure.double().sort(descending=True).values
        right = int((ordered.cumsum(0) / torch.arange(1, len(sure) + 1) >= level).sum())
        found = mine(sure.clone(), level)
        if isinstance(found, int) and found == int((sure >= level).sum()) != right:
            raise NotYet("each of those has the level by itself: their *mean* is asked for")
        checking.number(found, right, 1, f"the number of {len(sure)} for {level:.2%}")
    return "so many may be kept, at each of four levels."


@exercise("why/none")
def none(images: int) -> str:
    """How many images without a hit it takes for an interval of 95 % to end below a millionth."""
    right = -math.log(0.025) * 1e6  # the exact two-sided interval of Clopper and Pearson
    one_sided = -math.log(0.05) * 1e6
    found = checking.given(images, "the number of images")
    if isinstance(found, (int, float)) and abs(found - one_sided) < 0.01 * one_sided:
        raise NotYet("that is the rule of three, which has the whole error on one side")
    checking.number(found, right, 0.01 * right, "the number of images")
    return "to within a hundredth."


@exercise("why/own-boundary")
def own_boundary(mine: float, net: nn.Module, images: Tensor, labels: Tensor) -> str:
    """The median departure from the tangent along the gradient, at the network's own boundary.

    That is as far as the median of the smallest changes that L-BFGS finds.
    """
    trial = images.clone().requires_grad_(True)
    cross_entropy(net(trial), labels, reduction="sum").backward()
    assert trial.grad is not None  # of every differentiable network, else the line above failed
    near = float(gradients.lbfgs(net, images, labels, progress=False).l2.nanquantile(0.5))
    bent = bend_from_tangent(net, images, trial.grad, [near])
    checking.number(mine, float(bent.nanmedian()), 0.03, "the departure")
    return "the package departs as far."


@exercise("local-models/patient")
def patient(mine: Tensor, net: nn.Module, images: Tensor, labels: Tensor) -> str:
    """Images within 0.25 that the RBF scores misread at least as often as after one step."""
    mine = checking.images(mine, images.shape, "the images")
    checking.inside(mine, images, 0.25, "the images")
    wrong = float((predict(net, mine).argmax(1) != labels).float().mean())
    single = gradients.fgsm(net, images, labels, epsilon=0.25)
    if wrong <= float(single.success.float().mean()):
        raise NotYet(f"{wrong:.0%} are misread, no more than one step of FGSM gets")
    return f"{wrong:.0%} are misread, more than one step gets."


@exercise("local-models/breeder")
def breeder(mine: Tensor, net: Classifier) -> str:
    """Ten images, one a class, half of which the RBF scores give their class more than 0.1."""
    mine = checking.images(mine, (10, 1, 28, 28), "the images")
    classes = torch.arange(10)
    told = predict(refusing(net), mine)[classes, classes]
    above = int((told > 0.1).sum())
    if above < 5:
        raise NotYet(f"{above} of ten are above one tenth: breed on, until five are")
    return f"{above} of ten are above one tenth. Look at them: what do you see?"


@exercise("certified/furthest")
def furthest(mine: Callable[[float, int], float]) -> str:
    """A function of sigma and n: the radius that n samples which all agree prove at 0.001."""
    mine = _function(mine, "your function")

    class Same(nn.Module):
        """Gives every image the same answer, so that all samples agree."""

        def forward(self, images: Tensor) -> Tensor:
            return torch.eye(2)[0].expand(len(images), 2)

    for sigma, n in ((0.25, 100), (0.5, 1000), (1.0, 5000)):
        cast = smoothed_certify(Same(), torch.zeros(1, 1, 2, 2), sigma=sigma, samples=n)
        checking.number(mine(sigma, n), float(cast.radius), 1e-3, f"the radius of {n} samples")
    return "the algorithm gives these radii to a network that never changes its answer."


@exercise("certified/layer")
def layer(mine: Callable[[nn.Linear, Tensor, Tensor], tuple[Tensor, Tensor]]) -> str:
    """A function of a linear layer and the corners of boxes ``[N, in]``: bounds ``[N, out]``."""
    mine = _function(mine, "your function")
    draws = torch.Generator().manual_seed(0)
    linear = nn.Linear(20, 10)
    with torch.no_grad():
        linear.weight.normal_(generator=draws)
        linear.bias.normal_(generator=draws)
    middle = torch.rand(8, 20, generator=draws)
    radius = 0.1 * torch.rand(8, 20, generator=draws)
    found = checking.given(mine(linear, middle - radius, middle + radius), "your bounds")
    if not isinstance(found, tuple) or len(found) != 2:
        raise NotYet("expected two tensors, the lower and the upper bounds")
    with torch.no_grad():
        ours = interval_bounds(linear, middle - radius, middle + radius)
        ends = linear(middle - radius), linear(middle + radius)
    if all(isinstance(f, Tensor) and torch.allclose(f, e, atol=1e-4)
           for f, e in zip(found, ends, strict=True)):  # fmt: skip
        raise NotYet("those are the answers at two corners: a negative weight takes the other end")
    for name, one, right in zip(("lower", "upper"), found, ours, strict=True):
        checking.tensor(one, right, 1e-3, f"the {name} bound")
    return "the bounds are the package's."


@exercise("real-world/alarms")
def alarms(an_hour: float, in_a_row: float) -> str:
    """Alarms an hour at 25 frames a second and 1/1000 a frame; and if five in a row are needed."""
    frames = 25 * 3600
    checking.number(an_hour, frames / 1000, 1, "the number of alarms an hour")
    exact = frames * 0.001**5
    checking.number(in_a_row, exact, 0.01 * exact, "the number when five in a row are needed")
    return "if frames were independent."


@exercise("real-world/shuffled")
def pixels_shuffled(mine: Tensor, squares: Tensor) -> str:
    """The control: the pixels of each square in another order, every pixel whole."""
    mine = checking.images(mine, squares.shape, "the squares")
    if bool((mine == squares).all()):
        raise NotYet("the squares are as they were")
    if not torch.allclose(_sorted(mine), _sorted(shuffled(squares)), atol=1e-6):
        if torch.allclose(mine.flatten(1).sort(1).values, squares.flatten(1).sort(1).values):
            raise NotYet("the three colours of a pixel were torn apart: move pixels, not numbers")
        raise NotYet("the pixels are not those of the squares")
    return "the same pixels, in another order."


def _sorted(squares: Tensor) -> Tensor:
    """The pixels of each square in an order that depends on their colours alone."""
    levels = (squares * 255).round().long().flatten(2)  # [N, 3, pixels]
    return (levels[:, 0] * 65536 + levels[:, 1] * 256 + levels[:, 2]).sort(1).values.double()


@exercise("accident-or-design/wallpaper")
def wallpaper(mine: Tensor, goals: Tensor, search: Search, things: Tensor, stored: Tensor) -> str:
    """Wallpapers that lead to their picture before ``things`` at least as often as ``stored``.

    ``things`` are large objects that none of them was painted for.
    """
    mine = checking.images(mine, stored.shape, "the wallpapers")

    def hits(images: Tensor) -> float:
        top = search.top(in_front(things, images).flatten(0, 1))
        led = top.unflatten(0, (len(images), len(things))) == goals[:, None, None]
        return float(led.any(2).float().mean())

    ours, before = hits(mine), hits(stored)
    if ours < before:
        raise NotYet(f"yours lead to the wanted picture in {ours:.0%}, the stored ones in more")
    return f"yours lead to the wanted picture in {ours:.0%}, the stored ones in {before:.0%}."


@exercise("since-2014/own-level")
def own_level(
    mine: Callable[[nn.Module, Tensor, Tensor, Tensor], float],
    net: nn.Module,
    digits: Tensor,
    bred: Tensor,
    classes: Tensor,
) -> str:
    """A function of a network, digits, bred images and their classes: the share at its level.

    Of the bred images, those of whose class the network is at least as sure as it is, in the
    median, of the digits.
    """
    mine = _function(mine, "your function")
    orders = {
        "the bred images": (bred, classes),
        "the bred images under each other's classes": (bred, classes.roll(1)),
        "the digits, under what they are called": (digits, predict(net, digits).argmax(1)),
    }
    level = float(predict(net, digits).amax(1).median())
    for name, (images, wanted) in orders.items():
        sure = predict(net, images).gather(1, wanted[:, None])[:, 0]
        right = float((sure >= level).double().mean())
        checking.number(mine(net, digits, images, wanted), right, 1e-3, f"the share of {name}")
    return "of bred images, of the same under wrong classes, and of digits."


@exercise("rejection/cost")
def cost(wrong: float, right: float, scores: Tensor, held: Tensor, read: Tensor) -> str:
    """Shares of the digits read wrongly, and rightly, that a score refuses.

    ``scores`` of the digits ``[N]``, ``held`` of those that set the threshold, of which 95 % pass,
    and ``read``, bool ``[N]``: which digits the network reads rightly.
    """
    refused = scores < acceptance_threshold(held)
    for name, mine, among in (("wrongly", wrong, ~read), ("rightly", right, read)):
        share = float(refused[among].double().mean())
        what = f"the share refused of the digits read {name}"
        if isinstance(mine, (int, float)) and share != 0.5 and abs(mine - (1 - share)) < 1e-3:
            raise NotYet(f"{what}: that is the share that gets in")
        checking.number(mine, share, 0.005, what)
    return "of the digits read wrongly, and of those read rightly."


@exercise("rejection/two-guards")
def two_guards(mine: Tensor, net: Classifier, detectors: list[Detector], held: Tensor) -> str:
    """Ten images, one a class: five of them certain to the network, and let in by each detector.

    Each lets in 97.5 % of the ``held`` digits.
    """
    mine = checking.images(mine, (10, *net.input_shape), "the images")
    classes = torch.arange(10)
    sure = predict(net, mine)[classes, classes] >= 0.99
    past = torch.stack([one.score(mine) >= acceptance_threshold(one.score(held), 0.975)
                        for one in detectors])  # fmt: skip
    both = int((sure & past.all(0)).sum())
    if both < 5:
        each = ", ".join(str(int(row.sum())) for row in past)
        raise NotYet(
            f"{both} of ten pass all guards and are certain ({each} pass each,"
            f" {int(sure.sum())} are certain): breed until five are"
        )
    return f"{both} of ten pass all guards, and the network is 99 % certain of them."


@exercise("your-network/lowest")
def lowest(mine: Callable[[int], float]) -> str:
    """A function of n: the lower end of the exact interval of 95 % where all n pictures stand."""
    mine = _function(mine, "your function")
    for n in (10, 30, 200):
        one_sided = exact_interval(n, n, level=0.9).low
        found = mine(n)
        if isinstance(found, (int, float)) and abs(found - one_sided) < 1e-4:
            raise NotYet("that end has the whole error of 5 % on one side")
        checking.number(found, exact_interval(n, n).low, 1e-4, f"the lower end of {n} pictures")
    return "of 10, 30 and 200 pictures."


@exercise("your-network/another-seed")
def another_seed(mine: bool, first: Number, second: Number) -> str:
    """Whether the second network's figure lies in the interval of the first's."""
    if not isinstance(checking.given(mine, "the answer"), bool):
        raise NotYet(f"expected True or False, got {type(mine).__name__}")
    if mine != (first.low <= second.value <= first.high):
        raise NotYet("compare the figure of the second with both ends of the first")
    return "so it is, of these two networks."


@exercise("grading/ratio")
def ratio(mine: Callable[[Tensor, Tensor], Tensor]) -> str:
    """A function of logits ``[N, K]`` and labels ``[N]``: the ratio of logits, ``[N]``."""
    mine = _function(mine, "your function")
    draws = torch.Generator().manual_seed(0)
    logits = torch.randn(200, 10, generator=draws)
    labels = torch.randint(10, (200,), generator=draws)
    problem = Problem(nn.Identity(), logits.view(200, 1, 1, 10), labels, classes=10)
    exact = logits_ratio(problem, logits)
    checking.tensor(mine(logits, labels), exact, 1e-4, "the ratio")
    checking.tensor(mine(1e4 * logits, labels), exact, 1e-4, "the ratio of logits times 10,000")
    return "it is that of the package, and the same for logits times 10,000."
