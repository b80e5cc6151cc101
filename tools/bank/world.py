"""Makes the bank of the chapter out in the world anew: ``python -m tools.bank.world``.

Each part is stored when it is done, and is not made again unless ``--anew`` says so.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate
from tqdm.auto import tqdm

from foolkit.analysis.accidents import accidents, textures
from foolkit.analysis.search import Behind
from foolkit.bank import world
from foolkit.encodings import CPPN, Pixels
from foolkit.evolution import evolve
from foolkit.files import as_bytes
from foolkit.gradients import ascent
from foolkit.models import Classifier
from foolkit.models.enlarged import enlarged
from foolkit.models.pedestrian import pedestrian
from tools.bank.program import options, write

COARSE = 4  # pixels of a square of coarse noise
RUNS = 10  # of pedestrians
SHOWN = {  # random pictures of each kind
    "lenet": 50_000, "squeezenet1_1": 2_000, "mtcnn-output": 5_000, "pedestrian": 10_000,
}  # fmt: skip
Columns = dict[str, np.ndarray]


def levels(images: Tensor) -> np.ndarray:
    """Images in [0, 1] as the file holds them, uint8."""
    return as_bytes(images).cpu().numpy()


def wallpaper(made: str, generations: int, steps: int) -> Columns:
    """Patterns that lead a search to the wanted pictures, whatever stands before them."""
    things, _ = world.objects(world.BEFORE)
    net = Behind(world.search(), things, copies=world.SIDE // world.TILE).eval()
    wanted = world.wanted()
    if made == "painted":
        found = ascent(net, wanted, steps=steps, step_size=0.02, threshold=None, progress=False)
        return {"images": levels(found.images)}
    shape = (3, world.TILE, world.TILE)
    if made == "pixels":
        net = enlarged(net, COARSE)
        shape = net.input_shape
    encoding = CPPN(shape) if made == "formulas" else Pixels(shape, eta=1.0)
    elites = evolve(net, encoding, generations=generations, batch=40, seed=0, progress=False)
    times = world.TILE // shape[1]
    return {"images": levels(interpolate(elites.images[wanted], scale_factor=times))}


def pattern(made: str, generations: int, steps: int) -> Columns:
    """What the pedestrian detector takes for one, one image a run."""
    net = pedestrian()
    if made == "painted":
        goals = torch.ones(RUNS, dtype=torch.int64)
        found = ascent(net, goals, steps=steps, threshold=None, progress=False)
        return {"images": levels(found.images)}
    judge: Classifier = enlarged(net, COARSE) if made == "pixels" else net
    shape = judge.input_shape
    encoding = CPPN(shape) if made == "formulas" else Pixels(shape, eta=1.0)
    best = []
    for seed in range(RUNS):
        run = evolve(judge, encoding, generations=generations, batch=50, seed=seed, progress=False)
        best.append(run.images[1:])
    times = net.input_shape[1] // shape[1]
    return {"images": levels(interpolate(torch.cat(best), scale_factor=times))}


def chance(judge: str, images: int) -> Columns:
    """How many random pictures of each kind a judge is sure of."""
    net, least, alarms, photographs = world.judge(judge)
    found = accidents(
        net, textures(net.input_shape, photographs), images=images, least=least, alarms=alarms,
        chunk=100, progress=False,
    )  # fmt: skip
    return {
        "kinds": np.array(list(found)),
        "counts": np.array([[one.hits, one.images] for one in found.values()]),
    }


def parts() -> dict[str, Callable[[], Columns]]:
    """What makes each part of the file."""
    return {
        **{
            f"wallpaper/{made}": partial(
                wallpaper, made, generations=world.GENERATIONS.get(made, 0), steps=60
            )
            for made in world.MADE
        },
        **{
            f"pedestrian/{made}": partial(pattern, made, generations=150, steps=60)
            for made in (*world.MADE, "fine pixels")
        },
        **{f"accidents/{judge}": partial(chance, judge, count) for judge, count in SHOWN.items()},
    }


def main() -> None:
    """Command line: make what is missing."""
    parser = options("world", __doc__)
    parser.add_argument("--anew", nargs="*", default=[], help="parts to make again, or all")
    chosen = parser.parse_args()
    file = chosen.out / world.FILE
    stored: Columns = {}
    if file.exists() and "all" not in chosen.anew:
        with np.load(file, allow_pickle=False) as held:
            stored = {name: held[name] for name in held.files}
    start = time.process_time()
    for part, make in tqdm(parts().items(), unit=" parts"):
        if part in chosen.anew or not any(name.startswith(f"{part}/") for name in stored):
            stored |= {f"{part}/{name}": column for name, column in make().items()}
            write(chosen.out, world.FILE, stored)
    print(f"{time.process_time() - start:.0f} s of processor time")


if __name__ == "__main__":
    main()
