"""The page of a report: one file that needs no other, for any screen, for paper, light and dark."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from html import escape
from itertools import groupby

from PIL import Image

from foolkit.examination.report import Chart, Grade, Number, Picture, Report, Section
from foolkit.examination.yardsticks import Yardstick, yardsticks

FIRST = 5  # verdicts of the first screen
LARGE = 64  # pixels: larger pictures are shown as WebP, the folder has them as they are
SHOWN = 144  # pixels of the longer side of these, at most
QUALITY = 75  # of these
SIGNS: dict[Grade, tuple[str, str]] = {
    "good": ("✓", "good"), "bad": ("✗", "falls short"), "unclear": ("?", "undecided"),
    "none": ("–", "no answer"),
}  # fmt: skip
UNITS = {
    "share": "", "difference": "", "pixel range": "of the pixel range",
    "length": "Euclidean, of the pixel range", "factor": "times",
}  # fmt: skip
STYLE = """
:root { color-scheme: light dark; --ink: #1f2328; --soft: #59636e; --line: #d1d9e0;
  --paper: #fff; --card: #f6f8fa; --good: #116329; --bad: #a40e26; --unclear: #7d4e00;
  font: 16px/1.55 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
@media screen and (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9aa4ae;
  --line: #3d444d; --paper: #0d1117; --card: #161b22; --good: #57d364; --bad: #ff8182;
  --unclear: #e3b341; } }
body { margin: 0 auto; max-width: 60rem; padding: 1rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0.5rem 0; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; margin: 0 0 0.25rem; }
a { color: inherit; }
.soft, figcaption, small { color: var(--soft); font-size: 0.875rem; }
.verdicts { display: grid; gap: 0.75rem; list-style: none; padding: 0;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 17rem), 1fr)); }
.verdicts li, details { background: var(--card); border: 1px solid var(--line);
  border-radius: 0.5rem; padding: 0.75rem; }
.verdicts a { display: block; font-weight: 600; }
.grade { font-weight: 600; }
.good { color: var(--good); } .bad { color: var(--bad); } .unclear { color: var(--unclear); }
section { border-top: 1px solid var(--line); margin-top: 2rem; padding-top: 1.25rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid var(--line); padding: 0.3rem 0.75rem 0.3rem 0; text-align: left;
  vertical-align: top; }
tbody th { font-weight: normal; }
tbody th { min-width: 9rem; }
.ends { white-space: nowrap; }
figure { margin: 0.75rem 0; break-inside: avoid; }
svg { color: var(--ink); height: auto; max-width: 100%; }
svg text { font-family: inherit !important; }
.pictures { display: flex; flex-wrap: wrap; gap: 0.75rem 1.5rem; }
.group { display: flex; gap: 0.5rem; }
.group figure { margin: 0; width: 8.5rem; }
.group img { border: 1px solid var(--line); box-sizing: border-box; display: block; height: auto;
  width: 100%; }
