"""Champions of ImageNet networks: what is stored is what these networks say of it."""

import json
from dataclasses import replace

import pytest
import torch

import foolkit as fk
from foolkit.bank import champions, store
from foolkit.models import Classifier
from foolkit.models.imagenet import PROGRAMS, programs
from tools.bank import champions as program

needs_networks = pytest.mark.skipif(not programs(), reason="no networks in $FOOLKIT_DATA/imagenet")


class Tiny(torch.nn.Module):
    """Twenty classes of 16x16 colour images, by random weights."""

    def __init__(self, seed=0):
        super().__init__()
        draws = torch.Generator().manual_seed(seed)
        self.register_buffer("weight", torch.randn(768, 20, generator=draws) / 4)

    def forward(self, images):
        return images.flatten(1) @ self.weight


def tiny(name, seed=0):
    names = [str(k) for k in range(20)]
    return Classifier(Tiny(seed), input_shape=(3, 16, 16), classes=names, name=name).eval()


@pytest.fixture(scope="module")
def stored():
    return champions.stored()


def test_the_file_is_small():
    assert len((store.PLACE / champions.FILE).read_bytes()) < 2.5e6


def test_both_encodings_were_bred_on_the_same_network_as_often(stored):
    runs = {(run.network, run.encoding) for run in stored}
    assert {("mobilenet_v1", "cppn"), ("mobilenet_v1", "direct")} <= runs
    for encoding in ("cppn", "direct"):
        seeds = [r.seed for r in stored if (r.network, r.encoding) == ("mobilenet_v1", encoding)]
        assert seeds == [0, 1, 2]


def test_curves_belong_to_the_champions(stored):
    for run in stored:
        assert run.confidence.shape == (1000,)
        assert int(run.evaluations[0]) == champions.BATCH
        assert bool((run.evaluations.diff() > 0).all())
        for name in ("mean", "lower", "median", "upper", "sure"):
            assert bool((run.curves[name].diff() >= 0).all()), name
        assert run.curves["mean"][-1] == pytest.approx(float(run.confidence.mean()), abs=1e-5)
        assert run.curves["sure"][-1] == pytest.approx(
            float((run.confidence >= 0.99).float().mean())
        )
        ends = run.confidence.quantile(torch.tensor([0.25, 0.5, 0.75]))
        found = torch.stack([run.curves[n][-1] for n in ("lower", "median", "upper")])
        assert torch.allclose(found, ends, atol=1e-5)


def test_a_formula_run_keeps_all_classes_the_surest_first(stored):
    run = stored[0]
    assert sorted(run.kept.tolist()) == list(range(1000))
    assert bool((run.confidence[run.kept].diff() <= 0).all())
    images = run.images(run.kept[:3])
    assert images.shape == (3, 3, 224, 224)
    assert torch.equal((images * 255).round() / 255, images)


def test_a_direct_run_keeps_a_few_images_and_says_which(stored):
    run = next(run for run in stored if run.encoding == "direct")
    assert run.images(run.kept.flip(0)).shape == (champions.KEPT, 3, 224, 224)
    assert torch.equal(run.images(run.kept[1:])[0] * 255, run.pixels[1].float())
    other = next(k for k in range(1000) if k not in run.kept.tolist())
    with pytest.raises(ValueError, match=r"classes: expected some of"):
        run.images(torch.tensor([other]))


