"""What is slow in few pixels, patches and universal perturbations, on digits and photographs.

Digits are the comparison digits that the network at hand reads rightly; photographs are the 100
labelled samples of ``$FOOLKIT_DATA``, which cannot be shown: on the first ``MADE_ON`` a patch and
a universal perturbation were made, on the others they were judged. ``python -m tools.bank.few``
makes it anew, some twenty minutes on one core; it may be stopped and goes on.
"""

from __future__ import annotations

import torch
from torch import Tensor

from foolkit.bank.store import read
from foolkit.checks import check_choice
from foolkit.gradients import Patch, Universal
from foolkit.models import family, squeezenet
from foolkit.models.loading import imagenet_classes

FILE = "few.npz"
MAKER = "lenet"  # of the digits' pixels and patches
PIXELS = (1, 5, 10, 40)  # that differential evolution may set, of 784
SEARCHED = 20  # digits it was tried on
POPULATION, GENERATIONS = 100, 20
EVERY = 30  # digits of which each single pixel was set to black and to white
NETWORKS = (MAKER, *(family.PREFIX + name for name in family.NAMES))
SIZES = (8, 10, 12, 14)  # sides of the patches
MADE_FROM = 1000  # digits, none of them a comparison digit
EPSILON = 0.3  # of the digits' universal perturbations
JUDGED = 200  # digits on which each network's perturbation met each network
FAMILY = family.NAMES

PHOTOGRAPHED = squeezenet.NAME
MADE_ON = 60  # photographs
TARGET, SIDE = "toaster", 64  # of the patch on photographs, about a twelfth of the image
LEVELS = 10  # of 255, the universal perturbation on photographs
FEW, FEW_PHOTOGRAPHS = (1,), 6  # pixels of the first photographs that libraries carry
FEW_POPULATION, FEW_GENERATIONS = 20, 10


def stored() -> dict[str, Tensor]:
    """All arrays by name, as ``tools.bank.few`` describes them."""
    return {name: torch.from_numpy(column) for name, column in read(FILE).items()}


def patches(size: int) -> list[Patch]:
    """Ten square patches for ``MAKER``, one a class, of one of ``SIZES``.

    Raises:
        ValueError: another size.
    """
    check_choice(str(size), [str(known) for known in SIZES], "size")
    pixels = torch.from_numpy(read(FILE)[f"patches/{size}/pixels"]).float() / 255
    return [Patch(pixels[k], target=k) for k in range(len(pixels))]


def universal(name: str) -> Universal:
    """The universal perturbation made on a member of the family, within ``EPSILON``.

    Raises:
        ValueError: no such member.
    """
    check_choice(name, FAMILY, "name")
    steps = torch.from_numpy(read(FILE)[f"universal/{name}/change"])
    return whole_steps(steps, EPSILON / 127, EPSILON)


def photograph_universal() -> Universal:
    """The one for photographs, within ``LEVELS`` of 255."""
    steps = torch.from_numpy(read(FILE)["photographs/universal/change"])
    return whole_steps(steps, 1 / 255, LEVELS / 255)


def photograph_patch() -> Patch:
    """The patch of ``SIDE`` for photographs, a toaster."""
    pixels = torch.from_numpy(read(FILE)["photographs/patch/pixels"]).float() / 255
    return Patch(pixels, target=imagenet_classes().index(TARGET))


def photograph_controls(images: Tensor) -> dict[str, Patch]:
    """Patches of the same size and goal that nobody searched for.

    ``"noise"``: colours drawn at random; ``"piece"``: the middle of the first of some photographs.
    """
    goal, corner = imagenet_classes().index(TARGET), (images.shape[-1] - SIDE) // 2
    drawn = torch.rand((3, SIDE, SIDE), generator=torch.Generator().manual_seed(0))
    middle = images[0, :, corner : corner + SIDE, corner : corner + SIDE]
    return {"noise": Patch(drawn, target=goal), "piece": Patch(middle, target=goal)}


def whole_steps(steps: Tensor, step: float, epsilon: float) -> Universal:
    """A change of whole steps, int8 ``[C, H, W]``."""
    return Universal(steps.float() * step, epsilon)
