"""What a change of a few 255ths does to photographs before an ImageNet network.

``attacked`` makes the changes. ``stored`` reads what became so of the 100 labelled samples in
``$FOOLKIT_DATA``, which cannot be shown; ``python -m tools.bank.photographs`` measures it again.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from foolkit.bank.store import read
from foolkit.gradients import Perturbed, fgsm, noise, pgd
from foolkit.models.classifier import Classifier, predict

FILE = "photographs.npz"
SIZES = (1, 2, 4, 8)  # largest change of a colour, in 255ths
STEPS = 5  # of PGD, at 1 in 255


def attacked(net: Classifier, images: Tensor, labels: Tensor) -> dict[str, Perturbed]:
    """Photographs changed in three ways, untargeted.

    ``"one step, 1"`` to ``"one step, 8"``: one step of the gradient's sign (FGSM), by so many
    255ths. ``"noise, 1"`` to ``"noise, 8"``: random noise of the same L2 length, image by image.
    ``"five steps, 1"``: five steps of PGD within 1 in 255.

    Args:
        net: of the images.
        images: float32 ``[N, C, H, W]`` in [0, 1].
        labels: int64 ``[N]``, what the network says of each, or what each is.
    """
    steps = fgsm(net, images, labels, epsilon=[size / 255 for size in SIZES])
    made = {f"one step, {size}": one for size, one in zip(SIZES, steps, strict=True)}
    made |= {
        f"noise, {size}": noise(net, images, labels, size=one.l2)
        for size, one in zip(SIZES, steps, strict=True)
    }
    made[f"{('', 'one', 'two', 'three', 'four', 'five')[STEPS]} steps, 1"] = pgd(
        net, images, labels, epsilon=1 / 255, steps=STEPS
    )
    return made


def flags(
    net: Classifier, images: Tensor, labels: Tensor, judges: Mapping[str, Classifier]
) -> dict[str, Tensor]:
    """What is stored of N labelled photographs.

    Returns:
        bool ``[N]``: ``"right"``, read right as they are; of each kind of ``attacked`` whether
        the changed one is misread; ``"same name, JUDGE"``, whether another network gives the one
        changed by the largest single step the same wrong name as ``net``.
    """
    made = attacked(net, images, labels)
    last = made[f"one step, {SIZES[-1]}"]
    found = {"right": predict(net, images).argmax(1) == labels}
    found |= {kind: one.predicted != labels for kind, one in made.items()}
    for name, judge in judges.items():
        found[f"same name, {name}"] = predict(judge, last.images).argmax(1) == last.predicted
    return found


def stored() -> dict[str, Tensor]:
    """The flags of the samples that SqueezeNet 1.1 reads right, bool ``[R]`` each."""
    found = {name: torch.from_numpy(column) for name, column in read(FILE).items()}
    right = found.pop("right")
    return {name: column[right] for name, column in found.items()}
