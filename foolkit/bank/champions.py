"""Images bred against ImageNet networks, one champion for each of 1000 classes.

Formulas are small: a thousand of them fit into 70 kB, and are drawn again in seconds. Of images
evolved pixel by pixel nothing is shorter than the pixels, so only the most certain are kept.
``stored`` reads what ``python -m tools.bank.champions`` bred, in hours of one core.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from foolkit.bank.store import PLACE, read
from foolkit.checks import check_choice, check_count
from foolkit.encodings import CPPN, CPPNGenomes, Pixels
from foolkit.evolution import Elites, evolve
from foolkit.files import as_bytes
from foolkit.models.classifier import Classifier, fingerprint, predict
from foolkit.models.crops import cropped

FILE, CARD = "champions.npz", "champions.json"
BATCH = 50  # children of a generation of a fresh run, and images that a judge sees at a time
POINTS = 60  # of a curve, evenly on a logarithmic axis
KEPT = 2  # images of a direct run, the most certain
SURE = 0.99
CURVES = ("mean", "lower", "median", "upper", "sure")
SMALL = {
    "source": np.uint8, "target": np.uint8, "outputs": np.int8, "hidden": np.int8,
    "born": np.int32, "parent": np.int16, "parent_born": np.int32,
}  # fmt: skip


@dataclass(frozen=True)
class Verdicts:
    """What a network says of N champions.

    Attributes:
        own: float32 ``[N]``, confidence in the class that each was bred for.
        named: int64 ``[N]``, the class of the largest confidence.
    """

    own: Tensor
    named: Tensor


@dataclass(frozen=True)
class Champions:
    """One evolution against one network; K classes, a curve of T points.

    Attributes:
        network: its name.
        encoding: ``"cppn"`` or ``"direct"``.
        seed: of the run.
        evaluations: int64 ``[T]``, images judged until each point of the curves.
        curves: of the K champions at each point, float32 ``[T]`` each: ``"mean"`` and
            ``"median"`` confidence, the quartiles ``"lower"`` and ``"upper"``, and ``"sure"``,
            the share of classes with at least 99 %.
        confidence: float32 ``[K]``, of each champion in its class at the end.
        kept: int64 ``[M]``, the classes whose images are at hand: all of a CPPN run, the most
            certain of a direct one, the surest first.
        genomes: the K formulas; None of a direct run.
        pixels: uint8 ``[M, C, H, W]`` of a direct run; else None.
        shape: ``(C, H, W)`` of the images.
        verdicts: of a stored CPPN run, what each network says of all K images.
        crops: how many of an image the network judged, in breeding and in ``verdicts``: 1, all
            of it, or 10 (see ``foolkit.models.cropped``).
    """

    network: str
    encoding: str
    seed: int
    evaluations: Tensor
    curves: dict[str, Tensor]
    confidence: Tensor
    kept: Tensor
    genomes: CPPNGenomes | None
    pixels: Tensor | None
    shape: tuple[int, int, int]
    verdicts: dict[str, Verdicts]
    crops: int = 1

    def images(self, classes: Tensor) -> Tensor:
        """The champions of some classes, float32 ``[N, C, H, W]`` in [0, 1].

        Args:
            classes: int64 ``[N]``, of ``kept``.

        Raises:
            ValueError: a class whose image was not kept.
        """
        if self.genomes is not None:
            return CPPN(self.shape).render(self.genomes[classes])
        place = (classes[:, None] == self.kept).int()
        if not bool(place.any(1).all()):
            raise ValueError(f"classes: expected some of {self.kept.tolist()}, got {classes}")
        assert self.pixels is not None  # a direct run
        return self.pixels[place.argmax(1)].float().div_(255)

    def judged(self, judge: Classifier, classes: Tensor) -> Verdicts:
        """What a network says of some champions: read if it was stored, else asked now.

        Args:
            judge: a network of these classes; known by its name and its weights.
            classes: int64 ``[N]``, of ``kept``.
        """
        if judge.name in self.verdicts and fingerprint(judge) == card()["networks"][judge.name]:
            known = self.verdicts[judge.name]
            return Verdicts(known.own[classes], known.named[classes])
        return ask(seen(judge, self.crops), self.images(classes), classes)

    def at(self, evaluations: int, curve: str = "median") -> float:
        """A curve's value after so many judged images, between its points on a straight line.

        Raises:
            ValueError: more than were judged, or an unknown curve.
        """
        check_choice(curve, CURVES, "curve")
        first, last = self.evaluations[[0, -1]].tolist()
        if not first <= evaluations <= last:
            raise ValueError(f"evaluations: expected {first} to {last}, got {evaluations}")
        return float(np.interp(evaluations, self.evaluations, self.curves[curve]))


def ask(judge: Classifier, images: Tensor, classes: Tensor) -> Verdicts:
    """What a network says of images ``[N, C, H, W]`` bred for ``classes``, 50 at a time."""
    confidence = predict(judge, images, BATCH)
    return Verdicts(confidence.gather(1, classes[:, None])[:, 0], confidence.argmax(1))


def seen(net: Classifier, crops: int) -> Classifier:
    """The network as a run's images were shown to it: whole, or in ten crops."""
    return net if crops == 1 else cropped(net, crops=crops)


