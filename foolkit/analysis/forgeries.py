"""Forgeries: images that fool a network, what it takes them for, and how they are grouped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from foolkit.checks import check_images, check_labels
from foolkit.evolution import Elites
from foolkit.gradients import Perturbed, noise
from foolkit.seeds import generator_of


@dataclass(frozen=True)
class Forgeries:
    """Images, what their own network takes each for, and how they are grouped.

    The unit of replication is the run: the elites of one run share ancestors, and are often one
    image. Runs are of one network each, networks are a sample of the networks one could train.

    Attributes:
        images: float32 ``[N, C, H, W]`` in [0, 1].
        classes: int64 ``[N]``, what the network that each was made on takes it for.
        runs: int64 ``[N]``, the number of the run; by default each image is a run of its own.
        networks: int64 ``[N]``, the number of the network it was made on; by default one. Equal
            run numbers on different networks are different runs.
        originals: the images that were changed, if there were any.
        truth: int64 ``[N]``, what each shows, if it shows anything.
    """

    images: Tensor
    classes: Tensor
    runs: Tensor = None  # type: ignore[assignment] # __post_init__ fills it
    networks: Tensor = None  # type: ignore[assignment] # so here
    originals: Tensor | None = None
    truth: Tensor | None = None

    def __post_init__(self) -> None:
        check_images(self.images, argument="forgeries.images")
        n, most = len(self.images), torch.iinfo(torch.int64).max
        if self.runs is None:
            object.__setattr__(self, "runs", torch.arange(n))
        if self.networks is None:
            object.__setattr__(self, "networks", torch.zeros(n, dtype=torch.int64))
        for name in ("classes", "runs", "networks", "truth"):
            numbers = getattr(self, name)
            if name != "truth" or numbers is not None:
                check_labels(numbers, n, most, f"forgeries.{name}")
                object.__setattr__(self, name, numbers.cpu().long())
        if self.originals is not None:
            check_images(self.originals, self.images.shape[1:], "forgeries.originals")
            if len(self.originals) != n:
                raise ValueError(
                    f"forgeries.originals: expected {n} images, got {len(self.originals)}"
                )

    @classmethod
    def of(
        cls,
        made: Forgeries | Perturbed | Elites | tuple[Tensor, Tensor] | Sequence[Any],
        *,
        network: int = 0,
        failures: bool = False,
    ) -> Forgeries:
        """Forgeries from whatever made them.

        Args:
            made: a result of ``foolkit.gradients``, each image a run of its own, with originals
                and (untargeted) the true classes; the elites of a run; a pair of images and the
                classes that they are taken for; forgeries; or a list of any of these, whose
                members are different runs.
            network: the number of the network they were made on (forgeries keep theirs).
            failures: of gradient results, keep the images that do not fool their own network.

        Raises:
            TypeError, ValueError: something else, or nothing that fools its own network.
        """
        if isinstance(made, Forgeries):
            return made
        if isinstance(made, Elites):
            n = len(made)
            runs = torch.zeros(n, dtype=torch.int64)
            return cls(made.images, torch.arange(n), runs, torch.full((n,), network))
        if isinstance(made, Perturbed):
            keep = torch.ones_like(made.success) if failures else made.success
            if not bool(keep.any()):
                raise ValueError(
                    f"forgeries: expected images that fool their own network, got {len(made)}"
                    " that do not"
                )
            return cls(
                made.images[keep],
                made.predicted[keep],
                networks=torch.full((int(keep.sum()),), network),
                originals=made.originals[keep],
                truth=None if made.targeted else made.labels[keep],
            )
        if isinstance(made, tuple) and len(made) == 2 and isinstance(made[0], Tensor):
            images, classes = made
            check_images(images, argument="forgeries.images")
            return cls(images, classes, networks=torch.full((len(images),), network))
        if isinstance(made, Sequence) and not isinstance(made, str) and made:
            members: Sequence[Any] = made
            return cls.join([cls.of(m, network=network, failures=failures) for m in members])
        empty = isinstance(made, Sequence) and not isinstance(made, str)
        came = "nothing" if empty else type(made).__name__
        raise TypeError(
            "forgeries: expected Forgeries, Perturbed, Elites, a pair of images and classes, or a"
            f" list of these, got {came}"
        )

    @classmethod
    def join(cls, parts: Sequence[Forgeries]) -> Forgeries:
        """All of them as one; no two parts have a run in common.

        Originals and true classes are kept if all parts have them.
        """
        shapes = {tuple(part.images.shape[1:]) for part in parts}
        if len(shapes) != 1:
            raise ValueError(f"forgeries: expected images of one shape, got {sorted(shapes)}")
        runs, start = [], 0
        for part in parts:
            numbered = part.runs.unique(return_inverse=True)[1] + start
            runs.append(numbered)
            start = int(numbered.max()) + 1

        def together(name: str) -> Tensor | None:
            members = [getattr(part, name) for part in parts]
            return None if any(m is None for m in members) else torch.cat(members)

        others = ("images", "classes", "networks", "originals", "truth")
        fields: dict[str, Any] = {name: together(name) for name in others}
        return cls(runs=torch.cat(runs), **fields)

    def __len__(self) -> int:
        return len(self.images)

    def control(self, seed: int = 0) -> Tensor:
        """An image for each, of the same size but without the skill; ``[N, C, H, W]``.

        With originals: the original under Gaussian noise whose Euclidean norm, after clipping to
        [0, 1], is that of the forgery's change. Without: the forgery's own pixels in random
        places, which keeps brightness, contrast and norm.
        """
        if self.originals is None:
            n, channels = self.images.shape[:2]
            draws = generator_of(seed)
            order = torch.rand((n, 1, self.images[0, 0].numel()), generator=draws).argsort(2)
            order = order.expand(-1, channels, -1).to(self.images.device)
            return self.images.flatten(2).gather(2, order).view_as(self.images)
        size = (self.images - self.originals).flatten(1).norm(dim=1)
        nobody = _Silent(int(self.classes.max()) + 2)  # no answer is wanted, only the images
        labels = self.classes.to(self.images.device)
        return noise(nobody, self.originals, labels, size=size, seed=seed).images


class _Silent(nn.Module):
    """Says nothing of anything."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.classes = classes

    def forward(self, images: Tensor) -> Tensor:
        return images.new_zeros((len(images), self.classes))
