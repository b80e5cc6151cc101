"""Repeated elements: find the copies, erase them, tile a motif; what a copy is worth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from foolkit.analysis.intervals import Interval, mean_interval
from foolkit.checks import (
    MOST_VALUES,
    check_choice,
    check_count,
    check_dense,
    check_fraction,
    check_images,
    check_kind,
    check_labels,
    check_module,
    sizes_of,
)
from foolkit.gradients.blur import blurred, gaussian
from foolkit.models.door import answer, evaluating
from foolkit.seeds import Seed, generator_of

FILLS = ("mean", "background", "blur", "neighbour")
AXES = (2, 3)  # of [N, C, H, W]: down the rows, along the columns
LEVELS = 16  # of grey, when the background is looked for


def autocorrelation(images: Tensor, axis: int) -> Tensor:
    """Correlation of each image with itself shifted by 0, 1, ... pixels along an axis.

    At each lag Pearson's correlation of the two parts that overlap, channels together: a
    periodic image comes back to 1 at its period, however few periods it has.

    Args:
        images: ``[N, C, H, W]`` in [0, 1].
        axis: 2, down the rows, or 3, along the columns.

    Returns:
        ``[N, S // 2 + 2]``, S the size along the axis; 1 where the overlap is of one colour.
    """
    check_images(images)
    if check_count(axis, "axis", minimum=0) not in AXES:
        raise ValueError(f"axis: expected 2 (rows) or 3 (columns), got {axis!r}")
    size = images.shape[axis]
    values = images.double()
    lags = []
    for lag in range(min(size // 2 + 2, size)):
        parts = [values.narrow(axis, start, size - lag) for start in (0, lag)]
        a, b = (part - part.mean((2, 3), keepdim=True) for part in parts)
        power = (a.square().sum((1, 2, 3)) * b.square().sum((1, 2, 3))).sqrt()
        flat = power < 1e-9
        lags.append(torch.where(flat, 1.0, (a * b).sum((1, 2, 3)) / (power + flat)))
    return torch.stack(lags, 1)


@dataclass(frozen=True)
class Repeats:
    """The repeated element of each image, and where its copies are.

    Attributes:
        period: ``[N, 2]``, pixels from copy to copy down the rows and along the columns; NaN
            along an axis without repetition, where a copy extends over the whole image.
        strength: ``[N, 2]``, the autocorrelation at that period; 0 where there is none.
        copy: int64 ``[N, H, W]``, the number of the copy that each pixel belongs to; -1: none.
        count: int64 ``[N]``, how many copies; 0 for an image without repetition.
    """

    period: Tensor
    strength: Tensor
    copy: Tensor
    count: Tensor

    def __len__(self) -> int:
        return len(self.count)

    def __getitem__(self, index: Tensor | slice) -> Repeats:
        return Repeats(
            self.period[index], self.strength[index], self.copy[index], self.count[index]
        )

    def boxes(self, image: int) -> Tensor:
        """The copies of one image, int64 ``[count, 4]``: top, left, bottom, right (exclusive)."""
        boxes = []
        for copy in range(int(self.count[image])):
            rows, columns = (self.copy[image] == copy).nonzero().T
            ends = rows.amin(), columns.amin(), rows.amax() + 1, columns.amax() + 1
            boxes.append(torch.stack(ends))
        return torch.stack(boxes) if boxes else self.count.new_zeros((0, 4))

    def enlarged(self, times: int) -> Repeats:
        """The same, of images whose every pixel is a square of ``times`` pixels.

        A large image is searched faster, and nearly as well, when it was made smaller before.
        """
        check_count(times, "times")
        copy = self.copy.repeat_interleave(times, 1).repeat_interleave(times, 2)
        return Repeats(self.period * times, self.strength, copy, self.count)


def find_repeats(images: Tensor, strength: float = 0.5, prominence: float = 0.3) -> Repeats:
    """Find the period of each image along each axis, and cut the image into copies.

    The period is the first peak of the autocorrelation that is nearly as high as the highest:
    at least ``strength``, and ``prominence`` above the lowest value before it, so that neither
    noise nor a smooth slope nor a bar that runs along the axis counts. Multiples of the period
    sharpen it to a part of a pixel. The longest period is half the image.

    Cuts are a period apart, and where the image is most like its background: a motif is what
    departs from that. A piece at the edge counts as a copy if at least half of it is in the image.

    Args:
        images: ``[N, C, H, W]`` in [0, 1].
        strength, prominence: of a peak, in [0, 1].
    """
    check_images(images)
    check_fraction(strength, "strength")
    check_fraction(prominence, "prominence")
    found, cells = [], []
    unlike = (images - background(images)).abs().mean(1)
    for axis in AXES:
        period, height = _period(autocorrelation(images, axis), strength, prominence)
        found.append((period, height))
        profile = unlike.mean(1 if axis == 3 else 2).double()
        cells.append(_cells(profile, period))
    (rows, n_rows), (columns, n_columns) = cells
    inside = (rows[:, :, None] >= 0) & (columns[:, None, :] >= 0)
    copy = torch.where(inside, rows[:, :, None] * n_columns[:, None, None] + columns[:, None], -1)
    period = torch.stack([period for period, _ in found], 1)
    count = n_rows * n_columns * (~period.isnan()).any(1)
    return Repeats(
        period,
        torch.stack([height for _, height in found], 1),
        torch.where(count[:, None, None] > 0, copy, -1),
        count,
    )


def _period(r: Tensor, strength: float, prominence: float) -> tuple[Tensor, Tensor]:
    """Period (NaN: none) and strength ``[N]`` from the autocorrelation ``[N, L]`` of an axis."""
    # not scipy's find_peaks: it takes one image at a time, and its prominence asks for a valley on
    # both sides, where a period needs one only before its first return
    n, lags = r.shape
    none = r.new_full((n,), math.nan), r.new_zeros(n)
    if lags < 4:
        return none
    middle = r[:, 1:-1]
    lowest = r.cummin(1).values[:, 1:-1]
    peak = (middle >= r[:, :-2]) & (middle > r[:, 2:]) & (middle >= strength)
    peak &= middle - lowest >= prominence
    height = torch.where(peak, middle, -1.0)
    good = height >= 0.8 * height.amax(1, keepdim=True).clamp_min(strength)
    any_peak = good.any(1)
    first = good.int().argmax(1) + 1
    value = r.gather(1, first[:, None])[:, 0]
    period = _summit(r, first)
    for multiple in range(2, lags):
        about = (multiple * period).round().long()
        if bool((about > lags - 2).all()):
            break
        near = (about[:, None] + torch.arange(-1, 2, device=r.device)).clamp(1, lags - 2)
        best = near.gather(1, r.gather(1, near).argmax(1, keepdim=True))[:, 0]
        finer = _summit(r, best) / multiple
        use = (about <= lags - 2) & ((finer - period).abs() < 1 / multiple)
        period = torch.where(use, finer, period)
    return torch.where(any_peak, period, none[0]), torch.where(any_peak, value, none[1])


def _summit(r: Tensor, lag: Tensor) -> Tensor:
    """The place of a peak near an integer lag, by the parabola through three values."""
    before, here, after = (r.gather(1, (lag + d)[:, None])[:, 0] for d in (-1, 0, 1))
    bend = before - 2 * here + after
    shift = torch.where(bend < -1e-9, 0.5 * (before - after) / bend.clamp_max(-1e-9), 0.0)
    return lag + shift.clamp(-0.5, 0.5)


def _cells(profile: Tensor, period: Tensor) -> tuple[Tensor, Tensor]:
    """Cut an axis: the cell of each place, int64 ``[N, S]`` (-1: none), and cells ``[N]``.

    ``profile`` ``[N, S]`` says how much of the motif is at each place; cuts avoid it.
    """
    n, size = profile.shape
    place = torch.arange(size, device=profile.device)
    whole = torch.where(period.isnan(), float(size), period)
    phases = torch.arange(size // 2 + 1, device=profile.device)
    cell = ((place + 0.5 - phases[:, None])[None] / whole[:, None, None]).floor()  # N, phases, S
    cut = torch.zeros_like(cell, dtype=torch.bool)
    cut[:, :, 1:] = cell[:, :, 1:] != cell[:, :, :-1]
    beside = torch.cat([profile[:, :1], (profile[:, 1:] + profile[:, :-1]) / 2], 1)
    cost = (beside[:, None] * cut).sum(2) / cut.sum(2).clamp_min(1)
    cost = torch.where((phases < whole[:, None]) & cut.any(2), cost, torch.inf)
    best = cost.argmin(1)  # of a non-repeating axis: 0, for all costs are infinite
    cell = cell[torch.arange(n, device=best.device), best]
    cell = torch.where(period.isnan()[:, None], 0.0, cell - cell[:, :1])
    sizes = (cell[:, :, None] == place[None, None]).sum(1)  # N, cells
    kept = (sizes >= whole[:, None] / 2) & (sizes > 0)
    number = kept.cumsum(1) - 1
    numbered = torch.where(kept, number, -1).gather(1, cell.long())
    return numbered, kept.sum(1)


def background(images: Tensor) -> Tensor:
    """The commonest of 16 levels of each channel of each image, ``[N, C, 1, 1]``.

    The mean of the pixels that have it.

    Args:
        images: ``[N, C, H, W]`` in [0, 1].
    """
    check_images(images)
    flat = images.flatten(2)
    level = (flat * LEVELS).long().clamp(0, LEVELS - 1)
    counts = torch.zeros((*flat.shape[:2], LEVELS), dtype=torch.long, device=images.device)
    counts.scatter_add_(2, level, torch.ones_like(level))
    common = level == counts.argmax(2, keepdim=True)
    mean = (flat * common).sum(2) / common.sum(2)
    return mean[:, :, None, None]


def erase_masked(images: Tensor, masks: Tensor, fill: str = "mean") -> Tensor:
    """The images with the pixels of ``masks`` filled in, on the 8-bit grid.

    Args:
        images: ``[N, C, H, W]`` in [0, 1].
        masks: bool ``[N, H, W]``, true where to erase.
        fill: "mean", the image's mean colour; "background", its commonest one; "blur", the
            image blurred by a Gaussian of an eighth of its shorter side; "neighbour", the nearest
            pixel that is kept (for an image erased whole, its mean).
    """
    check_images(images)
    check_choice(fill, FILLS, "fill")
    _check_masks(masks, images)
    where = masks[:, None]
    if fill == "mean":
        filling = images.mean((2, 3), keepdim=True)
    elif fill == "background":
        filling = background(images)
    elif fill == "blur":
        kernel = gaussian(min(images.shape[2:]) / 8, images.device)
        filling = blurred(images, kernel)
    else:
        filling = _nearest_kept(images, masks)
    filling = (filling.clamp(0, 1) * 255).round() / 255
    return torch.where(where, filling, images)


def _check_masks(masks: Tensor, images: Tensor) -> None:
    expected = [len(images), *images.shape[2:]]
    if not isinstance(masks, Tensor) or masks.dtype != torch.bool or list(masks.shape) != expected:
        came = (
            f"{masks.dtype} {list(masks.shape)}" if isinstance(masks, Tensor)
            else type(masks).__name__
        )  # fmt: skip
        raise ValueError(f"masks: expected a bool tensor {expected}, got {came}")
    check_dense(masks, "masks")


def _nearest_kept(images: Tensor, masks: Tensor) -> Tensor:
    """Every pixel's nearest one outside the mask; the search itself is made on the CPU."""
    from scipy.ndimage import distance_transform_edt  # slow to import

    n, width = len(images), images.shape[3]
    # images are a billion pixels apart, so that the nearest is of the same image
    _, (image, row, column) = distance_transform_edt(
        masks.cpu().numpy(), sampling=(1e9, 1, 1), return_indices=True
    )
    own = image == np.arange(n)[:, None, None]
    index = torch.from_numpy(np.where(own, row * width + column, 0).reshape(n, -1)).long()
    index = index.to(images.device)[:, None].expand(-1, images.shape[1], -1)
    nearest = images.flatten(2).gather(2, index).view_as(images)
    mean = images.mean((2, 3), keepdim=True)
    return torch.where(masks.all(2).all(1)[:, None, None, None], mean, nearest)


def tile_motif(
    motifs: Tensor, copies: int, size: tuple[int, int] = (28, 28), fill: float = 0.0
) -> Tensor:
    """Each motif in a square grid of 1, 4, 9, 16, ... copies side by side, in the middle.

    A copy keeps its size: more copies cover more of the image.

    Args:
        motifs: ``[N, C, h, w]`` in [0, 1].
        copies: a square number, for which the grid fits.
        size: height and width of the images.
        fill: brightness of what is not covered, in [0, 1].

    Returns:
        ``[N, C, *size]``.
    """
    check_images(motifs, argument="motifs")
    check_count(copies, "copies")
    check_fraction(fill, "fill")
    size = _height_and_width(size, "size")
    side = math.isqrt(copies)
    high, wide = (side * s for s in motifs.shape[2:])
    if side * side != copies or high > size[0] or wide > size[1]:
        raise ValueError(
            f"copies: expected a square number whose grid fits into {size[0]} x {size[1]},"
            f" got {copies} motifs of {motifs.shape[2]} x {motifs.shape[3]}"
        )
    images = motifs.new_full((*motifs.shape[:2], *size), fill)
    top, left = (size[0] - high) // 2, (size[1] - wide) // 2
    images[:, :, top : top + high, left : left + wide] = motifs.repeat(1, 1, side, side)
    return images


def _height_and_width(size: Sequence[int], argument: str) -> tuple[int, int]:
    found = sizes_of(size, argument)
    if len(found) != 2:
        raise ValueError(f"{argument}: expected a height and a width, got {found}")
    return found[0], found[1]


def tiled_repeats(
    n: int, copies: int, motif: tuple[int, int], size: tuple[int, int] = (28, 28)
) -> Repeats:
    """Where the copies are in ``n`` images that ``tile_motif`` made: known, not found.

    Args:
        n: images.
        copies, size: as given to ``tile_motif``.
        motif: height and width of the motif.
    """
    motif, size = _height_and_width(motif, "motif"), _height_and_width(size, "size")
    check_count(n, "n", most=MOST_VALUES // (size[0] * size[1]))
    empty = torch.zeros(1, 1, *motif)
    tile_motif(empty, copies, size)  # raises if the grid does not fit
    side = math.isqrt(copies)
    numbers = []
    for length, whole in zip(motif, size, strict=True):
        place = torch.arange(whole) - (whole - side * length) // 2
        numbers.append(torch.where((place >= 0) & (place < side * length), place // length, -1))
    row, column = numbers[0][:, None], numbers[1]
    copy = torch.where((row >= 0) & (column >= 0), row * side + column, -1)
    period = torch.tensor(motif).double() if copies > 1 else torch.full((2,), math.nan).double()
    return Repeats(
        period.expand(n, 2).contiguous(),
        torch.full((n, 2), float(copies > 1)).double(),
        copy.expand(n, *size).contiguous(),
        torch.full((n,), copies),
    )


def random_regions(
    area: Tensor, pieces: Tensor, like: Tensor, generator: torch.Generator
) -> Tensor:
    """Random rectangles, bool ``[M, H, W]``, with exactly ``area`` pixels in all.

    Each of ``pieces`` rectangles has a random centre and a random shape, of sides up to 1:2;
    all grow together until the area is reached. What leaves the image on one side comes in on the
    other, so that every pixel is as likely as any other: without that the middle would be
    favoured, where an image has most to lose.

    Args:
        area, pieces: int64 ``[M]``.
        like: a tensor whose last two dimensions, and whose device, the regions get.
        generator: on the CPU.
    """
    height, width = like.shape[-2:]
    m, most = len(area), int(pieces.max())
    draws = torch.rand((m, most, 3), generator=generator)
    jitter = torch.rand((m, height * width), generator=generator)
    row, column = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    aspect = 2.0 ** (draws[:, :, 2] - 0.5)
    down = (row.flatten() + 0.5 - height * draws[:, :, 0, None]).abs()
    along = (column.flatten() + 0.5 - width * draws[:, :, 1, None]).abs()
    down = torch.minimum(down, height - down) * aspect[:, :, None]
    along = torch.minimum(along, width - along) / aspect[:, :, None]
    away = torch.maximum(down, along)
    unused = torch.arange(most) >= pieces.cpu()[:, None]
    away = away.masked_fill(unused[:, :, None], torch.inf).amin(1) + 1e-3 * jitter
    rank = away.argsort(1).argsort(1)
    return (rank < area.cpu()[:, None]).view(m, height, width).to(like.device)


def log_odds(net: nn.Module, images: Tensor, classes: Tensor, chunk: int = 500) -> Tensor:
    """The logarithm of p / (1 - p), p being a network's confidence in each image's class.

    Unlike p it does not stop at 1: ``z_k - logsumexp`` of the other logits.

    Args:
        net: from images to logits ``[N, K]``.
        images: ``[N, C, H, W]`` in [0, 1].
        classes: int64 ``[N]``.
        chunk: images a forward pass.

    Returns:
        float32 ``[N]``.
    """
    check_module(net)
    check_images(images, getattr(net, "input_shape", None))
    chunk = check_count(chunk, "chunk")
    with torch.inference_mode(), evaluating(net):
        logits = torch.cat([answer(net, part) for part in images.split(chunk)])
    check_labels(classes, len(images), logits.shape[1], "classes")
    return log_odds_of(logits, classes.to(logits.device))


def log_odds_of(logits: Tensor, classes: Tensor) -> Tensor:
    """The same of logits ``[N, K]``."""
    own = torch.nn.functional.one_hot(classes, logits.shape[1]).bool()
    return logits[own] - logits.masked_fill(own, -torch.inf).logsumexp(1)


@dataclass(frozen=True)
class Drop(Interval[float]):
    """A mean fall over images, with its bootstrap interval over runs.

    Attributes:
        images, runs: how many went into it.
        share: share of the images with a drop above 0.
    """

    images: int
    runs: int
    share: float


@dataclass(frozen=True)
class Ablation:
    """What erasing does to a network's belief in each image's class.

    Every tensor is ``[N, E + 1]``, the mean over the draws after 0, 1, ... E copies (or as large
    an area) were erased; NaN where an image had no more copies than that.

    Attributes:
        log_odds: for "copies", "area" and "contrast", the logarithm of p / (1 - p), p being the
            confidence in the class; unlike p it does not stop at 1.
        confidence: p itself, likewise.
    """

    log_odds: dict[str, Tensor]
    confidence: dict[str, Tensor]

    def drop(
        self,
        run: Tensor,
        *,
        erased: int = 1,
        kind: str = "copies",
        against: str | None = None,
        measure: str = "log_odds",
        seed: Seed = 0,
    ) -> Drop:
        """The mean fall from the whole image, its interval bootstrapped over runs.

        Args:
            run: int64 ``[N]``, the run that each image comes from: images of a run are related.
            erased: how many copies.
            kind: "copies", "area" or "contrast".
            against: another kind, whose fall is taken off, image by image; None: nothing is.
            measure: "log_odds" or "confidence".
            seed: of the bootstrap.

        Raises:
            ValueError: no image has more than ``erased`` copies, or an unknown name.
        """
        check_choice(kind, tuple(self.log_odds), "kind")
        check_choice(measure, ("log_odds", "confidence"), "measure")
        values = getattr(self, measure)
        n, columns = values[kind].shape
        check_labels(run, n, int(run.max()) + 1, "run")
        check_count(erased, "erased")
        if erased >= columns:
            raise ValueError(f"erased: expected at most {columns - 1}, got {erased}")
        fall = values[kind][:, 0] - values[kind][:, erased]
        if against is not None:
            check_choice(against, tuple(values), "against")
            fall = fall - (values[against][:, 0] - values[against][:, erased])
        valid = ~fall.isnan()
        if not bool(valid.any()):
            raise ValueError(f"erased: no image has more than {erased} copies")
        fall, run = fall[valid].double().cpu(), run[valid].cpu()
        found = mean_interval(fall, runs=run, seed=seed)
        share = float((fall > 0).double().mean())
        return Drop(**vars(found), images=len(fall), runs=len(run.unique()), share=share)


@torch.inference_mode()
def ablate(
    net: nn.Module,
    images: Tensor,
    classes: Tensor,
    repeats: Repeats,
    *,
    erased: int = 1,
    fill: str = "mean",
    draws: int = 4,
    candidates: int = 8,
    seed: int = 0,
    chunk: int = 500,
) -> Ablation:
    """Erase copies one at a time, beside two controls that erase as much of something else.

    "copies": in each draw the copies go in a random order; at least one is left. "area": as many
    rectangles at random places, together of exactly as many pixels; they cut through copies where
    the other erasure takes whole ones. "contrast": of ``candidates`` such regions the one whose
    change of the image has the L2 norm nearest to that of erasing the copies.

    Args:
        net: from images to logits ``[N, K]``; its device is where everything happens.
        images: ``[N, C, H, W]`` in [0, 1], each with at least two copies.
        classes: int64 ``[N]``, the class whose confidence is followed.
        repeats: of these images, from ``find_repeats``.
        erased: most copies to erase.
        fill: as for ``erase_masked``.
        draws: orders, and regions, to average over.
        candidates: regions to choose from for "contrast".
        seed: of all draws, which are made on the CPU.
        chunk: images a forward pass.

    Raises:
        ValueError: an image with fewer than two copies; arguments that do not fit together.
    """
    check_images(images, getattr(net, "input_shape", None))
    for name, value in (("erased", erased), ("draws", draws), ("candidates", candidates)):
        check_count(value, name)
    check_count(erased, "erased", most=images[0, 0].numel())  # there are no more copies
    chunk = check_count(chunk, "chunk")
    check_choice(fill, FILLS, "fill")
    check_kind(repeats, Repeats, "repeats")
    if repeats.copy.shape != images[:, 0].shape:
        raise ValueError(
            f"repeats: expected those of {len(images)} images of {list(images.shape[2:])},"
            f" got {list(repeats.copy.shape)}"
        )
    if int(repeats.count.min()) < 2:
        odd = int(repeats.count.argmin())
        raise ValueError(
            f"images: expected at least two copies in each, got {int(repeats.count[odd])}"
            f" in image {odd} (choose those whose `repeats.count` is 2 or more)"
        )

    device, generator = images.device, generator_of(seed)
    whole = log_odds(net, images, classes, chunk)
    target = classes.repeat_interleave(draws)
    stack = images.repeat_interleave(draws, 0)
    copy, count = (t.repeat_interleave(draws, 0) for t in (repeats.copy, repeats.count))
    most = int(count.max())
    order = torch.rand((len(stack), most), generator=generator).to(device)
    order = order.masked_fill(torch.arange(most, device=device) >= count[:, None], torch.inf)
    rank = order.argsort(1).argsort(1)
    after: dict[str, list[Tensor]] = {
        name: [whole[:, None]] for name in ("copies", "area", "contrast")
    }
    for k in range(1, erased + 1):
        gone = (rank < k).gather(1, copy.clamp_min(0).flatten(1)).view_as(copy) & (copy >= 0)
        made = _beside(stack, gone, k, fill, candidates, generator)
        enough = (repeats.count > k)[:, None]
        for name, erased_images in made.items():
            found = log_odds(net, erased_images, target, chunk).view(-1, draws)
            after[name].append(torch.where(enough, found, torch.nan))
    return Ablation(
        {name: torch.stack([v.mean(1) for v in seen], 1) for name, seen in after.items()},
        {name: torch.stack([v.sigmoid().mean(1) for v in seen], 1) for name, seen in after.items()},
    )


def _beside(
    images: Tensor,
    gone: Tensor,
    pieces: int,
    fill: str,
    candidates: int,
    generator: torch.Generator,
) -> dict[str, Tensor]:
    """The images without the pixels ``gone``, and with as many others erased."""
    copies = erase_masked(images, gone, fill)
    goal = (copies - images).square().sum((1, 2, 3))
    area = gone.sum((1, 2))
    number = torch.full_like(area, pieces)

    def drawn() -> tuple[Tensor, Tensor]:
        other = erase_masked(images, random_regions(area, number, images, generator), fill)
        return other, ((other - images).square().sum((1, 2, 3)) - goal).abs()

    first, distance = drawn()
    nearest = first
    for _ in range(candidates - 1):
        other, away = drawn()
        better = away < distance
        nearest = torch.where(better[:, None, None, None], other, nearest)
        distance = torch.minimum(away, distance)
    return {"copies": copies, "area": first, "contrast": nearest}
