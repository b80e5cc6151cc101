"""Changes that were too small for a file, enlarged."""

import pytest
import torch

from foolkit.gradients import carlini_wagner, deepfool, for_files


@pytest.mark.parametrize("targeted", [False, True])
def test_every_file_fools_with_the_least_multiple(curved, spread, says, targeted):
    originals = (spread * 255).round() / 255
    labels = (says(curved, originals) + targeted) % 4
    found = deepfool(curved, originals, labels, targeted=targeted, progress=False)
    assert found.success.sum() > 8
    found = found[found.success]
    assert not found.success_8bit.all()
    made = for_files(curved, found)
    assert made.success_8bit.all()
    assert made.success.all()
    assert torch.equal(made.files.float() / 255, made.images)
    assert torch.equal(made.originals, found.originals)
    assert made.targeted is targeted
    assert (made.queries > found.queries).all()
    # no more than rounding and one multiple more than the smallest that fools
    alone = for_files(curved, found[3:4])
    assert torch.equal(alone.images, made.images[3:4])
    assert (made.l2 < 3 * found.l2 + 0.02).all()


def test_what_nothing_makes_fool_stays(five, spread, says):
    found = carlini_wagner(
        five, spread, says(five, spread), steps=2, search_steps=1, progress=False
    )
    tiny = for_files(five, found, most=1.01)
    kept = ~tiny.success_8bit
    assert torch.equal(tiny.images[kept], found.images[kept])
    with pytest.raises(ValueError, match="most: expected a number > 1, got 1"):
        for_files(five, found, most=1)
    with pytest.raises(TypeError, match="found: expected Perturbed, got Tensor"):
        for_files(five, found.images)
