"""The Python side of the widgets: traits, errors, messages."""

import re
from importlib.resources import files

import pytest
import torch

import foolkit as fk
from foolkit.models import shipped
from foolkit.widgets import Breed, DrawAndFool, Quiz


@pytest.fixture(scope="module")
def elites():
    """Ten images and the digits that they count as."""
    return torch.rand(10, 1, 28, 28, generator=torch.Generator().manual_seed(0))


def every(elites):
    return [DrawAndFool(), Breed(), Quiz(elites)]


def test_reprs_are_stable_and_name_the_settings(elites):
    assert [repr(widget) for widget in every(elites)] == [
        "DrawAndFool(epsilon=0.2, target=None)",
        "Breed(seed=0, rate=0.1, eta=15.0, batch=50)",
        "Quiz(10 images)",
    ]


def test_python_reads_and_sets(elites):
    draw, breed = DrawAndFool(7, epsilon=0.1, target=2), Breed(seed=3, rate=0.2)
    assert (draw.epsilon, draw.target, breed.seed, breed.rate) == (0.1, 2, 3, 0.2)
    draw.epsilon, draw.target, breed.running, breed.rate = 0.3, None, True, 0.5
    assert (draw.epsilon, draw.target, breed.running, breed.rate) == (0.3, None, True, 0.5)
    assert not draw.play
    assert DrawAndFool(play=True).play
    draw.image = elites[:1]
    assert torch.equal(draw.drawing(), (elites[:1] * 255).round() / 255)
    assert draw.fooling().shape == (0, 1, 28, 28)
    assert breed.elites().shape == (0, 1, 28, 28)