def test_at_reads_between_the_points_of_a_curve(stored):
    run = stored[0]
    first, second = run.evaluations[:2].tolist()
    value = run.at((first + second) // 2, "mean")
    assert float(run.curves["mean"][0]) <= value <= float(run.curves["mean"][1])
    assert run.at(first) == float(run.curves["median"][0])
    with pytest.raises(ValueError, match=r"evaluations: expected 50 to"):
        run.at(10)
    with pytest.raises(ValueError, match="curve"):
        run.at(first, "maximum")


def test_the_networks_own_verdict_is_the_confidence(stored):
    for run in stored:
        if run.encoding == "cppn":
            assert set(run.verdicts) == set(PROGRAMS)
            assert torch.allclose(run.verdicts[run.network].own, run.confidence, atol=1e-4)


@needs_networks
def test_images_drawn_from_the_file_are_judged_as_it_says():
    nets = fk.models.imagenet()
    runs = champions.load(nets)
    assert {run.encoding for run in runs} == {"cppn", "direct"}
    for run in runs:
        classes = run.kept[:2]
        said = champions.ask(nets[run.network], run.images(classes), classes)
        assert torch.allclose(said.own, run.confidence[classes], atol=1e-3)
    run, judge = runs[0], nets["squeezenet1_0"]
    classes = run.kept[[5, 500]]
    read, asked = run.judged(judge, classes), champions.ask(judge, run.images(classes), classes)
    assert torch.allclose(read.own, asked.own, atol=1e-3)
    assert torch.equal(read.named, asked.named)


def test_other_networks_get_fresh_runs(monkeypatch):
    nets = {"mobilenet_v1": tiny("mobilenet_v1"), "squeezenet1_0": tiny("squeezenet1_0", 1)}
    runs = champions.load(nets, generations=3, progress=False)
    plan = [(run.network, run.encoding, run.seed) for run in runs]
    assert plan == [
        ("mobilenet_v1", "cppn", 0), ("mobilenet_v1", "cppn", 1), ("mobilenet_v1", "direct", 0),
        ("mobilenet_v1", "direct", 1), ("squeezenet1_0", "cppn", 0),
    ]  # fmt: skip
    for run in runs:
        assert run.evaluations.tolist() == [50, 100, 150, 200]
        net = nets[run.network]
        classes = run.kept[:2]
        said = run.judged(net, classes)  # under a stored name, but with other weights: asked
        assert torch.allclose(said.own, run.confidence[classes], atol=1e-4)
    again = champions.load(nets, generations=3, progress=False)
    assert torch.equal(again[0].confidence, runs[0].confidence)
    with pytest.raises(ValueError, match="networks"):
        champions.load({})


def test_what_is_written_is_read_back(tmp_path, monkeypatch):
    net = tiny("tiny")
    runs, made = [], {}
    for encoding in ("cppn", "direct"):
        made[encoding] = program.breed(
            net, encoding, generations=4, seed=3, checkpoint=tmp_path / f"{encoding}.safetensors"
        )
        found = champions.columns(made[encoding], {"tiny": net})
        runs.append(
            {"network": "tiny", "encoding": encoding, "seed": 3, "core_seconds": 1}
            | {"columns": found}
        )
    program.write(tmp_path, runs, {"tiny": net})
    for module in (store, champions):
        monkeypatch.setattr(module, "PLACE", tmp_path)
    for run, (encoding, elites) in zip(champions.load({"tiny": net}), made.items(), strict=True):
        assert (run.encoding, run.seed, run.shape) == (encoding, 3, (3, 16, 16))
        assert torch.equal(run.confidence, elites.confidence)
        assert torch.equal(run.images(run.kept), elites.images[run.kept])
        if encoding == "cppn":
            assert torch.equal(run.judged(net, run.kept).own, elites.confidence[run.kept])
            assert replace(run, verdicts={}).judged(net, run.kept[:1]).named.shape == (1,)
    card = json.loads((tmp_path / champions.CARD).read_text())
    assert [run["evaluations"] for run in card["runs"]] == [250, 250]


def test_breeding_goes_on_from_a_checkpoint(tmp_path):
    net, path = tiny("tiny"), tmp_path / "run.safetensors"
    program.breed(net, "cppn", generations=2, seed=0, checkpoint=path)
    gone_on = program.breed(net, "cppn", generations=4, seed=0, checkpoint=path)
    whole = program.breed(
        net, "cppn", generations=4, seed=0, checkpoint=tmp_path / "other.safetensors"
    )
    assert torch.equal(gone_on.confidence, whole.confidence)
