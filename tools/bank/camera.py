"""Breeds squares that are faces to a detector: ``python -m tools.bank.camera``, resumable."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from foolkit.analysis.camera import scenes, seen_anywhere, seen_by_a_camera
from foolkit.bank.faces import ENOUGH, EPSILON, FILE, IMAGES, NOT_SOUGHT, RUNS
from foolkit.encodings import CPPN, Pixels
from foolkit.evolution import evolve
from foolkit.files import as_bytes
from foolkit.gradients import ascent, pgd
from foolkit.models import load as load_network
from foolkit.models import mtcnn, predict, transformed
from foolkit.models.classifier import Classifier
from tools.bank import program

FACE = 1
CERTAIN = 0.9999  # at which a run ends
VIEWS = 4  # of a square, through which evolution looks
GENERATIONS = {"direct": 200, "cppn": 100}  # against one network, of 100 children
LONGER = {"direct": 1000, "cppn": 250}  # against all three, through views, of 40 children
Found = tuple[Tensor, Tensor, Tensor]  # images, confidence, when it was enough, of all runs


class Margins(mtcnn.Together):
    """By how much "face" leads, added over the three networks: it rises where p = 1 no more."""

    def margin(self, network: nn.Module, seen: Tensor) -> Tensor:
        """Of one network, ``[N]``."""
        logits = network(seen)
        return logits[:, FACE] - logits[:, 1 - FACE]

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``[N, 2]`` of images ``[N, 3, 48, 48]`` in [0, 1]."""
        total = torch.stack([self.margin(*one) for one in self.looks(images)]).sum(0)
        return torch.stack([-total, total], 1) / 2


def bred(
    net: Callable[[int], Classifier], route: str, runs: int, generations: int, children: int
) -> Found:
    """One evolution after another, of each the elite of "face"; ``net`` may hang on the seed."""
    images, confidence, reached = [], [], []
    for seed in range(runs):
        judge = net(seed)
        shape = judge.input_shape
        elites = evolve(
            judge, Pixels(shape, eta=1.0) if route == "direct" else CPPN(shape),
            generations=generations, batch=children, seed=seed, progress=False,
            callback=lambda search: bool(search.confidence[FACE] >= CERTAIN),
        )  # fmt: skip
        images.append(elites.images[FACE])
        confidence.append(elites.confidence[FACE])
        reached.append(elites.history.reached(ENOUGH)[FACE])
    return torch.stack(images), torch.stack(confidence), torch.stack(reached)


def climbed(
    net: Classifier, runs: int, threshold: float | None, steps: int, **through: Any
) -> Found:
    """From noise along the gradient, all runs at once."""
    goals = torch.full((runs,), FACE)
    made = ascent(
        net, goals, threshold=threshold, steps=steps, step_size=0.01 if threshold else 0.02,
        progress=False, **through,
    )  # fmt: skip
    enough = made.trajectory >= ENOUGH
    first = enough.int().argmax(0).where(enough.any(0), -1)
    return made.images, made.label_confidence, first


def near_noise(net: Classifier, runs: int, **through: Any) -> Found:
    """Noise, changed by at most ``EPSILON`` a pixel; all runs at once, through the same views."""
    noise = torch.rand((runs, *net.input_shape), generator=torch.Generator().manual_seed(0))
    made = pgd(
        net, noise, torch.full((runs,), FACE), epsilon=EPSILON, steps=60, targeted=True,
        random_start=False, progress=False, **through,
    )  # fmt: skip
    return made.images, made.label_confidence, torch.full((runs,), NOT_SOUGHT)


def found(goal: str, route: str, runs: int) -> Found:
    """What some runs find, for a part of the bank."""
    if goal in mtcnn.NAMES:
        net = load_network(goal)
        if route == "gradient":
            return climbed(net, runs, CERTAIN, 200)
        return bred(lambda seed: net, route, runs, GENERATIONS[route], 100)
    net, (backgrounds, _) = mtcnn.together(), scenes()
    if goal == "once":
        return near_noise(net, runs)
    if goal == "once, no limit":
        return climbed(net, runs, None, 150)
    if goal.endswith("by margins"):
        net = Classifier(
            Margins(), input_shape=net.input_shape, classes=net.classes, name="MTCNN's margins"
        ).eval()
        through = {"transform": seen_anywhere(backgrounds), "samples": 4}
        one = goal.startswith("once")
        return climbed(net, runs, None, 150, objective="logit", **({} if one else through))
    view = (seen_by_a_camera if goal == "camera" else seen_anywhere)(backgrounds)
    if goal == "anywhere, no limit":
        return climbed(net, runs, None, 150, transform=view, samples=4)
    if route == "gradient":
        return near_noise(net, runs, transform=view, samples=4)
    return bred(
        lambda seed: transformed(net, view, samples=VIEWS, seed=seed), route, runs,
        LONGER[route], 40,
    )  # fmt: skip


def make(goal: str, route: str) -> dict[str, np.ndarray]:
    """The stored columns of one part."""
    images, confidence, reached = found(goal, route, RUNS[goal, route])
    pixels = as_bytes(images)
    if route == "gradient":  # evolution judges 8-bit images already
        net = load_network(goal) if goal in mtcnn.NAMES else mtcnn.together()
        confidence = predict(net, pixels.float() / 255)[:, FACE]
    return {
        "images": pixels[: IMAGES.get((goal, route))].numpy(),
        "confidence": confidence.numpy(),
        "reached": reached.numpy().astype(np.int16),
    }


def main() -> None:
    """Command line: make what is not there yet; the file is written after each part."""
    parser = program.options("camera", __doc__)
    parser.add_argument("--anew", action="store_true", help="what is there, too")
    chosen = parser.parse_args()
    path, stored = chosen.out / FILE, {}
    if path.exists() and not chosen.anew:
        with np.load(path) as held:
            stored = dict(held)
    for goal, route in RUNS:
        prefix = f"{goal}/{route}/"
        if prefix + "images" in stored:
            continue
        start = time.process_time()
        stored |= {prefix + name: column for name, column in make(goal, route).items()}
        program.write(chosen.out, FILE, stored)
        said = np.round(stored[prefix + "confidence"], 4)
        print(f"{prefix[:-1]}: {time.process_time() - start:.0f} s; {said}", flush=True)


if __name__ == "__main__":
    main()
