"""One forgery, many judges: what other classifiers make of images that fooled one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from foolkit.analysis.forgeries import Forgeries
from foolkit.analysis.intervals import Interval, count_units, mean_interval
from foolkit.checks import (
    MOST_DRAWS,
    check_between,
    check_count,
    check_flag,
    check_fraction,
    check_mapping,
)
from foolkit.models.classifier import predict
from foolkit.models.precision import device_of
from foolkit.progress import progress_bar

MEASURES = {
    "same": "share that gets the same class",
    "confidence": "mean confidence in that class",
    "certain": "share that gets it with certainty",
    "error": "share that is not given its true class",
}


@dataclass(frozen=True)
class Verdicts:
    """What each judge says of each forgery of a family; every field is ``[judges, N]``.

    Attributes:
        predicted: int64, the class of the largest logit.
        confidence: float32, in that class.
        own: float32, confidence in the class that the forgery has on its own network.
    """

    predicted: Tensor
    confidence: Tensor
    own: Tensor


@dataclass(frozen=True)
class Transfer:
    """How families of forgeries fare before judges.

    Attributes:
        families, judges: their names, the rows and the columns of every interval.
        measures: for each of ``"same"`` (share with the same top-1 class as on their own
            network), ``"confidence"`` (mean, in that class), ``"certain"`` (same class, with a
            confidence of at least ``threshold``) and ``"error"`` (top-1 is not the true class;
            NaN for a family that shows nothing) an
            ``Interval`` of tensors ``[families, judges]``.
        control: the same of the control images; empty if there was none.
        excess: forgeries less control, paired, with the interval of the difference.
        images, runs, networks: for each family, how many.
        threshold, level: as given.
        verdicts: for each family what was said of every image.
        control_verdicts: and of every control image.
    """

    families: tuple[str, ...]
    judges: tuple[str, ...]
    measures: dict[str, Interval[Tensor]]
    control: dict[str, Interval[Tensor]]
    excess: dict[str, Interval[Tensor]]
    images: tuple[int, ...]
    runs: tuple[int, ...]
    networks: tuple[int, ...]
    threshold: float
    level: float
    verdicts: dict[str, Verdicts]
    control_verdicts: dict[str, Verdicts]

    def table(self) -> list[dict[str, Any]]:
        """A tidy table: a record for each family, judge, measure and kind.

        The kinds are ``"forgery"``, ``"control"`` and ``"excess"``; the columns are family,
        judge, measure, kind, value, low, high, images, runs, networks. What a family cannot be
        measured on is left out.
        """
        kinds = {"forgery": self.measures, "control": self.control, "excess": self.excess}
        records = []
        for (f, family), (j, judge) in product(enumerate(self.families), enumerate(self.judges)):
            for kind, measures in kinds.items():
                for measure, interval in measures.items():
                    one = interval[f, j]
                    if one.value == one.value:
                        records.append(
                            {
                                "family": family, "judge": judge, "measure": measure,
                                "kind": kind, "value": one.value, "low": one.low, "high": one.high,
                                "images": self.images[f], "runs": self.runs[f],
                                "networks": self.networks[f],
                            }
                        )  # fmt: skip
        return records

    def __repr__(self) -> str:
        """Percent with the same class, and of the control in brackets."""
        same, control = self.measures["same"].value, self.control.get("same")
        cells = [["", *self.judges]]
        for f, family in enumerate(self.families):
            row = [family]
            for j in range(len(self.judges)):
                beside = f" ({100 * control.value[f, j]:.0f})" if control else ""
                row.append(f"{100 * same[f, j]:.0f} %{beside}")
            cells.append(row)
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = ["  ".join(c.rjust(w) for c, w in zip(row, widths, strict=True)) for row in cells]
        about = "same class as on their own network" + (" (control)" if control else "")
        return "\n".join([about, *lines])


def transfer(
    judges: Mapping[str, nn.Module],
    forgeries: Any,
    *,
    threshold: float = 0.9999,
    control: bool = True,
    failures: bool = False,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
    chunk: int = 500,
    progress: bool = True,
) -> Transfer:
    """Show forgeries to judges: Szegedy et al. (2013), tables 2 to 4; Nguyen et al. (2015).

    Shares and means are over the images of a family. Their intervals are those of
    ``mean_interval``: whole networks are drawn, and then whole runs on each.

    Args:
        judges: by name, any modules from images in [0, 1] to logits ``[N, K]``; each is shown
            the images on its own device.
        forgeries: whatever ``Forgeries.of`` takes; or a mapping from names, the families, to it.
        threshold: confidence that counts as certain.
        control: show the judges images of the same size as well (``Forgeries.control``).
        failures: of gradient results, keep the images that do not fool their own network.
        resamples: of the bootstrap.
        level: of the intervals, in (0, 1).
        seed: of the control and of the bootstrap.
        chunk: images of one pass.
        progress: show a bar if it takes longer than a second.

    Raises:
        TypeError, ValueError: an argument that does not fit; a judge that takes other images, or
            knows fewer classes than the forgeries have.
    """
    check_mapping(judges, "networks", "judges")
    for name, judge in judges.items():
        if not isinstance(judge, nn.Module):
            raise TypeError(
                f"judges: expected torch.nn.Modules, got {type(judge).__name__} for {name!r}"
            )
    check_fraction(threshold, "threshold")
    check_count(resamples, "resamples", most=MOST_DRAWS)
    check_count(seed, "seed", minimum=0)
    chunk = check_count(chunk, "chunk")
    check_between(level, "level")
    check_flag(control, "control")
    check_flag(failures, "failures")
    families = dict(forgeries) if isinstance(forgeries, Mapping) else {"forgeries": forgeries}
    if not families:
        raise ValueError("forgeries: expected at least one family, got none")
    families = {str(name): Forgeries.of(m, failures=failures) for name, m in families.items()}
    for (name, family), (called, judge) in product(families.items(), judges.items()):
        wanted = tuple(getattr(judge, "input_shape", family.images.shape[1:]))
        if tuple(family.images.shape[1:]) != wanted:
            raise ValueError(
                f"forgeries: expected images {list(wanted)}, as the judge {called!r} takes, got"
                f" {list(family.images.shape[1:])} in {name!r}"
            )

    verdicts: dict[str, Verdicts] = {}
    controls: dict[str, Verdicts] = {}
    intervals: list[list[Interval[Tensor]]] = []  # of each family: forgeries, control, excess
    counts = []
    total = len(families) * len(judges) * (1 + control)
    with progress_bar(total, "judgements", progress=progress) as bar:
        for name, family in families.items():
            verdicts[name] = _judged(judges, family.images, family.classes, chunk, bar)
            scores = [_scores(verdicts[name], family, threshold)]
            if control:
                shown = family.control(seed)
                controls[name] = _judged(judges, shown, family.classes, chunk, bar)
                scores.append(_scores(controls[name], family, threshold))
                pairs = zip(*scores, strict=True)
                scores.append([[a.double() - b.double() for a, b in zip(*pair, strict=True)]
                               for pair in pairs])  # fmt: skip
            levels = [family.networks, family.runs]
            counts.append((len(family), count_units(levels), count_units(levels[:1])))
            options = {"resamples": resamples, "level": level, "seed": seed}
            intervals.append([_intervals(s, family, **options) for s in scores])

    def collected(kind: int) -> dict[str, Interval[Tensor]]:
        return {
            measure: Interval(
                torch.stack([row[kind].value[m] for row in intervals]),
                torch.stack([row[kind].low[m] for row in intervals]),
                torch.stack([row[kind].high[m] for row in intervals]),
                level,
            )
            for m, measure in enumerate(MEASURES)
        }

    images, runs, networks = zip(*counts, strict=True)
    return Transfer(
        families=tuple(families),
        judges=tuple(judges),
        measures=collected(0),
        control=collected(1) if control else {},
        excess=collected(2) if control else {},
        images=images,
        runs=runs,
        networks=networks,
        threshold=threshold,
        level=level,
        verdicts=verdicts,
        control_verdicts=controls,
    )


def _judged(
    judges: Mapping[str, nn.Module], images: Tensor, classes: Tensor, chunk: int, bar: tqdm
) -> Verdicts:
    """What each judge says of the images, on the CPU."""
    answers = []
    for name, judge in judges.items():
        confidence = predict(judge, images.to(device_of(judge)), chunk).cpu()
        if confidence.shape[1] <= int(classes.max()):
            raise ValueError(
                f"judges: expected {name!r} to know class {int(classes.max())}, got"
                f" {confidence.shape[1]} classes"
            )
        most, predicted = confidence.max(1)
        answers.append((predicted, most, confidence.gather(1, classes[:, None])[:, 0]))
        bar.update()
    return Verdicts(*(torch.stack(field) for field in zip(*answers, strict=True)))


def _scores(verdicts: Verdicts, family: Forgeries, threshold: float) -> list[list[Tensor]]:
    """Every measure of every image by every judge, ``[N]`` each; shares are bool."""
    same = verdicts.predicted == family.classes
    certain = same & (verdicts.own >= threshold)
    if family.truth is None:
        error = torch.full(same.shape, torch.nan)
    else:
        error = verdicts.predicted != family.truth
    return [list(measure) for measure in (same, verdicts.own, certain, error)]


def _intervals(scores: list[list[Tensor]], family: Forgeries, **options: Any) -> Interval[Tensor]:
    """Means of ``scores`` over the images of a family, ``[measures, judges]``."""
    rows = [judge for measure in scores for judge in measure]
    found = mean_interval(rows, networks=family.networks, runs=family.runs, **options)
    value, low, high = (p.view(len(scores), -1) for p in (found.value, found.low, found.high))
    return Interval(value, low, high, found.level)
