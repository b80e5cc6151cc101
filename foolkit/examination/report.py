"""What an examination found: numbers with intervals, pictures and charts, section by section.

``Report.to_json`` is for a pipeline. Its layout is that of the classes below, field by field, and
has the number ``SCHEMA``, which grows whenever a field loses its meaning or its name; fields may
be added under the same number. Numbers that are not known are null.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, Self

from torch import Tensor

from foolkit.analysis.intervals import Interval
from foolkit.book.scoreboard import Margin
from foolkit.checks import check_text, path_of
from foolkit.files import (
    as_bytes,
    check_writable,
    json_bytes,
    load_tensors,
    save_tensors,
    write_atomically,
    write_png,
)

SCHEMA = 1
REPORT, TABLE, PAGE, IMAGES = "report.json", "report.csv", "report.html", "images"
Grade = Literal["good", "bad", "unclear", "none"]
Unit = Literal["share", "difference", "pixel range", "length", "factor"]
GRADES: dict[bool | None, Grade] = {True: "good", False: "bad", None: "unclear"}


@dataclass(frozen=True)
class Number:
    """One figure.

    Attributes:
        name: what a threshold or another report calls it, such as ``"robust_accuracy@0.03"``.
        words: what it is.
        value, low, high: the estimate and the ends of its interval; NaN where not known.
        unit: ``"share"`` in [0, 1]; ``"difference"`` of two shares; ``"pixel range"``: of a
            pixel, 1 from black to white; ``"length"``: Euclidean, of all pixels, in the same
            unit; ``"factor"``.
        better: whether a network that is harder to fool has it ``"higher"`` or ``"lower"``.
        units: how many independent pictures, runs or goals it rests on.
        level: of the interval.
    """

    name: str
    words: str
    value: float
    low: float
    high: float
    unit: Unit
    better: Literal["higher", "lower"]
    units: int
    level: float = 0.95

    @classmethod
    def of(
        cls,
        name: str,
        words: str,
        found: Interval[float] | float,
        units: int,
        *,
        unit: Unit = "share",
        better: Literal["higher", "lower"],
    ) -> Self:
        """From an interval, or from a number that has none."""
        if isinstance(found, Interval):
            ends = found.value, found.low, found.high, found.level
        else:
            ends = found, math.nan, math.nan, 0.95
        value, low, high, level = ends
        return cls(name, words, value, low, high, unit, better, units, level)

    @property
    def interval(self) -> Interval[float]:
        """Value and ends."""
        return Interval(self.value, self.low, self.high, self.level)

    def __str__(self) -> str:
        return format(self.interval, ".1%" if self.unit in ("share", "difference") else ".3g")


@dataclass(frozen=True)
class Picture:
    """One image with what is to be said of it.

    Attributes:
        image: uint8 ``[C, H, W]``.
        alt: for who does not see it.
        caption: in a few words, what the network says of it.
        group: pictures of one group, such as an original and its neighbour, stand together.
    """

    image: Tensor
    alt: str
    caption: str
    group: int = 0

    @classmethod
    def of(cls, image: Tensor, alt: str, caption: str, group: int = 0) -> Self:
        """From ``[C, H, W]`` in [0, 1]."""
        return cls(as_bytes(image).cpu(), alt, caption, group)


@dataclass(frozen=True)
class Chart:
    """A drawing as SVG, its ink in ``currentColor``.

    Attributes:
        svg: one element.
        alt: what it shows.
        caption: what it finds.
    """

    svg: str
    alt: str
    caption: str


@dataclass(frozen=True)
class Section:
    """One experiment of the book on the network examined.

    Attributes:
        name: short, of its files.
        title: a question.
        chapter: the name of the book's chapter that explains it.
        verdict: one plain sentence.
        grade: ``"good"`` or ``"bad"`` where the whole interval of its first number lies within or
            outside the margin, ``"unclear"`` where it does not decide, ``"none"`` if there is no
            number to judge.
        good: what a good value would be, and why.
        numbers: the first is the one that is judged.
        pictures, charts: to look at.
        cut: what the time did not suffice for, and what that costs; empty: nothing.
        note: what else must be known to read it.
        error: why there is nothing, if there is nothing.
        seconds: it took.
        kept: tensors that other sections, and who looks closer, go on with.
    """

    name: str
    title: str
    chapter: str
    verdict: str = ""
    grade: Grade = "none"
    good: str = ""
    numbers: tuple[Number, ...] = ()
    pictures: tuple[Picture, ...] = ()
    charts: tuple[Chart, ...] = ()
    cut: str = ""
    note: str = ""
    error: str = ""
    seconds: float = 0.0
    kept: Mapping[str, Tensor] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """All but pixels, drawings and tensors."""
        plain = {
            f.name: getattr(self, f.name)
            for f in fields(self)
            if f.name not in ("numbers", "pictures", "charts", "kept")
        }
        return plain | {
            "numbers": [
                {name: _or_none(value) for name, value in asdict(number).items()}
                for number in self.numbers
            ],
            "pictures": [
                {"file": file, "alt": p.alt, "caption": p.caption, "group": p.group}
                for file, p in zip(self.files(), self.pictures, strict=True)
            ],
            "charts": [
                {"file": f"{IMAGES}/{self.name}-chart-{n}.svg", "alt": c.alt, "caption": c.caption}
                for n, c in enumerate(self.charts)
            ],
        }

    def files(self) -> list[str]:
        """Of each picture, in the report's folder."""
        return [f"{IMAGES}/{self.name}-{n:02d}.png" for n in range(len(self.pictures))]

    def save(self, path: Path) -> None:
        """Everything in one file, atomically."""
        about = self.to_json()
        about["charts"] = [asdict(chart) for chart in self.charts]
        shown = {f"picture.{n:03d}": p.image for n, p in enumerate(self.pictures)}
        kept = {f"kept.{name}": tensor for name, tensor in self.kept.items()}
        save_tensors(path, {**shown, **kept}, {"kind": "section", "schema": SCHEMA, **about})

    @classmethod
    def load(cls, path: Path) -> Self:
        """What ``save`` wrote.

        Raises:
            FileNotFoundError: no such file.
            ValueError: damaged, or something else.
        """
        tensors, about = load_tensors(path, "folder")
        if about.pop("kind", None) != "section" or about.pop("schema", None) != SCHEMA:
            raise ValueError(f"folder: expected a section of an examination in {path}")
        try:
            return cls._of(about, tensors)
        except (LookupError, TypeError, AttributeError) as error:
            raise ValueError(
                f"folder: expected a section of an examination in {path} ({error})"
            ) from error

    @classmethod
    def _of(cls, about: dict[str, Any], tensors: Mapping[str, Tensor]) -> Self:
        about["numbers"] = tuple(Number(**_known(number)) for number in about["numbers"])
        about["pictures"] = tuple(
            Picture(tensors[f"picture.{n:03d}"], p["alt"], p["caption"], p["group"])
            for n, p in enumerate(about["pictures"])
        )
        about["charts"] = tuple(Chart(**chart) for chart in about["charts"])
        prefix = "kept."
        kept = {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
        return cls(**about, kept=kept)


def judged(number: Number, margin: Margin) -> dict[str, Any]:
    """The fields ``grade`` and ``good`` of a section whose first number is this one."""
    return {"grade": GRADES[margin.verdict(number.interval)], "good": margin.words}


def _known(number: dict[str, Any]) -> dict[str, Any]:
    """As a file has it, with what is not known as NaN."""
    return {name: math.nan if value is None else value for name, value in number.items()}


def _or_none(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


@dataclass(frozen=True)
class Report:
    """All sections, and of what.

    Attributes:
        network: ``name``, ``input_shape``, ``classes`` (how many), ``weights`` (a fingerprint).
        settings: ``images`` (how many), ``labels`` (whether they were given), ``minutes``,
            ``seed``, ``judge``, ``measured_on``, ``foolkit``.
        sections: in the order of the page.
        finished: False if it was stopped before the last section.
    """

    network: Mapping[str, Any]
    settings: Mapping[str, Any]
    sections: tuple[Section, ...]
    finished: bool = True

    def __getitem__(self, name: str) -> Section:
        for section in self.sections:
            if section.name == name:
                return section
        known = ", ".join(section.name for section in self.sections)
        raise KeyError(f"expected one of {known}, got {name!r}")

    def __repr__(self) -> str:
        grades = ", ".join(f"{section.name} {section.grade}" for section in self.sections)
        return f"Report({self.network['name']!r}: {grades})"

    @property
    def numbers(self) -> dict[str, Number]:
        """All numbers of all sections, by name."""
        return {number.name: number for section in self.sections for number in section.numbers}

    def rows(self) -> list[dict[str, Any]]:
        """A tidy table, a row for each number."""
        return [
            {
                "section": section.name,
                **{name: "" if (v := _or_none(value)) is None else v
                   for name, value in asdict(number).items()},
            }
            for section in self.sections
            for number in section.numbers
        ]  # fmt: skip

    def to_json(self) -> dict[str, Any]:
        """See the head of this module."""
        return {
            "schema": SCHEMA,
            "network": dict(self.network),
            "settings": dict(self.settings),
            "finished": self.finished,
            "sections": [section.to_json() for section in self.sections],
        }

    def save(self, folder: str | Path, *, book: str | None = None) -> Path:
        """Write ``report.html``, ``report.json``, ``report.csv`` and ``images/``.

        Args:
            folder: where; it may hold an earlier report, which is replaced.
            book: the address of the built book, for links to its chapters; None: they are named.

        Returns:
            The page: one file that needs no other.

        Raises:
            TypeError: no path, no address.
            OSError: the folder cannot be written.
        """
        from foolkit.examination.page import page
        from foolkit.runs.folder import keep_only, write_table

        folder = path_of(folder, "folder")
        if book is not None:
            check_text(book, "book")
        check_writable(folder / REPORT, "folder")
        shown = {
            Path(file).name: picture.image.float() / 255
            for section in self.sections
            for file, picture in zip(section.files(), section.pictures, strict=True)
        }
        keep_only(folder / IMAGES, "*.png", list(shown))
        keep_only(folder / IMAGES, "*.svg", [])
        for name, image in shown.items():
            write_png(folder / IMAGES / name, image)
        for section in self.sections:
            for n, chart in enumerate(section.charts):
                path = folder / IMAGES / f"{section.name}-chart-{n}.svg"
                write_atomically(path, chart.svg.encode())
        write_table(folder / TABLE, self.rows())
        write_atomically(folder / REPORT, json_bytes(self.to_json()))
        write_atomically(folder / PAGE, page(self, book).encode())
        return folder / PAGE

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """What ``save`` wrote, but for the tensors that sections kept.

        Raises:
            TypeError: no path.
            FileNotFoundError: no report there.
            ValueError: damaged, or of another version of the schema.
        """
        from foolkit.files import read_png

        folder = path_of(folder, "folder")
        path = folder / REPORT
        if not path.is_file():
            raise FileNotFoundError(f"folder: expected a report, found no {path}")
        try:
            about = json.loads(path.read_text("utf-8"))
            if about["schema"] != SCHEMA:
                raise ValueError(f"schema {about['schema']}, and not {SCHEMA}")
            channels = about["network"]["input_shape"][0]
            sections = []
            for one in about["sections"]:
                pixels = {
                    f"picture.{n:03d}": as_bytes(read_png(folder / p["file"], channels))
                    for n, p in enumerate(one["pictures"])
                }
                one["charts"] = [
                    {
                        "svg": (folder / c["file"]).read_text("utf-8"),
                        "alt": c["alt"],
                        "caption": c["caption"],
                    }
                    for c in one["charts"]
                ]
                sections.append(Section._of(one, pixels))
            found = cls(about["network"], about["settings"], tuple(sections), about["finished"])
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise ValueError(
                f"folder: expected a complete report of foolkit in {folder} ({error})"
            ) from error
        return found
