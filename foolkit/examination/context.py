"""What every section of an examination is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from torch import Tensor, nn

from foolkit.examination.plan import Need, Share
from foolkit.examination.report import Section


class LeftOut(Exception):
    """A section that says nothing here, and why."""


@dataclass
class Context:
    """The network, the pictures, and what earlier sections found.

    Attributes:
        net: from images in [0, 1] to logits ``[N, K]``.
        classes: K names.
        images: float32 ``[N, C, H, W]``, in a random order, as many as any section wants.
        labels: int64 ``[N]``, what they show; without labels, what the network says of them.
        said: int64 ``[N]``, what the network says of them.
        confidence: float32 ``[N]``, with which confidence.
        known: whether the labels were given.
        gradient: whether ``net`` gives one.
        judge: another network of the same images and classes, or None.
        plan: how much of each section, by name.
        epsilons: largest changes of a pixel, ascending, of the attacks.
        seed: of all that is random.
        chunk: images of one pass.
        found: the sections before this one, by name.
    """

    net: nn.Module
    classes: tuple[str, ...]
    images: Tensor
    labels: Tensor
    said: Tensor
    confidence: Tensor
    known: bool
    gradient: bool
    judge: nn.Module | None
    plan: Mapping[str, Share]
    epsilons: tuple[float, ...]
    seed: int
    chunk: int
    found: dict[str, Section] = field(default_factory=dict)

    def some(self, section: str) -> slice:
        """The rows of the pictures that a section is to take."""
        return slice(0, self.plan[section].count)

    def some_right(self, section: str) -> Tensor:
        """Rows of as many pictures that the network reads right.

        Raises:
            LeftOut: it reads none right.
        """
        rows = (self.said == self.labels).nonzero()[:, 0][self.some(section)]
        if not len(rows):
            raise LeftOut("the network reads none of the pictures as their labels say")
        return rows

    def earlier(self, section: str, name: str) -> Tensor:
        """A tensor that an earlier section kept.

        Raises:
            LeftOut: it has none.
        """
        found = self.found.get(section)
        if found is None or name not in found.kept:
            raise LeftOut(f"the section “{section}”, on which it rests, found nothing")
        return found.kept[name].to(self.images.device)


@dataclass(frozen=True)
class Sizes:
    """What the cost of a section depends on.

    Attributes:
        pictures: how many there are.
        classes: how many the network knows.
        labels: whether they are known.
        gradient: whether the network gives one.
        judge: whether there is one.
        epsilons: largest changes of a pixel, ascending, of the attacks.
        values: of one picture, ``C H W``.
    """

    pictures: int
    classes: int
    labels: bool
    gradient: bool
    judge: bool
    epsilons: tuple[float, ...]
    values: int


@dataclass(frozen=True)
class Experiment:
    """A section before it is run.

    Attributes:
        name: short.
        title: a question.
        chapter: of the book.
        need: what it costs.
        numbers: names of all that it may find.
        run: does it.
        gradient: whether it needs that of the network.
    """

    name: str
    title: str
    chapter: str
    need: Callable[[Sizes], Need]
    numbers: Callable[[Sizes], tuple[str, ...]]
    run: Callable[[Context], Section]
    gradient: bool = False

    def section(self, error: str) -> Section:
        """That it found nothing, and why."""
        return Section(self.name, self.title, self.chapter, error=error)
