"""What every encoding shares: a batch of genomes, and the contract of an encoding."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Protocol, Self, TypeVar

import torch
from torch import Tensor

ROWS = 16  # genomes copied at a time


@dataclass
class Genomes:
    """A batch of genomes: a dataclass of tensors with a common leading dimension.

    Indexable like a tensor, so that selection is one ``index_select`` a field, for every
    encoding. A subclass only declares its fields.
    """

    def tensors(self) -> dict[str, Tensor]:
        """The fields by name, each ``[N, ...]``."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def __len__(self) -> int:
        return len(next(iter(self.tensors().values())))

    def __getitem__(self, index: Tensor | slice) -> Self:
        """Genomes at ``index`` (an int64 tensor, a boolean mask or a slice)."""
        if isinstance(index, Tensor) and index.dtype == torch.int64 and index.ndim == 1:
            return self._map(lambda t: t.index_select(0, index))
        if isinstance(index, int):
            index = slice(index, index + 1 or None)  # one genome is a batch of one
        return self._map(lambda t: t[index])

    def to(self, device: torch.device | str) -> Self:
        """The same genomes on another device."""
        return self._map(lambda t: t.to(device))

    def clone(self) -> Self:
        """A copy that shares no memory."""
        return self._map(Tensor.clone)

    def replace(self, rows: Tensor, source: Self, index: Tensor) -> None:
        """``self[rows] = source[index]``, both int64 ``[R]``.

        A few rows at a time: hundreds of genomes of pixels at once would be copied by way of
        hundreds of megabytes of new memory, which takes longer than the copying.
        """
        theirs = source.tensors()
        for name, tensor in self.tensors().items():
            for some, those in zip(rows.split(ROWS), index.split(ROWS), strict=True):
                tensor.index_copy_(0, some, theirs[name].index_select(0, those))

    def _map(self, change: Any) -> Self:
        return type(self)(**{name: change(t) for name, t in self.tensors().items()})


Code = TypeVar("Code", bound=Genomes)


class Encoding(Protocol[Code]):
    """How genomes become images. All that ``foolkit.evolution`` knows of an encoding.

    Attributes:
        shape: ``(C, H, W)`` of the images that ``render`` makes.
        genomes: the dataclass of its genomes (used to read a checkpoint back).

    A dataclass: its fields are its settings, and a checkpoint is only resumed with equal ones.
    """

    @property
    def shape(self) -> tuple[int, int, int]: ...
    @property
    def genomes(self) -> type[Code]: ...

    def sample(self, n: int, generator: torch.Generator) -> Code:
        """``n`` random genomes, on the generator's device."""
        ...

    def vary(self, parents: Code, generator: torch.Generator, generation: int = 0) -> Code:
        """One child for each parent: crossover of neighbours (2i, 2i+1) where the encoding has
        one, then mutation. The parents are not changed. ``generation`` is for rates that fall."""
        ...

    def render(self, genomes: Code) -> Tensor:
        """Images ``[N, C, H, W]``, float32 in [0, 1], on the 8-bit grid (multiples of 1/255),
        so that a saved PNG is the very image that was judged."""
        ...
