"""Champions of ImageNet networks: what is stored is what these networks say of it."""

import json
from dataclasses import replace
from functools import partial

import pytest
import torch

import foolkit as fk
from foolkit.bank import champions, store
from foolkit.evolution import MapElites
from foolkit.models import Classifier, squeezenet
from foolkit.models.imagenet import PROGRAMS, programs
from tools.bank import champions as make_champions
from tools.bank.champions import Run

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
    assert len((store.PLACE / champions.FILE).read_bytes()) < 3e6


def test_both_encodings_were_bred_on_the_same_network_as_often(stored):
    runs = {(run.network, run.encoding) for run in stored}
    assert {("mobilenet_v1", "cppn"), ("mobilenet_v1", "direct")} <= runs
    for encoding in ("cppn", "direct"):
        seeds = [r.seed for r in stored if (r.network, r.encoding) == ("mobilenet_v1", encoding)]
        assert seeds == [0, 1, 2]


def test_curves_belong_to_the_champions(stored):
    batches = {run["network"]: run["batch"] for run in champions.card()["runs"]}
    for run in stored:
        assert run.confidence.shape == (1000,)
        assert int(run.evaluations[0]) == batches[run.network]
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


def test_the_runs_on_the_embedded_network_have_the_papers_generations(stored):
    own = [run for run in stored if run.network == squeezenet.NAME]
    assert {(run.encoding, run.seed) for run in own} >= {
        ("cppn", 0), ("cppn", 1), ("cppn", 2), ("direct", 0),
    }  # fmt: skip
    longest = max((run for run in own if run.encoding == "cppn"), key=lambda r: r.evaluations[-1])
    assert int(longest.evaluations[0]) == 400
    for run in own:
        assert int(run.evaluations[-1]) * run.crops >= 30_000  # looks of the network
    in_ten = next(run for run in own if run.crops == 10)
    last = int(in_ten.evaluations[-1])
    for run in own:  # the chapter: all in one crop pass the paper's, and the one in ten is behind
        if run.encoding == "cppn" and run.crops == 1:
            assert float(run.curves["median"][-1]) > 0.8811
            assert 0.6 * run.at(last) < in_ten.at(last) < run.at(last)
    assert int(longest.evaluations[-1]) == 2_000_000


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
            others = PROGRAMS if run.crops == 1 else []
            assert set(run.verdicts) == {squeezenet.NAME, *others}
            # some elites of a run that goes on were judged on another processor, which rounds
            # the formula of an image otherwise
            apart = (run.verdicts[run.network].own - run.confidence).abs()
            assert apart.max() < 1e-2
            assert (apart > 1e-4).float().mean() < 0.05


@needs_networks
def test_images_drawn_from_the_file_are_judged_as_it_says():
    nets = fk.models.imagenet()
    runs = champions.load(nets)
    assert {run.encoding for run in runs} == {"cppn", "direct"}
    for run in runs:
        classes = run.kept[:2]
        judge = champions.seen(nets[run.network], run.crops)
        said = champions.ask(judge, run.images(classes), classes)
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


SMALL_STAGES = ((Run("cppn", 3), 250), (Run("cppn", 3, crops=10), 100), (Run("direct", 3), 250))


@pytest.fixture
def bred(tmp_path, monkeypatch):
    """A network, its runs and a bank of them."""
    net = tiny("squeezenet1_1")
    monkeypatch.setattr(make_champions, "STAGES", SMALL_STAGES)
    # small images, of which ten crops are cut as of large ones
    monkeypatch.setattr(champions, "cropped", partial(fk.models.cropped, size=20))
    made = {}
    for run, images in SMALL_STAGES:
        made[run] = make_champions.breed(run, net, images, tmp_path, batch=50).elites
    for module in (store, champions):
        monkeypatch.setattr(module, "PLACE", tmp_path / "bank")
    return net, made


def write(folder, net):
    runs = make_champions.found(folder, net, {net.name: net}, batch=50)
    make_champions.write(folder / "bank", runs, {net.name: net})


