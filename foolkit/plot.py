"""Every figure style of the book: light and dark, colour-blind safe, with alt text."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

import matplotlib
import numpy as np
import torch
from cycler import cycler
from matplotlib import figure as mpl_figure
from matplotlib.axes import Axes
from matplotlib.colors import same_color
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.spines import Spine
from matplotlib.text import Text
from torch import Tensor

from foolkit.analysis import Interval, Transfer
from foolkit.analysis.repetition import Repeats
from foolkit.bank.networks import BOOK, Measured, Networks
from foolkit.checks import (
    TOLERANCE,
    check_between,
    check_choice,
    check_count,
    check_images,
    check_kind,
    check_mapping,
    check_names,
    check_number,
    check_numbers,
    check_tensor,
    check_text,
    is_sequence,
)
from foolkit.encodings import CPPNGenomes
from foolkit.encodings.cppn_genomes import needed
from foolkit.evolution import Elites, History
from foolkit.models.family import DESIGNS

INK = "#1f2328"  # text, axes and reference lines; the dark figure has INK_DARK in its place
INK_DARK = "#e6edf3"
FAINT = "#8b949e"  # visible on both backgrounds
LARGE = 64  # pixels: images of a longer side are photographs or as large, and are compressed
# Ten colours that stay apart for all kinds of colour vision (Petroff 2021), one for each class
CLASS_COLOURS = (
    "#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6",
    "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd",
)  # fmt: skip
COLOURS = ("#3f90da", "#e76300", "#832db6", "#ffa90e", "#717581", "#bd1f01")
MOST_SIDE = 10_000  # axes of a figure, or inches, down or across
CERTAIN = 0.9999  # the confidence that the paper and the article speak of

STYLE: dict[Any, Any] = {  # matplotlib has a type of its own for these keys
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "axes.titlecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.labelcolor": INK,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": cycler(color=COLOURS),
    "axes.titlesize": "medium",
    "font.size": 10,
    "lines.linewidth": 1.8,
    "image.interpolation": "nearest",
    "image.cmap": "gray",
    "figure.facecolor": "white",
    "axes.facecolor": "none",
    "savefig.dpi": 144,
}


class Figure(mpl_figure.Figure):
    """A matplotlib figure that shows itself with alt text, and in a light and a dark version.

    The last line of a cell shows it: as a picture in any notebook, and in the book with the
    caption and the version that fits the reader's theme.

    Attributes:
        alt: what the figure shows, for a reader who does not see it.
        caption: what the figure finds, in a sentence or two.
        compressed: one JPEG of full colours, on white, for both themes: for photographs and noise,
            whose PNG would be ten times as large.
    """

    compressed = False

    def __init__(self, *args: Any, alt: str, caption: str, **kwargs: Any) -> None:
        for name, text in (("alt", alt), ("caption", caption)):
            if not isinstance(text, str) or not text.strip():
                raise ValueError(f"{name}: expected a sentence, got {text!r}")
        super().__init__(*args, **kwargs)
        self.alt, self.caption = alt, caption

    def png(self, dark: bool = False) -> bytes:
        """The figure as a PNG file: dark ink on white, or light ink on nothing."""
        return self._drawn(dark, format="png", metadata={"Software": None})

    def jpeg(self) -> bytes:
        """The figure as a JPEG file of full colours, dark ink on white."""
        return self._drawn(
            False, format="jpeg", dpi=112, pil_kwargs={"quality": 80, "subsampling": 0}
        )

    def _drawn(self, dark: bool, **how: Any) -> bytes:
        _recolour(self, "black", INK)  # what was added outside the style
        for legend in self.findobj(Legend):
            legend.set_frame_on(False)
        if self.get_layout_engine() is not None:
            self.draw_without_rendering()  # lays out once: again would shift it by a hair
            self.set_layout_engine("none")
        if dark:
            _recolour(self, INK, INK_DARK)
        try:
            file = io.BytesIO()
            with matplotlib.rc_context(STYLE):
                self.savefig(file, facecolor="none" if dark else "white", **how)
            return file.getvalue()
        finally:
            if dark:
                _recolour(self, INK_DARK, INK)

    def _repr_mimebundle_(
        self, include: Any = None, exclude: Any = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        def text(picture: bytes) -> str:
            return base64.b64encode(picture).decode()

        # the book's build reads the metadata; notebooks use the width and pass over the rest
        metadata = {
            "alt": self.alt,
            "caption": self.caption,
            "width": round(self.get_figwidth() * 96),
        }
        if self.compressed:
            data = {"image/jpeg": text(self.jpeg()), "text/plain": self.alt}
            return data, {"image/jpeg": metadata}
        metadata["dark"] = text(self.png(dark=True))
        return {"image/png": text(self.png()), "text/plain": self.alt}, {"image/png": metadata}


def figure(
    rows: int = 1,
    columns: int = 1,
    *,
    alt: str,
    caption: str,
    size: tuple[float, float] | None = None,
    **subplots: Any,
) -> tuple[Figure, Any]:
    """A ``Figure`` and its axes, in the book's style.

    Args:
        rows, columns: of axes; one of each gives a single ``Axes``, else an array of them.
        alt, caption: what the figure shows, and what it finds.
        size: width and height in inches; by default 3.6 a column (at most 7.2) by 2.7 a row.
        subplots: passed to ``matplotlib.figure.Figure.subplots``.

    Raises:
        TypeError, ValueError: an argument that does not fit.
    """
    rows = check_count(rows, "rows", most=MOST_SIDE)
    columns = check_count(columns, "columns", most=MOST_SIDE)
    if size is None:
        size = (min(3.6 * max(columns, 2), 7.2), 2.7 * rows + 0.3)
    else:
        inches = check_numbers(size, "size", least=0, most=MOST_SIDE)
        if len(inches) != 2 or 0 in inches:
            raise ValueError(f"size: expected width and height above 0, got {inches}")
        size = inches[0], inches[1]
    with matplotlib.rc_context(STYLE):
        made = Figure(figsize=size, layout="constrained", alt=alt, caption=caption)
        axes = made.subplots(rows, columns, **subplots)
        for ax in np.atleast_1d(axes).flat:  # ticks are made later, outside this style
            ax.tick_params(colors=INK)
    return made, axes


def percent(confidence: float) -> str:
    """``"99.99 %"``: rounded down, so that nothing short of certain reads 100 %."""
    if isinstance(confidence, Tensor) and confidence.numel() == 1:
        confidence = confidence.item()
    check_number(confidence, "confidence", least=0, most=1 + TOLERANCE)
    return f"{math.floor(float(confidence) * 1e4 + 1e-6) / 100:.2f} %"


def show_image(ax: Axes, image: Tensor, title: str = "") -> None:
    """One image ``[C, H, W]`` in [0, 1] on ``ax``: every pixel a square, no ticks.

    Raises:
        TypeError, ValueError: no axes, no such image of 1 or 3 channels, no title.
    """
    check_kind(ax, Axes, "ax")
    check_tensor(image, "image", 3, floating=True)
    if image.shape[0] not in (1, 3):
        raise ValueError(f"image: expected 1 or 3 channels, got {image.shape[0]}")
    check_text(title, "title")
    pixels = image.detach().cpu().permute(1, 2, 0).numpy()
    ax.imshow(
        pixels[:, :, 0] if pixels.shape[2] == 1 else pixels,
        vmin=0, vmax=1, cmap="gray", interpolation="nearest",
    )  # fmt: skip
    ax.set_xticks([])
    ax.set_yticks([])
    for spine in ax.spines.values():
        spine.set(visible=True, color=FAINT, linewidth=0.5)
    ax.set_title(title, color=INK, fontsize=9)


def images(
    images: Tensor,
    titles: Sequence[str] | None = None,
    *,
    alt: str,
    caption: str,
    columns: int = 5,
) -> Figure:
    """A grid of images ``[N, C, H, W]`` in [0, 1], each under its title; of large ones a JPEG."""
    check_images(images)
    if images.shape[1] not in (1, 3):
        raise ValueError(f"images: expected 1 or 3 channels, got {images.shape[1]}")
    columns = check_count(columns, "columns")
    titles = ("",) * len(images) if titles is None else check_names(titles, "titles")
    if len(titles) != len(images):
        raise ValueError(f"titles: expected {len(images)}, one an image, got {len(titles)}")
    columns = min(columns, len(images))
    rows = math.ceil(len(images) / columns)
    width = 7.2 / max(columns, 4)
    lines = max(title.count("\n") for title in titles) + any(titles)
    made, axes = figure(
        rows, columns, alt=alt, caption=caption,
        size=(width * columns, rows * (width * images.shape[2] / images.shape[3] + 0.17 * lines)),
        squeeze=False,
    )  # fmt: skip
    made.compressed = max(images.shape[2:]) > LARGE
    for ax in axes.flat[len(images) :]:
        ax.axis("off")
    for ax, image, title in zip(axes.flat, images, titles, strict=False):
        show_image(ax, image, title)
    return made


def literal(name: str) -> str:
    """A name as it is: between two dollar signs Matplotlib would read a formula."""
    check_text(name, "name")
    return name.replace("$", r"\$")


def gallery(
    elites: Elites, *, alt: str | None = None, caption: str | None = None, columns: int = 5
) -> Figure:
    """The elites, each with its class and its confidence (rounded down)."""
    if not hasattr(elites, "classes") or not hasattr(elites, "confidence"):
        raise TypeError(f"elites: expected Elites, got {type(elites).__name__}")
    named = [(name, percent(c)) for name, c in zip(elites.classes, elites.confidence, strict=True)]
    described = ", ".join(f"{name} at {confidence}" for name, confidence in named)
    if alt is None:
        alt = f"{len(elites)} evolved images with the network's confidence: {described}."
    if caption is None:
        caption = "Evolved images: what the network calls each, and how sure it is."
    return images(
        elites.images,
        [f"“{literal(name)}”\n{confidence}" for name, confidence in named],
        alt=alt,
        caption=caption,
        columns=columns,
    )


def convergence(
    runs: Mapping[str, Sequence[History]],
    *,
    alt: str,
    caption: str,
    mark: float = CERTAIN,
) -> Figure:
    """Median confidence over the classes, generation by generation.

    Left, the confidence itself; right, what is missing to 1, on a logarithmic axis, with the
    line where confidence is ``mark``. For each kind of run: the median over its seeds as a line,
    their whole range as a band.

    Args:
        runs: for each label the histories of its runs, equally long.
        alt, caption: what the figure shows, and what it finds.
        mark: the confidence to mark, between 0 and 1.

    Raises:
        TypeError, ValueError: an argument that does not fit; histories of several lengths.
    """
    check_mapping(runs, "histories", "runs")
    for label, histories in runs.items():
        if not is_sequence(histories) or not histories:
            raise TypeError(f"runs: expected histories of {label!r}, got {histories!r}")
        for history in histories:
            check_kind(history, History, "runs")
        if len({len(history.confidence) for history in histories}) > 1:
            raise ValueError(f"runs: expected histories of one length, got several of {label!r}")
    check_between(mark, "mark")
    mark = float(mark)
    made, (left, right) = figure(1, 2, alt=alt, caption=caption, size=(7.2, 3.0))
    for colour, dash, (label, histories) in zip(
        COLOURS, ("-", "--", "-.", ":", "-", "--"), runs.items(), strict=False
    ):
        medians = torch.stack([history.median for history in histories]).cpu().double()
        for ax, values in ((left, medians), (right, (1 - medians).clamp_min(1e-7))):
            generation = np.arange(values.shape[1])
            middle = values.quantile(0.5, 0)
            ax.plot(generation, middle, dash, color=colour, label=label)
            ax.fill_between(generation, values.amin(0), values.amax(0), color=colour, alpha=0.25)
    left.set(ylim=(0, 1.02), xlabel="generation", ylabel="confidence, median of the classes")
    right.set(yscale="log", xlabel="generation", ylabel="1 - confidence")
    right.axhline(1 - mark, color=INK, linewidth=1, linestyle=":")
    right.annotate(
        f"{mark:.2%} certain".replace("%", " %"), (1, 1 - mark), (-2, 3),
        xycoords=("axes fraction", "data"), textcoords="offset points", ha="right", color=INK,
        fontsize=9,
    )  # fmt: skip
    if len(runs) > 1:
        left.legend(loc="lower right")
    return made


def _recolour(drawn: mpl_figure.Figure, old: str, new: str) -> None:
    """Change every artist of colour ``old`` to ``new``."""
    for ax in drawn.axes:
        if same_color(ax.xaxis.get_tick_params()["color"], old):
            ax.tick_params(which="both", colors=new)
    for artist in drawn.findobj():
        if isinstance(artist, (Text, Line2D)) and same_color(artist.get_color(), old):
            artist.set_color(new)
        elif isinstance(artist, Spine) and same_color(artist.get_edgecolor(), old):
            artist.set_edgecolor(new)
        elif isinstance(artist, Patch) and same_color(artist.get_facecolor(), old):
            artist.set_facecolor(new)


def cppn(genome: CPPNGenomes, *, alt: str | None = None, caption: str | None = None) -> Figure:
    """The network of one genome: inputs on the left, outputs on the right.

    Only what the picture depends on is drawn. A link is blue where its weight is positive, orange
    and dashed where it is negative, and the wider the larger it is.

    Args:
        genome: one genome, such as ``genomes[0]``.
        alt, caption: what the figure shows, and what it finds; by default the network in words.

    Raises:
        TypeError: no genome of a CPPN.
        ValueError: more or less than one genome.
    """
    from networkx import topological_sort  # half a second, which no other figure needs

    check_kind(genome, CPPNGenomes, "genome")
    graph = genome.graph()
    ends = [name for name, kind in graph.nodes(data="kind") if kind == "output"]
    starts = [name for name, kind in graph.nodes(data="kind") if kind == "input"]
    graph = graph.subgraph({*starts, *needed(graph)})
    column = dict.fromkeys(starts, 0)
    for name in topological_sort(graph):
        column.setdefault(name, 1 + max((column[s] for s in graph.predecessors(name)), default=0))
    last = max(column.values())
    column.update(dict.fromkeys(ends, last))
    height: dict[str, float] = {}
    for i in range(last + 1):  # each node near the middle of those that it hears
        stack = [name for name in (starts if i == 0 else graph) if column[name] == i]
        if i:
            heard = {n: [height[s] for s in graph.predecessors(n)] or [0.0] for n in stack}
            middle = {name: float(np.mean(heights)) for name, heights in heard.items()}
            stack.sort(key=middle.__getitem__, reverse=True)
        shift = 0.35 * (i % 2)  # so that links do not run through nodes of the column between
        height.update({name: (len(stack) - 1) / 2 - k + shift for k, name in enumerate(stack)})
    nodes = len(graph) - len(starts) - len(ends)
    size = f"{nodes} hidden nodes and {graph.number_of_edges()} links"
    if alt is None:
        alt = f"A network of {size}, from x, y, distance d and a constant to the picture."
    if caption is None:
        caption = (
            f"The network behind one picture: {size}. Blue links add, dashed orange ones subtract."
        )
    made, ax = figure(
        alt=alt,
        caption=caption,
        size=(min(1.2 + 1.1 * last, 7.6), 1.0 + 0.62 * np.ptp(list(height.values()))),
    )
    ax.axis("off")
    ax.margins(0.08, 0.12)
    heaviest = max((abs(w) for *_, w in graph.edges(data="weight")), default=1.0) or 1.0
    for source, target, weight in graph.edges(data="weight"):
        ax.annotate(
            "", (column[target], height[target]), (column[source], height[source]),
            arrowprops={
                "arrowstyle": "-|>", "shrinkA": 7, "shrinkB": 7,
                "color": COLOURS[0] if weight > 0 else COLOURS[1],
                "linestyle": "-" if weight > 0 else "--",
                "linewidth": 0.5 + 2 * abs(weight) / heaviest,
            },
        )  # fmt: skip
    for name, data in graph.nodes(data=True):
        colour = FAINT if data["kind"] == "input" else COLOURS[2]
        ax.plot(column[name], height[name], "o", color=colour, markersize=11)
        label = "\n".join(filter(None, (name, data.get("activation"))))
        ax.annotate(
            label, (column[name], height[name]), (0, -9), textcoords="offset points",
            ha="center", va="top", color=INK, fontsize=8,
        )  # fmt: skip
    return made


def transfer(
    result: Transfer, measure: str = "same", *, alt: str | None = None, caption: str | None = None
) -> Figure:
    """How families of forgeries (rows) fare before judges (columns): a heat map of shares.

    Each cell has its percentage and, up to ten judges, the interval below it; the control stands
    in brackets.

    Args:
        result: of ``foolkit.analysis.transfer``.
        measure: ``"same"``, ``"confidence"``, ``"certain"`` or ``"error"``.
        alt, caption: what the figure shows, and what it finds; by default the numbers in words.

    Raises:
        TypeError: no result of a transfer.
        ValueError: another measure.
    """
    check_kind(result, Transfer, "result")
    labels = {
        "same": "share called the same class",
        "confidence": "mean confidence in the class",
        "certain": "share called the same class with certainty",
        "error": "share not called their true class",
    }
    check_choice(measure, tuple(labels), "measure")
    shown, control = result.measures[measure], result.control.get(measure)
    rows, columns = len(result.families), len(result.judges)
    described = "; ".join(
        f"{family}: "
        + ", ".join(f"{100 * v:.0f} % {j}" for j, v in zip(result.judges, values, strict=True))
        for family, values in zip(result.families, shown.value.tolist(), strict=True)
        if values[0] == values[0]
    )
    brackets = " In brackets, control images of the same size." if control else ""
    if alt is None:
        alt = f"Heat map of the {labels[measure]}, by family and judge. {described}."
    if caption is None:
        caption = f"What judges make of the forgeries: {labels[measure]}.{brackets}"
    made, ax = figure(
        alt=alt,
        caption=caption,
        size=(min(7.2, 2.4 + 0.62 * columns), 1.4 + (0.62 if columns <= 10 else 0.42) * rows),
    )

    def text(i: int, j: int) -> str:
        value = float(shown.value[i, j])
        written = "–" if value != value else f"{100 * value:.0f}"
        if control and value == value:
            written += f" ({100 * float(control.value[i, j]):.0f})"
        low, high = float(shown.low[i, j]), float(shown.high[i, j])
        if columns <= 10 and low == low:
            written += f"\n{100 * low:.0f}–{100 * high:.0f}"
        return written

    _heat(ax, shown.value.numpy(), text, labels[measure].split(" with")[0])
    ax.set_xticks(
        range(columns), map(literal, result.judges), rotation=40, ha="right", rotation_mode="anchor"
    )
    ax.set_yticks(range(rows), [literal(name) for name in result.families])
    return made


def _heat(ax: Axes, values: np.ndarray, text: Callable[[int, int], str], label: str | None) -> None:
    """Shares as colours, each cell with its text, and a colour bar if that has a label."""
    ax.imshow(values, cmap="cividis", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
    if label:
        drawn = ax.figure.colorbar(ax.images[0], ax=ax, label=label)
        drawn.ax.tick_params(colors=INK)
        drawn.outline.set_visible(False)
    for (i, j), value in np.ndenumerate(values):
        # fixed colours: the cell is as bright in a dark page as in a light one
        colour = "#fdfdfd" if not value > 0.48 else "#101010"
        ax.text(j, i, text(i, j), ha="center", va="center", fontsize=7, color=colour)
    ax.tick_params(length=0, colors=INK)
    for spine in ax.spines.values():
        spine.set_visible(False)


def shares(
    estimates: Mapping[tuple[str, str], Interval[float]], *, label: str, alt: str, caption: str
) -> Figure:
    """A heat map of shares, in per cent, with their intervals below them.

    Args:
        estimates: by row and column, of every pair.
        label: what is shared, beside the colour bar.
        alt, caption: what the figure shows, and what it finds.

    Raises:
        TypeError: no mapping from pairs of names to intervals, no text.
        ValueError: a pair is missing.
    """
    check_text(label, "label")
    check_mapping(estimates, "intervals", "estimates")
    for pair, estimate in estimates.items():
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise TypeError(f"estimates: expected pairs of a row and a column, got {pair!r}")
        check_kind(estimate, Interval, "estimates")
    rows = list(dict.fromkeys(row for row, _ in estimates))
    columns = list(dict.fromkeys(column for _, column in estimates))
    missing = [pair for pair in product(rows, columns) if pair not in estimates]
    if missing:
        raise ValueError(f"estimates: expected one of every pair, got none of {missing}")
    table = [[estimates[row, column] for column in columns] for row in rows]

    def text(i: int, j: int) -> str:
        one = table[i][j]
        return f"{100 * one.value:.0f}\n{100 * one.low:.0f}–{100 * one.high:.0f}"

    made, ax = figure(
        alt=alt, caption=caption, size=(min(7.2, 2.6 + 0.9 * len(columns)), 0.9 + 0.4 * len(rows))
    )
    _heat(ax, np.array([[one.value for one in row] for row in table]), text, label)
    small = 8 if len(columns) > 5 else None  # or they touch
    if len(columns) > 7:
        ax.set_xticks(range(len(columns)), columns, fontsize=small, rotation=35, ha="left")
    else:
        names = [name.replace(" ", "\n") for name in columns]
        ax.set_xticks(range(len(columns)), names, fontsize=small)
    ax.set_yticks(range(len(rows)), rows)
    ax.xaxis.tick_top()
    return made


def networks(measured: Measured, values: Mapping[str, Tensor], *, alt: str, caption: str) -> Figure:
    """A figure of each network: one dot a network, a row of each design, and the interval.

    The last row has the mean over the family with its interval over designs and seeds
    (``Networks.over``). The book's LeNet is a diamond, its twin a square; neither is part of the
    interval. What is infinite, such as a generation that was never reached, is a triangle at the
    right edge; a panel that has such values, or NaN, has no interval.

    Args:
        measured: which networks, ``foolkit.bank.networks.load()``.
        values: ``[M]`` of every panel, by what its axis is called.
        alt, caption: what the figure shows, and what it finds.

    Raises:
        TypeError: no measurements, or no mapping to tensors.
        ValueError: no panel; not one value a network.
    """
    check_kind(measured, Measured, "measured")
    _check_panels(values)
    designs = list(dict.fromkeys(measured.designs))
    row = {design: len(designs) - place for place, design in enumerate(designs)}
    made, axes = figure(
        1, len(values), alt=alt, caption=caption, size=(7.2, 3.1), sharey=True, squeeze=False
    )
    for ax, (label, column) in zip(axes[0], values.items(), strict=True):
        if column.shape != (len(measured.names),):
            raise ValueError(
                f"values: expected one of each of {len(measured.names)} networks, got"
                f" {list(column.shape)} of {label!r}"
            )
        numbers = column.double()
        finite = numbers[numbers.isfinite()]
        edge = 1.08 * float(finite.max()) if len(finite) else 1.0
        rest = dict.fromkeys(designs, 0)
        for name, number, design in zip(
            measured.names, numbers.tolist(), measured.designs, strict=True
        ):
            height = row[design] + (0.0, 0.2, -0.2)[rest[design] % 3]
            where = edge if number == math.inf else number
            if name in BOOK:
                colour, mark = COLOURS[1], "D" if name == BOOK[0] else "s"
                ax.plot(where, row[design], mark, color=colour, label=BOOK_WORDS[name])
                continue
            rest[design] += 1
            mark = ">" if number == math.inf else "o"
            ax.plot(where, height, mark, color=COLOURS[0], alpha=0.8, markersize=5)
        if len(finite) == len(numbers):
            mean = measured.over(column)
            ax.plot([mean.low, mean.high], [0, 0], color=INK, linewidth=2)
            ax.plot(mean.value, 0, "|", color=INK, markersize=12, label="mean, 95 % interval")
        ax.set(xlabel=label)
    axes[0, 0].set_yticks([*row.values(), 0], [*row, "family"])
    handles, names = axes[0, 0].get_legend_handles_labels()
    made.legend(handles, names, loc="outside upper center", ncols=3, fontsize=8)
    return made


def _check_panels(values: Mapping[str, Tensor]) -> None:
    check_mapping(values, "tensors", "values")
    for numbers in values.values():
        check_tensor(numbers, "values")


def designs(measured: Networks, values: Mapping[str, Tensor], *, alt: str, caption: str) -> Figure:
    """Heat maps of pairs of networks, by design: made on a row, before networks of a column.

    Each cell is the mean over its pairs, in per cent; on the diagonal of one design from two seeds.

    Args:
        measured: which networks, ``foolkit.bank.networks.load()``.
        values: shares ``[M, M]`` of every panel, by its title.
        alt, caption: what the figure shows, and what it finds.

    Raises:
        TypeError: no measurements, or no mapping to tensors.
        ValueError: no panel; not one value of every pair.
    """
    check_kind(measured, Networks, "measured")
    _check_panels(values)
    names = list(DESIGNS)
    columns = min(2, len(values))
    rows = math.ceil(len(values) / columns)
    made, axes = figure(
        rows, columns, alt=alt, caption=caption, size=(3.6 * columns, 2.9 * rows + 0.5),
        sharex=True, sharey=True, squeeze=False,
    )  # fmt: skip
    for ax in axes.flat[len(values) :]:
        ax.axis("off")
    for ax, (title, pairs) in zip(axes.flat, values.items(), strict=False):
        table = measured.by_design(pairs).numpy()

        def text(i: int, j: int, table: np.ndarray = table) -> str:
            return f"{100 * table[i, j]:.0f}"

        _heat(ax, table, text, None)
        ax.set_title(title)
        ax.set_xticks(range(len(names)), names, rotation=40, ha="right", rotation_mode="anchor")
        ax.set_yticks(range(len(names)), names)
    made.supylabel("made on", fontsize=9)
    made.supxlabel("shown to", fontsize=9)
    return made


BOOK_WORDS = dict(zip(BOOK, ("the book's LeNet", "another, trained as it was"), strict=True))
_grid = images  # `copies` has an argument of that name


def copies(
    images: Tensor,
    repeats: Repeats,
    titles: Sequence[str] | None = None,
    *,
    alt: str,
    caption: str,
    columns: int = 5,
) -> Figure:
    """A grid of images with a frame around every copy of the repeated element.

    Args:
        images: ``[N, C, H, W]`` in [0, 1].
        repeats: of these images.
        titles: one an image.
        alt, caption: what the figure shows, and what it finds.
        columns: of the grid.

    Raises:
        TypeError, ValueError: an argument that does not fit; repeats of other images.
    """
    check_images(images)
    check_kind(repeats, Repeats, "repeats")
    if len(repeats) != len(images):
        raise ValueError(f"repeats: expected those of {len(images)} images, got {len(repeats)}")
    made = _grid(images, titles, alt=alt, caption=caption, columns=columns)
    for number, ax in enumerate(made.axes[: len(images)]):
        for top, left, bottom, right in repeats.boxes(number).tolist():
            corner, size = (left - 0.5, top - 0.5), (right - left, bottom - top)
            ax.add_patch(Rectangle(corner, *size, fill=False, color=COLOURS[1], linewidth=1.4))
    return made