img[src^="data:image/png"] { image-rendering: pixelated; }
.group figcaption { overflow-wrap: anywhere; }
dl { display: grid; gap: 0 1rem; grid-template-columns: max-content 1fr; }
dd { margin: 0; overflow-wrap: anywhere; }
@media (max-width: 30rem) { .group { flex-wrap: wrap; } .group figure { width: 6.2rem; } }
@media print { body { max-width: none; } h2, h2 + p { break-after: avoid; }
  .verdicts li, details { border-color: #999; } }
"""
HOW = """<details open><summary><strong>How to read this</strong></summary>
<p>Each section is one chapter's experiment of the book, made on this network. A verdict comes from
the first number of a section: <em>good</em> if the whole interval of that number lies within
what counts as good, <em>falls short</em> if it lies outside, <em>undecided</em> if it does
neither. Numbers in brackets are intervals of 95 %, over pictures, or
over whole runs of evolution; beside them stand networks of the book, measured by the same
program. Sizes are in units of the pixel range, in which black is 0 and white is 1, so that 0.03
is about 8 of 255 levels. Where the time did not suffice for all, a
section says what was cut, and how much wider its intervals are for it: more time (minutes) makes
them narrower. That an attack failed proves nothing: a better one may not. Large
pictures are shown reduced; the folder <code>images</code> of the report has them as the network
saw them.</p>
</details>"""


def page(report: Report, book: str | None = None) -> str:
    """The report as HTML.

    Args:
        report: what is shown.
        book: the address of the built book's folder, for links to its chapters.
    """
    name = escape(report.network["name"])
    yards = yardsticks()
    answered = sorted(report.sections, key=lambda section: bool(section.error))  # those first
    verdicts = "\n".join(_verdict(section) for section in answered[:FIRST])
    rest = "\n".join(_section(section, yards, book) for section in report.sections)
    stopped = "" if report.finished else "<p><strong>Stopped before the last section.</strong></p>"
    about = report.settings
    pictures = f"{about['images']} pictures, " + (
        "with labels" if about["labels"]
        else "without labels: what the network says of them counts as right"
    )  # fmt: skip
    classes = report.network["classes"]
    settings = {"weights": report.network["weights"], **about}
    listed = "".join(
        f"<dt>{escape(str(key))}</dt><dd>{escape(_plain(value))}</dd>"
        for key, value in settings.items()
    )
    beside = "; ".join(f"{escape(y.name)}, {escape(y.words)}" for y in yards) or "nothing"
    text = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>How {name} can be fooled</title>
<style>{STYLE}</style>
</head>
<body>
<main>
<h1>How <bdi>{name}</bdi> can be fooled</h1>
<p class="soft">{classes} classes, one a picture (a softmax); {pictures}.</p>
{stopped}
<ul class="verdicts">
{verdicts}
</ul>
{HOW}
{rest}
<section id="settings"><h2>Settings</h2><dl>{listed}</dl>
<p class="soft">Beside the numbers: {beside}.</p>
</section>
</main>
</body>
</html>
"""
    return text.replace(" %", "\N{NO-BREAK SPACE}%")


def _plain(value: object) -> str:
    """A setting in a word."""
    if value is None:
        return "–"
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _grade(section: Section) -> str:
    sign, words = SIGNS[section.grade]
    return f'<span class="grade {section.grade}">{sign} {words}</span>'


def _verdict(section: Section) -> str:
    said = section.verdict or _sentence(section.error)
    return (
        f'<li><a href="#{section.name}">{escape(section.title)}</a>{_grade(section)}'
        f"<br>{escape(said)}</li>"
    )


def _sentence(text: str) -> str:
    """With a capital, and a full stop."""
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _section(section: Section, yards: Iterable[Yardstick], book: str | None) -> str:
    parts = [f"<h2>{escape(section.title)}</h2>"]
    if section.error:
        parts.append(f"<p>{escape(_sentence(section.error))}</p>")
    else:
        parts += [
            f"<p>{_grade(section)}. {escape(section.verdict)}</p>",
            "".join(map(_chart, section.charts)),
            _pictures(section),
            _table(section.numbers, list(yards)),
            f'<p class="soft">A good value would be: {escape(section.good)}.</p>',
        ]
    said = (section.note, _sentence(section.cut))
    parts += [f'<p class="soft">{escape(text)}</p>' for text in said if text]
    chapter = section.chapter.replace("-", " ")
    link = chapter
    if book:
        address = escape(f"{book}/{section.chapter}.html", quote=True)
        link = f'<a href="{address}">{chapter}</a>'
    parts.append(f'<p class="soft">In the book: {link}.</p>')
    return f'<section id="{section.name}">{"".join(parts)}</section>'


def _chart(chart: Chart) -> str:
    label = escape(chart.alt, quote=True)
    svg = chart.svg.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)
    return f"<figure>{svg}<figcaption>{escape(chart.caption)}</figcaption></figure>"


def _pictures(section: Section) -> str:
    groups = (
        '<div class="group">' + "".join(map(_picture, group)) + "</div>"
        for _, group in groupby(section.pictures, key=lambda picture: picture.group)
    )
    return f'<div class="pictures">{"".join(groups)}</div>' if section.pictures else ""


def _picture(picture: Picture) -> str:
    pixels = picture.image
    if len(pixels) not in (1, 3):  # as in a file: channels side by side
        pixels = pixels.permute(1, 0, 2).flatten(1)[None]
    array = pixels.permute(1, 2, 0).numpy()
    opened = Image.fromarray(array[:, :, 0] if array.shape[2] == 1 else array)
    kind, how = "png", {"optimize": 1}
    if max(opened.size) > LARGE:
        kind, how = "webp", {"quality": QUALITY, "method": 6}
        opened.thumbnail((SHOWN, SHOWN), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    opened.save(file, kind, **how)
    content = base64.b64encode(file.getvalue()).decode()
    height, width = pixels.shape[1:]
    return (
        f'<figure><img src="data:image/{kind};base64,{content}" width="{width}" height="{height}"'
        f' alt="{escape(picture.alt, quote=True)}"><figcaption><bdi>{escape(picture.caption)}</bdi>'
        "</figcaption></figure>"
    )


def _cell(told: str) -> str:
    """A number, and its interval in one piece."""
    value, bracket, ends = told.partition(" [")
    known = bracket and any(sign.isdigit() for sign in ends)
    interval = f' <span class="ends">[{escape(ends)}</span>' if known else ""
    return f"<td>{escape(value)}{interval}</td>"


def _table(numbers: Iterable[Number], yards: list[Yardstick]) -> str:
    head = "".join(f'<th scope="col">{escape(y.name)}</th>' for y in yards)
    rows = []
    for number in numbers:
        beside = "".join(map(_cell, [str(number), *(y.told(number) for y in yards)]))
        unit = f" ({UNITS[number.unit]})" if UNITS[number.unit] else ""
        rows.append(
            f'<tr><th scope="row">{escape(number.words)}{unit}<br>'
            f"<small>{escape(number.name)}</small></th>{beside}</tr>"
        )
    return (
        '<div class="wide" tabindex="0" role="region" aria-label="Numbers"><table><thead><tr>'
        f'<td></td><th scope="col">this network</th>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )
