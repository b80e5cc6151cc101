"""Few pixels, patches and universal perturbations: ``python -m tools.bank.few``.

Twenty minutes on one core. Stopped, it goes on; ``--checkpoints`` keeps each part as soon as it is
made. Photographs need ``$FOOLKIT_DATA/imagenet``.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from foolkit.bank import few
from foolkit.data import digits, embedded_photographs, sample_photographs
from foolkit.gradients import Patch, every_pixel, few_pixels, noise, patch, universal
from foolkit.models import Classifier, comparison_digits, imagenet, load, predict
from foolkit.models.estimators import fitted_indices
from foolkit.models.loading import imagenet_classes
from tools.bank.program import gathered, options, write

Columns = dict[str, np.ndarray]
PARTS = (
    *(("pixels", str(count)) for count in few.PIXELS),
    *(("single", name) for name in few.NETWORKS),
    *(("patches", str(size)) for size in few.SIZES),
    *(("universal", name) for name in few.FAMILY),
    ("photographs", "patch"),
    ("photographs", "universal"),
    *(("photographs", "pixels", str(count)) for count in few.FEW),
)


def main() -> None:
    """Command line: make what is not there yet, then write all of it."""
    parser = options("few", __doc__)
    parser.add_argument("--checkpoints", type=Path, default=Path("runs/few"))
    chosen = parser.parse_args()
    makers = {
        "pixels": pixels, "single": single, "patches": patches, "universal": universals,
        "photographs": photographs,
    }  # fmt: skip
    made = gathered(PARTS, chosen.checkpoints, lambda kind, *part: makers[kind](*part))
    write(chosen.out, few.FILE, made)


def read_rightly(net: Classifier, count: int) -> tuple[Tensor, Tensor]:
    """The first comparison digits that it reads rightly, and their labels."""
    images, labels = comparison_digits()
    right = predict(net, images).argmax(1) == labels
    return images[right][:count], labels[right][:count]


def pixels(count: str) -> Columns:
    """bool ``[SEARCHED]``: fooled by the search, and by as many candidates drawn at random."""
    net = load(few.MAKER)
    given = net, *read_rightly(net, few.SEARCHED)
    found = few_pixels(
        *given, pixels=int(count), population=few.POPULATION, generations=few.GENERATIONS
    )
    asked = few.POPULATION * (few.GENERATIONS + 1)
    drawn = few_pixels(*given, pixels=int(count), population=asked, generations=0, seed=1)
    return {"search": found.success.numpy(), "random": drawn.success.numpy()}


def single(name: str) -> Columns:
    """bool ``[EVERY, 28, 28]``: whether that pixel alone, black or white, fools the network."""
    net = load(name)
    return {"fools": (every_pixel(net, *read_rightly(net, few.EVERY)) > 0).any(1).numpy()}


@cache
def made_from() -> tuple[Tensor, Tensor]:
    """The digits that patches and universal perturbations of digits are made on."""
    images, labels = digits()
    index = fitted_indices(labels)[: few.MADE_FROM]
    return images[index], labels[index]


def patches(size: str) -> Columns:
    """uint8 ``[10, SIZE, SIZE]``, one a class."""
    net = load(few.MAKER)
    made = [
        patch(net, *made_from(), target=goal, size=int(size), steps=150, batch=64).pixels
        for goal in range(10)
    ]
    return {"pixels": (torch.stack(made) * 255).round().to(torch.uint8).numpy()}


def universals(name: str) -> Columns:
    """The change in steps of ``EPSILON / 127``, int8 ``[1, 28, 28]``, and how it fares.

    ``fooled``: int16 ``[members]``, of the first ``JUDGED`` comparison digits, how many each member
    reads rightly and misreads with the change; ``right``: how many this one reads rightly;
    ``signs``: how many it misreads with random signs of that size, drawn anew for each.
    """
    net = load(few.family.PREFIX + name)
    found = universal(net, *made_from(), epsilon=few.EPSILON)
    steps = (found.change * 127 / few.EPSILON).round().to(torch.int8)
    kept = few.whole_steps(steps, few.EPSILON / 127, few.EPSILON)
    images, labels = (part[: few.JUDGED] for part in comparison_digits())
    judges = (load(few.family.PREFIX + member) for member in few.FAMILY)
    fooled = [int(kept.judged(judge, images, labels).fooled.sum()) for judge in judges]
    signs = noise(net, images, labels, size=few.EPSILON, norm="inf", kind="sign")
    return {
        "change": steps.numpy(),
        "fooled": np.array(fooled, np.int16),
        "right": np.array(int((signs.before == labels).sum()), np.int16),
        "signs": np.array(int(signs.fooled.sum()), np.int16),
    }


def photographs(kind: str, *count: str) -> Columns:
    """What was made on photographs, and what it does to others.

    ``"patch"``: ``pixels`` uint8 ``[3, SIDE, SIDE]``; of the photographs it was not made on and of
    every network at hand, bool ``NAME/fooled`` and the controls ``NAME/noise`` and ``NAME/piece``.
    ``"universal"``: ``change`` int8 ``[3, 224, 224]`` in 255ths; ``NAME/fooled``, ``NAME/signs``.
    ``"pixels"``: see ``photograph_pixels``.
    """
    nets = imagenet()
    net = nets[few.PHOTOGRAPHED]
    if kind == "pixels":
        return photograph_pixels(net, int(count[0]))
    images, labels = sample_photographs(net.input_shape)
    if labels is None:
        raise FileNotFoundError("expected labelled samples in $FOOLKIT_DATA/imagenet/samples")
    own, others, truth = images[: few.MADE_ON], images[few.MADE_ON :], labels[few.MADE_ON :]
    if kind == "patch":
        goal = imagenet_classes().index(few.TARGET)
        given = {"target": goal, "size": few.SIDE, "steps": 150, "batch": 12}
        steps = (patch(net, own, labels[: few.MADE_ON], **given).pixels * 255).round()
        columns = {"pixels": steps.to(torch.uint8).numpy()}
        laid = {"fooled": Patch(steps / 255, target=goal)} | few.photograph_controls(images)
        for name, judge in nets.items():
            for what, one in laid.items():
                columns[f"{name}/{what}"] = one.judged(judge, others, truth).fooled.numpy()
        return columns
    pieces = torch.cat([own, *(cropped(own, seed) for seed in range(7))])
    found = universal(
        net, pieces, answers(net, pieces), epsilon=few.LEVELS / 255, passes=3, batch=40,
        loss="margin",
    )  # fmt: skip
    whole = (found.change * 255).round().to(torch.int8)
    kept = few.whole_steps(whole, 1 / 255, few.LEVELS / 255)
    columns = {"change": whole.numpy()}
    for name, judge in nets.items():
        said = answers(judge, others)
        signs = noise(judge, others, said, size=few.LEVELS / 255, norm="inf", kind="sign")
        columns[f"{name}/fooled"] = kept.judged(judge, others, said).success.numpy()
        columns[f"{name}/signs"] = signs.success.numpy()
    return columns


def answers(net: Classifier, images: Tensor) -> Tensor:
    """What it says of each, int64 ``[N]``."""
    return torch.cat([predict(net, part).argmax(1) for part in images.split(50)])


def cropped(images: Tensor, seed: int) -> Tensor:
    """A random square piece of each, two thirds of its side or more, mirrored or not, enlarged."""
    draws, side = torch.Generator().manual_seed(seed), images.shape[-1]
    pieces = []
    for image in images:
        size = int(torch.randint(2 * side // 3, side + 1, (), generator=draws))
        top, left = torch.randint(side - size + 1, (2,), generator=draws).tolist()
        piece = image[None, :, top : top + size, left : left + size]
        piece = interpolate(piece, (side, side), mode="bilinear", align_corners=False)
        turned = bool(torch.randint(2, (), generator=draws))
        pieces.append(piece.flip(3) if turned else piece)
    return torch.cat(pieces)


def photograph_pixels(net: Classifier, count: int) -> Columns:
    """bool of the photographs that libraries carry: by the search, and by chance."""
    images, _ = embedded_photographs(net.input_shape)
    answers = predict(net, images).argmax(1)
    given = net, images[: few.FEW_PHOTOGRAPHS], answers[: few.FEW_PHOTOGRAPHS]
    found = few_pixels(
        *given, pixels=count, population=few.FEW_POPULATION, generations=few.FEW_GENERATIONS,
        chunk=50,
    )  # fmt: skip
    asked = few.FEW_POPULATION * (few.FEW_GENERATIONS + 1)
    drawn = few_pixels(*given, pixels=count, population=asked, generations=0, seed=1, chunk=50)
    return {"search": found.success.numpy(), "random": drawn.success.numpy()}


if __name__ == "__main__":
    main()
