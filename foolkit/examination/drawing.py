"""Charts of a report: small SVGs whose ink is that of the page, light or dark."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib

from foolkit.examination.report import Chart, Number
from foolkit.plot import COLOURS, FAINT, INK, STYLE, Figure, figure

PROLOGUE = re.compile(r"^.*?(?=<svg)", re.DOTALL)
PATHS, FINE = re.compile(r' d="[^"]*"'), re.compile(r"(\.\d)\d+")  # a tenth of a point will do
BLANK = re.compile(r"\s+")
STYLES = re.compile(r"<(style|metadata).*?</\1>", re.DOTALL)  # which would hold for a whole page


def chart(drawn: Figure) -> Chart:
    """A figure of the book as an element that a page can hold."""
    file = io.StringIO()
    quiet: dict[Any, Any] = {"svg.fonttype": "none", "svg.hashsalt": drawn.caption}
    with matplotlib.rc_context({**STYLE, **quiet}):
        drawn.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    svg = STYLES.sub("", PROLOGUE.sub("", file.getvalue()))
    svg = svg.replace(INK, "currentColor").replace("#000000", "currentColor")
    svg = PATHS.sub(lambda path: FINE.sub(r"\1", path[0]), BLANK.sub(" ", svg))
    return Chart(svg.strip(), drawn.alt, drawn.caption)


def bars(numbers: Mapping[str, Number], *, alt: str, caption: str, label: str) -> Chart:
    """Shares as bars from the left, each with its interval; by what each is of."""
    drawn, ax = figure(alt=alt, caption=caption, size=(4.8, 0.55 + 0.32 * len(numbers)))
    for place, (name, number) in enumerate(numbers.items()):
        ax.barh(place, number.value, color=COLOURS[0], height=0.6)
        if number.low == number.low:
            ax.plot([number.low, number.high], [place, place], color=INK, linewidth=1.2)
        ax.text(1.02, place, f"{number.value:.0%}", color=INK, va="center")
        ax.text(-0.02, place, name, color=INK, va="center", ha="right")
    ax.set(xlim=(0, 1), yticks=[])
    ax.set_xlabel(label, loc="right")  # it may be longer than the axis
    ax.xaxis.set_major_formatter("{x:.0%}")
    ax.invert_yaxis()
    ax.spines["left"].set_color(FAINT)
    return chart(drawn)


def curves(
    x: Sequence[float],
    lines: Mapping[str, Sequence[Number]],
    *,
    alt: str,
    caption: str,
    labels: tuple[str, str],
) -> Chart:
    """Shares against a size on a logarithmic axis, each with the band of its interval."""
    drawn, ax = figure(alt=alt, caption=caption, size=(4.8, 2.8))
    for colour, style, (name, numbers) in zip(COLOURS, ("-o", "--s", ":^"), lines.items(),
                                              strict=False):  # fmt: skip
        ax.plot(x, [n.value for n in numbers], style, color=colour, label=name)
        ax.fill_between(
            x, [n.low for n in numbers], [n.high for n in numbers], color=colour, alpha=0.2,
            linewidth=0,
        )  # fmt: skip
    ax.set_xscale("log")
    ax.set(ylim=(-0.02, 1.02), xlabel=labels[0], ylabel=labels[1], xticks=list(x))
    ax.minorticks_off()
    ax.xaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_major_formatter("{x:.0%}")
    ax.legend()
    return chart(drawn)
