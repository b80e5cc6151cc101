"""A face detector: the three networks of MTCNN one after another, from frames to boxes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad

from foolkit.checks import check_between, check_images, check_number, check_numbers, device_named
from foolkit.models import mtcnn
from foolkit.models.classifier import Classifier
from foolkit.models.precision import device_of

WINDOW, STRIDE = 12, 2  # of the first network, in pixels
SAME_SCALE, SAME_PLACE = 0.5, 0.7  # overlap from which two boxes are one
BATCH = 512  # crops at once


class FaceDetector:
    """MTCNN (Zhang et al. 2016, section 2), as the package ``facenet-pytorch`` runs it.

    1. **Pyramid.** The frames are shrunk step by step, until a face as tall as the frame fits the
       first network's window of 12 pixels.
    2. **Proposal.** The first network looks at all windows of all sizes; those with a confidence
       of ``thresholds[0]`` are candidates. Of those that overlap, the surest is kept
       (non-maximum suppression). Each box is moved as the network says, and made a square.
    3. **Refinement.** The second network looks at each candidate, at 24 pixels, and rejects most.
    4. **Output.** The third looks at what is left, at 48 pixels, and decides.

    To fool the detector is to fool all three, each at its own resolution.

    Args:
        device: where the networks go.
        thresholds: confidence that each network asks for, in [0, 1].
        smallest: height of the smallest face that is looked for, in pixels.
        factor: by which one size of the pyramid is smaller than the last, in (0, 1).

    Raises:
        FileNotFoundError: the package that carries the weights is not installed.
        TypeError, ValueError: an argument that does not fit.
    """

    def __init__(
        self,
        device: torch.device | str = "cpu",
        *,
        thresholds: tuple[float, float, float] = (0.6, 0.7, 0.7),
        smallest: float = 20,
        factor: float = 0.709,
    ) -> None:
        device, least = device_named(device), check_numbers(thresholds, "thresholds", 0, 1)
        if len(least) != 3:
            raise ValueError(f"thresholds: expected three numbers, got {least}")
        check_number(smallest, "smallest", least=WINDOW)
        check_between(factor, "factor")
        self.thresholds, self.smallest, self.factor = least, float(smallest), float(factor)
        self.networks = tuple(mtcnn.load(name, device) for name in mtcnn.NAMES)

    @torch.inference_mode()
    def detect(self, frames: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """The faces in each frame, the surest first.

        Args:
            frames: float32 ``[N, 3, H, W]`` in [0, 1], on the networks' device.

        Returns:
            N tensors ``[M, 4]``, boxes as left, top, right and bottom in pixels, which may reach
            beyond the frame; and N tensors ``[M]``, the third network's confidence of each.

        Raises:
            TypeError, ValueError: other images.
        """
        check_images(frames)
        if frames.shape[1] != 3:
            raise ValueError(f"frames: expected three colours, got {list(frames.shape)}")
        device = device_of(self.networks[0])
        if frames.device != device:
            raise ValueError(f"frames: expected them on {device}, got {frames.device}")
        boxes, scores, owners = self._proposed(frames)
        table = summed(frames)
        for stage in (1, 2):
            network, last = self.networks[stage], stage == 2
            boxes, owners = boxes_within(squares(boxes), owners, frames)
            logits, shift = self._looked(network, table, boxes, owners)
            scores = logits.softmax(1)[:, 1]
            sure = scores > self.thresholds[stage]
            boxes, scores, owners, shift = boxes[sure], scores[sure], owners[sure], shift[sure]
            if last:  # moved first, then compared; the second network does it the other way round
                boxes = shifted(boxes, shift, 1)
            kept = suppressed(boxes, scores, owners, SAME_PLACE, smaller=last)
            boxes, scores, owners = boxes[kept], scores[kept], owners[kept]
            if not last:
                boxes = shifted(boxes, shift[kept], 1)
        each = [owners == frame for frame in range(len(frames))]
        return [boxes[own] for own in each], [scores[own] for own in each]

    def pyramid(self, height: int, width: int) -> list[float]:
        """The scales at which the first network looks at a frame."""
        scales, scale = [], WINDOW / self.smallest
        while min(height, width) * scale >= WINDOW:
            scales.append(scale)
            scale *= self.factor
        return scales

    def _proposed(self, frames: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Candidates ``[M, 4]`` of the first network, their confidence, and whose they are."""
        height, width = frames.shape[2:]
        found = [(frames.new_zeros(0, 9), frames.new_zeros(0, dtype=torch.long))]
        for scale in self.pyramid(height, width):
            size = (int(height * scale + 1), int(width * scale + 1))
            logits, shift = _look(self.networks[0], interpolate(frames, size, mode="area"))
            confidence = logits.softmax(1)[:, 1]
            owner, row, column = (confidence >= self.thresholds[0]).nonzero(as_tuple=True)
            corner = torch.stack([column, row], 1) * STRIDE + 1
            first, end = (corner / scale).floor(), ((corner + WINDOW - 1) / scale).floor()
            scores = confidence[owner, row, column, None]
            rows = torch.cat([first, end, scores, shift[owner, :, row, column]], 1)
            kept = suppressed(rows[:, :4], rows[:, 4], owner, SAME_SCALE)
            found.append((rows[kept], owner[kept]))
        rows, owners = (torch.cat(parts) for parts in zip(*found, strict=True))
        kept = suppressed(rows[:, :4], rows[:, 4], owners, SAME_PLACE)
        rows, owners = rows[kept], owners[kept]
        return shifted(rows[:, :4], rows[:, 5:], 0), rows[:, 4], owners

    def _looked(
        self, network: Classifier, table: Tensor, boxes: Tensor, owners: Tensor
    ) -> tuple[Tensor, Tensor]:
        """What a network says of what is in the boxes: logits ``[M, 2]``, shifts ``[M, 4]``."""
        size = network.input_shape[1]
        parts = [
            _look(network, crops(table, part, owner, size).float())
            for part, owner in zip(boxes.split(BATCH), owners.split(BATCH), strict=True)
        ]
        logits, shifts = zip(*parts, strict=True)
        return torch.cat(logits), torch.cat(shifts)


