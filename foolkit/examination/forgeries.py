"""All that fooled the network in the sections so far, for those that look at it again."""

from __future__ import annotations

from foolkit.analysis import Forgeries
from foolkit.examination.context import Context
from foolkit.examination.report import Section
from foolkit.models.classifier import predict

CERTAIN = 0.99  # from which an image that shows nothing counts as one that fools


def forgeries(context: Context) -> dict[str, Forgeries]:
    """By family: what was changed until it fools, and what was made from nothing and is certain."""
    found: dict[str, Forgeries] = {}
    none = Section("", "", "")
    near = context.found.get("neighbours", none).kept
    if len(near.get("images", ())):
        found["neighbours"] = Forgeries(
            near["images"], near["classes"], originals=near["originals"], truth=near["labels"]
        )
    hit = context.found.get("attacks", none).kept
    if "success" in hit and bool(hit["success"].any()):
        keep = hit["success"]
        found["attacks"] = Forgeries(
            hit["images"][keep], hit["classes"][keep], originals=hit["originals"][keep],
            truth=hit["labels"][keep],
        )  # fmt: skip
    bred = context.found.get("evolved", none).kept
    for kind in ("patterns", "noise"):
        if f"{kind}.images" not in bred:
            continue
        images = bred[f"{kind}.images"].to(context.images.device)
        confidence, said = predict(context.net, images, context.chunk).max(1)
        sure = confidence >= CERTAIN
        if bool(sure.any()):
            runs = bred[f"{kind}.runs"]
            found[kind] = Forgeries(images[sure], said[sure], runs=runs[sure.to(runs.device)])
    painted = context.found.get("painted", none).kept
    if len(painted.get("images", ())):
        found["painted"] = Forgeries(painted["images"], painted["classes"])
    return found
