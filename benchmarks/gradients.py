"""Gradient routines against the passes that they need, and against their peers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import foolbox
import torch
import torchattacks
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

import foolkit as fk
from benchmarks.evolution import as_a_user_writes_it
from benchmarks.references import szegedy
from benchmarks.timing import alternate, median, ratio
from foolkit.gradients.lbfgs import FLAT
from foolkit.gradients.problem import Problem, attacking
from foolkit.gradients.sign import _loss_gradient

IMAGES = 100
ROUNDS = 7  # odd, so that a median is one of them
USERS, OURS = "the user's module", "our fast one"
LEVEL = 0.95  # "as fast as": two who take the same passes differ by up to this, see "floor again"
WHOLE = 0.85  # of a whole call to its passes: trying the arguments, and what a step does besides
Row = dict[str, Any]


def rows() -> list[Row]:
    """Every routine that the book stands on."""
    images, labels = (tensor[:IMAGES] for tensor in fk.data.digits())
    nets = {USERS: as_a_user_writes_it(), OURS: fk.models.load("lenet")}
    return [
        *_steps("pgd, 40 steps", _pgd(images, labels), 40, nets, images, labels),
        *_steps("carlini_wagner, 100 steps", _cw(images, labels), 100, nets, images, labels),
        *_fgsm(nets[USERS], images, labels),
        *_deepfool(nets, images, labels),
        *_lbfgs(nets[OURS], images, labels),
    ]


def forward_and_backward(net: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """The floor of one gradient step: nothing but the two passes to the pixels."""
    pixels = images.detach().requires_grad_()
    return torch.autograd.grad(cross_entropy(net(pixels), labels), pixels)[0]


def forward(net: nn.Module, images: Tensor) -> None:
    """One pass without gradients."""
    with torch.no_grad():
        net(images)


def judge(net: nn.Module, moved: Tensor) -> None:
    """What our results say and torchattacks does not: who was right before, who is fooled, and
    who still is in 8 bits; a forward pass each."""
    forward(net, moved)  # for the images as they were, as many and as large
    forward(net, moved)
    forward(net, moved.mul(255).round_().div_(255))


Attack = Callable[[nn.Module], object]


def _pgd(images: Tensor, labels: Tensor) -> dict[str, Attack]:
    def foolboxs(net: nn.Module) -> None:
        attack = foolbox.attacks.LinfPGD(steps=40, abs_stepsize=0.01)
        attack(foolbox.PyTorchModel(net, bounds=(0, 1)), images, labels, epsilons=0.1)

    return {
        "ours": lambda net: fk.gradients.pgd(
            net, images, labels, epsilon=0.1, steps=40, step_size=0.01, progress=False
        ),
        "Foolbox": foolboxs,
        "torchattacks": lambda net: judge(
            net, torchattacks.PGD(net, eps=0.1, alpha=0.01, steps=40)(images, labels)
        ),
    }


def _cw(images: Tensor, labels: Tensor) -> dict[str, Attack]:
    def foolboxs(net: nn.Module) -> None:
        attack = foolbox.attacks.L2CarliniWagnerAttack(
            binary_search_steps=1, steps=100, initial_const=1.0, abort_early=False
        )
        attack(foolbox.PyTorchModel(net, bounds=(0, 1)), images, labels, epsilons=None)

    return {
        "ours": lambda net: fk.gradients.carlini_wagner(
            net, images, labels, search_steps=1, steps=100, initial_c=1.0, learning_rate=0.01,
            abort_early=False, progress=False,
        ),
        "Foolbox": foolboxs,
        "torchattacks": lambda net: judge(
            net, torchattacks.CW(net, c=1, steps=100, lr=0.01)(images, labels)
        ),
    }  # fmt: skip


def on(ours: str, theirs: str) -> str:
    """On which network each ran."""
    return ours if ours == theirs else f"{ours}, the peer on {theirs}"


def _steps(
    name: str,
    attacks: dict[str, Attack],
    steps: int,
    nets: dict[str, nn.Module],
    images: Tensor,
    labels: Tensor,
) -> list[Row]:
    """Many gradient steps, against as many pairs of passes, judged, and against the peers.

    The floor sees images such as the attacks make: clean digits, mostly zeros, pass faster.
    """
    moved = fk.gradients.fgsm(nets[OURS], images, labels, epsilon=0.1).images

    def floor() -> None:
        for _ in range(steps):
            forward_and_backward(nets[USERS], moved, labels)
        judge(nets[USERS], moved)

    functions = {"floor": floor, "floor again": floor}
    for where, net in nets.items():
        for who, attack in attacks.items():
            functions[f"{who}, {where}"] = lambda attack=attack, net=net: attack(net)
    seconds = alternate(functions, ROUNDS)

    def rate(key: str) -> str:
        return f"{len(images) * steps / median(seconds[key]):,.0f} image steps/s"

    found = [
        {
            "name": f"{name}, {where}",
            "value": ratio(seconds, f"ours, {where}", "floor"),
            "bar": WHOLE if where == USERS else 1.3,
            "unit": "x the eager forward and backward pass",
            "detail": f"{rate(f'ours, {where}')}; eager {rate('floor')}",
        }
        for where in nets
    ]
    found.append(
        {
            "name": f"{name}: the floor again",
            "value": ratio(seconds, "floor again", "floor"),
            "bar": None,
            "unit": "x the eager forward and backward pass",
            "detail": "the same passes, timed twice: what a ratio here can tell",
        }
    )
    pairs = [(USERS, USERS, LEVEL), (OURS, OURS, LEVEL), (OURS, USERS, 1.3)]
    return found + [
        {
            "name": f"{name} against {peer}, {on(where, theirs)}",
            "value": ratio(seconds, f"ours, {where}", f"{peer}, {theirs}"),
            "bar": bar,
            "unit": f"x the speed of {peer}",
            "detail": f"{peer} {rate(f'{peer}, {theirs}')}",
        }
        for peer in ("Foolbox", "torchattacks")
        for where, theirs, bar in pairs
    ]


def _fgsm(net: nn.Module, images: Tensor, labels: Tensor) -> list[Row]:
    problem = Problem.checked(net, images, labels)
    moved = fk.gradients.fgsm(net, images, labels, epsilon=0.1).images  # slower than clean ones

    def step() -> None:
        with attacking(net):
            torch.add(
                images, _loss_gradient(problem, images, "cross-entropy")[0].sign_(), alpha=0.1
            ).clamp_(0, 1)

    def floor() -> None:
        forward_and_backward(net, images, labels)

    def whole_floor() -> None:
        floor()  # it sees the images as they were, so that two passes are left
        forward(net, moved)
        forward(net, moved.mul(255).round_().div_(255))

    functions = {
        "floor": floor,
        "step": step,
        "whole floor": whole_floor,
        "whole": lambda: fk.gradients.fgsm(net, images, labels, epsilon=0.1),
    }
    seconds = alternate(functions, 10 * ROUNDS)
    unit = "x the eager forward and backward pass"
    return [
        {
            "name": "fgsm, the step alone",
            "value": ratio(seconds, "step", "floor"),
            "bar": LEVEL,
            "unit": unit,
            "detail": f"{len(images) / median(seconds['step']):,.0f} images/s",
        },
        {
            "name": "fgsm, the whole call",
            "value": ratio(seconds, "whole", "whole floor"),
            "bar": WHOLE,  # three passes of one or two images try the arguments
            "unit": f"{unit} and two forward passes that judge",
            "detail": f"{len(images) / median(seconds['whole']):,.0f} images/s",
        },
    ]


def _deepfool(nets: dict[str, nn.Module], images: Tensor, labels: Tensor) -> list[Row]:
    found: dict[str, Tensor] = {}

    def foolboxs(where: str) -> None:
        model = foolbox.PyTorchModel(nets[where], bounds=(0, 1))
        attack = foolbox.attacks.L2DeepFoolAttack()
        _, moved, fooled = attack(model, images, labels, epsilons=None)
        found[f"Foolbox, {where}"] = (moved - images).flatten(1).norm(dim=1)[fooled]

    def ours(where: str) -> None:
        result = fk.gradients.deepfool(nets[where], images, labels, progress=False)
        found[f"ours, {where}"] = result.l2[result.success]

    functions = {}
    for where in nets:
        functions[f"ours, {where}"] = lambda where=where: ours(where)
        functions[f"Foolbox, {where}"] = lambda where=where: foolboxs(where)
    seconds = alternate(functions, ROUNDS)
    pairs = [(USERS, USERS, 2.0), (OURS, OURS, 2.0), (OURS, USERS, 3.5)]
    rows = []
    for where, theirs, bar in pairs:
        medians = [float(found[key].median()) for key in (f"ours, {where}", f"Foolbox, {theirs}")]
        rows.append(
            {
                "name": f"deepfool against Foolbox, {on(where, theirs)}",
                "value": ratio(seconds, f"ours, {where}", f"Foolbox, {theirs}"),
                "bar": bar,
                "unit": "x the images/s of Foolbox",
                "detail": f"{len(images) / median(seconds[f'ours, {where}']):,.0f} images/s;"
                f" median L2 {medians[0]:.3f}, Foolbox's {medians[1]:.3f}",
            }
        )
    return rows


def _lbfgs(net: nn.Module, images: Tensor, labels: Tensor) -> list[Row]:
    found: dict[str, Tensor] = {}

    def ours() -> None:
        found["ours"] = fk.gradients.lbfgs(net, images, labels, progress=False).l2

    def scipys() -> None:
        pairs = zip(images, labels.tolist(), strict=True)
        found["SciPy"] = torch.tensor(
            [szegedy(net, image, label, flat=FLAT) for image, label in pairs]
        )

    seconds = alternate({"ours": ours, "SciPy": scipys}, repeats=2)
    mean = {who: float(l2.mean()) for who, l2 in found.items()}
    return [
        {
            "name": "lbfgs against a loop of SciPy's L-BFGS-B, 100 digits",
            "value": ratio(seconds, "ours", "SciPy"),
            "bar": 3.0,
            "unit": "x the images/s of SciPy",
            "detail": f"{len(images) / median(seconds['ours']):,.1f} images/s;"
            f" SciPy {len(images) / median(seconds['SciPy']):,.1f}",
        },
        {
            "name": "lbfgs, mean distortion against SciPy's",
            "value": mean["ours"] / mean["SciPy"],
            "bar": 1.01,
            "unit": "of SciPy's (lower is better)",
            "detail": f"mean L2 {mean['ours']:.3f}; SciPy's {mean['SciPy']:.3f}",
            "lower": True,
        },
    ]