def test_the_page_may_send_memory_views(elites):
    """What the kernel hands over when the page set bytes."""
    draw, breed = DrawAndFool(), Breed()
    pixels = (elites * 255).round().to(torch.uint8).numpy().tobytes()
    draw.set_state({"image": memoryview(pixels[:784]), "fooled": memoryview(pixels[784:1568])})
    breed.set_state({"images": memoryview(pixels), "generation": 4, "confidence": [0.5] * 10})
    assert torch.equal(draw.drawing(), (elites[:1] * 255).round() / 255)
    assert torch.equal(draw.fooling(), (elites[1:2] * 255).round() / 255)
    assert torch.equal(breed.elites(), (elites * 255).round() / 255)
    assert breed.generation == 4


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: DrawAndFool(12), ValueError, "digit: expected an integer of at most 9, got 12"),
        (lambda: DrawAndFool(1.5), TypeError, "digit: expected an integer of at least 0, got 1.5"),
        (lambda: DrawAndFool(epsilon=0.9), ValueError, "epsilon: .* from 0.01 to 0.5, got 0.9"),
        (lambda: DrawAndFool(epsilon="a"), TypeError, "epsilon: expected a number .*, got 'a'"),
        (lambda: DrawAndFool(epsilon=float("nan")), ValueError, "epsilon: .* got nan"),
        (lambda: DrawAndFool(target=10), ValueError, "target: expected .* at most 9, got 10"),
        (lambda: DrawAndFool(image=torch.rand(28, 28)), ValueError, "image: expected shape"),
        (lambda: DrawAndFool(image=torch.full((1, 1, 28, 28), 2.0)), ValueError, "image: .* 2 to"),
        (lambda: DrawAndFool(image=torch.rand(2, 1, 28, 28)), ValueError, "image: expected 1 im"),
        (lambda: DrawAndFool(image="3"), TypeError, "image: expected a tensor .*, got str"),
        (lambda: Breed(-1), ValueError, "seed: expected an integer of at least 0, got -1"),
        (lambda: Breed(1_000_000), ValueError, "seed: expected an integer of at most 999999"),
        (lambda: Breed(rate=0), ValueError, "rate: expected a number from 0.01 to 0.5, got 0"),
        (lambda: Breed(eta=-1), ValueError, "eta: expected a number from 0 to 100, got -1"),
        (lambda: Breed(batch=0), ValueError, "batch: expected an integer of at least 1, got 0"),
        (lambda: Breed(batch=True), TypeError, "batch: expected an integer"),
        (lambda: Quiz(torch.rand(11, 1, 28, 28)), ValueError, "labels: expected one for each of"),
        (lambda: Quiz(torch.rand(2, 3, 28, 28)), ValueError, "images: expected shape"),
        (
            lambda: Quiz(torch.rand(2, 1, 28, 28), torch.tensor([1, 10])),
            ValueError,
            "labels: expected classes 0 to 9",
        ),
        (lambda: Quiz(torch.rand(2, 1, 28, 28), seed=-1), ValueError, "seed: expected"),
        (lambda: Quiz(torch.rand(2, 1, 28, 28), kinds=["bred"]), ValueError, "kinds: expected 2"),
    ],
)
def test_bad_settings_are_named(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_a_bad_value_leaves_the_old_one():
    draw, breed = DrawAndFool(), Breed()
    with pytest.raises(ValueError, match="epsilon"):
        draw.epsilon = 7
    with pytest.raises(ValueError, match="image: expected 1 image"):
        draw.image = b"short"
    with pytest.raises(ValueError, match=r"network: .*lenet.*, got 'alexnet'"):
        breed.network = "alexnet"
    assert (draw.epsilon, breed.network) == (0.2, "lenet")


def test_an_unknown_argument_is_an_error():
    with pytest.raises(TypeError, match="speed"):
        Breed(speed=3)


def test_a_network_that_the_page_cannot_run_is_refused(monkeypatch):
    widget = Breed()
    monkeypatch.setattr(shipped, "card", lambda name: {"architecture": "Transformer"})
    with pytest.raises(ValueError, match="network: expected one that the page can run"):
        widget.network = "lenet "
    with pytest.raises(ValueError, match="network: expected one that the page can run"):
        Breed()


def test_the_kernel_answers_with_the_shipped_file_and_with_no_other(monkeypatch):
    sent = []
    widget = Breed()
    monkeypatch.setattr(widget, "send", lambda content, buffers: sent.append((content, buffers)))
    asks = [{"file": "lenet.safetensors"}, {"file": "../lenet.json"}, {"file": None}, "lenet", {}]
    for content in asks:
        widget._answer(widget, content, [])
    (only,) = sent
    assert only[0] == {"file": "lenet.safetensors"}
    assert only[1] == [(shipped.WEIGHTS / "lenet.safetensors").read_bytes()]


def test_samples_are_real_digits_that_the_network_reads():
    draw = DrawAndFool(None)
    samples = torch.frombuffer(bytearray(draw.samples), dtype=torch.uint8).view(10, 1, 28, 28)
    confidence = fk.models.predict(fk.models.load("lenet"), samples.float() / 255)
    assert confidence.argmax(1).tolist() == list(range(10))
    assert confidence.amax(1).min() > 0.99
    assert draw.drawing().max() == 0


def test_a_quiz_is_shuffled_by_its_seed_and_judged_as_shown(elites):
    labels = torch.arange(10)
    first, again, other = Quiz(elites), Quiz(elites, labels), Quiz(elites, seed=1)
    assert first.images == again.images != other.images
    assert sorted(first.labels) == list(range(10)) != first.labels
    shown = torch.frombuffer(bytearray(first.images), dtype=torch.uint8).view(10, 1, 28, 28)
    assert torch.equal(shown.float() / 255, ((elites * 255).round() / 255)[first.labels])
    sure, said = fk.models.predict(fk.models.load("lenet"), shown.float() / 255).max(1)
    assert first.said == said.tolist()
    assert all(0 <= float(p) - told < 1e-4 + 1e-6 for p, told in zip(sure, first.sure, strict=True))


def test_a_quiz_keeps_the_kind_of_each_image_with_it(elites):
    assert Quiz(elites).kinds == []
    quiz = Quiz(elites, kinds=[f"of {label}" for label in range(10)], seed=2)
    assert quiz.kinds == [f"of {label}" for label in quiz.labels]


def test_a_quiz_takes_another_network(elites):
    class Threes(torch.nn.Module):
        def forward(self, images):
            return torch.nn.functional.one_hot(torch.full((len(images),), 3), 10).float()

    net = fk.models.Classifier(Threes(), input_shape=(1, 28, 28), classes=10, name="threes")
    assert Quiz(elites, net=net).said == [3] * 10


def test_the_sources_ask_for_nothing_and_trust_no_data():
    sources = [path for path in files("foolkit.widgets").iterdir() if path.name.endswith(".js")]
    assert len(sources) >= 6
    for path in sources:
        text = path.read_text("utf-8")
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacent|eval\(|localStorage|fetch\(", text
        )
        assert set(re.findall(r"https?://[^\s\"]+", text)) <= {"http://www.w3.org/2000/svg"}
        assert max(map(len, text.splitlines())) <= 120


def test_modules_are_small_and_the_same_for_every_instance():
    kinds = [getattr(fk.widgets, name) for name in fk.widgets.__all__]
    for kind in [kind for kind in kinds if isinstance(kind, type)]:
        assert len(kind._esm) < 60_000  # characters, for all that a widget does
        assert kind._esm.count("export default") == 1
