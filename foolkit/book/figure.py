"""How the HTML book shows a ``foolkit.plot.Figure``: a plugin of myst-nb, the book's builder."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, ClassVar

from docutils import nodes

ENDINGS = {"image/png": "png", "image/jpeg": "jpg"}


class BookFigure:
    """Turns a figure's output into a ``<figure>``: its versions, alt text, caption."""

    mime_priority_overrides: ClassVar[Sequence[tuple[str, str, int | None]]] = ()

    @staticmethod
    def handle_mime(renderer: Any, data: Any, inline: bool) -> list[nodes.Element] | None:
        """Docutils nodes for a picture that has a caption in its metadata; None for others."""
        about = data.output_metadata.get(data.mime_type, {})
        if inline or data.mime_type not in ENDINGS or "caption" not in about:
            return None
        ending = ENDINGS[data.mime_type]

        def image(content: str, shown: str) -> nodes.image:
            picture = b64decode(content)
            uri = renderer.write_file(
                [f"{sha256(picture).hexdigest()}.{ending}"], picture, overwrite=False,
                exists_ok=True,
            )  # fmt: skip
            return nodes.image(
                uri=uri, alt=about["alt"], width=f"{about['width']}px", classes=[shown]
            )

        figure = nodes.figure("", classes=["book-figure"])
        if "dark" in about:
            figure += image(data.content, "only-light")
            figure += image(about["dark"], "only-dark")
        else:  # one for both, which the theme leaves as it is
            figure += image(data.content, "dark-light")
        figure += nodes.caption("", about["caption"])
        return [figure]
