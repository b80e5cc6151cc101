"""What the book's pages have beyond notebooks: a Sphinx extension, named in ``_config.yml``.

* ``<!-- road -->``: the chapters as cards, where a notebook in Jupyter has nothing to show;
  ``{lessons}``: what each holds for a class, as a table.
* Two ways to read, *story* and *lab*: each code cell gets a button, its text outputs a table where
  they are one, its checks a sign; ``book/assets/reading.js`` switches.
* A description and Open Graph tags for every page, and a page for addresses that lead nowhere.
* A line in place of a widget where scripts do not run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective

from foolkit.book.road import cards
from foolkit.book.teaching import lessons

TRUTH = re.compile(r"\S.*: (True|False)")
FACT = re.compile(r"(\S[^:]*(?::(?! )[^:]*)*):\s+(\S.*)")
VIEW = "jupyter.widget-view+json"
ROAD = "<!-- road -->"
WITHOUT_SCRIPTS = (
    "<noscript><p>Here stands a live experiment, which needs JavaScript.</p></noscript>"
)
LOST = """<section><h1>There is nothing at this address</h1>
<p>The page may have moved. <a href="index.html">To the first page.</a></p>
</section>"""
LONGEST = 200  # characters of a page's description


class Road(SphinxTransform):
    """The cards of all chapters, each a link, in place of a comment."""

    default_priority = 500

    def apply(self, **_: Any) -> None:
        """Change the page's document."""
        for comment in list(self.document.findall(is_road)):
            comment.replace_self(nodes.raw("", self.listed(), format="html"))

    def listed(self) -> str:
        """All cards as one list; their pictures are written to where the pages have theirs."""
        book = Path(self.env.srcdir)
        pictures = Path(self.app.outdir) / "_images"
        pictures.mkdir(parents=True, exist_ok=True)
        self.env.note_dependency(str(book / "_road.yml"))
        items = []
        for number, card in enumerate(cards(book), 1):
            shown = ""
            if card.picture:
                (pictures / f"road-{card.name}.webp").write_bytes(card.picture)
                shown = (
                    f'<img src="_images/road-{card.name}.webp" alt="" width="480" height="270" '
                    'loading="lazy"/>'
                )
            items.append(
                f'<li><a class="book-card" href="{card.name}.html">{shown}'
                f'<span class="book-card-question">{number}. {escape(card.question)}</span>'
                f"<span>You will be able to {escape(card.able)}</span>"
                f'<span class="book-card-minutes">{card.minutes} minutes</span></a></li>'
            )
        return f'<ol class="book-road">{"".join(items)}</ol>'


def is_road(node: nodes.Node) -> bool:
    """Whether a node is the comment that the cards replace."""
    return isinstance(node, nodes.raw) and node.astext().strip() == ROAD


class Lessons(SphinxDirective):
    """A table of all chapters: minutes, guesses, live experiments, exercises of each kind."""

    HEAD = ("chapter", "minutes", "guesses", "live", "checked", "answered", "open")

    def run(self) -> list[nodes.Node]:
        """One table."""
        self.env.note_dependency(str(Path(self.env.srcdir) / "_road.yml"))
        head = "".join(f'<th scope="col">{name}</th>' for name in self.HEAD)
        rows = "".join(
            f'<tr><td><a href="{one.card.name}.html">{escape(one.card.question)}</a></td>'
            + "".join(
                f"<td>{count}</td>"
                for count in (
                    one.card.minutes,
                    one.guesses,
                    one.widgets,
                    one.checked,
                    one.others,
                    one.open,
                )
            )
            + "</tr>"
            for one in lessons(Path(self.env.srcdir))
        )
        table = f'<table class="table"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
        scrolls = f'<div class="pst-scrollable-table-container">{table}</div>'
        return [nodes.raw("", scrolls, format="html")]


class Reading(SphinxPostTransform):
    """Prepares every code cell for the two ways to read, before myst-nb folds what is tagged."""

    default_priority = 150
    formats = ("html",)

    def run(self, **_: Any) -> None:
        """Change the page's document."""
        for cell in self.document.findall(is_cell):
            prepare(cell)


class Buttons(SphinxPostTransform):
    """A button below every code cell, once myst-nb has folded what is tagged."""

    default_priority = 250
    formats = ("html",)

    def run(self, **_: Any) -> None:
        """Change the page's document."""
        for cell in list(self.document.findall(is_cell)):
            if sign := cell.get("sign"):
                button = '<button type="button" class="book-code" aria-expanded="false">'
                cell += nodes.raw("", f"{button}{sign}</button>", format="html")
            if any(VIEW in node.astext() for node in cell.findall(nodes.raw)):
                cell += nodes.raw("", WITHOUT_SCRIPTS, format="html")


def is_cell(node: nodes.Node) -> bool:
    """Whether a node is a code cell."""
    return isinstance(node, nodes.container) and node.get("nb_element") == "cell_code"


def is_exercise(node: nodes.Node | None) -> bool:
    """Whether a node stands in a section of exercises."""
    while node is not None:
        if isinstance(node, nodes.section) and "exercises" in node["names"]:
            return True
        node = node.parent
    return False


