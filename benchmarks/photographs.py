"""Evolution against networks of ImageNet: a generation beside the forward pass that it needs.

Networks are the programs in ``$FOOLKIT_DATA/imagenet``. On a GPU where there is one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

import foolkit as fk
from benchmarks.cppn import networks
from benchmarks.timing import Skipped, alternate, median, peak_memory, ratio
from foolkit.encodings import CPPN, Encoding, Pixels
from foolkit.evolution import MapElites

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
BATCH = 400 if DEVICE == "cuda" else 50  # on a CPU the images stay near the processor
# of a genome; elites of mobilenet_v1 had 20 on average after 400 generations of 50, 22 after 1,000
USUAL, MANY = 25, 50
ROUNDS = 7
# 5,000 generations of 400 children, in about 4 days on 128 cores (Nguyen et al. 2015, their
# program's README), with ten crops of each image, and a network loaded anew for each
PAPER_IMAGES, PAPER_HOURS = 5000 * 400, 4 * 24 * 128


def rows() -> list[dict[str, Any]]:
    """Generations of both encodings, the paper's run at that rate, ten crops, memory."""
    if not os.environ.get("FOOLKIT_DATA"):
        raise Skipped("FOOLKIT_DATA is not set: it names the folder with imagenet/*.pt2")
    folder = Path(os.environ["FOOLKIT_DATA"], "imagenet")
    mobilenet, squeezenet = (
        fk.models.load(folder / f"{name}.pt2", DEVICE) for name in ("mobilenet_v1", "squeezenet1_0")
    )
    made = _generations(mobilenet, with_pixels=True)
    return [*made, *_generations(squeezenet), *_ten_crops(mobilenet), _memory(folder)]


def _search(net: fk.models.Classifier, encoding: Encoding, batch: int, links: int = 0) -> MapElites:
    """A run whose elites are, or began as, networks of so many links."""
    search = MapElites(net, encoding, batch=batch)
    if links:
        archive = search._archive
        genomes = networks(links, len(archive.confidence), encoding.shape).to(DEVICE)
        # elites that are as good as any: what a generation costs does not depend on it
        search._archive = replace(archive, genomes=genomes)
    return search


def _floor(search: MapElites) -> Callable[[], object]:
    """The network alone, on images that the search breeds."""
    encoding, generator = search.encoding, torch.Generator(DEVICE).manual_seed(1)
    elites = search._archive.genomes[: search.batch]
    images = encoding.render(encoding.vary(elites, generator, 1))
    return torch.inference_mode()(lambda: search.net(images))


def _compared(
    searches: dict[str, MapElites], rounds: int
) -> tuple[list[dict[str, Any]], dict[str, float]]:
    """A row for each search, and what a generation costs, by name.

    In seconds of processors, which others on the machine do not change; on a GPU, in seconds.
    """
    calls: dict[str, Callable[[], object]] = {}
    for name, search in searches.items():
        calls[f"{name}: floor"] = _floor(search)
        calls[name] = search.step
    used: dict[str, list[float]] = {name: [] for name in calls}

    def timed(name: str) -> None:
        start = time.process_time()
        calls[name]()
        used[name].append(time.process_time() - start)

    seconds = alternate({name: partial(timed, name) for name in calls}, rounds)
    made = []
    for name, search in searches.items():
        rate, floor = (search.batch / median(seconds[n]) for n in (name, f"{name}: floor"))
        made.append(
            {
                "name": f"a generation of {search.batch}, {name}",
                "value": ratio(seconds, name, f"{name}: floor"),
                "bar": None if f"of {MANY} links" in name else 0.8,
                "unit": "x the images/s of the network's forward on the same images",
                "detail": f"{rate:,.1f} images/s; forward {floor:,.1f}; {_where()}"
                f"; {ratio(used, name, f'{name}: floor'):.2f} x in processor time",
            }
        )
    cost = seconds if DEVICE == "cuda" else used
    return made, {name: median(cost[name]) for name in searches}


def _generations(net: fk.models.Classifier, with_pixels: bool = False) -> list[dict[str, Any]]:
    code = CPPN(net.input_shape)
    size = f"{net.input_shape[1]} x {net.input_shape[2]}, {net.name}"
    searches = {
        f"CPPN of {links} links, {size}": _search(net, code, BATCH, links)
        for links in (USUAL, MANY)
    }
    if with_pixels:
        # the first generations replace most of the thousand elites, half a gigabyte; later ones few
        pixels = _search(net, Pixels(net.input_shape), BATCH).run(10, progress=False)
        searches[f"direct encoding, {size}"] = pixels
    made, seconds = _compared(searches, ROUNDS)
    usual = next(iter(searches))
    return [*made, _run_of_the_paper(f"{net.name}, one crop", seconds[usual] / BATCH)]


def _ten_crops(net: fk.models.Classifier) -> list[dict[str, Any]]:
    """As the paper's program judged: ten crops of 256 x 256."""
    net = fk.models.cropped(net)
    batch = max(1, BATCH // 5)
    name = f"CPPN of {USUAL} links, {net.name}"
    made, seconds = _compared({name: _search(net, CPPN(net.input_shape), batch, USUAL)}, 3)
    return [*made, _run_of_the_paper(net.name, seconds[name] / batch)]


def _run_of_the_paper(name: str, seconds: float) -> dict[str, Any]:
    """What 2,000,000 images would cost, at so many seconds of a processor or GPU an image."""
    kind = "GPU" if DEVICE == "cuda" else "core"
    return {
        "name": f"the paper's 5,000 generations of 400, 1000 classes, CPPN: {name}",
        "value": PAPER_IMAGES * seconds / 3600,
        "bar": None,
        "unit": f"{kind}-hours, projected (lower is better)",
        "detail": f"{1 / seconds:,.1f} images a {kind}-second; the paper's run took"
        f" {PAPER_HOURS:,} core-hours with ten crops of each image before CaffeNet",
        "lower": True,
    }


def _memory(folder: Path) -> dict[str, Any]:
    """Peak memory of a fresh process that evolves 1000 classes."""
    script = (
        "import foolkit as fk\n"
        f"net = fk.models.load({str(folder / 'mobilenet_v1.pt2')!r}, {DEVICE!r})\n"
        "code = fk.encodings.CPPN(net.input_shape)\n"
        f"fk.evolve(net, code, generations=5, batch={BATCH}, progress=False)\n"
    )
    of = "on the GPU" if DEVICE == "cuda" else "of the process"
    images = 1000 * 3 * 224 * 224 * 4 / 2**30
    return {
        "name": f"CPPN, mobilenet_v1, generations of {BATCH}: peak memory {of}",
        "value": peak_memory(script, DEVICE),
        "bar": None,
        "unit": "GiB (lower is better)",
        "detail": f"the thousand elites' images, made at the end, are {images:.2f} GiB of it",
        "lower": True,
    }


def _where() -> str:
    return "one GPU" if DEVICE == "cuda" else f"load average {os.getloadavg()[0]:.1f}"
