import pytest
import torch

from foolkit.checks import check_count, check_fraction, check_images, check_labels

GOOD = torch.rand(2, 1, 28, 28)


@pytest.mark.parametrize(
    ("images", "error", "message"),
    [
        (GOOD.numpy(), TypeError, r"images: expected a torch.Tensor .*got ndarray"),
        ((GOOD * 255).byte(), TypeError, r"images: expected float32.*uint8.*divide by 255"),
        (GOOD.double(), TypeError, r"images: expected float32.*float64"),
        (GOOD[0], ValueError, r"images: expected shape \[N, 1, 28, 28\], got \[1, 28, 28\]"),
        (GOOD[..., :27], ValueError, r"images: expected shape .*got \[2, 1, 28, 27\]"),
        (GOOD[:0], ValueError, "images: expected at least one image"),
        (GOOD * 255, ValueError, r"images: expected values in \[0, 1\], got .* to 25"),
        (GOOD - 0.5, ValueError, r"images: expected values in \[0, 1\], got -0"),
        (GOOD / 0, ValueError, r"images: expected (values in|finite)"),
        (GOOD * float("nan"), ValueError, "images: expected finite values.*NaN"),
    ],
)
def test_bad_images(images, error, message):
    with pytest.raises(error, match=message):
        check_images(images, (1, 28, 28))


def test_rounding_errors_are_no_reason_to_refuse():
    check_images(GOOD.clamp(-3e-8, 1) - 3e-8)


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        (torch.rand(2), TypeError, "labels: expected an int64 tensor of 2 classes, got torch.f"),
        ([1, 2], TypeError, "labels: expected an int64 tensor of 2 classes, got list"),
        (torch.tensor([1, 2, 3]), ValueError, r"labels: expected shape \[2\].*got \[3\]"),
        (torch.tensor([1, 10]), ValueError, "labels: expected classes 0 to 9, got 1 to 10"),
        (torch.tensor([-1, 1]), ValueError, "labels: expected classes 0 to 9, got -1 to 1"),
    ],
)
def test_bad_labels(labels, error, message):
    with pytest.raises(error, match=message):
        check_labels(labels, 2, 10)


def test_bad_numbers():
    with pytest.raises(ValueError, match="batch: expected an integer of at least 1, got 0"):
        check_count(0, "batch")
    with pytest.raises(TypeError, match=r"batch: .*got 2.5"):
        check_count(2.5, "batch")
    with pytest.raises(ValueError, match=r"rate: expected a number in \[0, 1\], got 1.5"):
        check_fraction(1.5, "rate")
    with pytest.raises(TypeError, match="rate: .*got 'x'"):
        check_fraction("x", "rate")