def load(
    networks: Mapping[str, Classifier], *, generations: int = 8, progress: bool = True
) -> list[Champions]:
    """The stored runs that were bred on these networks; if there are none, small fresh ones.

    Fresh are two runs of each encoding on the first network and one of formulas on the last, of
    ``BATCH`` children a generation.

    Args:
        networks: by name, as ``foolkit.models.imagenet`` gives them.
        generations: of fresh runs.
        progress: show a bar for each fresh run.

    Raises:
        ValueError: no networks.
    """
    if not networks:
        raise ValueError("networks: expected at least one, got none")
    check_count(generations, "generations")
    bred = card()["networks"]
    same = [name for name in networks if fingerprint(networks[name]) == bred.get(name)]
    if runs := [run for run in stored() if run.network in same]:
        return runs
    first, last = next(iter(networks)), list(networks)[-1]
    plan = [(first, encoding, seed) for encoding in ("cppn", "direct") for seed in (0, 1)]
    fresh = []
    for name, encoding, seed in [*plan, (last, "cppn", 0)]:
        net = networks[name]
        elites = evolve(
            net, encoding_of(encoding, net.input_shape), generations=generations, batch=BATCH,
            seed=seed, progress=progress,
        )  # fmt: skip
        fresh.append(from_columns(columns(elites), name, encoding, seed, net.input_shape))
    return fresh


def stored() -> list[Champions]:
    """All stored runs, in the order of the card."""
    about, held = card(), read(FILE)
    return [
        from_columns(
            {
                column: torch.from_numpy(held[f"{key(run)}/{column}"])
                for column in run["columns"]
            },
            run["network"], run["encoding"], run["seed"],
            tuple(run["shape"]), run["crops"],
        )
        for run in about["runs"]
    ]  # fmt: skip


def card() -> dict[str, Any]:
    """How they were bred: networks with their fingerprints; runs with images judged, seconds."""
    return json.loads((PLACE / CARD).read_text("utf-8"))


def key(run: Mapping[str, Any]) -> str:
    """The name of a run's columns in the file."""
    name = f"{run['network']}/{run['encoding']}/{run['seed']}"
    return name if run["crops"] == 1 else f"{name}/{run['crops']} crops"


def encoding_of(name: str, shape: tuple[int, int, int]) -> CPPN | Pixels:
    """The paper's settings of an encoding."""
    check_choice(name, ("cppn", "direct"), "encoding")
    return CPPN(shape) if name == "cppn" else Pixels(shape)


def columns(
    elites: Elites,
    judges: Mapping[str, Classifier] | None = None,
    batch: int = BATCH,
    crops: int = 1,
    earlier: Champions | None = None,
) -> dict[str, Tensor]:
    """What is kept of a run; of formulas also what ``judges`` say, class by class.

    Args:
        elites: of the run, as it is now.
        judges: by the names that verdicts are stored under.
        batch: children of its generations.
        crops: how many of an image the judges see.
        earlier: the stored run that it went on from, if its history begins there.
    """
    history = elites.history.confidence.float()
    begun = 0 if earlier is None else int(earlier.evaluations[-1]) // batch - 1
    last = begun + len(history) - 1  # generation
    points = np.unique(np.geomspace(1, last + 1, POINTS).round().astype(int)) - 1
    if earlier is not None:
        points = points[points > begun]
    chosen = history[torch.from_numpy(points - begun)]
    lower, median, upper = chosen.quantile(torch.tensor([0.25, 0.5, 0.75]), 1)
    sure = (chosen >= SURE).float().mean(1)
    evaluations = torch.from_numpy((points + 1) * batch)
    curves = torch.stack([chosen.mean(1), lower, median, upper, sure])
    if earlier is not None:
        evaluations = torch.cat([earlier.evaluations, evaluations])
        curves = torch.cat([torch.stack([earlier.curves[c] for c in CURVES]), curves], 1)
    found = {"evaluations": evaluations, "curves": curves, "confidence": elites.confidence}
    if isinstance(elites.genomes, CPPNGenomes):
        for name, judge in (judges or {}).items():
            said = ask(seen(judge, crops), elites.images, torch.arange(len(elites)))
            found |= {f"{name}/own": said.own, f"{name}/named": said.named.to(torch.int16)}
        return found | elites.genomes.tensors()
    kept = elites.confidence.argsort(descending=True)[:KEPT]
    return found | {"kept": kept, "pixels": as_bytes(elites.images[kept])}


def from_columns(
    found: Mapping[str, Tensor],
    network: str,
    encoding: str,
    seed: int,
    shape: tuple[int, int, int],
    crops: int = 1,
) -> Champions:
    """The run again."""
    formulas = encoding == "cppn"
    genes = ("source", "target", "weight", "outputs", "hidden")
    judges = [name.removesuffix("/own") for name in found if name.endswith("/own")]
    return Champions(
        network, encoding, seed,
        evaluations=found["evaluations"].long(),
        curves=dict(zip(CURVES, found["curves"], strict=True)),
        confidence=found["confidence"],
        kept=found["confidence"].argsort(descending=True) if formulas else found["kept"].long(),
        genomes=CPPNGenomes(
            **{g: found[g] if g == "weight" else found[g].long() for g in genes}
        ) if formulas else None,
        pixels=None if formulas else found["pixels"],
        shape=shape,
        verdicts={
            j: Verdicts(found[f"{j}/own"], found[f"{j}/named"].long()) for j in judges
        },
        crops=crops,
    )  # fmt: skip
