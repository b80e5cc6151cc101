"""Breeds squares that are faces to a detector: ``python -m tools.bank.camera``, resumable."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor

from foolkit.analysis.camera import scenes, seen_anywhere, seen_by_a_camera
from foolkit.bank.faces import ENOUGH, EPSILON, FILE, IMAGES, RUNS
from foolkit.encodings import CPPN, Pixels
from foolkit.evolution import evolve
from foolkit.files import as_bytes
from foolkit.gradients import ascent, pgd
from foolkit.models import load as load_network
from foolkit.models import mtcnn, predict, transformed
from foolkit.models.classifier import Classifier
from foolkit.transforms import Transform
from tools.bank import program

FACE = 1
CERTAIN = 0.9999  # at which a run ends
VIEWS = 6  # of a square, through which evolution looks
GENERATIONS = {"direct": 200, "cppn": 100}  # against one network
LONGER = {"direct": 300, "cppn": 200}  # against all three, through views
Found = tuple[Tensor, float, int]  # image, confidence, when it was enough


def bred(
    net: Classifier, route: str, seed: int, *, generations: dict[str, int], batch: int = 100
) -> Found:
    """One evolution; the elite of "face"."""
    kind = Pixels(net.input_shape, eta=1.0) if route == "direct" else CPPN(net.input_shape)
    elites = evolve(
        net, kind, generations=generations[route], batch=batch, seed=seed, progress=False,
        callback=lambda search: bool(search.confidence[FACE] >= CERTAIN),
    )  # fmt: skip
    return (
        elites.images[FACE], float(elites.confidence[FACE]),
        int(elites.history.reached(ENOUGH)[FACE]),
    )  # fmt: skip


def climbed(net: Classifier, seed: int) -> Found:
    """From noise, until the network is certain."""
    made = ascent(net, torch.tensor([FACE]), threshold=CERTAIN, seed=seed, progress=False)
    enough = (made.trajectory[:, 0] >= ENOUGH).nonzero()
    first = int(enough[0]) if len(enough) else -1
    return made.images[0], float(made.label_confidence[0]), first


def near_noise(net: Classifier, seed: int, transform: Transform | None = None) -> Found:
    """Noise, changed by at most ``EPSILON`` a pixel."""
    noise = torch.rand((1, *net.input_shape), generator=torch.Generator().manual_seed(seed))
    made = pgd(
        net, noise, torch.tensor([FACE]), epsilon=EPSILON, steps=60, targeted=True,
        random_start=False, transform=transform, samples=4, seed=seed, progress=False,
    )  # fmt: skip
    return made.images[0], float(made.label_confidence[0]), -2


def without_limit(net: Classifier, seed: int, transform: Transform) -> Found:
    """From noise, 150 steps, however certain."""
    made = ascent(
        net, torch.tensor([FACE]), threshold=None, steps=150, step_size=0.02, seed=seed,
        transform=transform, samples=4, progress=False,
    )  # fmt: skip
    return made.images[0], float(made.label_confidence[0]), -2


def maker(goal: str, route: str) -> Callable[[int], Found]:
    """From a seed to what one run finds, for a part of the bank."""
    if goal in mtcnn.NAMES:
        net = load_network(goal)
        if route == "gradient":
            return partial(climbed, net)
        return partial(bred, net, route, generations=GENERATIONS)
    net, (backgrounds, _) = mtcnn.together(), scenes()
    view = seen_by_a_camera if goal == "camera" else seen_anywhere
    if goal == "once":
        return partial(near_noise, net)
    if goal == "anywhere, no limit":
        return partial(without_limit, net, transform=view(backgrounds))
    if route == "gradient":
        return partial(near_noise, net, transform=view(backgrounds))

    def through_views(seed: int) -> Found:
        seen = transformed(net, view(backgrounds), samples=VIEWS, seed=seed)
        return bred(seen, route, seed, generations=LONGER, batch=50)

    return through_views


def make(goal: str, route: str) -> dict[str, np.ndarray]:
    """The stored columns of one part; the confidence is that of the 8-bit image, for one view."""
    found = [maker(goal, route)(seed) for seed in range(RUNS[goal, route])]
    images, confidence, reached = zip(*found, strict=True)
    pixels = as_bytes(torch.stack(images))
    if route == "gradient":  # evolution judges 8-bit images already
        net = load_network(goal) if goal in mtcnn.NAMES else mtcnn.together()
        confidence = predict(net, pixels.float() / 255)[:, FACE].numpy()
    return {
        "images": pixels[: IMAGES.get((goal, route))].numpy(),
        "confidence": np.array(confidence, np.float32),
        "reached": np.array(reached, np.int16),
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
