"""MAP-Elites with one cell a class, as Nguyen, Yosinski and Clune (2015) bred their images."""

from __future__ import annotations

import math
import operator
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn

from foolkit.checks import (
    MOST_VALUES,
    check_callback,
    check_count,
    check_fraction,
    check_module,
    path_of,
)
from foolkit.encodings.genomes import Encoding, Genomes
from foolkit.evolution.elites import Elites, History
from foolkit.files import check_writable, load_tensors, save_tensors
from foolkit.models.classifier import fingerprint
from foolkit.models.door import checked, evaluating, same_answer
from foolkit.models.precision import Precision, check_precision, confidences, device_of
from foolkit.progress import progress_bar
from foolkit.seeds import Seed, seed_of

SAVE_EVERY = 30.0  # seconds between checkpoints
JUDGED = 16  # elites of a checkpoint, to see whether the network is the same
FEW = 4  # images that a network is tried with
NOTHING = -1.0  # confidence of a child without an answer: it beats nobody


@dataclass
class Archive:
    """A table with one row a class: its elite, and where that came from.

    Attributes:
        genomes: the K elites.
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
        self, children: Genomes, confidence: Tensor, parents: Tensor, generation: int
    ) -> None:
        """Every child is offered to every class, and replaces each elite that it beats.

        Args:
            children: N genomes.
            confidence: ``[N, K]``, softmax of the float32 network.
            parents: int64 ``[N]``, class of each child's parent.
            generation: when the children were born.
        """
        best, index = confidence.max(0)  # [K]: the best child of each class
        better = (best > self.confidence).nonzero()[:, 0]  # [R]: where it wins
        child = index[better]
        parent = parents[child]
        self.genomes.replace(better, children, child)
        self.confidence[better] = best[better]
        self.parent_born[better] = self.born[parent]
        self.parent[better] = parent
        self.born[better] = generation

    def tensors(self) -> dict[str, Tensor]:
        """All columns by name; no copies."""
        genes = {f"genomes.{name}": tensor for name, tensor in self.genomes.tensors().items()}
        own = ("confidence", "born", "parent", "parent_born")
        return {**{name: getattr(self, name) for name in own}, **genes}


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Ctrl-C waits for the end of the block: what is done in it is done whole.

    Python answers the signal between any two instructions, by raising KeyboardInterrupt in the
    main thread. Here it is noted, and sent again at the end.
    """
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before is None:
        yield  # no KeyboardInterrupt comes: another thread, or a handler that is not Python's
        return
    waiting: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: waiting.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if waiting:
            signal.raise_signal(signal.SIGINT)


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

    With ``precision="bfloat16"`` a generation is screened in bfloat16, which some processors
    compute faster, and the float32 network judges only the children that may replace an elite:
    the four best of each class that come near its elite's log-odds. Every reported confidence,
    and the decision to replace an elite, are float32. What may be lost is a child that the
    screen put fifth or far too low (see ``foolkit.models.precision``).

    On a CPU draws follow ``seed``; on a GPU they are drawn there, and are reproducible on that
    device only. Logits of one image differ by about 1e-6 between batch sizes and numbers of
    threads, so runs are bit-equal only for equal batch, threads and processor.

    Args:
        net: any module from images ``[N, C, H, W]`` in [0, 1] to logits ``[N, K]``; its device
            is where everything happens.
        encoding: how genomes become images, for example ``foolkit.encodings.Pixels``.
        batch: children of a generation, and size of the first population.
        seed: of all that is random: an integer, or a generator from which one is drawn.
        precision: ``"float32"``, or ``"bfloat16"`` for a screen before it.

    Raises:
        ValueError, TypeError: an encoding of another shape than the network's; a bad number.
        FloatingPointError: the network has no finite answer to any of the first population.
    """

    def __init__(
        self,
        net: nn.Module,
        encoding: Encoding[Any],
        *,
        batch: int = 200,
        seed: Seed = 0,
        precision: Precision = "float32",
    ) -> None:
        check_module(net)
        if not hasattr(encoding, "sample") or not hasattr(encoding, "render"):
            raise TypeError(
                "encoding: expected an encoding, such as foolkit.encodings.CPPN(net.input_shape),"
                f" got {encoding!r}"
            )
        check_count(batch, "batch", most=MOST_VALUES // math.prod(encoding.shape))
        check_precision(precision)
        wanted = getattr(net, "input_shape", encoding.shape)
        if tuple(wanted) != tuple(encoding.shape):
            raise ValueError(
                f"encoding: expected images of shape {tuple(wanted)}, as the network takes,"
                f" got {tuple(encoding.shape)}"
            )
        self.net, self.encoding, self.precision = net, encoding, precision
        self.batch = operator.index(batch)
        self.seed = seed_of(seed)
        self.device = device_of(net)
        self.generator = torch.Generator(self.device).manual_seed(self.seed)
        self.generation = 0
        self._archive = self._first_population()
        self._history = [self._archive.confidence.clone()]
        self._drawn = self.generator.get_state()  # of all generations that count

    def __repr__(self) -> str:
        return (
            f"MapElites({getattr(self.net, 'name', type(self.net).__name__)!r}, {self.encoding},"
            f" generation={self.generation})"
        )

    def step(self) -> None:
        """One generation. It counts as a whole or, if it is interrupted, not at all.

        Nothing is copied to the host but the numbers of children that a screen hands on and of
        classes that get a new elite, for which a GPU is waited for, and what an encoding says it
        reads.
        """
        generation, classes = self.generation + 1, len(self._archive.confidence)
        self.generator.set_state(self._drawn)
        with torch.inference_mode(), evaluating(self.net):
            parents = torch.randint(
                classes, (self.batch,), generator=self.generator, device=self.device
            )
            elites = self._archive.genomes[parents]
            children = self.encoding.vary(elites, self.generator, generation)
            images = self.encoding.render(children)
            confidence, finalists = confidences(
                self.net, images, self.precision, self._archive.confidence
            )
            confidence = confidence.nan_to_num(nan=NOTHING)
            if finalists is not None:
                children, parents = children[finalists], parents[finalists]
            drawn = self.generator.get_state()
            with uninterrupted():
                if len(confidence):  # a screen may find none that could win
                    self._archive.offer(children, confidence, parents, generation)
                self._history.append(self._archive.confidence.clone())
                self._drawn, self.generation = drawn, generation

    def run(
        self,
        generations: int,
        *,
        until: float | None = None,
        progress: bool = True,
        callback: Callable[[MapElites], bool | None] | None = None,
        checkpoint: str | Path | None = None,
    ) -> Self:
        """``generations`` more generations; Ctrl-C ends them early and leaves valid elites.

        Args:
            generations: how many, at most.
            until: confidence at which a class is done; the run ends when all are. It reads the
                device once a generation.
            progress: a bar with generation, median and minimum confidence and images a second;
                it reads the device twice a second.
            callback: called with this object after each generation; True ends the run.
            checkpoint: a file, rewritten every 30 seconds and at the end.
        """
        check_count(generations, "generations", minimum=0)
        check_callback(callback)
        if until is not None:
            check_fraction(until, "until")
        path = None if checkpoint is None else path_of(checkpoint, "checkpoint")
        if path is not None:
            check_writable(path, "checkpoint")
        saved = shown = time.monotonic()
        with progress_bar(generations, "generations", progress=progress, delay=0) as bar:
            shows = not bar.disable
            try:
                for _ in range(generations):
                    if until is not None and bool((self._archive.confidence >= until).all()):
                        break
                    self.step()
                    bar.update()
                    now = time.monotonic()
                    if shows and now - shown > 0.5:
                        shown = now
                        bar.set_postfix(self._status(bar.format_dict))
                    if path is not None and now - saved > SAVE_EVERY:
                        self.save(path)
                        saved = time.monotonic()
                    if callback is not None and callback(self):
                        break
            except KeyboardInterrupt:
                bar.write(f"stopped at generation {self.generation}; the elites are valid")
            if shows:
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
            "generator": self._drawn.clone(),
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
        if state["generation"].ndim or state["history"].ndim != 2 or not len(state["history"]):
            raise ValueError("state: expected a generation and a history of at least one row")
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
        try:
            self.generator.set_state(state["generator"])
        except (RuntimeError, TypeError) as error:
            raise ValueError(f"state: expected that of a generator ({error})") from error
        prefix = "genomes."
        genes = {n.removeprefix(prefix): t for n, t in state.items() if n.startswith(prefix)}
        self._archive = Archive(
            genomes=type(self._archive.genomes)(**genes),
            **{name: state[name] for name in ("confidence", "born", "parent", "parent_born")},
        )
        self.generation = int(state["generation"])
        self._drawn = self.generator.get_state()
        self._history = list(state["history"])

    def save(self, path: str | Path) -> None:
        """Write a checkpoint, atomically."""
        save_tensors(Path(path), self.state_dict(), self._experiment())

    def resume(self, path: str | Path) -> Self:
        """Continue from a checkpoint: the same elites, bit for bit, as if never stopped (CPU).

        Raises:
            FileNotFoundError: no such file.
            ValueError: truncated or corrupt, or of another experiment (which setting is named),
                or of a network that judges its elites otherwise.
        """
        state, facts = load_tensors(Path(path), "checkpoint")
        mine = self._experiment()
        odd = [name for name in mine if facts.get(name) != mine[name]]
        if odd:
            raise ValueError(
                f"checkpoint: {path} is of another experiment: "
                + "; ".join(f"{n} is {facts.get(n)!r} there, {mine[n]!r} here" for n in odd)
            )
        before = self.state_dict()
        self.load_state_dict(state)
        apart = self._apart()
        if not apart <= same_answer(self.net):
            self.load_state_dict(before)
            raise ValueError(
                f"checkpoint: {path} is of another network: the confidence of its elites differs"
                f" by {apart:.2g} (the weights are the same, what is done with them is not)"
            )
        return self

    @torch.inference_mode()
    def _apart(self) -> float:
        """By how much the network's answers to some elites differ from their confidence."""
        confidence = self._archive.confidence
        count = len(confidence)
        rows = torch.linspace(0, count - 1, min(count, JUDGED), device=self.device).round().long()
        images = self.encoding.render(self._archive.genomes[rows])
        with evaluating(self.net):
            answers = self.net(images).float().softmax(1).gather(1, rows[:, None])[:, 0]
        return float((answers - confidence[rows]).abs().max())

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
        images = self.encoding.render(genomes)
        self.net = checked(self.net, images[:FEW])
        with evaluating(self.net):
            logits = self.net(images)
        answered = logits.isfinite().all(1, keepdim=True)
        if not answered.any():
            raise FloatingPointError("net: expected finite logits, got NaN or infinity")
        confidence, index = logits.float().softmax(1).where(answered, NOTHING).max(0)
        none = torch.full_like(index, -1)
        return Archive(genomes[index], confidence, torch.zeros_like(index), none, none.clone())

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
    encoding: Encoding[Any],
    *,
    generations: int = 200,
    until: float | None = None,
    batch: int = 200,
    seed: Seed = 0,
    precision: Precision = "float32",
    progress: bool = True,
    callback: Callable[[MapElites], bool | None] | None = None,
    checkpoint: str | Path | None = None,
) -> Elites:
    """Breed one image a class by MAP-Elites: the simple way to run ``MapElites``.

    Args:
        net, encoding, batch, seed, precision: as for ``MapElites``.
        generations: of the whole run, what a checkpoint has behind it included.
        until, progress, callback: as for ``MapElites.run``.
        checkpoint: a file. If it exists the run continues from it, bit for bit (CPU) as if it
            had never stopped; it is rewritten every 30 seconds and at the end.

    Returns:
        The elites, also after Ctrl-C.
    """
    check_count(generations, "generations", minimum=0)
    check_callback(callback)
    if until is not None:
        check_fraction(until, "until")
    if checkpoint is not None:
        check_writable(path_of(checkpoint, "checkpoint"), "checkpoint")
    search = MapElites(net, encoding, batch=batch, seed=seed, precision=precision)
    if checkpoint is not None and Path(checkpoint).exists():
        search.resume(checkpoint)
    left = max(0, generations - search.generation)
    search.run(left, until=until, progress=progress, callback=callback, checkpoint=checkpoint)
    return search.elites
