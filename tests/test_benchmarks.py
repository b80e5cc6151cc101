"""What the benchmarks measure is what they say; their speeds are no matter of tests."""

import importlib
import json
import sys

import pytest
import torch
from torch import nn

from benchmarks.__main__ import subjects
from benchmarks.attackers import peer
from benchmarks.cppn import networks
from benchmarks.peers import Counted
from benchmarks.timing import Skipped, added_memory, peak_memory
from foolkit.gradients import deepfool, pgd
from tools import speed


def test_every_subject_has_rows():
    """So that the command without a name runs them all."""
    for name in subjects():
        assert callable(importlib.import_module(f"benchmarks.{name}").rows)


def test_memory_is_that_of_the_process_alone():
    held = torch.ones(300 * 2**18)  # 300 MiB here
    few, many = (peak_memory(f"block = bytearray({n} * 2**20)") for n in (1, 81))
    assert few < 0.25 < held.nbytes / 2**30
    assert many - few == pytest.approx(80 / 1024, rel=0.1)


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is begun anew on Linux only")
def test_memory_that_was_given_back_before_is_not_counted():
    before = "block = bytearray(90 * 2**20); del block"
    assert added_memory(before, "block = bytearray(40 * 2**20)") == pytest.approx(40, rel=0.1)


def test_networks_have_as_many_links_as_asked_for():
    for links in (10, 40):
        grown = networks(links, n=6)
        assert len(grown) == 6
        assert int(grown.links.min()) >= links


def test_passes_are_counted():
    torch.manual_seed(0)
    net = Counted(nn.Sequential(nn.Flatten(), nn.Linear(16, 3)))
    images = torch.rand(5, 1, 4, 4, requires_grad=True)
    with torch.no_grad():
        net(images)
    assert (net.forwards, net.backwards) == (5, 0)
    logits = net(images)
    torch.autograd.grad(logits.sum(), images)
    assert (net.forwards, net.backwards) == (10, 5)
    logits = net(images)
    for k in range(3):
        torch.autograd.grad(logits[:, k].sum(), images, retain_graph=True)
    assert (net.forwards, net.backwards) == (15, 20)
    several = torch.eye(3)[:, None].expand(3, 5, 3)
    with pytest.raises(NotImplementedError, match="several at once are not counted"):
        torch.autograd.grad(logits, images, several, is_grads_batched=True)


def test_an_attack_is_counted_with_all_its_passes():
    torch.manual_seed(0)
    net = Counted(nn.Sequential(nn.Flatten(), nn.Linear(16, 3)))
    images = torch.rand(6, 1, 4, 4)
    labels = net.net(images).argmax(1)
    pgd(net, images, labels, epsilon=0.1, steps=7, progress=False)
    assert net.backwards >= 7 * 6
    assert net.forwards >= net.backwards
    one_step = Counted(net.net)
    deepfool(one_step, images, labels, steps=1, progress=False)
    assert one_step.backwards >= 2 * 6  # towards each of the other two classes


def test_a_peer_that_is_not_installed_is_named():
    with pytest.raises(Skipped, match="no_such_peer is not installed: make bench-peers"):
        peer("no_such_peer")


def test_the_page_on_speed_is_made_from_what_was_measured():
    report = json.loads(speed.MEASURED.read_text("utf-8"))
    assert speed.PAGE.read_text("utf-8") == speed.page(report)
    assert not report["skipped"]
    for row in report["rows"]:
        assert row["value"] > 0
        if row["group"] == "nearest":
            assert row["value"] <= 1