def _look(network: Classifier, images: Tensor) -> tuple[Tensor, Tensor]:
    """Logits and shifts of images; all three networks have such a method."""
    return cast(mtcnn.Proposal, network.module).look(images)


def shifted(boxes: Tensor, shift: Tensor, pixel: int) -> Tensor:
    """Boxes ``[M, 4]`` moved by shares ``[M, 4]`` of their width and height plus ``pixel``."""
    size = boxes[:, 2:] - boxes[:, :2] + pixel
    return boxes + shift * size.repeat(1, 2)


def squares(boxes: Tensor) -> Tensor:
    """The squares about the same centres, as wide as the longer sides."""
    size = boxes[:, 2:] - boxes[:, :2]
    side = size.amax(1, keepdim=True)
    first = boxes[:, :2] + size / 2 - side / 2
    return torch.cat([first, first + side], 1)


def boxes_within(boxes: Tensor, owners: Tensor, frames: Tensor) -> tuple[Tensor, Tensor]:
    """Those boxes of which some pixel is in the frame, and whose they are."""
    first, end = _pixels(boxes, frames.shape[2:])
    inside = (end > first).all(1)
    return boxes[inside], owners[inside]


def _pixels(boxes: Tensor, size: Sequence[int]) -> tuple[Tensor, Tensor]:
    """First pixels and ends, ``[M, 2]`` each, x before y; boxes count pixels from 1."""
    whole = boxes.trunc().long()
    most = torch.tensor([size[1], size[0]], device=boxes.device)
    return whole[:, :2].clamp_min(1) - 1, torch.minimum(whole[:, 2:], most)


def summed(frames: Tensor) -> Tensor:
    """Sums over all that is above and left, ``[N, H + 1, W + 1, C]``, in double precision.

    The sum over any rectangle is then one of four numbers, and crops of all sizes are one batch.
    """
    table = frames.double().cumsum(2).cumsum(3)
    return pad(table, (1, 0, 1, 0)).permute(0, 2, 3, 1).contiguous()


def crops(table: Tensor, boxes: Tensor, owners: Tensor, size: int) -> Tensor:
    """The pixels in the boxes, averaged to ``[M, C, size, size]``.

    Each pixel is the mean over all pixels that its place covers, in part too: what
    ``interpolate(mode="area")`` does to one crop.
    """
    first, end = _pixels(boxes, (table.shape[1] - 1, table.shape[2] - 1))
    step = torch.arange(size, device=boxes.device)
    length = (end - first)[:, :, None]
    low = first[:, :, None] + step * length // size  # [M, 2, size]
    high = first[:, :, None] + -(-(step + 1) * length // size)
    owner = owners[:, None, None]

    def at(x: Tensor, y: Tensor) -> Tensor:
        return table[owner, y[:, :, None], x[:, None, :]]

    (left, top), (right, bottom) = low.unbind(1), high.unbind(1)
    total = at(right, bottom) - at(left, bottom) - at(right, top) + at(left, top)
    area = (bottom - top)[:, :, None] * (right - left)[:, None, :]
    return (total / area[..., None]).permute(0, 3, 1, 2)


def suppressed(
    boxes: Tensor, scores: Tensor, owners: Tensor, threshold: float, *, smaller: bool = False
) -> Tensor:
    """Non-maximum suppression: the places ``[K]`` of the boxes that are kept, the surest first.

    In each frame the surest box is kept, all that overlap it by more than ``threshold`` go, and
    so on with the rest. Nothing here needs torchvision's compiled operators.

    Args:
        boxes: ``[M, 4]``.
        scores: ``[M]``.
        owners: int64 ``[M]``, the frames.
        threshold: of the overlap.
        smaller: the overlap is a share of the smaller box, and sides count their last pixel, as
            in the last step of the authors' program; otherwise it is a share of the union.
    """
    order = scores.argsort(descending=True, stable=True)
    pixel = int(smaller)
    ordered, frame = boxes[order].double().cpu().numpy(), owners[order].cpu().numpy()
    first, end = ordered[:, :2], ordered[:, 2:]
    area = (end - first + pixel).prod(1)
    left, kept = np.arange(len(order)), []
    while len(left):
        best, left = left[0], left[1:]
        kept.append(best)
        low, high = first[left].clip(first[best]), end[left].clip(max=end[best])
        shared = (high - low + pixel).clip(0).prod(1)
        least = area[left].clip(max=area[best])
        whole = least if smaller else area[left] + area[best] - shared
        left = left[(shared <= threshold * whole) | (frame[left] != frame[best])]
    return order[torch.tensor(kept, dtype=torch.long, device=order.device)]
