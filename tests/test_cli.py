"""The command line: in this process where that shows the same, in its own to stop and kill it."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import foolkit as fk
from foolkit import cli
from foolkit.evolution import Elites, map_elites
from foolkit.files import load_tensors
from foolkit.runs import batches, evolution, folder, perturbed
from foolkit.seeds import seeds_of_parts

ATTACK = ["attack", "--model", "lenet"]
QUICK = ["--batch", "40", "--quiet"]


def run(*arguments):
    """The exit code."""
    with pytest.raises(SystemExit) as ended:
        cli.main([str(argument) for argument in arguments])
    return ended.value.code


def start(*arguments, **options):
    # a checkpoint after every generation, so that there is something to go on from
    code = (
        "import sys; from foolkit.evolution import map_elites; map_elites.SAVE_EVERY = 0.0;"
        "from foolkit import cli; cli.main(sys.argv[1:])"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options,
    )  # fmt: skip


def wait_for(path, process, seconds=120):
    deadline = time.monotonic() + seconds
    while not path.exists():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """All that a new user has: a ``.pt2`` file of a small network for colour."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Flatten(), nn.Linear(3 * 6 * 6, 4)).eval()
    path = tmp_path_factory.mktemp("program") / "mine.pt2"
    torch.export.save(torch.export.export(module, (torch.rand(2, 3, 6, 6),)), path)
    return path