def test_what_is_written_is_read_back(tmp_path, bred):
    net, made = bred
    write(tmp_path, net)
    for run, (about, elites) in zip(champions.load({net.name: net}), made.items(), strict=True):
        size = 16 if about.crops == 1 else 20
        assert (run.network, run.encoding, run.seed) == (net.name, about.encoding, 3)
        assert (run.crops, run.shape) == (about.crops, (3, size, size))
        assert torch.equal(run.confidence, elites.confidence)
        assert torch.equal(run.images(run.kept), elites.images[run.kept])
        assert run.evaluations[0] == 50
        said = replace(run, verdicts={}).judged(net, run.kept[:2])
        assert torch.allclose(said.own, run.confidence[run.kept[:2]], atol=1e-5)
        if run.encoding == "cppn":
            read = run.judged(net, run.kept)
            assert torch.allclose(read.own, run.confidence[run.kept], atol=1e-5)
            assert torch.equal(read.named[:2], said.named)
    card = json.loads((tmp_path / "bank" / champions.CARD).read_text())
    assert [run["evaluations"] for run in card["runs"]] == [250, 100, 250]
    assert all(run["core_seconds"] >= 0 for run in card["runs"])


def test_a_longer_run_begins_as_the_shorter_and_takes_its_place(tmp_path, bred):
    net, _ = bred
    write(tmp_path, net)
    short = champions.stored()
    make_champions.breed(SMALL_STAGES[0][0], net, 500, tmp_path, batch=50)
    write(tmp_path, net)
    long = champions.stored()
    assert [int(run.evaluations[-1]) for run in long] == [500, 100, 250]
    assert len(short[0].evaluations) == 5
    assert torch.equal(long[0].evaluations[:5], short[0].evaluations)
    for name, curve in short[0].curves.items():
        assert torch.equal(long[0].curves[name][:5], curve), name
    assert torch.equal(long[1].confidence, short[1].confidence)


def test_other_runs_of_the_bank_stay(tmp_path, bred):
    net, _ = bred
    write(tmp_path, net)
    other = tiny("other", 1)
    few = make_champions.breed(SMALL_STAGES[0][0], other, 100, tmp_path / "more", batch=50)
    about = {"network": "other", "encoding": "cppn", "seed": 0, "crops": 1, "shape": [3, 16, 16]}
    about["columns"] = champions.columns(few.elites, {}, 50)
    make_champions.write(tmp_path / "bank", [about], {"other": other})
    assert [run.network for run in champions.stored()] == [net.name] * 3 + ["other"]
    assert [run.network for run in champions.load({"other": other})] == ["other"]
    assert len(champions.load({net.name: net})) == 3
    fresh = champions.load({net.name: tiny(net.name, 2)}, generations=1, progress=False)
    assert [int(run.evaluations[-1]) for run in fresh] == [100] * 5


def test_breeding_goes_on_from_a_checkpoint_exactly(tmp_path, bred):
    net, _ = bred
    run = SMALL_STAGES[0][0]
    (tmp_path / "whole").mkdir()
    whole = make_champions.breed(run, net, 500, tmp_path / "whole", batch=50)
    gone_on = make_champions.breed(run, net, 500, tmp_path, batch=50)
    assert gone_on.generation == whole.generation == 9
    assert torch.equal(gone_on.confidence, whole.confidence)
    assert torch.equal(gone_on.generator.get_state(), whole.generator.get_state())
    again = make_champions.breed(run, net, 300, tmp_path, batch=50)  # it is further already
    assert again.generation == 9


def test_formulas_go_on_from_the_bank_as_from_a_checkpoint(tmp_path, bred):
    net, _ = bred
    run = SMALL_STAGES[0][0]
    write(tmp_path, net)
    short = champions.stored()[0]
    again = tmp_path / "again"
    again.mkdir()
    from_bank = make_champions.breed(run, net, 400, again, batch=50)
    whole = make_champions.breed(run, net, 600, tmp_path, batch=50)
    from_bank = make_champions.breed(run, net, 600, again, batch=50)  # by its own checkpoint now
    assert torch.equal(from_bank.confidence, whole.confidence)
    assert torch.equal(from_bank.elites.born, whole.elites.born)
    found = next(make_champions.found(again, net, {}, batch=50))["columns"]
    assert torch.equal(found["evaluations"][:5], short.evaluations)
    assert found["evaluations"].tolist() == [50 * n for n in (1, 2, 3, 4, 5)] + list(
        range(300, 601, 50)
    )
    as_whole = champions.columns(whole.elites, {}, 50)
    assert torch.equal(found["curves"], as_whole["curves"])
    make_champions.write(tmp_path / "bank", [], {net.name: tiny(net.name, 4)})
    other = make_champions.breed(run, net, 50, tmp_path / "other", batch=50)
    assert other.generation == 0  # the bank's run is of another network


