"""The whole book on one network: every section in turn, within a time, from where it stopped."""

from __future__ import annotations

import hashlib
import json
import time
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from foolkit import __version__
from foolkit.book.scoreboard import measured_on
from foolkit.checks import (
    check_count,
    check_images,
    check_labels,
    check_module,
    check_number,
    is_sequence,
    path_of,
)
from foolkit.examination.context import Context, Experiment, LeftOut, Sizes
from foolkit.examination.plan import Share, gives_gradient, measure, plan
from foolkit.examination.report import Report, Section
from foolkit.examination.sections import EXPERIMENTS
from foolkit.extras import needs
from foolkit.files import json_bytes, write_atomically
from foolkit.gradients.problem import check_sizes, check_within
from foolkit.models.classifier import fingerprint, predict
from foolkit.models.door import checked
from foolkit.models.precision import device_of
from foolkit.progress import progress_bar
from foolkit.runs.folder import claim
from foolkit.seeds import check_seed, generator_of

if TYPE_CHECKING:
    from torch.utils.data import DataLoader

EPSILONS = (0.003, 0.01, 0.03, 0.1, 0.3)
CHUNK = 64
PARTS, PLAN = "parts", "plan.json"
FEW = 4  # pictures on which the network is looked at first
TRIED = 16  # images of the passes that are timed
MEMORY = ("out of memory", "can't allocate memory")  # what PyTorch says, whatever the device


def examine(
    net: nn.Module,
    images: Tensor | DataLoader[Any],
    labels: Tensor | None = None,
    *,
    minutes: float | None = 5,
    seed: int = 0,
    judge: nn.Module | None = None,
    folder: str | Path | None = None,
    epsilons: Sequence[float] = EPSILONS,
    chunk: int = CHUNK,
    progress: bool = True,
) -> Report:
    """Make the book's experiments on a network, and report how it can be fooled.

    Each section is one chapter's experiment: numbers with intervals, a picture, a verdict in one
    sentence, and what a good value would be. How much of each is done is planned from the time
    of one forward and one backward pass, and what was cut is said in the report. A section that
    fails is reported, and the others go on; one that runs out of memory is tried again with half
    of the images at a time. After Ctrl-C the report holds what there was.

    The plan depends on the machine; with ``minutes=None`` the numbers follow the seed alone.

    Args:
        net: any module from images in [0, 1] to logits ``[N, K]``; its ``classes``, if it has
            them, are the names. Its answers are read as a softmax, one class an image: of a
            network that may name several (a sigmoid a class) the report would be wrong.
        images: float32 ``[N, C, H, W]`` in [0, 1]; or a ``DataLoader`` of such, with labels or
            without. Not those that it was trained on.
        labels: int64 ``[N]``, what they show; None: what the network says of a picture counts as
            right.
        minutes: that it may take, roughly; None: all of every experiment.
        seed: of all that is random.
        judge: another network for the same images and classes, which is shown what fools ``net``,
            and whose fooling images ``net`` is shown.
        folder: new, empty, or of the same examination, which then goes on after the last section
            that was done. The report is written there.
        epsilons: largest changes of a pixel, of the attacks.
        chunk: images of one pass, at most.
        progress: show a bar of the sections.

    Raises:
        TypeError, ValueError: an argument that does not fit; nothing was done.
        FloatingPointError: answers of the network that are not finite.
        ModuleNotFoundError: the extras ``analysis`` or ``plot`` are not installed.
        OSError: the folder cannot be written.
    """
    for library, extra in (("scipy", "analysis"), ("sklearn", "analysis"), ("matplotlib", "plot")):
        needs(library, extra)
    check_module(net)
    images, labels = _gathered(images, labels)
    check_images(images, getattr(net, "input_shape", None))
    sizes = tuple(sorted(set(check_sizes(epsilons, "epsilons"))))
    check_within(sizes, "epsilons")
    check_number(sizes[0], "epsilons", above=0)
    check_seed(seed)
    chunk = check_count(chunk, "chunk")
    if minutes is not None:
        check_number(minutes, "minutes", above=0)
    place = None if folder is None else path_of(folder, "folder")
    device = device_of(net)
    net = checked(net, images[:FEW].to(device))
    names = _class_names(net, images[:1].to(device))
    if labels is not None:
        check_labels(labels, len(images), len(names))
    if judge is not None:
        judge = _checked_judge(judge, images[:FEW].to(device), len(names))
    about = {
        "network": fingerprint(net), "images": _digest(images), "labels": _digest(labels),
        "minutes": minutes, "seed": seed, "judge": None if judge is None else fingerprint(judge),
        "epsilons": sizes, "foolkit": __version__,
    }  # fmt: skip
    if place is not None:
        claim(place, about, argument="folder")
    limits = sizes_of(net, images, labels is not None, judge is not None, sizes)
    planned = _planned(net, images[:TRIED].to(device), limits, minutes, place)
    context = _context(net, names, images, labels, judge, planned, limits, seed, chunk)
    network = {
        "name": str(getattr(net, "name", type(net).__name__)),
        "input_shape": list(images.shape[1:]), "classes": len(names), "weights": about["network"],
    }  # fmt: skip
    settings = {
        "images": len(images), "labels": labels is not None, "minutes": minutes, "seed": seed,
        "judge": None if judge is None else str(getattr(judge, "name", type(judge).__name__)),
        "measured_on": measured_on(), "foolkit": __version__,
    }  # fmt: skip
    finished = _all_sections(context, place, progress)
    report = Report(network, settings, tuple(context.found.values()), finished)
    if place is not None:
        report.save(place)
    return report


