"""How each peer is called: the same attack, on the same images, for as many steps.

adv-lib, ART, pyribs and EvoTorch are installed by ``make bench-peers``; Foolbox, torchattacks and
neat-python come with the project. What a peer imports and does not use is not installed.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import foolbox
import torch
import torchattacks
from torch import Tensor, nn

import foolkit as fk
from benchmarks.references import szegedy
from benchmarks.timing import Skipped
from foolkit._torchvision import import_torchvision
from foolkit.gradients.lbfgs import FLAT

EPSILON, STEPS, STEP = 0.1, 40, 0.01
SEARCH = {"steps": 100, "rate": 0.01, "c": 1.0}  # of Carlini and Wagner
BUDGET = 1000  # pairs of passes an image, for the smallest distance

# from images and labels to changed images; None: it keeps none
Attack = Callable[[nn.Module, Tensor, Tensor], Tensor | None]


def peer(name: str) -> Any:
    """A peer's module.

    Raises:
        Skipped: it is not installed.
    """
    import_torchvision()
    logger = ModuleType("visdom")  # adv-lib imports it for curves that nobody asks for
    logger.Visdom = object  # type: ignore[attr-defined]
    sys.modules.setdefault("visdom", logger)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as missing:
        raise Skipped(f"{missing.name} is not installed: make bench-peers") from missing


def routines() -> dict[str, dict[str, Attack]]:
    """Each routine, and who has it.

    Raises:
        Skipped: a peer is not installed.
    """
    return {
        f"PGD, {STEPS} steps": _pgd(),
        f"Carlini and Wagner, {SEARCH['steps']} steps": _carlini_wagner(),
        "DeepFool": _deepfool(),
        "APGD, 50 steps": _apgd(),
        "FMN, 100 steps": _fmn(),
        "Square, 500 queries": _square(),
        "L-BFGS": _lbfgs(),
    }


def _foolbox(attack: Any, epsilon: float | None) -> Attack:
    def call(net: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
        model = foolbox.PyTorchModel(net, bounds=(0, 1))
        return attack(model, images, labels, epsilons=epsilon)[1]

    return call


def _art(name: str, **options: Any) -> Attack:
    estimators = peer("art.estimators.classification")
    attacks = peer("art.attacks.evasion")

    def call(net: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
        asked = dict(input_shape=tuple(images.shape[1:]), nb_classes=10, clip_values=(0.0, 1.0))
        estimator = estimators.PyTorchClassifier(
            net, nn.CrossEntropyLoss(), device_type="cpu", **asked
        )
        made = getattr(attacks, name)(estimator, batch_size=len(images), verbose=False, **options)
        return torch.from_numpy(made.generate(images.numpy(), labels.numpy()))

    return call


def _pgd() -> dict[str, Attack]:
    linf = peer("adv_lib.attacks").pgd_linf
    box = {"eps": EPSILON, "eps_step": STEP, "max_iter": STEPS}
    return {
        "foolkit": lambda net, x, y: (
            fk.gradients.pgd(
                net, x, y, epsilon=EPSILON, steps=STEPS, step_size=STEP, progress=False
            ).images
        ),
        "Foolbox": _foolbox(foolbox.attacks.LinfPGD(steps=STEPS, abs_stepsize=STEP), EPSILON),
        "torchattacks": lambda net, x, y: torchattacks.PGD(net, EPSILON, STEP, STEPS)(x, y),
        "adv-lib": lambda net, x, y: linf(net, x, y, EPSILON, steps=STEPS, absolute_step_size=STEP),
        "ART": _art("ProjectedGradientDescentPyTorch", num_random_init=1, **box),
    }


def _carlini_wagner() -> dict[str, Attack]:
    steps, rate, c = SEARCH["steps"], SEARCH["rate"], SEARCH["c"]
    l2 = peer("adv_lib.attacks").carlini_wagner_l2
    foolboxs = foolbox.attacks.L2CarliniWagnerAttack(
        binary_search_steps=1, steps=steps, stepsize=rate, initial_const=c, abort_early=False
    )
    once = {"binary_search_steps": 1, "abort_early": False}
    return {
        "foolkit": lambda net, x, y: fk.gradients.carlini_wagner(
            net, x, y, search_steps=1, steps=steps, initial_c=c, learning_rate=rate,
            abort_early=False, progress=False,
        ).images,
        "Foolbox": _foolbox(foolboxs, None),
        "torchattacks": lambda net, x, y: torchattacks.CW(net, c=c, steps=steps, lr=rate)(x, y),
        "adv-lib": lambda net, x, y: l2(
            net, x, y, learning_rate=rate, initial_const=c, max_iterations=steps, **once
        ),
        "ART": _art(
            "CarliniL2Method", binary_search_steps=1, max_iter=steps, learning_rate=rate,
            initial_const=c,
        ),
    }  # fmt: skip


def _deepfool() -> dict[str, Attack]:
    df = peer("adv_lib.attacks").df
    return {
        "foolkit": lambda net, x, y: fk.gradients.deepfool(net, x, y, progress=False).images,
        "Foolbox": _foolbox(foolbox.attacks.L2DeepFoolAttack(), None),
        "torchattacks": lambda net, x, y: torchattacks.DeepFool(net)(x, y),
        "adv-lib": lambda net, x, y: df(net, x, y, steps=50),
        "ART": _art("DeepFool", max_iter=50, epsilon=0.02),
    }


def _apgd() -> dict[str, Attack]:
    apgd = peer("adv_lib.attacks").apgd
    return {
        "foolkit": lambda net, x, y: fk.gradients.apgd(
            net, x, y, epsilon=EPSILON, steps=50, progress=False
        ).images,
        "torchattacks": lambda net, x, y: torchattacks.APGD(net, eps=EPSILON, steps=50)(x, y),
        "adv-lib": lambda net, x, y: apgd(
            net, x, y, EPSILON, float("inf"), n_iter=50, loss_function="ce"
        ),
        "ART": _art("AutoProjectedGradientDescent", eps=EPSILON, eps_step=0.2, max_iter=50,
                    nb_random_init=1, loss_type="cross_entropy"),
    }  # fmt: skip


def _fmn() -> dict[str, Attack]:
    fmn = peer("adv_lib.attacks").fmn
    return {
        "foolkit": lambda net, x, y: fk.gradients.fmn(net, x, y, steps=100, progress=False).images,
        "Foolbox": _foolbox(foolbox.attacks.L2FMNAttack(steps=100), None),
        "adv-lib": lambda net, x, y: fmn(net, x, y, 2, steps=100),
    }


def _square() -> dict[str, Attack]:
    return {
        "foolkit": lambda net, x, y: (
            fk.gradients.square(net, x, y, epsilon=EPSILON, steps=500, progress=False).images
        ),
        "torchattacks": lambda net, x, y: torchattacks.Square(
            net, eps=EPSILON, n_queries=500, p_init=0.8
        )(x, y),
        "ART": _art("SquareAttack", eps=EPSILON, max_iter=500, p_init=0.8),
    }


def _lbfgs() -> dict[str, Attack]:
    def scipys(net: nn.Module, images: Tensor, labels: Tensor) -> None:
        for image, label in zip(images, labels.tolist(), strict=True):
            szegedy(net, image, label, flat=FLAT)

    return {
        "foolkit": lambda net, x, y: fk.gradients.lbfgs(net, x, y, progress=False).images,
        "a loop of SciPy's L-BFGS-B": scipys,
    }


def nearest() -> dict[str, Attack]:
    """The searches for the smallest change in L2, each within some ``BUDGET`` pairs of passes.

    Raises:
        Skipped: a peer is not installed.
    """
    lib = peer("adv_lib.attacks")
    search = {"binary_search_steps": 5, "steps": BUDGET // 5}
    foolboxs = foolbox.attacks.L2CarliniWagnerAttack(**search, stepsize=0.05, abort_early=False)
    return {
        "foolkit, DeepFool": lambda net, x, y: (
            fk.gradients.deepfool(net, x, y, progress=False).images
        ),
        "foolkit, Carlini and Wagner": lambda net, x, y: (
            fk.gradients.carlini_wagner(
                net, x, y, search_steps=5, steps=BUDGET // 5, learning_rate=0.05, progress=False
            ).images
        ),
        "foolkit, L-BFGS": lambda net, x, y: fk.gradients.lbfgs(net, x, y, progress=False).images,
        "foolkit, FMN": lambda net, x, y: (
            fk.gradients.fmn(net, x, y, steps=BUDGET, progress=False).images
        ),
        "Foolbox, Carlini and Wagner": _foolbox(foolboxs, None),
        "Foolbox, DDN": _foolbox(foolbox.attacks.DDNAttack(steps=BUDGET), None),
        "adv-lib, DDN": lambda net, x, y: lib.ddn(net, x, y, steps=BUDGET, levels=None),
        "adv-lib, FMN": lambda net, x, y: lib.fmn(net, x, y, 2, steps=BUDGET),
        "adv-lib, ALMA": lambda net, x, y: lib.alma(
            net, x, y, num_steps=BUDGET, init_lr_distance=1.0
        ),
    }