@pytest.fixture(scope="module")
def evolved(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "evolved"
    assert run("evolve", "--model", "lenet", "--generations", 4, "--out", out, *QUICK) == 0
    return out


def test_evolve_writes_what_evolve_returns(evolved):
    net = fk.models.load("lenet")
    elites = Elites.load(evolved / "elites.safetensors")
    same = fk.evolve(
        net, fk.encodings.CPPN(net.input_shape), generations=4, batch=40,
        progress=False,
    )  # fmt: skip
    assert torch.equal(elites.images, same.images)
    config = json.loads((evolved / "config.json").read_text())
    assert (config["command"], config["seed"], config["generations"]) == ("evolve", 0, 4)
    rows = json.loads((evolved / "results.json").read_text())
    confidence = [row["confidence"] for row in rows]
    assert confidence == sorted(confidence, reverse=True)
    page = (evolved / "gallery.html").read_text()
    assert all(f'src="{row["file"]}"' in page for row in rows)
    assert all((evolved / row["file"]).is_file() for row in rows)


def test_a_user_with_only_a_program(program, tmp_path, capsys):
    names = tmp_path / "names.txt"
    names.write_text("ant\nbee & <b>co</b>\ncat\ndog\n")
    out = tmp_path / "run"
    options = ["--model", program, "--classes", names, "--out", out, "--generations", 2, *QUICK]
    assert run("evolve", *options) == 0
    page = (out / "gallery.html").read_text()
    assert "bee &amp; &lt;b&gt;co&lt;/b&gt;" in page
    assert "<b>co" not in page
    assert Image.open(next((out / "images").glob("*ant*.png"))).size == (6, 6)
    (out / "gallery.html").unlink()
    assert run("gallery", out) == 0
    assert (out / "gallery.html").read_text() == page


def test_another_run_in_the_folder_is_refused_and_nothing_overwritten(evolved, capsys):
    before = {p: p.read_bytes() for p in evolved.rglob("*") if p.is_file()}
    options = ["--model", "lenet", "--generations", 4, "--out", evolved, *QUICK]
    assert run("evolve", *options, "--seed", 3) == 2
    assert "holds another run: seed is 0 there, 3 here" in capsys.readouterr().err
    assert run("evolve", *options, "--encoding", "pixels") == 2
    assert run("ascend", "--model", "lenet", "--quiet", "--out", evolved) == 2
    assert {p: p.read_bytes() for p in evolved.rglob("*") if p.is_file()} == before


def test_more_generations_go_on(tmp_path):
    options = ["--model", "lenet", "--out", tmp_path / "run", *QUICK]
    assert run("evolve", *options, "--generations", 2) == 0
    assert run("evolve", *options, "--generations", 4) == 0
    again = Elites.load(tmp_path / "run" / "elites.safetensors")
    assert len(again.history.confidence) == 5
    config = tmp_path / "run" / "config.json"
    assert json.loads(config.read_text())["generations"] == 4
    # asked for fewer, the elites stay what they are, and so does what is said of them
    assert run("evolve", *options, "--generations", 1) == 0
    assert json.loads(config.read_text())["generations"] == 4
    assert "<dt>generations</dt><dd>4</dd>" in (tmp_path / "run" / "gallery.html").read_text()
    assert len(Elites.load(tmp_path / "run" / "elites.safetensors").history.confidence) == 5


def test_a_shorter_run_that_ends_later_does_not_undo_a_longer_one(tmp_path, monkeypatch):
    """Two processes in one folder: the other one ends while this one still breeds."""
    out, options = tmp_path / "run", ["--model", "lenet", *QUICK]
    evolve = evolution.evolve

    def meanwhile(*arguments, **named):
        monkeypatch.setattr(evolution, "evolve", evolve)
        short = evolve(*arguments, **named)
        assert run("evolve", *options, "--generations", 6, "--out", out) == 0
        return short

    monkeypatch.setattr(evolution, "evolve", meanwhile)
    assert run("evolve", *options, "--generations", 2, "--out", out) == 0
    assert len(Elites.load(out / "elites.safetensors").history.confidence) == 7
    assert json.loads((out / "config.json").read_text())["generations"] == 6


def test_killed_and_started_again_is_bit_for_bit_never_stopped(tmp_path, monkeypatch):
    out = tmp_path / "killed"
    options = ["--model", "lenet", "--encoding", "pixels", *QUICK]
    process = start("evolve", *options, "--generations", 100_000, "--out", out)
    wait_for(out / evolution.CHECKPOINT, process)
    process.kill()
    process.communicate()
    assert not (out / "elites.safetensors").exists()
    net = fk.models.load("lenet")
    search = map_elites.MapElites(net, fk.encodings.Pixels(net.input_shape), batch=40)
    total = search.resume(out / evolution.CHECKPOINT).generation + 5
    assert run("evolve", *options, "--generations", total, "--out", out) == 0
    assert run("evolve", *options, "--generations", total, "--out", tmp_path / "whole") == 0
    killed, whole = (
        Elites.load(tmp_path / name / evolution.ELITES) for name in ("killed", "whole")
    )
    assert torch.equal(killed.images, whole.images)
    assert torch.equal(killed.confidence, whole.confidence)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one process")
def test_ctrl_c_leaves_results_and_says_so(tmp_path):
    def listen():  # who runs the tests in the background has told all of them to ignore Ctrl-C
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    out = tmp_path / "run"
    options = ["--generations", 100_000, "--out", out, *QUICK]
    process = start("evolve", "--model", "lenet", *options, preexec_fn=listen)
    wait_for(out / evolution.CHECKPOINT, process)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "start again to go on" in errors
    assert "Traceback" not in errors
    assert len(Elites.load(out / "elites.safetensors")) == 10
    assert (out / "gallery.html").is_file()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limit for the size of files")
def test_a_full_disk_is_one_line(tmp_path):
    import resource

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    options = ["--generations", 1, "--out", tmp_path / "run", *QUICK]
    process = start("evolve", "--model", "lenet", *options, preexec_fn=limit)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 1, errors
    assert errors.strip().startswith("error: ")
    assert "File too large" in errors
    assert len(errors.strip().splitlines()) == 1
    assert not (tmp_path / "run" / evolution.CHECKPOINT).exists()  # and no part of one


def test_attack_ascend_and_transfer(tmp_path, evolved, capsys):
    attacked, painted = tmp_path / "attacked", tmp_path / "painted"
    size = ["--epsilon", 0.25, "--steps", 10, "--count", 12]
    assert run("attack", "--model", "lenet", *size, "--quiet", "--out", attacked) == 0
    assert run("ascend", "--model", "lenet", "--goal", 3, "--goal", 7, "--steps", 60,
               "--quiet", "--out", painted) == 0  # fmt: skip
    rows = json.loads((painted / "results.json").read_text())
    assert {row["predicted"] for row in rows} == {"3", "7"}
    table = tmp_path / "table"
    assert run("transfer", evolved, attacked, painted, "--model", "lenet", "--model", "lenet-b",
               "--quiet", "--out", table) == 0  # fmt: skip
    capsys.readouterr()
    assert run("transfer", evolved, attacked, painted, "--model", "lenet", "--model", "lenet-b",
               "--json", "--out", table) == 0  # fmt: skip
    records = json.loads((table / "transfer.json").read_text())
    assert json.loads(capsys.readouterr().out) == {"out": str(table), "rows": records}
    assert {record["family"] for record in records} == {str(evolved), str(attacked), str(painted)}
    own = [r["value"] for r in records
           if (r["judge"], r["measure"], r["kind"]) == ("lenet", "same", "forgery")]  # fmt: skip
    assert own[1] == 1


def test_evolve_and_ascend_say_what_came_out_as_json(tmp_path, capsys):
    def said(*arguments):
        code = run(*arguments, "--json", "--quiet")
        return code, json.loads(capsys.readouterr().out)

    bred = ["evolve", "--model", "lenet", "--generations", 2, "--batch", 20]
    code, told = said(*bred, "--out", tmp_path / "bred")
    assert code == 0
    assert (told["classes"], told["generation"], told["finished"]) == (10, 2, True)
    assert 0 < told["median_confidence"] <= 1
    climb = ["ascend", "--model", "lenet", "--goal", 3, "--steps", 1]
    code, told = said(*climb, "--out", tmp_path / "painted")
    assert code == 0
    assert told["images"] == 1
    assert told["median_l2"] is None  # not there in one step: null, and no NaN


def test_blind_is_a_method(tmp_path):
    size = ["--epsilon", 0.3, "--steps", 7, "--count", 6, "--batch", 4, "--seed", 3, "--quiet"]
    out = tmp_path / "run"
    assert run("attack", "--model", "lenet", "--method", "blind", *size, "--out", out) == 0
    images, labels = (tensor[:6] for tensor in fk.data.digits())
    net, (first, second) = fk.models.load("lenet"), seeds_of_parts(3, 2)
    made = [
        fk.gradients.blind(net, images[rows], labels[rows], epsilon=0.3, generations=7, seed=seed)
        for rows, seed in ((slice(4), first), (slice(4, 6), second))
    ]
    kept, _ = load_tensors(out / perturbed.IMAGES, "images")
    assert torch.equal(kept["images"], torch.cat([part.images for part in made]))
    assert json.loads((out / "config.json").read_text())["steps"] == 7


@pytest.mark.parametrize("method", ["apgd", "square", "fmn", "ensemble"])
def test_the_graders_attacks_are_methods(tmp_path, method):
    options = [
        "--steps",
        100 if method == "square" else 5,
        "--count",
        6,
        "--batch",
        4,
        "--seed",
        3,
        "--norm",
        2,
        "--quiet",
    ]
    if method != "fmn":
        options += ["--epsilon", 4.0]
    if method == "ensemble":  # Square has its thousands of queries
        options[options.index("--count") + 1] = 2
    out = tmp_path / method
    assert run("attack", "--model", "lenet", "--method", method, *options, "--out", out) == 0
    kind = fk.gradients.Attacked if method == "ensemble" else fk.gradients.Perturbed
    found = kind.load(out / perturbed.IMAGES)
    assert found.success.any()
    if method != "fmn":
        assert (found.l2 <= 4 * (1 + 1e-5)).all()


def test_batches_of_two_seeds_draw_nothing_alike(tmp_path):
    def second_of(seed):
        out = tmp_path / str(seed)
        options = ["--batch", 1, "--goal", 3, "--goal", 3, "--steps", 1, "--threshold", 1]
        options += ["--seed", seed, "--quiet", "--out", out]
        assert run("ascend", "--model", "lenet", *options) == 0
        return load_tensors(out / perturbed.IMAGES, "images")[0]["originals"]

    zero, one = second_of(0), second_of(1)
    assert not torch.equal(zero[1], one[0])
    assert not torch.equal(zero[0], zero[1])


@pytest.mark.parametrize("command", ["ascend", "attack"])
def test_a_killed_attack_goes_on_with_the_part_where_it_was(tmp_path, command):
    more = {
        "ascend": ["--steps", 30, "--threshold", 1, "--batch", 1],
        "attack": ["--epsilon", 0.2, "--steps", 40, "--count", 30, "--batch", 3],
    }[command]
    options = [command, "--model", "lenet", "--quiet", "--seed", 5, *more]
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    process = start(*options, "--out", killed)
    wait_for(
        killed / batches.FOLDER / f"{3 if command == 'attack' else 1:06d}.safetensors", process
    )
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (killed / "results.json").exists()
    assert any((killed / batches.FOLDER).iterdir())
    assert run(*options, "--out", killed) == 0
    assert run(*options, "--out", whole) == 0
    for name in ("results.json", perturbed.IMAGES):
        assert (killed / name).read_bytes() == (whole / name).read_bytes()
    assert not (killed / batches.FOLDER).exists()


def test_attack_on_a_folder_of_pictures(program, tmp_path, capsys):
    photos = tmp_path / "photos"
    photos.mkdir()
    options = ["attack", "--model", program, "--images", photos, "--epsilon", 0.1, "--quiet"]
    out = ["--out", tmp_path / "run"]
    assert run(*options, *out) == 2
    assert "images: expected PNG or JPEG files, found none" in capsys.readouterr().err
    noise = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    Image.fromarray(noise).save(photos / "b.png")
    Image.fromarray(noise[:, :, 0]).save(photos / "a.jpg")
    assert run(*options, *out) == 0
    assert len(list((tmp_path / "run" / "images").glob("*.png"))) == 2
    images, names = fk.data.photographs(photos, (3, 6, 6))
    assert names == ("a.jpg", "b.png")
    assert images.shape == (2, 3, 6, 6)
    (photos / "c.png").write_bytes(b"no picture")
    assert run(*options, "--out", tmp_path / "other") == 2
    assert "images: expected a picture, got" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evolve", "--model", "lenett"], "error: name: no network 'lenett'; shipped are"),
        (["evolve", "--model", "none.pt2"], "error: source: expected a .pt2 file, found none"),
        (["evolve", "--model", "lenet", "--device", "cudda"], "'cudda' cannot be used"),
        (["evolve", "--model", "lenet", "--seed", "-1"], "Invalid value for '--seed'"),
        ([*ATTACK, "--method", "noise"], "--method noise in the norm 2 needs --epsilon"),
        ([*ATTACK, "--norm", "2"], "--method pgd in the norm 2 needs --epsilon"),
        ([*ATTACK, "--norm", "3"], "--norm: expected one of 'inf', '2', '1', got '3'"),
        ([*ATTACK, "--method", "lbfgs", "--epsilon", "1"], "takes no --epsilon: it looks for the"),
        ([*ATTACK, "--method", "fgsm", "--restarts", "2"], "--method fgsm takes no --restarts"),
        ([*ATTACK, "--epsilon", "nan"], "epsilon: expected a number > 0, got nan"),
        ([*ATTACK, "--epsilon", "inf"], "epsilon: expected a number > 0, got inf"),
        ([*ATTACK, "--epsilon", "8"], "--epsilon: expected at most 1, .*8 / 255"),
        ([*ATTACK, "--labels", "x.csv"], "--labels: the digits have their own"),
        ([*ATTACK, "--mean", "0.1,x"], "expected numbers between commas, got '0.1,x'"),
        ([*ATTACK, "--mean", "0.1"], "mean: expected none, as 'lenet' has its own"),
        ([*ATTACK, "--device", "meta"], "'meta' cannot be used"),
        ([*ATTACK, "--seed", 2**70], "seed: expected an integer from 0 to"),
        (
            ["evolve", "--model", "lenet", "--batch", 10**12],
            "batch: expected an integer of at",
        ),
        (
            ["ascend", "--model", "lenet", "--steps", 200_000_000],
            "steps: expected an integer of",
        ),
        (["ascend", "--model", "lenet", "--blur", "1e9"], "blur: expected a number .* <= 1000"),
        (["evolve", "--model", "lenet", "--size", "64"], "--size is that of the images which"),
        (["evolve", "--model", "lenet", "--classes", "none"], "classes: expected a file of names"),
        (["ascend", "--model", "lenet", "--goal", "10"], "--goal: expected 0 to 9, got 10"),
        (["transfer", "--model", "lenet", "nowhere"], "runs: expected a finished run"),
        (["train", "lenett"], "name: no network 'lenett'"),
    ],
)
def test_bad_input_is_refused_before_anything_is_written(tmp_path, capsys, arguments, message):
    assert run(*arguments, "--out", tmp_path / "run") == 2
    assert re.search(message, " ".join(capsys.readouterr().err.split()))
    assert not (tmp_path / "run").exists()


