"""What the search shows below its hits, from disk too: a Sphinx extension, for ``_config.yml``.

Sphinx's search fetches each page that it found, for an excerpt; a page opened from disk may fetch
nothing. So the running text of all pages stands in one script, which the search's page loads, and
``book/assets/search-texts.js`` answers in place of the site.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx


def running_text(document: nodes.document) -> str:
    """The paragraphs and captions of a page."""
    found = [*document.findall(nodes.paragraph), *document.findall(nodes.caption)]
    return "\n".join(" ".join(node.astext().split()) for node in found)


class PageTexts:
    """The texts of one build, by page."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def remember(self, _: Sphinx, document: nodes.document, docname: str) -> None:
        """Keep the text of a page that is written."""
        self.texts[docname] = running_text(document)

    def write(self, app: Sphinx, error: Exception | None) -> None:
        """Write all of them as one script."""
        if error is None:
            content = json.dumps(self.texts, ensure_ascii=False)
            file = Path(app.outdir) / "_static" / "page-texts.js"
            file.write_text(f"globalThis.foolkitTexts = {content};\n", "utf-8")


def load(app: Sphinx, pagename: str, _: str, __: dict[str, Any], ___: Any) -> None:
    """The search's page loads them."""
    if pagename == "search":
        app.add_js_file("page-texts.js")
        app.add_js_file("search-texts.js")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register it."""
    pages = PageTexts()
    app.connect("doctree-resolved", pages.remember)
    app.connect("build-finished", pages.write)
    app.connect("html-page-context", load)
    return {"parallel_read_safe": True, "parallel_write_safe": False}
