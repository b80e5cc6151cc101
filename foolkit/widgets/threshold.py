"""A threshold on a score: who gets in, and who is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import traitlets
from torch import Tensor

from foolkit import bank
from foolkit.analysis import Detector, acceptance_threshold, score_all
from foolkit.checks import check_images, check_mapping, check_names
from foolkit.data import letters, small_digits
from foolkit.models import comparison_digits
from foolkit.widgets.base import Widget
from foolkit.widgets.modules import module
from foolkit.widgets.traits import PIXELS, Images, Line, Whole


class Threshold(Widget):
    """Small images in two trays, and a slider that moves them from one to the other.

    The slider says how many of the held-out digits should get in; the threshold follows from it.
    Scores and thresholds are computed in Python, by the detectors themselves, and stored.

    Args:
        detectors: by name, fitted; for example ``foolkit.bank.guarded.detectors(net)``.
        images: float32 ``[N, 1, 28, 28]`` in [0, 1]; by default ``sample()``.
        kinds: what each image is, in a word or two; needed with ``images``.
        held: held-out digits that set the thresholds; by default those of
            ``foolkit.bank.guarded.detector_digits``.
        chosen: the detector to start with; by default the first.
        accepted: per cent of the held-out digits to accept, 0 to 100.

    Attributes:
        scores: for each detector the score of each image.
        thresholds: for each detector the thresholds that accept 0, 1, ... 100 per cent.
        inside: the places of the images that are accepted, ascending.

    Raises:
        TypeError, ValueError: an argument that is not as described.
    """

    _esm = module("threshold.js")
    shown = ("chosen", "accepted")

    images = Images(b"", count=None)
    kinds = traitlets.List(traitlets.Unicode()).tag(sync=True)
    scores = traitlets.Dict().tag(sync=True)
    thresholds = traitlets.Dict().tag(sync=True)
    chosen = Line()
    accepted = Whole(95, 0, 100)
    inside = traitlets.List(traitlets.Int()).tag(sync=True)

    def __init__(
        self,
        detectors: Mapping[str, Detector],
        images: Tensor | None = None,
        kinds: Sequence[str] | None = None,
        *,
        held: Tensor | None = None,
        chosen: str | None = None,
        accepted: int = 95,
    ) -> None:
        check_mapping(detectors, "detectors", "detectors")
        if images is None:
            images, kinds = sample()
        check_images(images, (1, 28, 28))
        if kinds is None:
            raise ValueError(f"kinds: expected one for each of {len(images)} images, got none")
        kinds = check_names(kinds, "kinds")
        if len(kinds) != len(images):
            raise ValueError(
                f"kinds: expected one for each of {len(images)} images, got {len(kinds)}"
            )
        held = bank.guarded.detector_digits()[2] if held is None else held
        check_images(held, (1, 28, 28), "held")
        images = (images.detach().cpu() * 255).round() / 255  # what is judged is what is shown
        found, digits = score_all(detectors, images), score_all(detectors, held)
        super().__init__(
            images=images,
            kinds=list(kinds),
            scores={name: values.double().tolist() for name, values in found.items()},
            thresholds={name: _thresholds(values) for name, values in digits.items()},
        )
        self.chosen = next(iter(detectors)) if chosen is None else chosen
        self.accepted = accepted

    @traitlets.validate("chosen")
    def _check_chosen(self, proposal: traitlets.Bunch) -> str:
        name = proposal["value"]
        if name not in self.scores:
            known = ", ".join(self.scores)
            raise ValueError(f"chosen: expected one of {known}, got {name!r}")
        return name

    @traitlets.observe("chosen", "accepted")
    def _sort(self, _: traitlets.Bunch) -> None:
        """What gets in, as the page computes it too."""
        if self.chosen:
            least = self.thresholds[self.chosen][self.accepted]
            values = self.scores[self.chosen]
            self.inside = [place for place, value in enumerate(values) if value >= least]

    def __len__(self) -> int:
        return len(self.images) // PIXELS


def sample() -> tuple[Tensor, list[str]]:
    """Digits and what is none, 40 images, and what each is; forgeries are those of LeNet."""
    digits, labels = comparison_digits()
    first = [int((labels == digit).nonzero()[0]) for digit in range(10)]
    forged = bank.load(victims=["lenet"])
    guarded = bank.guarded.load()["pixel neighbours", "cppn"]
    against = guarded.images[(guarded.networks == 0) & (guarded.confidence > 0.5)]
    coins = torch.rand(3, 1, 28, 28, generator=torch.Generator().manual_seed(0)) < 0.5
    parts = {
        "digit": digits[first],
        "coin tosses": coins.float(),
        "negative": 1 - digits[first[2:5]],
        "letter": letters("AKg", ("DejaVuSans",))[0],
        "8x8 digit": small_digits()[0][3:6],
        "changed a little": forged["lbfgs"].images[:4],
        "painted": forged["ascent"].images[2:5],
        "bred noise": forged["direct"].images[2:6],
        "bred pattern": forged["cppn"].images[[0, 2, 3, 8]],
        "bred past pixels": against[[0, 3, 4]],
    }
    kinds = [kind for kind, images in parts.items() for _ in images]
    return torch.cat(list(parts.values())), kinds


def _thresholds(values: Tensor) -> list[float]:
    """For 0 to 100 per cent; at 0 the best digit alone gets in."""
    values = values.double()
    return [
        float(values.max()),
        *(acceptance_threshold(values, share / 100, "held") for share in range(1, 101)),
    ]