def test_folders_that_will_not_do(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    options = ["evolve", "--model", "lenet", "--generations", 1, *QUICK]
    assert run(*options, "--out", tmp_path) == 2
    assert "out: expected a new or empty folder" in capsys.readouterr().err
    assert run(*options, "--out", tmp_path / "file" / "run") == 2
    assert "out: expected a folder that can be written" in capsys.readouterr().err
    assert run("gallery", tmp_path) == 2
    (tmp_path / folder.RESULTS).write_text("[1]")
    (tmp_path / folder.CONFIG).write_text("{}")
    assert run("gallery", tmp_path) == 2
    assert "folder: expected results of foolkit" in capsys.readouterr().err


def test_every_command_has_help_and_an_example(capsys):
    assert run("--help") == 0
    listed = capsys.readouterr().out
    assert set(cli.command.commands) == {
        "evolve", "attack", "ascend", "transfer", "gallery", "models", "train", "version",
        "examine", "compare",
    }  # fmt: skip
    for name in cli.command.commands:
        assert f"  {name} " in listed
        assert run(name, "--help") == 0
        text = capsys.readouterr().out
        assert name in ("models", "version") or f"foolkit {name}" in text
    commands = listed.partition("Commands:")[2]
    assert not [line for line in commands.splitlines() if line.endswith("...")]


def test_models_and_version(capsys):
    assert run("models") == 0
    assert {line.split()[0] for line in capsys.readouterr().out.splitlines()} == {
        *fk.models.available(),
        "squeezenet1_1",
    }
    assert run("version") == 0
    assert f"foolkit {fk.__version__}, torch {torch.__version__}" in capsys.readouterr().out


def test_the_module_is_the_command():
    finished = subprocess.run(
        [sys.executable, "-m", "foolkit", "version"], capture_output=True, text=True
    )
    assert (finished.returncode, finished.stdout[:8]) == (0, "foolkit ")


def test_the_gallery_opens_from_disk(visit, evolved):
    page = visit((evolved / "gallery.html").as_uri(), width=360)
    assert page.locator("img").count() == 10
    assert page.evaluate("[...document.images].every(i => i.alt)")
    page.evaluate("document.querySelectorAll('img').forEach(i => i.loading = 'eager')")
    page.wait_for_function("[...document.images].every(i => i.complete && i.naturalWidth === 28)")
    assert page.evaluate("document.documentElement.scrollWidth <= 360")
    assert page.complaints == []