def test_the_card_says_from_when_the_children_were_screened(tmp_path, bred):
    net, _ = bred
    run = SMALL_STAGES[0][0]
    write(tmp_path, net)

    def written(folder, images, precision):
        folder.mkdir(exist_ok=True)
        make_champions.breed(run, net, images, folder, batch=50, precision=precision)
        runs = make_champions.found(folder, net, {}, batch=50, precision=precision)
        make_champions.write(tmp_path / "bank", runs, {net.name: net})
        return champions.card()["runs"][0]

    assert champions.card()["runs"][0]["screened_after"] is None
    assert written(tmp_path / "exact", 300, "float32")["screened_after"] is None
    write(tmp_path, net)  # the run of 250 again
    about = written(tmp_path / "screened", 400, "bfloat16")
    assert (about["evaluations"], about["screened_after"]) == (400, 250)
    about = written(tmp_path / "whole again", 500, "float32")
    assert (about["evaluations"], about["screened_after"]) == (500, 250)
    about = written(tmp_path / "exact", 300, "float32")  # it went on before any was screened
    assert (about["evaluations"], about["screened_after"]) == (300, None)
    with pytest.raises(ValueError, match="precision is 'bfloat16' there, 'float32' here"):
        make_champions.breed(run, net, 500, tmp_path / "screened", batch=50)


def test_what_another_network_says_is_added(tmp_path, bred):
    net, _ = bred
    write(tmp_path, net)
    other = tiny("other", 1)
    judges = {net.name: net, "other": other}
    bank = tmp_path / "bank"
    make_champions.write(bank, make_champions.judge_again(bank, judges), judges)
    for run in champions.stored():
        if run.encoding == "cppn":
            read = run.judged(other, torch.arange(20))
            asked = replace(run, verdicts={}).judged(other, torch.arange(20))
            assert torch.allclose(read.own, asked.own, atol=1e-5)
            assert torch.equal(read.named, asked.named)
    assert list(make_champions.judge_again(bank, judges)) == []


def test_a_stop_leaves_a_checkpoint(tmp_path, monkeypatch):
    net, run = tiny("squeezenet1_1"), Run("cppn", 0)
    steps = []

    def stopped(search):
        if len(steps) == 3:
            raise KeyboardInterrupt
        steps.append(search)
        step(search)

    step = MapElites.step
    monkeypatch.setattr(MapElites, "step", stopped)
    with pytest.raises(KeyboardInterrupt):
        make_champions.breed(run, net, 500, tmp_path, batch=50)
    monkeypatch.setattr(MapElites, "step", step)
    assert make_champions.search_of(run, net, 50).resume(tmp_path / run.file).generation == 3


def test_a_checkpoint_of_another_network_is_refused(tmp_path, bred):
    net, _ = bred
    run = SMALL_STAGES[0][0]
    with pytest.raises(ValueError, match="of another experiment: weights is"):
        make_champions.breed(run, tiny(net.name, 1), 500, tmp_path, batch=50)
    with pytest.raises(ValueError, match="of another experiment: batch is 50 there, 25 here"):
        make_champions.breed(run, net, 500, tmp_path, batch=25)


def test_a_line_a_minute_says_how_far_it_is(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(make_champions, "TELL_EVERY", 0.0)
    make_champions.breed(Run("cppn", 0), tiny("squeezenet1_1"), 150, tmp_path, batch=50)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert "squeezenet1_1-cppn-0 150 images, median 0." in lines[1]
    assert "images a core-second" in lines[1]
