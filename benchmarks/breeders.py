"""MAP-Elites of pyribs and of EvoTorch on the same network, a generation a call."""

from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

import foolkit as fk
from benchmarks.attackers import peer

CHILDREN, CLASSES, PIXELS, SIGMA = 200, 10, 784, 0.1

Generation = Callable[[], object]


def ours(net: nn.Module) -> Generation:
    """One generation of foolkit."""
    victim = fk.models.Classifier(net, input_shape=(1, 28, 28), classes=CLASSES, name="LeNet")
    search = fk.evolution.MapElites(victim, fk.encodings.Pixels(victim.input_shape), batch=CHILDREN)
    return lambda: search.run(1, progress=False)


def breeders(net: nn.Module) -> dict[str, Generation]:
    """One generation of ``CHILDREN`` images each, all judged by ``net``.

    With foolkit, as in Nguyen et al. (2015), each child challenges the elites of all ten classes.
    In the peers it may enter one cell, here that of its likeliest class, and is a parent with
    Gaussian noise added. EvoTorch makes one child a cell: its ten classes are cut into twenty
    ranges of brightness each, to make 200.

    Raises:
        Skipped: a peer is not installed.
    """
    return {
        "foolkit": ours(net),
        "pyribs": _pyribs(net),
        "EvoTorch": _evotorch(net),
    }


def judged(net: nn.Module, pixels: Tensor) -> tuple[Tensor, Tensor]:
    """Confidence and class of flat images."""
    with torch.inference_mode():
        return net(pixels.view(-1, 1, 28, 28)).softmax(1).max(1)


def _pyribs(net: nn.Module) -> Generation:
    archive = peer("ribs.archives").GridArchive(
        solution_dim=PIXELS, dims=[CLASSES], ranges=[(-0.5, CLASSES - 0.5)], dtype=np.float32
    )
    emitter = peer("ribs.emitters").GaussianEmitter(
        archive,
        sigma=SIGMA,
        x0=np.full(PIXELS, 0.5, np.float32),
        lower_bounds=np.zeros(PIXELS, np.float32),
        upper_bounds=np.ones(PIXELS, np.float32),
        batch_size=CHILDREN,
        seed=0,
    )
    scheduler = peer("ribs.schedulers").Scheduler(archive, [emitter])

    def generation() -> None:
        confidence, classes = judged(net, torch.from_numpy(scheduler.ask()))
        scheduler.tell(confidence.numpy(), classes[:, None].numpy().astype(np.float32))

    return generation


def _evotorch(net: nn.Module) -> Generation:
    evotorch = peer("evotorch")
    logging.getLogger("evotorch.core").setLevel(logging.WARNING)
    algorithms = peer("evotorch.algorithms")

    @peer("evotorch.decorators").vectorized
    def judge(pixels: Tensor) -> Tensor:
        confidence, classes = judged(net, pixels)
        return torch.stack([confidence, classes.float(), pixels.mean(1)], 1)

    problem = evotorch.Problem(
        "max", judge, initial_bounds=(0, 1), bounds=(0, 1), solution_length=PIXELS,
        eval_data_length=2, dtype=torch.float32, seed=0,
    )  # fmt: skip
    grid = algorithms.MAPElites.make_feature_grid(
        [-0.5, 0.0], [CLASSES - 0.5, 1.0], [CLASSES, CHILDREN // CLASSES], dtype=torch.float32
    )
    mutation = peer("evotorch.operators").GaussianMutation(problem, stdev=SIGMA)
    search = algorithms.MAPElites(
        problem, operators=[mutation], feature_grid=grid, re_evaluate=False
    )
    return search.step
