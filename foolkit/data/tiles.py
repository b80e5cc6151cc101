"""An image as a square grid of tiles, and back."""

from __future__ import annotations

from torch import Tensor

from foolkit.checks import check_count, check_images, check_tensor


def cut_tiles(images: Tensor, grid: int, *, crop: bool = False) -> Tensor:
    """The tiles of each image, row by row: ``[N, grid * grid, C, H // grid, W // grid]``.

    Args:
        images: float32 ``[N, C, H, W]`` in [0, 1].
        grid: tiles across and down.
        crop: if the grid does not divide the size, cut off the rest at the right and below;
            without it this is an error.

    Raises:
        TypeError, ValueError: bad images, or a grid that does not fit them.
    """
    check_images(images)
    check_count(grid, "grid")
    height, width = images.shape[2:]
    if grid > min(height, width):
        raise ValueError(f"grid: expected at most {min(height, width)} tiles across, got {grid}")
    if (height % grid or width % grid) and not crop:
        raise ValueError(
            f"grid: expected a divisor of {height} and {width}, got {grid}"
            " (crop=True cuts the rest off)"
        )
    high, wide = height // grid, width // grid
    return tiled(images[:, :, : high * grid, : wide * grid], grid)


def tiled(images: Tensor, grid: int) -> Tensor:
    """``cut_tiles`` of any numbers ``[N, C, H, W]`` without its checks; grid divides H and W."""
    n, channels, height, width = images.shape
    tiles = images.reshape(n, channels, grid, height // grid, grid, width // grid)
    return tiles.permute(0, 2, 4, 1, 3, 5).flatten(1, 2)


def paste_tiles(tiles: Tensor) -> Tensor:
    """The images that ``cut_tiles`` made ``tiles`` of, ``[N, C, H, W]``.

    Raises:
        TypeError: no tensor of numbers.
        ValueError: not ``[N, grid * grid, C, h, w]``.
    """
    check_tensor(tiles, "tiles", 5)
    grid = round(tiles.shape[1] ** 0.5)
    if grid * grid != tiles.shape[1]:
        raise ValueError(f"tiles: expected [N, grid * grid, C, h, w], got {list(tiles.shape)}")
    n, _, channels, high, wide = tiles.shape
    square = tiles.reshape(n, grid, grid, channels, high, wide).permute(0, 3, 1, 4, 2, 5)
    return square.reshape(n, channels, grid * high, grid * wide)
