"""You or the network: a blind quiz."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import traitlets
from torch import Tensor, nn

from foolkit.checks import check_count, check_images, check_labels, check_module, check_names
from foolkit.models import load, predict
from foolkit.seeds import generator_of
from foolkit.widgets.base import Widget
from foolkit.widgets.modules import module
from foolkit.widgets.traits import Images


class Quiz(Widget):
    """The reader names images, one after the other, and sees the score beside the network's.

    Every image has to be given one of ten digits, also where none is seen: a reader who sees
    nothing is right on a tenth of them. Nothing is told before the last answer, and nothing leaves
    the page (with a kernel, Python can read ``given`` and ``score``).

    Args:
        images: float32 ``[N, 1, 28, 28]`` in [0, 1], for example ``elites.images``.
        labels: what each counts as, int64 ``[N]``; by default ``0, 1, ... N-1``, which is what
            the elites of a run were bred for.
        kinds: what each image is, N short names, for example of controls among forgeries; each
            kind is scored apart, after the last answer. By default they are of one kind.
        net: the network to compare with; by default the shipped LeNet.
        seed: of the order in which the images are shown.

    Attributes:
        labels, said, sure: what each image counts as, what the network says, how sure it is
            (rounded down to the hundredth of a per cent), in the order of the quiz.
        kinds: of each image, in that order; empty where none were given.
        given: the reader's answers so far.
        score: how many of them are right.

    Raises:
        TypeError, ValueError: images or labels that are not as described.
    """

    _esm = module("quiz.js")

    images = Images(b"", count=None)
    labels = traitlets.List(traitlets.Int()).tag(sync=True)
    said = traitlets.List(traitlets.Int()).tag(sync=True)
    sure = traitlets.List(traitlets.Float()).tag(sync=True)
    kinds = traitlets.List(traitlets.Unicode()).tag(sync=True)
    given = traitlets.List(traitlets.Int()).tag(sync=True)
    score = traitlets.Int(0).tag(sync=True)

    def __init__(
        self,
        images: Tensor,
        labels: Tensor | None = None,
        *,
        kinds: Sequence[str] | None = None,
        net: nn.Module | None = None,
        seed: int = 0,
    ) -> None:
        check_images(images, (1, 28, 28))
        if labels is None:
            if len(images) > 10:
                raise ValueError(f"labels: expected one for each of {len(images)} images, got none")
            labels = torch.arange(len(images))
        check_labels(labels, len(images), 10)
        if kinds is not None:
            kinds = check_names(kinds, "kinds")
            if len(kinds) != len(images):
                raise ValueError(
                    f"kinds: expected {len(images)}, one of each image, got {len(kinds)}"
                )
        net = load("lenet") if net is None else net
        check_module(net)
        check_count(seed, "seed", minimum=0)
        order = torch.randperm(len(images), generator=generator_of(seed))
        images, labels = images.detach().cpu()[order], labels.cpu()[order]
        # what is judged is what is shown: 8 bits a pixel
        sure, said = predict(net, (images * 255).round() / 255).cpu().max(1)
        super().__init__(
            images=images,
            labels=labels.tolist(),
            said=said.tolist(),
            sure=[math.floor(p * 1e4) / 1e4 for p in sure.tolist()],
            kinds=[kinds[place] for place in order.tolist()] if kinds is not None else [],
        )

    def __repr__(self) -> str:
        return f"Quiz({len(self.labels)} images)"
