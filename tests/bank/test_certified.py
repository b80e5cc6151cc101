"""The networks of the proofs: trained as said, resumed exactly, and what was bred against them."""

import pytest
import torch

import foolkit as fk
from foolkit.bank import certified, store
from tools.bank import certified as program


@pytest.mark.parametrize("name", certified.NETWORKS)
def test_every_network_reads_digits_it_has_not_seen(name):
    net = certified.network(name)
    images, labels = fk.models.comparison_digits()
    right = fk.models.predict(net, images).argmax(1) == labels
    assert right.float().mean() > 0.95
    assert len((store.PLACE / f"certified-{name}.safetensors").read_bytes()) < 200_000


def test_what_is_stored_is_what_the_network_says():
    for (name, encoding), part in certified.load().items():
        assert part.images.shape == (10 * certified.RUNS, 1, 28, 28)
        assert part.runs.bincount().tolist() == [10] * certified.RUNS
        assert torch.equal((part.images * 255).round() / 255, part.images)
        net = certified.network(name)
        if name in certified.SIGMAS:
            net = fk.analysis.Smoothed(
                net, (1, 28, 28), sigma=certified.SIGMAS[name], samples=certified.SAMPLES
            )
        said = fk.models.predict(net, part.images).gather(1, part.classes[:, None])[:, 0]
        assert (said - part.confidence).abs().max() < 1e-3, (name, encoding)
    assert len((store.PLACE / certified.FILE).read_bytes()) < 1e6


@pytest.mark.parametrize("name", ["noise-0.5", "boxes"])
def test_a_training_that_was_stopped_ends_as_one_that_was_not(tmp_path, name):
    images, labels = fk.data.digits()
    some = images[:300], labels[:300]
    (tmp_path / "whole").mkdir()
    whole = program.train(name, *some, tmp_path / "whole", epochs=4)

    def stop_in_the_third_pass(*arguments):
        if arguments[-1] > 0.55:
            raise KeyboardInterrupt
        return loss_of(*arguments)

    loss_of, program.loss_of = program.loss_of, stop_in_the_third_pass
    try:
        with pytest.raises(KeyboardInterrupt):
            program.train(name, *some, tmp_path, epochs=4)
    finally:
        program.loss_of = loss_of
    resumed = program.train(name, *some, tmp_path, epochs=4)
    for one, other in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(one, other)


def test_an_unknown_network_is_named():
    with pytest.raises(ValueError, match="name: expected one of 'plain', 'noise-0.25'"):
        certified.network("fgsm")
