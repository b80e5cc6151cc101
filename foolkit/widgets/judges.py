"""Forgeries before several networks at once: who is deceived along with the one they fool?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import traitlets
from torch import Tensor

from foolkit.analysis import Forgeries
from foolkit.checks import check_count, check_images, check_mapping, check_names
from foolkit.widgets.base import Widget, check_network
from foolkit.widgets.modules import module
from foolkit.widgets.traits import Images, Number, Whole, check_whole

PANEL = (
    "lenet", "lenet-b", "fc100-100-10", "fc200-200-10", "fc123-456-10",
    "softmax-1e-4", "softmax-1e-2", "softmax-1",
)  # fmt: skip
PUSH = 6  # times the change, at most


class Judges(Widget):
    """A matrix of forgeries and judges; a chosen cell shows the image and both verdicts.

    Every verdict is computed in the page. Rows are families on the networks that they were made
    on. A forgery that is a changed image can be pushed further along its change.

    Args:
        forgeries: for each family's name its forgeries, such as ``foolkit.bank.load()``; images
            ``[N, 1, 28, 28]``.
        makers: name of the network that each number in ``Forgeries.networks`` stands for; those
            that occur must be among what the page can run.
        judges: names of shipped networks that the page can run.
        examples: forgeries of each family and maker, spread evenly over those there are.

    Attributes:
        row, column, example: what is chosen.
        push: how many times the change of a changed image, 1 to 6.
        answer, confidence: the chosen judge's verdict, and its ten confidences; -1 and none
            before the first look.

    Raises:
        TypeError, ValueError: something that is not as described.
    """

    _esm = module("judges.js")
    shown = ("judges", "examples")

    images = Images(b"", count=None)
    originals = Images(b"", count=None)  # where nothing was changed, the image itself
    classes = traitlets.List(traitlets.Int()).tag(sync=True)
    truth = traitlets.List(traitlets.Int()).tag(sync=True)  # -1: it shows nothing
    families = traitlets.List(traitlets.Unicode()).tag(sync=True)  # of each row
    makers = traitlets.List(traitlets.Unicode()).tag(sync=True)  # of each row
    judges = traitlets.List(traitlets.Unicode()).tag(sync=True)
    examples = traitlets.Int(1).tag(sync=True)
    row = traitlets.Any(0).tag(sync=True)
    column = traitlets.Any(0).tag(sync=True)
    example = traitlets.Any(0).tag(sync=True)
    push = Number(1.0, 1, PUSH)
    answer = Whole(-1, -1, 9)
    confidence = traitlets.List(traitlets.Float()).tag(sync=True)

    def __init__(
        self,
        forgeries: Mapping[str, Any],
        *,
        makers: Sequence[str],
        judges: Sequence[str] = PANEL,
        examples: int = 3,
    ) -> None:
        check_mapping(forgeries, "forgeries", "forgeries")
        examples = check_count(examples, "examples")
        makers, judges = check_names(makers, "makers"), check_names(judges, "judges")
        judges = [check_network(name, "judges") for name in dict.fromkeys(judges)]
        rows: list[tuple[str, str]] = []
        parts: list[tuple[Tensor, ...]] = []
        for family, made in forgeries.items():
            given = Forgeries.of(made)
            check_images(given.images, (1, 28, 28), "forgeries")
            for number in given.networks.unique().tolist():
                rows.append((str(family), _name(makers, number)))
                parts.append(_spread(given, number, examples, family, start=len(parts)))
        images, originals, classes, truth = map(torch.cat, zip(*parts, strict=True))
        named = [maker for _, maker in rows]
        super().__init__(
            images=images, originals=originals, classes=classes.tolist(), truth=truth.tolist(),
            families=[family for family, _ in rows], makers=named, judges=judges,
            networks=list(dict.fromkeys([*judges, *named])), examples=examples,
        )  # fmt: skip

    @traitlets.validate("row")
    def _check_row(self, proposal: traitlets.Bunch) -> int:
        return check_whole(proposal["value"], 0, len(self.families) - 1, "row")

    @traitlets.validate("column")
    def _check_column(self, proposal: traitlets.Bunch) -> int:
        return check_whole(proposal["value"], 0, len(self.judges) - 1, "column")

    @traitlets.validate("example")
    def _check_example(self, proposal: traitlets.Bunch) -> int:
        return check_whole(proposal["value"], 0, self.examples - 1, "example")


def _name(makers: Sequence[str], number: int) -> str:
    if not 0 <= number < len(makers):
        raise ValueError(f"makers: expected a name for network {number}, got {len(makers)} names")
    return check_network(makers[number], "makers")


def _spread(
    given: Forgeries, number: int, examples: int, family: str, start: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Images, originals, classes and truth of so many forgeries made on one network.

    Each row starts at another place: stored ones come in the order of their classes, and rows
    of one class would look alike.
    """
    there = (given.networks == number).nonzero()[:, 0]
    if len(there) < examples:
        raise ValueError(
            f"examples: expected at most {len(there)}, as many as there are of {family!r} on"
            f" network {number}, got {examples}"
        )
    index = there[(start + torch.arange(examples) * len(there) // examples) % len(there)]
    classes = given.classes[index]
    return (
        given.images[index],
        given.images[index] if given.originals is None else given.originals[index],
        classes,
        torch.full_like(classes, -1) if given.truth is None else given.truth[index],
    )