def prepare(cell: nodes.container) -> None:
    """Mark what the story shows of a cell; ``sign`` is what its button says, if it gets one."""
    if "tag_exercise" in cell["classes"]:
        return  # of an edition for students or teachers: it stays open
    streams = [
        block
        for block in cell.findall(nodes.literal_block)
        if "output" in block["classes"] and "stream" in block["classes"]
    ]
    lines = [line for block in streams for line in block.astext().splitlines() if line.strip()]
    truths = [match[1] for line in lines if (match := TRUTH.fullmatch(line))]
    outputs = [
        n for n in cell.findall(nodes.container) if n.get("nb_element") == "cell_code_output"
    ]
    shown = sum(len(output.children) for output in outputs)
    checks = bool(truths) and len(truths) == len(lines) and shown == len(streams)
    if cell.get("hide_mode") == "all" and is_exercise(cell):
        cell["classes"].append("book-solution")  # already folded, under its own name
        cell["prompt_show"], cell["prompt_hide"] = "Solution, as code", "Hide the solution"
        return
    if not checks:
        for block in streams:
            add_table(block)
    cell["classes"] += ["book-cell"] + ["book-quiet"] * (checks or not shown)
    cell["prompt_show"], cell["prompt_hide"] = "Show the {type}", "Hide the {type}"
    cell["sign"] = f"Code · {verdict(truths)}" if checks else "Code"


def verdict(truths: list[str]) -> str:
    """What a cell's checks came to, in words."""
    right, count = truths.count("True"), len(truths)
    checks = f"{count} check{'' if count == 1 else 's'}"
    return f"✓ {checks}" if right == count else f"{checks}, {right} true, {count - right} false"


def add_table(block: nodes.literal_block) -> None:
    """Beside a text output of lines "fact: value", the same as a table, for the story."""
    lines = [line for line in block.astext().splitlines() if line.strip()]
    facts = [FACT.fullmatch(line) for line in lines]
    if not lines or not all(facts):
        return
    signs = {"True": "✓ true", "False": "✗ false"}
    rows = "".join(
        f'<tr><th scope="row">{escape(fact[1])}</th>'
        f"<td>{escape(signs.get(fact[2].strip(), fact[2].strip()))}</td></tr>"
        for fact in facts
        if fact
    )
    table = f'<table class="book-facts"><tbody>{rows}</tbody></table>'
    block["classes"].append("book-as-text")
    block.parent.insert(block.parent.index(block) + 1, nodes.raw("", table, format="html"))


def describe(
    app: Sphinx, pagename: str, _: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """A page's description and Open Graph tags, from its first paragraph."""
    if doctree is None:
        context["metatags"] = (
            context.get("metatags", "") + '<meta name="robots" content="noindex"/>'
        )
        return
    paragraphs = (p.astext().replace("\n", " ") for p in doctree.findall(nodes.paragraph))
    about = next((text for text in paragraphs if text), app.config.html_title)
    if len(about) > LONGEST:
        about = about[:LONGEST].rsplit(" ", 1)[0] + " …"
    if pagename == app.config.root_doc:  # one title, and not its first half twice
        context["title"], context["docstitle"] = app.config.html_title, ""
    title = context.get("title") or app.config.html_title
    base = app.config.html_baseurl  # set once the book has an address: shared pictures need one
    tags = {
        "og:type": "article",
        "og:title": title,
        "og:description": about,
        "og:site_name": "Certain and Wrong",
        "og:image": f"{base}_static/share.png",
    }
    if base:
        tags["og:url"] = f"{base}{pagename}.html"
    made = [f'<meta name="description" content="{escape(about)}"/>']
    made += [f'<meta property="{name}" content="{escape(tag)}"/>' for name, tag in tags.items()]
    made.append('<meta name="twitter:card" content="summary_large_image"/>')
    context["metatags"] = context.get("metatags", "") + "\n".join(made)


def lost(_: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """The page that a server shows for an address that leads nowhere."""
    yield "404", {"title": "Nothing here", "body": LOST}, "page.html"


def without_idle_scripts(
    _: Sphinx, __: str, ___: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Leave out Thebe, which wants a kernel and loads twice, and MathJax where no formula is."""
    idle = ["thebe"]
    if doctree is None or not any(doctree.findall(is_formula)):
        idle.append("mathjax")
    context["script_files"] = [
        file
        for file in context.get("script_files", [])
        if not any(name in f"{file}{getattr(file, 'attributes', '')}".lower() for name in idle)
    ]


def is_formula(node: nodes.Node) -> bool:
    """Whether MathJax has something to draw there."""
    return isinstance(node, (nodes.math, nodes.math_block))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register all of it."""
    app.add_transform(Road)
    app.add_directive("lessons", Lessons)
    app.add_post_transform(Reading)
    app.add_post_transform(Buttons)
    app.add_js_file("reading.js", priority=100)  # at once, in the head: before anything is drawn
    app.connect("html-collect-pages", lost)
    app.connect("html-page-context", describe)
    app.connect("html-page-context", without_idle_scripts, priority=900)  # after they were added
    return {"parallel_read_safe": True, "parallel_write_safe": True}