def sizes_of(
    net: nn.Module, images: Tensor, labels: bool, judge: bool, epsilons: Sequence[float]
) -> Sizes:
    """What the plan, and the names of the numbers, depend on.

    Args:
        net: the network.
        images: ``[N, C, H, W]``, all of them.
        labels, judge: whether there are any.
        epsilons: ascending.
    """
    first = images[:1].to(device_of(net))
    classes = predict(net, first).shape[1]
    slopes = gives_gradient(net, first)
    return Sizes(len(images), classes, labels, slopes, judge, tuple(epsilons), images[0].numel())


def _gathered(images: Any, labels: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """Tensors, from tensors or from batches of them."""
    _check_one_class(labels)
    if isinstance(images, Tensor):
        return images, labels
    iterable = is_sequence(images) and not isinstance(images, str)
    batches = [
        batch if isinstance(batch, (tuple, list)) else (batch,)
        for batch in (images if iterable else ())
    ]
    pixels = [batch[0] for batch in batches]
    if not batches or not all(isinstance(part, Tensor) for part in pixels):
        raise TypeError(
            "images: expected a tensor [N, C, H, W], or a DataLoader of such tensors, with labels"
            f" or without; got {type(images).__name__}"
        )
    if all(len(batch) > 1 for batch in batches):
        if labels is not None:
            raise ValueError("labels: expected none beside a DataLoader that has them")
        parts = [torch.as_tensor(batch[1]) for batch in batches]
        for part in parts:
            _check_one_class(part)
        labels = torch.cat([part.view(-1) for part in parts])
    return torch.cat(pixels), labels


def _check_one_class(labels: Any) -> None:
    """Raise where an image has several labels, which no softmax gives."""
    if isinstance(labels, Tensor) and labels.ndim > 1 and labels[:1].numel() > 1:
        raise ValueError(
            f"labels: expected one class an image, [N], got {list(labels.shape)}. The answers of"
            " the network are read as a softmax, in which classes exclude each other; networks"
            " that name several classes of one image cannot be examined"
        )


def _class_names(net: nn.Module, image: Tensor) -> tuple[str, ...]:
    """Those of the network, or numbers."""
    count = predict(net, image).shape[1]
    names = tuple(map(str, getattr(net, "classes", range(count))))
    return names if len(names) == count else tuple(map(str, range(count)))


def _checked_judge(judge: nn.Module, images: Tensor, classes: int) -> nn.Module:
    check_module(judge, "judge")
    shape = getattr(judge, "input_shape", None)
    if shape is not None and tuple(shape) != tuple(images.shape[1:]):
        raise ValueError(
            f"judge: expected a network of images {list(images.shape[1:])}, got {list(shape)}"
        )
    if device_of(judge) != images.device:
        raise ValueError(f"judge: expected it on {images.device}, got {device_of(judge)}")
    judge = checked(judge, images)
    knows = predict(judge, images[:1]).shape[1]
    if knows != classes:
        raise ValueError(f"judge: expected {classes} classes, as the network has, got {knows}")
    return judge


def _digest(tensor: Tensor | None) -> str | None:
    if tensor is None:
        return None
    flat = tensor.detach().cpu().contiguous().view(-1)
    return hashlib.blake2b(flat.numpy().tobytes(), digest_size=8).hexdigest()


def _planned(
    net: nn.Module, images: Tensor, sizes: Sizes, minutes: float | None, place: Path | None
) -> dict[str, Share]:
    """The plan; that of the folder, if it has one: what goes on must be the same examination."""
    path = None if place is None else place / PLAN
    if path is not None and path.is_file():
        try:
            kept = json.loads(path.read_text("utf-8"))
            shares = {one.name: Share(**kept[one.name]) for one in EXPERIMENTS}
            for share in shares.values():
                check_count(share.count, "count", most=share.wanted)
            return shares
        except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise ValueError(
                f"folder: expected the plan of an examination in {path}; without this file a new"
                f" plan is made ({error!r})"
            ) from error
    wanted = [(one.name, one.need(sizes)) for one in EXPERIMENTS]
    cost = measure(net, images, sizes.gradient)
    made = plan(wanted, cost, None if minutes is None else 60 * minutes)
    if path is not None:
        write_atomically(path, json_bytes({name: share.to_json() for name, share in made.items()}))
    return made


def _context(
    net: nn.Module,
    names: tuple[str, ...],
    images: Tensor,
    labels: Tensor | None,
    judge: nn.Module | None,
    planned: dict[str, Share],
    sizes: Sizes,
    seed: int,
    chunk: int,
) -> Context:
    """The pictures that the plan needs, drawn at random, and what the network says of them."""
    most = max(share.count for share in planned.values() if share.unit == "pictures")
    rows = torch.randperm(len(images), generator=generator_of(seed))[:most]
    device = device_of(net)
    drawn = images[rows.to(images.device)].to(device)
    confidence, said = predict(net, drawn, chunk).max(1)
    truth = said if labels is None else labels[rows.to(labels.device)].to(device).long()
    return Context(
        net, names, drawn, truth, said, confidence, sizes.labels, sizes.gradient, judge, planned,
        sizes.epsilons, seed, chunk,
    )  # fmt: skip


def _all_sections(context: Context, place: Path | None, progress: bool) -> bool:
    """Fill ``context.found``; False if it was interrupted."""
    with progress_bar(len(EXPERIMENTS), "sections", progress=progress, delay=0) as bar:
        for experiment in EXPERIMENTS:
            bar.set_description(experiment.name)
            path = None if place is None else place / PARTS / f"{experiment.name}.safetensors"
            try:
                section = _kept(path)
                if section is None:
                    section = _section(experiment, context)
                    if path is not None and not section.error:
                        section.save(path)
            except KeyboardInterrupt:
                return False
            context.found[experiment.name] = section
            bar.update()
    return True


def _kept(path: Path | None) -> Section | None:
    """A section that was done before, if it is whole: a damaged one is done again."""
    if path is None:
        return None
    try:
        return Section.load(path)
    except (FileNotFoundError, ValueError):
        return None


def _section(experiment: Experiment, context: Context) -> Section:
    """One section; what it cannot do is in it."""
    start, chunk = time.perf_counter(), context.chunk
    with warnings.catch_warnings():  # the section on masked gradients says the first
        warnings.filterwarnings("ignore", message=".*is exactly zero", category=UserWarning)
        warnings.filterwarnings("ignore", message=".*look like probabilities", category=UserWarning)
        while True:
            try:
                if experiment.gradient and not context.gradient:
                    raise LeftOut("the network gives no gradient")
                found = experiment.run(context)
                break
            except LeftOut as reason:
                return experiment.section(f"left out: {reason}")
            except Exception as error:
                no_memory = isinstance(error, MemoryError) or any(
                    words in str(error).lower() for words in MEMORY
                )
                if not no_memory or context.chunk == 1:
                    context.chunk = chunk
                    return experiment.section(f"failed: {type(error).__name__}: {error}")
                context.chunk //= 2  # and for the sections to come
    cut = context.plan[experiment.name].cut
    return replace(found, cut=cut, seconds=time.perf_counter() - start)
