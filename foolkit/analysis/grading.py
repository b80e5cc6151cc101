"""Is an evaluation to be believed: five warning signs, and a test that it has to pass.

The signs are those that AutoAttack's authors check (Croce and Hein 2020; the list is in the notes
to their program). The test is that of Zimmermann, Brendel, Tramèr and Carlini (2022, *Increasing
confidence in adversarial robustness evaluations*): change the network so that every image has an
adversarial neighbour for certain, and see whether the attack finds it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from foolkit.analysis.detectors import features_of
from foolkit.analysis.intervals import Interval, exact_share
from foolkit.checks import (
    MOST_VALUES,
    check_between,
    check_count,
    check_images,
    check_labels,
    check_module,
    check_number,
)
from foolkit.gradients import Perturbed, apgd, square
from foolkit.gradients.problem import Problem, attacking, gradient
from foolkit.gradients.sign import Loss, rising
from foolkit.models.classifier import Classifier, class_names
from foolkit.models.door import ADDS_TO_ONE, SAME, answer, evaluating
from foolkit.models.frozen import frozen
from foolkit.seeds import Seed, generator_of, seed_of

RARE = 0.01  # a share whose interval lies above this is a sign
DRAWS = 8  # of a network that answers at random, whose mean is attacked


@dataclass(frozen=True)
class Sign:
    """One warning sign.

    Attributes:
        name: in a few words.
        seen: whether it was.
        found: what was measured.
        remedy: what the evaluation needs where it was seen.
    """

    name: str
    seen: bool
    found: str
    remedy: str


def warning_signs(
    net: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    epsilon: float,
    steps: int = 50,
    queries: int = 1000,
    seed: Seed = 0,
) -> tuple[Sign, ...]:
    """Five signs that attacks along the gradient would say too little (Croce and Hein 2020).

    1. the same images get other answers a second time;
    2. the answers are probabilities;
    3. the gradient is exactly zero at some images. Deviation: theirs takes the difference-of-logits
       ratio at a random start; here the cross-entropy counts too, since most evaluations follow it;
    4. Square, which asks for no gradient, fools images that APGD, on both losses, did not;
    5. the network computes gradients to give an answer.

    Signs 1, 2 and 5 are facts. Signs 3 and 4 are shares of images: seen if the interval of the
    share lies above 1 %. That none is seen proves nothing.

    Args:
        net: any module from images in [0, 1] to logits ``[N, K]``, or to probabilities.
        images: float32 ``[N, C, H, W]`` in [0, 1]; with fewer than some 300 a share must be a few
            per cent to be seen.
        labels: int64 ``[N]``, the true classes.
        epsilon: largest change of a pixel, in units of the pixel range, above 0.
        steps: of APGD, for each loss.
        queries: of Square.
        seed: of all that is random here, and of a network that answers at random (the mean of
            eight draws is attacked in its place).

    Raises:
        TypeError, ValueError: an argument that does not fit.
    """
    check_module(net)
    check_images(images, getattr(net, "input_shape", None))
    check_number(epsilon, "epsilon", above=0)
    check_count(steps, "steps")
    check_count(queries, "queries")
    number = seed_of(seed)
    with torch.no_grad(), evaluating(net), _gradients_counted() as asked:
        once, again = answer(net, images), answer(net, images)
    check_labels(labels, len(images), once.shape[1])
    apart = float((once - again).abs().max() / once.abs().max().clamp_min(1))
    random = apart > SAME
    sums = float((once.sum(1) - 1).abs().max())
    probabilities = bool((once >= 0).all()) and sums < ADDS_TO_ONE
    if random:
        whole = net if isinstance(net, Classifier) else _classifier(net, images, once.shape[1])
        net = frozen(whole, samples=DRAWS, seed=number)
    with warnings.catch_warnings():  # zero gradients and probabilities are what is looked for
        warnings.simplefilter("ignore", UserWarning)
        flat = _flat(net, images, labels)
        fell = _only_without_gradient(net, images, labels, epsilon, steps, queries, number)
    zero, blind = exact_share(flat), exact_share(fell)
    return (
        Sign(
            "answers at random", random, f"two answers differ by {apart:.2g} of the largest logit",
            "attack the mean of many draws, judge with fresh ones",
        ),
        Sign(
            "ends in a softmax", probabilities, f"sums of the answers are within {sums:.2g} of 1",
            "take the logits before it",
        ),
        Sign(
            "gradients of zero", zero.low > RARE, f"at {zero:.1%} of the images",
            "raise the margin or the ratio of logits; put something smooth in the place of what"
            " rounds",
        ),
        Sign(
            "better without gradient", blind.low > RARE, f"{blind:.1%} fall to Square alone",
            "find out what hinders the gradient; attack without it",
        ),
        Sign(
            "optimises to answer", bool(asked), f"{len(asked) / 2:g} gradients an answer",
            "attack through the optimisation, or without gradients",
        ),
    )  # fmt: skip


def _classifier(net: nn.Module, images: Tensor, classes: int) -> Classifier:
    return Classifier(
        net, input_shape=tuple(images.shape[1:]), classes=class_names(classes), name="network"
    )


def _flat(net: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """Where the gradient of the cross-entropy or of the margin is exactly 0: bool ``[N]``."""
    problem = Problem.checked(net, images, labels)
    losses: tuple[Loss, Loss] = ("cross-entropy", "margin")
    flat = torch.zeros(len(problem), dtype=torch.bool, device=images.device)
    with attacking(problem.net):
        for loss in losses:
            slopes = [
                gradient(part.net, part.images, rising(part, loss))[2].flatten(1)
                for part in problem.split(256)
            ]
            flat |= (torch.cat(slopes) == 0).all(1)
    return flat


def _only_without_gradient(
    net: nn.Module,
    images: Tensor,
    labels: Tensor,
    epsilon: float,
    steps: int,
    queries: int,
    seed: int,
) -> Tensor:
    """Which images withstand APGD on both losses and not Square: bool ``[N]``."""
    problem = Problem.checked(net, images, labels)
    losses: tuple[Loss, Loss] = ("cross-entropy", "dlr" if problem.classes >= 3 else "margin")
    common: dict[str, Any] = {"epsilon": epsilon, "seed": seed, "progress": False}
    left = torch.arange(len(images), device=images.device)
    for loss in losses:
        made = apgd(net, images[left], labels[left], loss=loss, steps=steps, **common)
        left = left[~made.success]
        if not len(left):
            break
    fell = torch.zeros(len(images), dtype=torch.bool, device=images.device)
    if len(left):
        fell[left] = square(net, images[left], labels[left], steps=queries, **common).success
    return fell


@contextmanager
def _gradients_counted() -> Iterator[list[str]]:
    """The names of PyTorch's functions of gradients, one for each call inside the block."""
    asked: list[str] = []
    names = ("grad", "backward")  # ``Tensor.backward`` calls the second
    before = [getattr(torch.autograd, name) for name in names]

    def told(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **options: Any) -> Any:
            asked.append(name)
            return function(*args, **options)

        return called

    try:
        for name, function in zip(names, before, strict=True):
            setattr(torch.autograd, name, told(name, function))
        yield asked
    finally:
        for name, function in zip(names, before, strict=True):
            setattr(torch.autograd, name, function)


