"""The list of references: links to the papers, and back to the pages that cite them.

A Sphinx extension, named in ``_config.yml``.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

ADDRESS = re.compile(r"(?P<arxiv>arXiv:(\d{4}\.\d{4,5}))|(?P<doi>doi:(10\.\S+[^\s.,]))")


class Bibliography(SphinxPostTransform):
    """Links in every entry of a bibliography."""

    default_priority = 300  # once citations have been resolved
    formats = ("html",)

    def run(self, **_: Any) -> None:
        """Change the page's document."""
        entries = list(self.document.findall(nodes.citation))
        if not entries:
            return
        cited = cited_in(self.env.get_domain("cite"))
        for entry in entries:
            for text in list(entry.findall(nodes.Text)):
                if not isinstance(text.parent, nodes.reference):
                    text.parent.replace(text, linked(text.astext()))
            pages = [page for name in entry["ids"] for page in cited.get(name, [])]
            if pages:
                entry += self.way_back(pages)

    def way_back(self, pages: list[str]) -> nodes.paragraph:
        """Links to the pages that cite an entry."""
        line = nodes.paragraph("", "Cited in: ", classes=["book-cited"])
        for number, page in enumerate(pages):
            if number:
                line += nodes.Text("; ")
            uri = self.app.builder.get_relative_uri(self.env.docname, page)
            title = self.env.titles[page].astext()
            line += nodes.reference("", title, refuri=uri, internal=True)
        line += nodes.Text(".")
        return line


def cited_in(domain: Any) -> dict[str, list[str]]:
    """By the id of an entry, the pages that cite it, each once."""
    ids = {citation.key: citation.citation_id for citation in domain.citations}
    pages: dict[str, list[str]] = defaultdict(list)
    for reference in domain.citation_refs:
        for target in reference.targets:
            found = pages[ids[target.key]]
            if reference.docname not in found:
                found.append(reference.docname)
    return pages


def linked(text: str) -> list[nodes.Node]:
    """A text whose arXiv numbers and DOIs are links."""
    parts: list[nodes.Node] = []
    at = 0
    for match in ADDRESS.finditer(text):
        number = match[2] or match[4]
        site = "https://arxiv.org/abs/" if match["arxiv"] else "https://doi.org/"
        parts.append(nodes.Text(text[at : match.start()]))
        parts.append(nodes.reference("", match[0], refuri=site + number))
        at = match.end()
    return [*parts, nodes.Text(text[at:])]


def name_roles(_: Sphinx, __: str, ___: str, context: dict[str, Any], ____: Any) -> None:
    """docutils gives an entry a role that a list may not hold."""
    if "body" in context:
        context["body"] = context["body"].replace('role="doc-biblioentry"', 'role="listitem"')


def setup(app: Sphinx) -> dict[str, bool]:
    """Register it."""
    app.add_post_transform(Bibliography)
    app.connect("html-page-context", name_roles)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
