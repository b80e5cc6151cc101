"""What a page need not load before it is read: a Sphinx extension, for ``_config.yml``.

Once all pages are written: figures are loaded when they come near the screen (of two themes only
the one that is shown), with their size, so that nothing moves; the theme's icons come from its
font alone, not from a script of one and a half megabytes beside it; and what searches waits until
the page stands.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from PIL import Image
from sphinx.application import Sphinx

FIGURE = re.compile(r'<img (?P<attributes>[^>]*src="(?P<source>_images/[^"]+)"[^>]*?) ?/?>')
ICONS = re.compile(r'\s*<script[^>]*src="[^"]*/fontawesome\.js[^"]*"[^>]*></script>')
SEARCH = re.compile(r'<script(?= src="(_static/searchtools|_static/language_data|searchindex)\.js)')


@cache
def size(file: Path) -> tuple[int, int] | None:
    """Width and height of a picture in pixels; None of one that has none, or is not there."""
    if file.suffix == ".svg" or not file.is_file():
        return None
    with Image.open(file) as picture:
        return picture.size


def lighten(page: str, folder: Path) -> str:
    """The source of a page of ``folder``, which loads less at first."""

    def figure(found: re.Match[str]) -> str:
        attributes = found["attributes"]
        if "loading=" not in attributes:
            attributes += ' loading="lazy" decoding="async"'
        pixels = size(folder / found["source"])
        if pixels and " height=" not in attributes:
            attributes += f' width="{pixels[0]}" height="{pixels[1]}"'
        return f"<img {attributes}/>"

    page = ICONS.sub("", page)
    if 'id="search-results"' not in page:  # there the page's own scripts ask at once
        page = SEARCH.sub("<script defer", page)
    return FIGURE.sub(figure, page)


def write(app: Sphinx, error: Exception | None) -> None:
    """All pages of a build."""
    if error is not None or app.builder.format != "html":
        return
    folder = Path(app.outdir)
    for file in folder.glob("*.html"):
        page = file.read_text("utf-8")
        if (lighter := lighten(page, folder)) != page:
            file.write_text(lighter, "utf-8")
    (folder / "_static" / "scripts" / "fontawesome.js").unlink(missing_ok=True)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register it."""
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