class _Planted(nn.Module):
    """Two classes, each image's own: what the network's features say, read off by one line.

    An image is read by the readout of the original that is nearest in the largest change of a
    pixel; originals are so far apart that it is the one whose box the image is in.
    """

    def __init__(
        self, net: nn.Module, layer: str | None, originals: Tensor, weights: Tensor, offset: Tensor
    ) -> None:
        super().__init__()
        self.net, self.layer = net, layer
        self.originals, self.weights, self.offset = originals, weights, offset

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``[N, 2]``: of what lies inside, and of the planted neighbour."""
        with torch.no_grad():
            own = torch.cdist(
                images.detach().flatten(1), self.originals.flatten(1), p=torch.inf
            ).argmin(1)
        features = features_of(self.net, images, self.layer)[1]
        lead = (features * self.weights[own]).sum(1) + self.offset[own]
        return torch.stack([-lead, lead], 1) / 2


@dataclass(frozen=True)
class Planted:
    """A network that was changed so that every image has a neighbour of another class.

    Attributes:
        net: from images to logits ``[N, 2]``; only within the boxes do they mean anything.
        images: float32 ``[N, C, H, W]``, all of class 0.
        labels: int64 ``[N]``, all 0.
        neighbours: float32 ``[N, C, H, W]``, within ``epsilon``, all of class 1.
        epsilon: largest change of a pixel.
        by_chance: bool ``[N]``, where random images of the box are of class 1, too, as many as
            the readout was fitted on. Where they are, finding one is no achievement.
    """

    net: nn.Module
    images: Tensor
    labels: Tensor
    neighbours: Tensor
    epsilon: float
    by_chance: Tensor

    ROOM: ClassVar[float] = 1e-6

    def found(self, attack: Callable[[nn.Module, Tensor, Tensor], Perturbed | Tensor]) -> Tensor:
        """For which images the attack finds a neighbour of class 1, bool ``[N]``.

        Args:
            attack: ``(net, images, labels) ->`` changed images or a ``Perturbed``; the very
                routine, with the very options, whose verdict on the network is to be believed.

        Raises:
            ValueError: changed images that are none, or that leave the box: an attack that may
                do more than is allowed finds anything.
        """
        made = attack(self.net, self.images, self.labels)
        changed = made.images if isinstance(made, Perturbed) else made
        check_images(changed, tuple(self.images.shape[1:]))
        if len(changed) != len(self.images):
            raise ValueError(f"attack: expected {len(self.images)} images, got {len(changed)}")
        farthest = float((changed - self.images).abs().max())
        if farthest > self.epsilon + self.ROOM:
            raise ValueError(
                f"attack: expected changes of up to {self.epsilon:g}, got one of {farthest:.4g}"
            )
        with torch.inference_mode(), evaluating(self.net):
            return self.net(changed).argmax(1) == 1

    def share_found(
        self,
        attack: Callable[[nn.Module, Tensor, Tensor], Perturbed | Tensor],
        level: float = 0.95,
    ) -> Interval[float]:
        """The share of ``found`` with its exact interval: an attack that works finds them all."""
        return exact_share(self.found(attack), level)


def plant(
    net: nn.Module,
    images: Tensor,
    *,
    epsilon: float,
    inside: int = 200,
    reach: float = 0.95,
    depth: float = 0.5,
    layer: str | None = None,
    seed: Seed = 0,
) -> Planted:
    """The unit test of Zimmermann et al. (2022): a network in which every image has a neighbour.

    For each image: draw many random images inside its box, and one *neighbour* at a corner of it.
    In the network's features, fit one line between the former (class 0, with the image itself) and
    the latter (class 1), and put it in the place of the last layer. Everything before it is the
    network's own, with all that may hide a gradient there. An attack that does not find a
    neighbour which is there for certain says nothing where it finds none.

    Theirs: the idea, one neighbour, the inner images within ``reach`` of the box, the comparison
    with chance. Ours: the line is Fisher's discriminant, in closed form for all images at once,
    where they fit a classifier an image; its two logits are given the lead that the network has
    on that image, so that a saturated network stays so; one module answers for all images, by
    whose box it is asked about, so that attacks work on batches.

    Args:
        net: any module from images in [0, 1] to logits ``[N, K]`` that answers the same each time.
        images: float32 ``[N, C, H, W]`` in [0, 1], farther than two ``epsilon`` from each other.
        epsilon: largest change of a pixel, in units of the pixel range, above 0.
        inside: random images an image, on which the line is fitted; as many again are for chance.
        reach: of the box that they fill, in (0, 1).
        depth: where the line runs, in (0, 1): 0 at the inner image that comes nearest to the
            neighbour, 1 at the neighbour. More is harder.
        layer: whose output are the features; by default what goes into the last linear layer.
            What the network does behind it is left out, but for the size of its logits.
        seed: of all that is drawn.

    Raises:
        TypeError, ValueError: an argument that does not fit; images too near to each other, an
            image whose features do not tell its neighbour from the inside.
    """
    check_module(net)
    check_images(images, getattr(net, "input_shape", None))
    check_number(epsilon, "epsilon", above=0, most=1)
    check_count(inside, "inside", minimum=2, most=MOST_VALUES // (2 * images[0].numel()))
    check_between(reach, "reach")
    check_between(depth, "depth")
    flat = images.flatten(1)
    apart = torch.cdist(flat, flat, p=torch.inf).fill_diagonal_(torch.inf)
    if float(apart.min()) <= 2 * epsilon:
        raise ValueError(
            f"images: expected them farther than {2 * epsilon:g} (two epsilon) from each other,"
            f" two are {float(apart.min()):.3g} apart"
        )
    draws = generator_of(seed, images.device)
    n, shape = len(images), images.shape[1:]
    signs = torch.randint(2, images.shape, generator=draws, device=images.device) * 2 - 1
    neighbours = (images + epsilon * signs).clamp(0, 1)

    def drawn(image: Tensor) -> Tensor:
        """Random images in the box around one."""
        change = torch.rand((inside, *shape), generator=draws, device=image.device) * 2 - 1
        return (image + reach * epsilon * change).clamp(0, 1)

    weights, offsets, chance = [], [], []
    with torch.no_grad(), evaluating(net):
        for image, neighbour in zip(images, neighbours, strict=True):
            shown = torch.cat([neighbour[None], image[None], drawn(image), drawn(image)])
            logits, features = features_of(net, shown, layer)
            features = features.double()
            outer, inner, others = features[0], features[1 : inside + 2], features[inside + 2 :]
            weight = _discriminant(inner, outer)
            edge, corner = float((inner @ weight).max()), float(outer @ weight)
            if corner <= edge:
                raise ValueError(
                    "images: the features do not tell a planted neighbour from the inside of its"
                    " box; another layer, or fewer images inside, may"
                )
            line = edge + depth * (corner - edge)
            two = logits[1].topk(2).values
            scale = float(two[0] - two[1]) / (line - float(inner[0] @ weight))
            weights.append(scale * weight)
            offsets.append(-scale * line)
            chance.append(bool((others @ weight > line).any()))
    read = _Planted(
        net, layer, images, torch.stack(weights).float(), torch.tensor(offsets).to(images)
    ).eval()
    planted = Planted(
        read, images, torch.zeros(n, dtype=torch.long, device=images.device), neighbours,
        float(epsilon), torch.tensor(chance, device=images.device),
    )  # fmt: skip
    with torch.inference_mode(), evaluating(read):
        inner, outer = read(images).argmax(1) == 0, read(neighbours).argmax(1) == 1
    if not bool((inner & outer).all()):
        raise ValueError(
            "net: expected the same answer to the same images, a planted neighbour is not where it"
            " was planted"
        )
    return planted


def _discriminant(inner: Tensor, outer: Tensor) -> Tensor:
    """Fisher's direction ``[D]`` from many points ``[S, D]`` to one ``[D]``, shrunk a little."""
    centred = inner - inner.mean(0)
    covariance = centred.T @ centred / len(inner)
    size = covariance.diagonal().mean().clamp_min(1e-12)
    shrunk = covariance + size * torch.eye(len(covariance)).to(covariance)
    return torch.linalg.solve(shrunk, outer - inner.mean(0))
