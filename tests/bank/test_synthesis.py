"""The generative judge: what it reads, what it rates likely, and that its training resumes."""

import pytest
import torch

import foolkit as fk
from foolkit.bank import store, synthesis
from tools.bank import synthesis as program


@pytest.fixture(scope="module")
def judge():
    return synthesis.network()


def test_it_reads_digits_it_has_not_seen_and_is_small(judge):
    images, labels = fk.models.comparison_digits()
    assert (fk.models.predict(judge, images).argmax(1) == labels).float().mean() > 0.95
    assert len((store.PLACE / synthesis.FILE).read_bytes()) < 3e6


def test_its_logits_are_the_bound_at_the_mean_of_the_code(judge):
    images = fk.models.comparison_digits()[0][:8]
    net = judge.module
    with torch.inference_mode():
        pixels = images.flatten(1).expand(10, 8, 784)
        mean, log_variance = net.encode(pixels)
        code = torch.distributions.Normal(mean, (log_variance / 2).exp())
        apart = torch.distributions.kl_divergence(code, torch.distributions.Normal(0.0, 1.0))
        error = (images[:, None, 0] - net.drawn(images)).square().sum((2, 3))
        wanted = -error / (2 * 0.2**2) - apart.sum(2).T
        torch.testing.assert_close(judge(images), wanted, rtol=1e-3, atol=1e-2)


def test_noise_is_unlikely_and_black_is_likelier_than_digits(judge):
    """Nalisnick et al. (2019) on the second: outsiders may be rated likelier."""
    images = fk.models.comparison_digits()[0][:300]
    score = fk.analysis.MaxScore(judge).score
    digits = score(images)
    noise = torch.rand(100, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    assert score(noise).max() < digits.min()
    assert score(torch.zeros(1, 1, 28, 28)) > digits.quantile(0.95)


def test_a_training_that_was_stopped_ends_as_one_that_was_not(tmp_path, monkeypatch):
    images, labels = fk.data.digits()
    monkeypatch.setattr(program, "BATCH", 20)
    few = images[:1000], labels[:1000]
    (tmp_path / "whole").mkdir()
    whole = program.train(*few, tmp_path / "whole", epochs=3)

    saved, torch_save = [], torch.save

    def save_once(*given):
        if saved:
            raise KeyboardInterrupt
        saved.append(torch_save(*given))

    monkeypatch.setattr(torch, "save", save_once)
    with pytest.raises(KeyboardInterrupt):
        program.train(*few, tmp_path, epochs=3)
    monkeypatch.setattr(torch, "save", torch_save)
    resumed = program.train(*few, tmp_path, epochs=3)
    for one, other in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(one, other)
