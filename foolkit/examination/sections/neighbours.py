"""The nearest image that is misread (Szegedy et al. 2013), by DeepFool, and noise of its size."""

from __future__ import annotations

from torch import Tensor

from foolkit.analysis import bootstrap, exact_share
from foolkit.book.scoreboard import NEARLY_NONE
from foolkit.examination.context import Context, Experiment, Sizes
from foolkit.examination.drawing import bars
from foolkit.examination.plan import Need
from foolkit.examination.report import Number, Picture, Section, Unit, judged
from foolkit.gradients import Perturbed, deepfool, for_files, noise
from foolkit.models.classifier import predict
from foolkit.plot import percent
from foolkit.runs.perturbed import enlarged
from foolkit.transforms import jpeg

NAME, TITLE = "neighbours", "What stands right beside each picture?"
CHAPTER = "adversarial-perturbations"
UNSEEN = 8 / 255  # in Linf: what is commonly allowed on photographs
QUALITY = 90  # of the JPEG files
STEPS = 50
SHOWN = 3
STEPS_TAKEN, RIVALS, MULTIPLES = 5, 9, 30  # in a typical case: for the plan


def need(sizes: Sizes) -> Need:
    """Two searches of a few steps, each with a gradient for each of the likeliest classes."""
    rivals = min(sizes.classes - 1, RIVALS)
    return Need(
        "pictures", sizes.pictures, min(10, sizes.pictures),
        forward=2 * (STEPS_TAKEN + MULTIPLES), backward=2 * STEPS_TAKEN * (1 + rivals),
        weight=4.0,
    )  # fmt: skip


def names(_: Sizes) -> tuple[str, ...]:
    """Shares, distances, and a control."""
    shares = ("unseen_neighbour", "neighbour_found", "neighbour_survives_8_bits")
    files = ("neighbour_survives_jpeg", "noise_of_same_size", "neighbour_l2", "neighbour_linf")
    return *shares, *files


def run(context: Context) -> Section:
    """Share found, distances, what files and JPEG leave of it, and what noise does."""
    rows = context.some_right(NAME)
    net, chunk = context.net, context.chunk
    images, labels = context.images[rows], context.labels[rows]
    n = len(rows)
    exact = deepfool(net, images, labels, steps=STEPS, chunk=chunk, progress=False)
    square = deepfool(net, images, labels, norm="inf", steps=STEPS, chunk=chunk, progress=False)
    files = for_files(net, exact, chunk=chunk)
    square_files = for_files(net, square, chunk=chunk)
    unseen = square_files.success_8bit & (square_files.linf <= UNSEEN + 1e-6)
    found = files.success_8bit

    def share(name: str, words: str, hits: Tensor, of: int = n) -> Number:
        return Number.of(name, words, exact_share(hits.cpu()), of, better="lower")

    numbers = [
        share("unseen_neighbour", "pictures with a misread neighbour of at most 8/255 a pixel",
              unseen),
        share("neighbour_found", "pictures with a misread neighbour at any distance",
              exact.success),
        share("neighbour_survives_8_bits",
              "pictures whose neighbour is misread as a file of 8 bits, enlarged if it must be",
              found),
    ]  # fmt: skip
    if bool(found.any()):
        if images.shape[1] in (1, 3):
            stays = predict(net, jpeg(files.images[found], QUALITY), chunk).argmax(1)
            numbers.append(
                share("neighbour_survives_jpeg",
                      f"of these files, those still misread as a JPEG of quality {QUALITY}",
                      stays != labels[found], int(found.sum()))
            )  # fmt: skip
        control = noise(
            net, images[found], labels[found], size=files.l2[found], seed=context.seed, chunk=chunk
        )
        numbers.append(
            share("noise_of_same_size",
                  "control: pictures misread under noise as long as their neighbour's change",
                  control.success, int(found.sum()))
        )  # fmt: skip
        numbers.append(_median("neighbour_l2", "median distance of these files", files.l2[found],
                               "length", context.seed))  # fmt: skip
    if bool(square_files.success_8bit.any()):
        numbers.append(
            _median("neighbour_linf", "median largest change of a pixel, where that is kept small",
                    square_files.linf[square_files.success_8bit], "pixel range", context.seed)
        )  # fmt: skip
    how = judged(numbers[0], NEARLY_NONE)
    by_name = {number.name: number for number in numbers}
    shown = {
        words: by_name[name]
        for name, words in {
            "unseen_neighbour": "a misread neighbour within 8/255",
            "neighbour_survives_8_bits": "a misread neighbour, as a file",
            "noise_of_same_size": "misread under noise of its length",
        }.items()
        if name in by_name
    }
    verdict = (
        f"{numbers[0].value:.0%} of the pictures have a misread neighbour within 8/255 a pixel"
    )
    if "noise_of_same_size" in by_name:
        shaken = by_name["noise_of_same_size"].value
        verdict += (
            f", and {by_name['neighbour_found'].value:.0%} one at some distance; noise as long"
            f" fools {shaken:.0%}"
        )
    verdict = f"{verdict}.".replace("%", " %")
    return Section(
        NAME, TITLE, CHAPTER, verdict,
        numbers=tuple(numbers),
        pictures=_pictures(context, files),
        charts=(
            bars(
                shown,
                alt="Shares of pictures: "
                + "; ".join(f"{name} {number}" for name, number in shown.items()) + ".",
                caption="It is the direction of a change that fools, and not its size.",
                label="share of the pictures that are read right",
            ),
        ),
        note=f"DeepFool, at most {STEPS} steps; pictures that are read right alone."
        + ("" if context.known else " Without labels, what the network says counts as right."),
        kept={
            "images": files.images[found], "originals": images[found], "labels": labels[found],
            "classes": files.predicted[found], "rows": rows, "l2": files.l2,
        },
        **how,
    )  # fmt: skip


def _median(name: str, words: str, sizes: Tensor, unit: Unit, seed: int) -> Number:
    found = bootstrap(lambda drawn: float(drawn.median()), sizes.cpu(), seed=seed)
    return Number.of(name, words, found, len(sizes), unit=unit, better="higher")


def _pictures(context: Context, files: Perturbed) -> tuple[Picture, ...]:
    """Originals, neighbours and changes, those of the median distance first."""
    rows = files.success_8bit.nonzero()[:, 0]
    middle = (files.l2[rows] - files.l2[rows].median()).abs().argsort() if len(rows) else rows
    pictures = []
    for group, row in enumerate(rows[middle][:SHOWN].tolist()):
        was, said = (context.classes[int(k[row])] for k in (files.labels, files.predicted))
        sure = percent(float(files.confidence[row]))
        change = enlarged(files.perturbation[row : row + 1])[0]
        pictures += [
            Picture.of(files.originals[row], f"a picture read as {was}", f"“{was}”", group),
            Picture.of(files.images[row], f"the same to the eye, read as {said}",
                       f"“{said}”, {sure}", group),
            Picture.of(change, "the difference of the two, enlarged",
                       f"the change, enlarged (largest {255 * float(files.linf[row]):.0f}/255)",
                       group),
        ]  # fmt: skip
    return tuple(pictures)


EXPERIMENT = Experiment(NAME, TITLE, CHAPTER, need, names, run, gradient=True)
