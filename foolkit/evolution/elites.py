"""The result of a run: one elite a class, how it came to be, and its files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import torch
from torch import Tensor, nn

from foolkit.encodings.genomes import Genomes
from foolkit.files import (
    as_bytes,
    check_writable,
    file_name,
    json_bytes,
    load_tensors,
    read_png,
    save_tensors,
    write_atomically,
    write_png,
)
from foolkit.models.classifier import predict


@dataclass(frozen=True)
class History:
    """Confidence of every elite after every generation; row 0 is the first random population.

    Attributes:
        confidence: float32 ``[generations + 1, K]``, never falling along a column.
    """

    confidence: Tensor

    @property
    def median(self) -> Tensor:
        """``[generations + 1]``; of an even number of classes, the mean of the middle two."""
        ordered, k = self.confidence.sort(1).values, self.confidence.shape[1]
        return (ordered[:, (k - 1) // 2] + ordered[:, k // 2]) / 2

    @property
    def mean(self) -> Tensor:
        """``[generations + 1]``."""
        return self.confidence.mean(1)

    @property
    def minimum(self) -> Tensor:
        """``[generations + 1]``."""
        return self.confidence.amin(1)

    @property
    def maximum(self) -> Tensor:
        """``[generations + 1]``."""
        return self.confidence.amax(1)

    @property
    def replacements(self) -> Tensor:
        """``[generations + 1]``: classes that got a new elite (all, in row 0)."""
        changed = (self.confidence[1:] > self.confidence[:-1]).sum(1)
        return torch.cat([changed.new_tensor([self.confidence.shape[1]]), changed])

    def reached(self, confidence: float) -> Tensor:
        """``[K]``: the first generation at which each class had ``confidence``; -1: never."""
        there = self.confidence >= confidence
        return torch.where(there.any(0), there.int().argmax(0), -1)


@dataclass(frozen=True, repr=False)
class Elites:
    """The most confident image found for each class, best so far.

    Attributes:
        images: float32 ``[K, C, H, W]`` in [0, 1], on the 8-bit grid.
        confidence: float32 ``[K]``, of each elite in its own class, by the float32 network.
        genomes: what the images were rendered from.
        classes: the K class names.
        history: confidence over the generations.
        born: int64 ``[K]``, the generation of each elite (0: the first random population).
        parent: int64 ``[K]``, the class whose elite it was bred from; -1: none.
        parent_born: int64 ``[K]``, the generation of that parent; -1: none.
    """

    images: Tensor
    confidence: Tensor
    genomes: Genomes
    classes: tuple[str, ...]
    history: History
    born: Tensor
    parent: Tensor
    parent_born: Tensor

    def __len__(self) -> int:
        return len(self.classes)

    def __repr__(self) -> str:
        """How many, how old, how sure: not the tensors."""
        done, median = len(self.history.confidence) - 1, float(self.history.median[-1])
        return f"Elites({len(self)} classes, generation {done}, median confidence {median:.4f})"

    def save(self, path: str | Path) -> None:
        """Everything in one safetensors file, written atomically; the images as 8-bit numbers."""
        lineage = {"born": self.born, "parent": self.parent, "parent_born": self.parent_born}
        genes = {f"genomes.{name}": t for name, t in self.genomes.tensors().items()}
        save_tensors(
            Path(path),
            {
                "images": as_bytes(self.images),
                "confidence": self.confidence,
                "history": self.history.confidence,
                **lineage,
                **genes,
            },
            {"kind": "elites", "genomes": type(self.genomes).__name__, "classes": self.classes},
        )

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """What ``save`` wrote.

        Raises:
            FileNotFoundError: no such file.
            ValueError: truncated, corrupt, not a file of elites, one whose images are not 8-bit
                numbers, or of an encoding whose module was not imported.
        """
        tensors, facts = load_tensors(Path(path), "path")
        if facts.get("kind") != "elites":
            raise ValueError(f"path: expected a file of elites, got {facts.get('kind')!r}: {path}")
        own = {"images", "confidence", "history", "born", "parent", "parent_born"}
        lengths = {len(t) for n, t in tensors.items() if n != "history" and t.ndim}
        classes = facts.get("classes")
        if not own <= set(tensors) or not isinstance(classes, list) or lengths != {len(classes)}:
            raise ValueError(
                f"path: expected {', '.join(sorted(own))} and genomes, all of as many rows as"
                f" there are classes: {path}"
            )
        if tensors["images"].dtype != torch.uint8:
            raise ValueError(
                f"path: expected images in 8-bit numbers, got {tensors['images'].dtype}: {path}"
            )
        kinds = {kind.__name__: kind for kind in _subclasses(Genomes)}
        if facts.get("genomes") not in kinds:
            raise ValueError(
                f"path: expected genomes of a known kind ({', '.join(sorted(kinds))}), got"
                f" {facts.get('genomes')!r}: import the module that defines it first: {path}"
            )
        prefix = "genomes."
        genes = {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
        try:
            genomes = kinds[facts["genomes"]](**genes)
        except TypeError as error:
            raise ValueError(f"path: expected genomes of their kind ({error}): {path}") from error
        return cls(
            images=tensors["images"].float().div_(255),
            confidence=tensors["confidence"],
            genomes=genomes,
            classes=tuple(facts["classes"]),
            history=History(tensors["history"]),
            born=tensors["born"],
            parent=tensors["parent"],
            parent_born=tensors["parent_born"],
        )

    def export(self, folder: str | Path, net: nn.Module, chunk: int = 500) -> Tensor:
        """Write one PNG a class (and ``elites.json``), read them back, and judge them again.

        Args:
            folder: where.
            net: the network.
            chunk: images that it judges at a time.

        Returns:
            ``[K]``: the confidence of each *file* in its class.

        Raises:
            OSError: the folder cannot be written; nothing is.
            RuntimeError: a file's confidence differs from the elite's by more than 1e-4.
        """
        folder = Path(folder)
        check_writable(folder / "elites.json", "folder")
        paths = [folder / f"{i:04d}-{file_name(name)}.png" for i, name in enumerate(self.classes)]
        for path, image in zip(paths, self.images.cpu(), strict=True):
            write_png(path, image)
        again = torch.stack([read_png(path, self.images.shape[1]) for path in paths])
        answers = predict(net, again.to(self.images.device), chunk)
        confidence, said = answers.diagonal(), answers.max(1)
        worst = float((confidence - self.confidence).abs().max())
        if not worst <= 1e-4:
            raise RuntimeError(
                f"export: confidence of the written files differs from the elites' by {worst:.2g}"
                " (was another network given?)"
            )
        rows = zip(
            paths, self.classes, confidence.tolist(), said.indices.tolist(), said.values.tolist(),
            self.born.tolist(), strict=True,
        )  # fmt: skip
        listing = [
            {
                "file": path.name, "class": name, "confidence": c,
                "predicted": self.classes[k], "predicted_confidence": most, "born": born,
            }
            for path, name, c, k, most, born in rows
        ]  # fmt: skip
        write_atomically(folder / "elites.json", json_bytes(listing))
        return confidence

    def to(self, device: torch.device | str) -> Self:
        """The same elites with every tensor on another device."""
        moved = {
            name: getattr(self, name).to(device)
            for name in ("images", "confidence", "genomes", "born", "parent", "parent_born")
        }
        return replace(self, history=History(self.history.confidence.to(device)), **moved)


def _subclasses(kind: type[Genomes]) -> Iterator[type[Genomes]]:
    """All below ``kind``."""
    for below in kind.__subclasses__():
        yield below
        yield from _subclasses(below)
