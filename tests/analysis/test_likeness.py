import pytest
import torch

import foolkit as fk
from foolkit.analysis import class_means, pixel_correlation, power_spectrum


def test_class_means():
    images, labels = fk.data.digits()
    means = class_means(images, labels)
    assert torch.allclose(means[3], images[labels == 3].mean(0), atol=1e-5)
    with pytest.raises(ValueError, match="labels: expected every class, got none of 3"):
        class_means(images[labels != 3], labels[labels != 3])


def test_correlation_is_pearsons():
    images, templates = torch.rand(4, 1, 5, 5), torch.rand(3, 1, 5, 5)
    expected = torch.corrcoef(torch.cat([images.flatten(1), templates.flatten(1)]))[:4, 4:]
    assert torch.allclose(pixel_correlation(images, templates), expected, atol=1e-5)
    own = pixel_correlation(images, 0.5 * images + 0.1).diagonal()
    assert torch.allclose(own, torch.ones(4), atol=1e-5)
    assert pixel_correlation(torch.zeros(1, 1, 5, 5), templates).abs().max() == 0


def test_spectrum_of_a_wave_and_of_noise():
    x = torch.arange(28) / 28
    wave = (0.5 + 0.5 * torch.sin(2 * torch.pi * 4 * x)).expand(1, 1, 28, 28).contiguous()
    power = power_spectrum(wave)
    assert len(power) == 14
    assert power.argmax() == 3  # four cycles
    assert power[3] > 100 * power[[0, 1, 2, 5, 6, 7]].max()
    noise = power_spectrum(torch.rand(500, 1, 28, 28, generator=torch.Generator().manual_seed(0)))
    assert float(noise.max() / noise.min()) < 1.2
    with pytest.raises(ValueError, match="images: expected squares"):
        power_spectrum(torch.rand(1, 1, 4, 5))
