"""A visual search, and the wallpaper behind what is searched for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, normalize

from foolkit.checks import (
    check_between,
    check_choice,
    check_count,
    check_images,
    check_module,
    check_number,
    check_shape,
)
from foolkit.models.door import evaluating, passed

SHARPNESS = 20.0  # a cosine of 1 becomes this logit
BATCH = 100  # images of one pass


class Embedding(nn.Module):
    """What a layer of a network puts out, averaged over places: the features of a search.

    Args:
        net: any module of images in [0, 1].
        layer: its name, as in ``net.named_modules()``. It must run with every pass.

    Raises:
        TypeError, ValueError: no network, or no such layer.
    """

    def __init__(self, net: nn.Module, layer: str) -> None:
        super().__init__()
        check_module(net)
        check_choice(layer, [name for name, _ in net.named_modules() if name], "layer")
        self.net, self.layer = net, layer

    def forward(self, images: Tensor) -> Tensor:
        """Features, float32 ``[N, D]``."""
        with self._listening() as heard:
            self.net(images)
        # a network may pass its images in parts, one after another
        features = torch.cat(heard).float()
        if len(features) != len(images):
            raise ValueError(
                f"layer: expected {self.layer!r} to answer once for each of {len(images)} images,"
                f" got {len(features)} answers"
            )
        return features.flatten(2).mean(2) if features.ndim > 2 else features

    @contextmanager
    def _listening(self) -> Iterator[list[Tensor]]:
        heard: list[Tensor] = []
        layer = self.net.get_submodule(self.layer)
        hook = layer.register_forward_hook(lambda _, __, output: heard.append(output))
        try:
            yield heard
        finally:
            hook.remove()


class Search(nn.Module):
    """A search by picture, as a classifier whose classes are the pictures that may be found.

    The features of a query are compared with those of every picture by the cosine of the angle
    between them, both less the mean of all pictures (or what all have in common would make all
    alike). ``SHARPNESS`` times the cosine is the logit, so that whatever makes an image for a
    class of a network makes one for a picture of a search.

    Args:
        embedding: a module from images to features ``[N, D]``, such as ``Embedding``.
        pictures: that may be found, float32 ``[M, C, H, W]`` in [0, 1], M of at least 2.
        sharpness: what a cosine is multiplied with, above 0.

    Raises:
        TypeError, ValueError: what does not fit.
    """

    middle: Tensor
    known: Tensor

    def __init__(
        self, embedding: nn.Module, pictures: Tensor, *, sharpness: float = SHARPNESS
    ) -> None:
        super().__init__()
        check_module(embedding, "embedding")
        check_images(pictures, argument="pictures")
        check_count(len(pictures), "pictures", minimum=2)
        check_number(sharpness, "sharpness", above=0)
        self.embedding, self.sharpness = embedding, sharpness
        self.input_shape = tuple(pictures.shape[1:])
        self.classes = tuple(map(str, range(len(pictures))))
        with torch.no_grad(), evaluating(embedding):
            features = torch.cat([passed(embedding, part) for part in pictures.split(BATCH)])
        self.register_buffer("middle", features.mean(0))
        self.register_buffer("known", normalize(features - self.middle))

    def forward(self, images: Tensor) -> Tensor:
        """``sharpness`` times the cosine with each picture, ``[N, M]``."""
        check_shape(images, self.input_shape)
        return self.sharpness * normalize(self.embedding(images) - self.middle) @ self.known.T

    def top(self, images: Tensor, k: int = 5) -> Tensor:
        """The k most alike pictures of each image, the most alike first: int64 ``[N, k]``."""
        check_images(images, self.input_shape)
        check_count(k, "k", most=len(self.classes))
        with torch.inference_mode(), evaluating(self):
            found = [self(part).topk(k, 1).indices for part in images.split(BATCH)]
        return torch.cat(found)


class Behind(nn.Module):
    """A classifier of *wallpapers*: what a network says of objects in front of them.

    For each wallpaper every object is put before it, and the answer is the mean of the network's
    log-probabilities over the objects: a class is likely only if it is likely with all of them.

    Args:
        net: from images in [0, 1] to logits ``[N, K]``.
        objects: see ``in_front``, float32 ``[F, C + 1, H, W]``.
        copies: of the wallpaper's pattern along each side of the canvas.

    Raises:
        TypeError, ValueError: what does not fit.
    """

    objects: Tensor

    def __init__(self, net: nn.Module, objects: Tensor, copies: int = 1) -> None:
        super().__init__()
        check_module(net)
        check_images(objects, argument="objects")
        check_count(copies, "copies")
        channels, height, width = objects.shape[1:]
        if height % copies or width % copies:
            raise ValueError(
                f"copies: expected a divisor of {height} and {width}, the objects' canvas,"
                f" got {copies}"
            )
        self.net = net
        self.register_buffer("objects", objects)
        self.input_shape = (channels - 1, height // copies, width // copies)
        if hasattr(net, "classes"):
            self.classes = net.classes

    def forward(self, images: Tensor) -> Tensor:
        """Mean log-probabilities ``[N, K]`` of wallpapers ``[N, C, H, W]``."""
        check_shape(images, self.input_shape)
        shown = _in_front(self.objects, images)
        said = self.net(shown.flatten(0, 1)).log_softmax(1)
        return said.unflatten(0, shown.shape[:2]).mean(1)


def in_front(objects: Tensor, wallpapers: Tensor) -> Tensor:
    """Every object before every wallpaper, whose pattern is repeated until it covers the canvas.

    Args:
        objects: float32 ``[F, C + 1, H, W]`` in [0, 1], the last channel how opaque.
        wallpapers: float32 ``[N, C, h, w]`` in [0, 1], H a multiple of h and W of w.

    Returns:
        float32 ``[N, F, C, H, W]`` in [0, 1].

    Raises:
        TypeError, ValueError: no images; shapes that do not fit.
    """
    check_images(objects, argument="objects")
    check_images(wallpapers, argument="wallpapers")
    return _in_front(objects, wallpapers)


def _in_front(objects: Tensor, wallpapers: Tensor) -> Tensor:
    """The same, which reads no values."""
    (channels, height, width), (own, high, wide) = objects.shape[1:], wallpapers.shape[1:]
    if own != channels - 1 or height % high or width % wide:
        raise ValueError(
            f"wallpapers: expected {channels - 1} channels and divisors of {height} and {width}"
            f" (objects), got {list(wallpapers.shape)}"
        )
    wallpapers = wallpapers.repeat(1, 1, height // high, width // wide)
    opaque = objects[:, -1:]
    return objects[:, :-1] * opaque + wallpapers[:, None] * (1 - opaque)


def discs(pictures: Tensor, size: float) -> Tensor:
    """Round cut-outs of pictures, in the middle of an empty canvas: objects for ``in_front``.

    Args:
        pictures: float32 ``[F, C, H, W]`` in [0, 1]; the disc that just fits is cut out.
        size: of the disc's diameter, as a share of the canvas' shorter side, between 0 and 1.

    Returns:
        float32 ``[F, C + 1, H, W]``.

    Raises:
        TypeError, ValueError: what does not fit.
    """
    check_images(pictures, argument="pictures")
    check_between(size, "size")
    height, width = pictures.shape[2:]
    side = max(2, round(float(size) * min(height, width)))
    small = interpolate(pictures, (side, side), mode="bilinear", antialias=True).clamp(0, 1)
    top, left = (height - side) // 2, (width - side) // 2
    made = pictures.new_zeros((len(pictures), pictures.shape[1] + 1, height, width))
    made[:, :-1, top : top + side, left : left + side] = small
    place = torch.arange(side, device=pictures.device) - (side - 1) / 2
    distance = torch.hypot(place[:, None], place[None, :])
    round_edge = (side / 2 - distance).clamp(0, 1)  # one pixel soft
    made[:, -1, top : top + side, left : left + side] = round_edge
    return made
