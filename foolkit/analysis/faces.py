"""What a pooled network makes of the parts of a picture, if it is not shown them together."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor, nn

from foolkit.checks import check_choice, check_kind
from foolkit.data.faces import SIZE, Drawing
from foolkit.models import Classifier
from foolkit.models.faces import FaceNet

Shared = Literal["all", "outline", "parts", "none"]


def logits_apart(net: Classifier, drawings: Drawing, shared: Shared = "none") -> Tensor:
    """Logits of a pooled face network whose windows do not see everything at once.

    The pooled features of a picture are means over windows. What each thing in the picture adds
    to those of an empty one can be added up, as if no window had seen two of them. The head
    then reads the sum. Where things lie makes no difference to it any more, but for fractions
    of a pixel.

    Args:
        net: a pooled network of ``foolkit.models.faces``.
        drawings: N pictures.
        shared: what a window may see together: ``"all"``: everything, as the network does;
            ``"outline"``: one part and the outline; ``"parts"``: the parts, without the outline;
            ``"none"``: one thing at a time.

    Returns:
        float32 ``[N, 2]``, for "no face" and "face".

    Raises:
        TypeError, ValueError: another kind of network, or an unknown ``shared``.
    """
    check_choice(shared, get_args(Shared), "shared")
    module = getattr(net, "module", None)
    if not isinstance(module, FaceNet) or not isinstance(module.pool2, nn.AdaptiveAvgPool2d):
        raise TypeError("net: expected a pooled network of foolkit.models.faces")
    steps = list(module)
    at = steps.index(module.flatten) + 1
    features, head = nn.Sequential(*steps[:at]), nn.Sequential(*steps[at:])
    check_kind(drawings, Drawing, "drawings")
    layers = drawings.layers()
    parts, outline = layers[:, :-1], layers[:, -1:]
    with torch.inference_mode():
        if shared == "all":
            return head(features(drawings.images()))
        ground = features(outline if shared == "outline" else torch.zeros(1, 1, SIZE, SIZE))
        if shared == "outline":
            things = torch.maximum(parts, outline)
        elif shared == "parts":
            things = torch.cat([parts.amax(1, keepdim=True), outline], 1)
        else:
            things = layers
        added = [features(thing[:, None]) - ground for thing in things.unbind(1)]
        return head(ground + torch.stack(added).sum(0))
