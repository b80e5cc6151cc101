"""MAP-Elites with one cell a class, as Nguyen, Yosinski and Clune (2015) bred their images."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from foolkit.checks import check_count
from foolkit.encodings.genomes import Encoding, Genomes
from foolkit.evolution.elites import Elites, History
from foolkit.files import check_writable, load_tensors, save_tensors
from foolkit.models.classifier import evaluating, fingerprint
from foolkit.models.precision import Precision, choose_precision, device_of, judge

SAVE_EVERY = 30.0  # seconds between checkpoints


@dataclass(frozen=True)
class Archive:
    """One elite a class, as plain tensors of K rows.

    Attributes:
        genomes: the elites.
        confidence: float32 ``[K]``, of each elite in its class.
        born: int64 ``[K]``, generation of each elite.
        parent: int64 ``[K]``, class of its parent, -1 for none.
        parent_born: int64 ``[K]``, generation of that parent, -1 for none.
    """

    genomes: Genomes
    confidence: Tensor
    born: Tensor
    parent: Tensor
    parent_born: Tensor

    def offer(
        self,
        children: Genomes,
        confidence: Tensor,
        parents: Tensor,
        generation: int,
        spare: Genomes | None = None,
    ) -> Self:
        """Every child is offered to every class and takes those where it is strictly better.

        Args:
            children: N genomes.
            confidence: ``[N, K]``, softmax of the float32 network.
            parents: int64 ``[N]``, class of each child's parent.
            generation: when the children were born.
            spare: genomes that may be overwritten, see ``_taken``.
        """
        best, index = confidence.max(0)
        better = best > self.confidence
        parent = parents[index]
        return type(self)(
            genomes=self._taken(children, index, better, generation, spare),
            confidence=torch.where(better, best, self.confidence),
            born=torch.where(better, generation, self.born),
            parent=torch.where(better, parent, self.parent),
            parent_born=torch.where(better, self.born[parent], self.parent_born),
        )

    def _taken(
        self,
        children: Genomes,
        index: Tensor,
        better: Tensor,
        generation: int,
        spare: Genomes | None,
    ) -> Genomes:
        """The genomes of ``children[index]`` where these are better, else the archive's.

        A thousand genomes of pixels are half a gigabyte, of which a generation changes a few. With
        a ``spare``, the genomes of one generation before this archive, only these few are copied,
        into it. That costs a GPU a wait.
        """
        if spare is None:
            return children[index].where(better, self.genomes)
        late = (self.born == generation - 1).nonzero().squeeze(1)
        new = better.nonzero().squeeze(1)
        return spare.put(late, self.genomes, late).put(new, children, index[new])

    def tensors(self) -> dict[str, Tensor]:
        """All tensors by name."""
        genes = {f"genomes.{name}": tensor for name, tensor in self.genomes.tensors().items()}
        own = ("confidence", "born", "parent", "parent_born")
        return {**{name: getattr(self, name) for name in own}, **genes}


class MapElites:
    """Breed, for each class of a network, the image that it is most certain of.

    As in the paper and its program: a first population of random genomes; in each generation
    ``batch`` children of parents drawn uniformly over the classes' elites (an image that holds
    two classes is twice as likely to be drawn); each child offered to every class, and taking
    those where its confidence is strictly higher, so that one image may hold several classes.
    Confidence is the softmax probability on the 8-bit image.

    Deviations: the program offers children one after another, here a generation is offered at
    once, which gives the same elites except in exact ties (``replacements`` therefore counts a
    class once a generation).

    With ``precision="bfloat16"`` a generation is screened in bfloat16 and only the four best of
    each class are judged, by the float32 network: every reported confidence, and the decision to
    replace an elite, are float32. What may be lost is a child that the screen put fifth.
    ``"auto"`` screens where the processor computes in bfloat16.

    On a CPU draws follow ``seed``; on a GPU they are drawn there, and are reproducible on that
    device only. Logits of one image differ by about 1e-6 between batch sizes and numbers of
    threads, so runs are bit-equal only for equal batch, threads and processor.

    Args:
        net: any module from images ``[N, C, H, W]`` in [0, 1] to logits ``[N, K]``; its device
            is where everything happens.
        encoding: how genomes become images, for example ``foolkit.encodings.Pixels``.
        batch: children of a generation, and size of the first population.
        seed: of all that is random.
        precision: of the screen.

    Raises:
        ValueError, TypeError: an encoding of another shape than the network's; a bad number.
        FloatingPointError: the network's answer to the first population is not finite.
    """

    def __init__(
        self,
        net: nn.Module,
        encoding: Encoding,
        *,
        batch: int = 200,
        seed: int = 0,
        precision: Precision = "auto",
    ) -> None:
        check_count(batch, "batch")
        check_count(seed, "seed", minimum=0)
        wanted = getattr(net, "input_shape", encoding.shape)
        if tuple(wanted) != tuple(encoding.shape):
            raise ValueError(
                f"encoding: expected images of shape {tuple(wanted)}, as the network takes,"
                f" got {tuple(encoding.shape)}"
            )
        self.net, self.encoding, self.batch, self.seed = net, encoding, batch, seed
        self.device = device_of(net)
        self.precision = choose_precision(precision, self.device)
        self.generator = torch.Generator(self.device).manual_seed(seed)
        self.generation = 0
        self._archive = self._first_population()
        self._spare: Genomes | None = None  # of the generation before
        self._history = [self._archive.confidence]

    def __repr__(self) -> str:
        return (
            f"MapElites({getattr(self.net, 'name', type(self.net).__name__)!r}, {self.encoding},"
            f" generation={self.generation})"
        )

    def step(self) -> None:
        """One generation. Nothing is copied to the host, but what an encoding says it reads."""
        before = self.generator.get_state()
        spare, self._spare = self._spare, None  # if this ends early, what is in it is unknown
        try:
            with torch.inference_mode(), evaluating(self.net):
                archive, generation = self._archive, self.generation + 1
                parents = torch.randint(
                    len(archive.confidence),
                    (self.batch,),
                    generator=self.generator,
                    device=self.device,
                )
                children = self.encoding.vary(archive.genomes[parents], self.generator, generation)
                images = self.encoding.render(children)
                confidence, judged = judge(
                    self.net, images, self.precision, len(archive.confidence)
                )
                if judged is not None:
                    children, parents = children[judged], parents[judged]
                new = archive.offer(children, confidence, parents, generation, spare)
        except BaseException:  # Ctrl-C too: the step never happened
            self.generator.set_state(before)
            raise
        if self.device.type == "cpu":
            self._spare = archive.genomes
        self._archive, self.generation = new, generation
        self._history.append(new.confidence)

    def run(
        self,
        generations: int,
        *,
        progress: bool = True,
        callback: Callable[[MapElites], bool | None] | None = None,
        checkpoint: str | Path | None = None,
    ) -> Self:
        """``generations`` more generations; Ctrl-C ends them early and leaves valid elites.

        Args:
            generations: how many.
            progress: a bar with generation, median and minimum confidence and images a second;
                it reads the device twice a second.
            callback: called with this object after each generation; True ends the run.
            checkpoint: a file, rewritten every 30 seconds and at the end.
        """
        check_count(generations, "generations", minimum=0)
        path = None if checkpoint is None else Path(checkpoint)
        if path is not None:
            check_writable(path, "checkpoint")
        saved = shown = time.monotonic()
        with tqdm(total=generations, disable=not progress, unit=" generations") as bar:
            try:
                for _ in range(generations):
                    self.step()
                    bar.update()
                    now = time.monotonic()
                    if progress and now - shown > 0.5:
                        shown = now
                        bar.set_postfix(self._status(bar.format_dict))
                    if path is not None and now - saved > SAVE_EVERY:
                        self.save(path)
                        saved = time.monotonic()
                    if callback is not None and callback(self):
                        break
            except KeyboardInterrupt:
                bar.write(f"stopped at generation {self.generation}; the elites are valid")
            if progress:
                bar.set_postfix(self._status(bar.format_dict))
        if path is not None:
            self.save(path)
        return self

    @property
    def confidence(self) -> Tensor:
        """``[K]``: confidence of the elites, on the device."""
        return self._archive.confidence.clone()

    @property
    def elites(self) -> Elites:
        """The elites as they are now; later steps do not change what was returned."""
        archive = self._archive
        genomes = archive.genomes.clone()  # normal tensors, that gradients may pass through
        count = len(archive.confidence)
        return Elites(
            images=self.encoding.render(genomes),
            confidence=archive.confidence.clone(),
            genomes=genomes,
            classes=tuple(getattr(self.net, "classes", map(str, range(count)))),
            history=History(torch.stack(self._history).clone()),
            born=archive.born.clone(),
            parent=archive.parent.clone(),
            parent_born=archive.parent_born.clone(),
        )

    def state_dict(self) -> dict[str, Tensor]:
        """All that the next generation depends on, and the history, as tensors."""
        return {
            **{name: tensor.clone() for name, tensor in self._archive.tensors().items()},
            "generation": torch.tensor(self.generation),
            "generator": self.generator.get_state(),
            "history": torch.stack(self._history).clone(),
        }

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Continue from a ``state_dict`` of the same experiment.

        Raises:
            ValueError: names or shapes that are not this experiment's; nothing is changed.
        """
        own = self.state_dict()
        if set(own) != set(state):
            odd = ", ".join(sorted(set(own) ^ set(state)))
            raise ValueError(f"state: expected the tensors of this experiment; at odds: {odd}")
        for name, tensor in own.items():
            free = 1 if name == "history" else 0  # its first dimension is the generation
            if tensor.shape[free:] != state[name].shape[free:] or tensor.dtype != state[name].dtype:
                raise ValueError(
                    f"state: expected {name} as {tensor.dtype} {list(tensor.shape)},"
                    f" got {state[name].dtype} {list(state[name].shape)}"
                )
        state = {
            name: tensor if name == "generator" else tensor.to(self.device, copy=True)
            for name, tensor in state.items()
        }
        prefix = "genomes."
        genes = {n.removeprefix(prefix): t for n, t in state.items() if n.startswith(prefix)}
        self._archive = Archive(
            genomes=type(self._archive.genomes)(**genes),
            **{name: state[name] for name in ("confidence", "born", "parent", "parent_born")},
        )
        self._spare = None
        self.generation = int(state["generation"])
        self.generator.set_state(state["generator"])
        self._history = list(state["history"])

    def save(self, path: str | Path) -> None:
        """Write a checkpoint, atomically."""
        save_tensors(Path(path), self.state_dict(), self._experiment())

    def resume(self, path: str | Path) -> Self:
        """Continue from a checkpoint: the same elites, bit for bit, as if never stopped (CPU).

        Raises:
            FileNotFoundError: no such file.
            ValueError: truncated or corrupt, or of another experiment (which setting is named).
        """
        state, facts = load_tensors(Path(path), "checkpoint")
        mine = self._experiment()
        odd = [name for name in mine if facts.get(name) != mine[name]]
        if odd:
            raise ValueError(
                f"checkpoint: {path} is of another experiment: "
                + "; ".join(f"{n} is {facts.get(n)!r} there, {mine[n]!r} here" for n in odd)
            )
        self.load_state_dict(state)
        return self

    def _experiment(self) -> dict[str, Any]:
        """What must be equal for a checkpoint to be this experiment's."""
        return {
            "kind": "MAP-Elites",
            "network": getattr(self.net, "name", type(self.net).__name__),
            "weights": fingerprint(self.net),
            "encoding": repr(self.encoding),
            "batch": self.batch,
            "seed": self.seed,
            "precision": self.precision,
            "device": self.device.type,
        }

    @torch.inference_mode()
    def _first_population(self) -> Archive:
        genomes = self.encoding.sample(self.batch, self.generator)
        with evaluating(self.net):
            logits = self.net(self.encoding.render(genomes))
        if logits.ndim != 2 or len(logits) != self.batch:
            raise ValueError(
                f"net: expected logits [{self.batch}, K] for {self.batch} images,"
                f" got {list(logits.shape)}"
            )
        if not logits.isfinite().all():
            raise FloatingPointError("net: expected finite logits, got NaN or infinity")
        confidence, index = logits.float().softmax(1).max(0)
        none = torch.full_like(index, -1)
        return Archive(genomes[index], confidence, torch.zeros_like(index), none, none)

    def _status(self, bar: dict[str, Any]) -> dict[str, str]:
        confidence = self._archive.confidence
        rate = bar["n"] * self.batch / max(bar["elapsed"], 1e-9)
        return {
            "generation": str(self.generation),
            "median": f"{float(confidence.quantile(0.5)):.4f}",
            "minimum": f"{float(confidence.min()):.4f}",
            "images/s": f"{rate:,.0f}",
        }


def evolve(
    net: nn.Module,
    encoding: Encoding,
    *,
    generations: int = 200,
    batch: int = 200,
    seed: int = 0,
    precision: Precision = "auto",
    progress: bool = True,
    callback: Callable[[MapElites], bool | None] | None = None,
    checkpoint: str | Path | None = None,
) -> Elites:
    """Breed one image a class by MAP-Elites: the simple way to run ``MapElites``.

    Args:
        net, encoding, batch, seed, precision: as for ``MapElites``.
        generations: of the whole run, what a checkpoint has behind it included.
        progress, callback: as for ``MapElites.run``.
        checkpoint: a file. If it exists the run continues from it, bit for bit (CPU) as if it
            had never stopped; it is rewritten every 30 seconds and at the end.

    Returns:
        The elites, also after Ctrl-C.
    """
    check_count(generations, "generations", minimum=0)
    if checkpoint is not None:
        check_writable(Path(checkpoint), "checkpoint")
    search = MapElites(net, encoding, batch=batch, seed=seed, precision=precision)
    if checkpoint is not None and Path(checkpoint).exists():
        search.resume(checkpoint)
    left = max(0, generations - search.generation)
    search.run(left, progress=progress, callback=callback, checkpoint=checkpoint)
    return search.elites
