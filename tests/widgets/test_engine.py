"""The page's network is PyTorch's, and its evolution is foolkit's."""

import json
import math

import pytest
import torch

import foolkit as fk
from foolkit.encodings.pixels import polynomial_mutation

MODULES = ("one_goal.js",)


@pytest.fixture(scope="module")
def images():
    """100 real digits and 100 images of noise."""
    noise = torch.rand(100, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    return torch.cat([fk.data.digits()[0][:100], noise])


def flat(images):
    return images.flatten(1).tolist()


def test_logits_are_pytorchs(engine, lenet, images):
    with torch.inference_mode():
        expected = lenet(images)
    found = torch.tensor(engine("xs => xs.map(x => Array.from(net.logits(x)))", flat(images)))
    assert (found - expected).abs().max() <= 1e-4 * expected.abs().max()
    assert torch.equal(found.argmax(1), expected.argmax(1))


def test_input_gradients_are_pytorchs(engine, lenet, images):
    directions = torch.randn(len(images), 10, generator=torch.Generator().manual_seed(1))
    pixels = images.clone().requires_grad_()
    (expected,) = torch.autograd.grad((lenet(pixels) * directions).sum(), pixels)
    found = engine(
        "([xs, ds]) => xs.map((x, i) => { net.logits(x); return Array.from(net.gradient(ds[i])) })",
        [flat(images), directions.tolist()],
    )
    expected = expected.flatten(1)
    error = (torch.tensor(found) - expected).norm(dim=1) / expected.norm(dim=1)
    assert (error < 1e-3).float().mean() >= 0.99


def test_the_gradient_is_the_slope(engine):
    """An oracle without PyTorch: differences of the logits."""
    error = engine("""() => {
        const random = new E.Random(3);
        const x = Float64Array.from({ length: 784 }, () => random.next());
        const direction = Array.from({ length: 10 }, () => random.next() - 0.5);
        const value = (image) => net.logits(image).reduce((sum, z, k) => sum + z * direction[k], 0);
        value(x);
        const gradient = net.gradient(direction);
        let worst = 0;
        for (let i = 0; i < 784; i += 13) {
            const there = Float64Array.from(x);
            there[i] += 1e-6;
            worst = Math.max(worst, Math.abs((value(there) - value(x)) / 1e-6 - gradient[i]));
        }
        return worst / Math.max(...gradient.map(Math.abs));
    }""")
    assert error < 1e-3


def test_loss_gradient_is_that_of_cross_entropy(engine, lenet, images):
    labels = torch.arange(20) % 10
    pixels = images[95:115].clone().requires_grad_()
    loss = torch.nn.functional.cross_entropy(lenet(pixels), labels, reduction="sum")
    (expected,) = torch.autograd.grad(loss, pixels)
    found = engine(
        "([xs, ys]) => xs.map((x, i) => Array.from(E.lossGradient(net, x, ys[i])))",
        [flat(pixels.detach()), labels.tolist()],
    )
    expected = expected.flatten(1)
    error = (torch.tensor(found) - expected).norm(dim=1) / expected.norm(dim=1)
    assert (error < 1e-3).float().mean() >= 0.95


def test_float16(engine):
    values = torch.tensor([0.0, 1.0, -2.5, 65504.0, 2.0**-24, -(2.0**-14), 0.0999755859375])
    bits = values.half().view(torch.int16).tolist()
    assert engine("all => all.map(E.float16)", [b & 0xFFFF for b in bits]) == values.tolist()


@pytest.mark.parametrize("target", [None, 7])
def test_fooling_changes_the_answer_within_epsilon(engine, lenet, images, target):
    epsilon = 0.3
    found = engine(
        """([xs, options]) => xs.map((x) => {
            let last; for (last of E.fool(net, x, options)); return [...last.image, last.answer];
        })""",
        [flat(images[:20]), {"epsilon": epsilon, "target": target}],
    )
    changed = torch.tensor([row[:784] for row in found]).view(-1, 1, 28, 28)
    answers = torch.tensor([int(row[784]) for row in found])
    assert (changed - images[:20]).abs().max() <= epsilon + 1e-6
    assert 0 <= changed.min() <= changed.max() <= 1
    assert torch.equal(lenet(changed).argmax(1), answers)
    before = lenet(images[:20]).argmax(1)
    if target is None:
        assert (answers != before).float().mean() >= 0.95
    else:
        assert (answers[before != target] == target).float().mean() >= 0.9


def test_a_target_that_is_the_answer_already_is_as_none(engine, images, lenet):
    before = int(lenet(images[:1]).argmax())
    answer = engine(
        "([x, target]) => { let last; for (last of E.fool(net, x, { epsilon: 0.4, target }));"
        " return last.answer }",
        [flat(images[:1])[0], before],
    )
    assert answer != before


def test_fooling_goes_on_from_an_image_until_it_is_certain(engine, lenet, images):
    found = engine(
        """xs => xs.map((x) => {
            let edge, last; for (edge of E.fool(net, x, { epsilon: 0.3 }));
            const { answer: target, image: from } = edge;
            for (last of E.fool(net, x, { epsilon: 0.5, target, from, until: 0.9999, step: 0.01 }));
            return [...last.image, edge.confidences[target], target, Number(last.done)];
        })""",
        flat(images[:10]),
    )
    changed = torch.tensor([row[:784] for row in found]).view(-1, 1, 28, 28)
    edge, target, done = (torch.tensor([row[n] for row in found]) for n in (784, 785, 786))
    sure = lenet(changed).softmax(1).gather(1, target.long()[:, None])[:, 0]
    assert (changed - images[:10]).abs().max() <= 0.5 + 1e-6
    assert done.double().mean() >= 0.9
    assert (sure[done == 1] > 0.9998).all()
    assert (edge[done == 1] < 0.9999).any()


def test_breeding_for_one_goal_never_falls_and_ends_at_certainty(engine, lenet):
    path, genes = engine(
        """() => {
            const encoding = new E.Pixels(), path = []; let last;
            const settings = { encoding, goal: 8, until: 0.9999, seed: 2 };
            for (last of E.breedOne(net, settings)) path.push([last.generation, last.confidence]);
            return [path, Array.from(encoding.render(last.genes, new Float64Array(784)))];
        }"""
    )
    generation, confidence = torch.tensor(path, dtype=torch.float64).T
    assert (confidence.diff() >= 0).all()
    assert set(generation.diff().tolist()) <= {0.0, 1.0}
    assert confidence[-1] >= 0.9999 > confidence[-51]
    image = torch.tensor(genes).view(1, 1, 28, 28)
    assert lenet(image).softmax(1)[0, 8] > 0.9998


RUN = """([generations, settings]) => {
    const search = new E.MapElites(net, { encoding: new E.Pixels(), ...settings });
    for (let g = 0; g <= generations; g++) for (const _ of search.breed());
    return {
        history: search.history,
        born: search.elites.map((elite) => elite.born),
        images: search.elites.map((elite) => Array.from(new E.Pixels().render(elite.genes, []))),
    };
}"""


def test_elites_are_what_pytorch_says_they_are(engine, lenet):
    found = engine(RUN, [12, {"seed": 1, "batch": 30}])
    history = torch.tensor(found["history"])
    assert history.shape == (13, 10)
    assert (history.diff(dim=0) >= 0).all()
    images = torch.tensor(found["images"])
    assert torch.equal((images * 255).round() / 255, images)
    confidence = fk.models.predict(lenet, images.view(-1, 1, 28, 28)).diagonal()
    assert torch.allclose(confidence, history[-1], atol=1e-4)
    # an elite's generation is the last at which its class improved
    rose = (history.diff(dim=0) > 0).int()
    last = torch.where(rose.any(0), rose.shape[0] - rose.flip(0).argmax(0), 0)
    assert found["born"] == last.tolist()


def test_a_seed_is_a_run(engine):
    first, again, other = (
        engine(RUN, [3, {"seed": seed, "batch": 10}])["history"] for seed in (5, 5, 6)
    )
    assert first == again != other


def test_every_child_is_offered_to_every_class_and_must_be_better(engine):
    """Against a search by hand through everything that was judged."""
    judged, history = engine("""() => {
        const judged = [], spy = { confidences: (x) => {
            const c = net.confidences(x); judged.push(c.map(Math.fround)); return c } };
        const search = new E.MapElites(spy, { encoding: new E.Pixels(), seed: 2, batch: 8 });
        for (let g = 0; g < 5; g++) for (const _ of search.breed());
        return [judged, search.history];
    }""")
    best = torch.tensor(judged).view(5, 8, 10).amax(1).cummax(0).values
    assert torch.equal(torch.tensor(history), best)


def test_it_breeds_as_fast_as_foolkit(engine, lenet):
    """The median after 25 generations: mean of the page's runs among those of Python."""

    def logit(confidence):
        middle = torch.as_tensor(confidence).double().sort().values[4:6].mean()
        return float((middle / (1 - middle)).log())

    generations, batch = 25, 40
    page = [
        logit(engine(RUN, [generations, {"seed": seed, "batch": batch}])["history"][-1])
        for seed in range(4)
    ]
    encoding = fk.encodings.Pixels(lenet.input_shape)
    python = torch.tensor(
        [
            logit(
                fk.evolve(
                    lenet, encoding, generations=generations, batch=batch, seed=seed,
                    progress=False,
                ).confidence
            )
            for seed in range(16)
        ]
    )  # fmt: skip
    error = float(python.std()) * (1 / 4 + 1 / 16) ** 0.5
    assert abs(sum(page) / 4 - float(python.mean())) < 3 * error


def test_mutation_is_deb_polynomial_mutation(engine):
    """Share of mutated genes, and the distribution of their steps, against Python's."""
    steps = torch.tensor(
        engine("""() => {
            const random = new E.Random(4), genes = new Float32Array(20000).fill(0.5);
            return Array.from(E.mutate(genes, 0.1, 15, random), (gene) => gene - 0.5);
        }""")
    )
    genes = torch.full((1, 200_000), 0.5)
    expected = polynomial_mutation(genes, 0.1, 15.0, torch.Generator().manual_seed(0))[0] - 0.5
    assert float((steps != 0).float().mean()) == pytest.approx(0.1, abs=0.01)
    moved, theirs = steps[steps != 0], expected[expected != 0]
    quantiles = torch.tensor([0.05, 0.25, 0.5, 0.75, 0.95])
    assert torch.allclose(moved.quantile(quantiles), theirs.quantile(quantiles), atol=0.01)


def test_mutation_stays_in_range_and_copies(engine):
    low, high, parent = engine("""() => {
        const random = new E.Random(0), genes = Float32Array.from([0, 1, 0, 1, 0.5]);
        const all = [];
        for (let n = 0; n < 200; n++) all.push(...E.mutate(genes, 1, 0, random));
        return [Math.min(...all), Math.max(...all), Array.from(genes)];
    }""")
    assert (low, high, parent) == (0, 1, [0, 1, 0, 1, 0.5])


def test_random_numbers_are_uniform_and_seeds_differ(engine):
    draws = torch.tensor(
        engine("""() => [0, 1, 2 ** 31, 999999].map((seed) => {
            const random = new E.Random(seed);
            return Array.from({ length: 20000 }, () => random.next());
        })""")
    )
    assert ((draws >= 0) & (draws < 1)).all()
    counts = torch.stack([row.histc(20, 0, 1) for row in draws])
    chi2 = ((counts - 1000) ** 2 / 1000).sum(1)
    assert (chi2 < 43.8).all()  # the 99.9th percentile with 19 degrees of freedom
    assert draws.corrcoef().fill_diagonal_(0).abs().max() < 0.03


def test_constants_and_wording_are_those_of_the_figures(engine):
    assert tuple(engine("() => E.CLASS_COLOURS")) == fk.plot.CLASS_COLOURS
    assert engine("() => E.CERTAIN") == fk.plot.CERTAIN
    values = [0.0, 0.5, 0.12345, 0.9999, 0.99989999, 0.999999999, 1.0]
    assert engine("all => all.map(E.percent)", values) == [fk.plot.percent(v) for v in values]


def test_bytes_there_and_back(engine):
    image = (torch.arange(784) % 256).tolist()
    there = engine(
        "bytes => { const view = new DataView(Uint8Array.from([...bytes, ...bytes]).buffer);"
        " return Array.from(new Uint8Array(E.toBytes(E.fromBytes(view, 1)).buffer)) }",
        image,
    )
    assert there == image


def test_softmax_of_large_logits(engine):
    assert engine("() => E.softmax([1000, 1000, -1000])") == [0.5, 0.5, 0]
    assert engine("() => E.median([3, 1, 2, 10])") == 2.5


def test_median_of_ten_is_foolkits(engine):
    values = torch.rand(1, 10, generator=torch.Generator().manual_seed(0))
    found = engine("v => E.median(v)", values[0].tolist())
    expected = fk.evolution.History(values).median
    assert math.isclose(found, float(expected), rel_tol=1e-6)


def test_a_file_of_other_weights_is_refused(engine):
    header = json.dumps({"a": {"dtype": "I32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    content = len(header).to_bytes(8, "little") + header + bytes(4)
    message = engine(
        "bytes => { try { E.readSafetensors(new DataView(Uint8Array.from(bytes).buffer)) }"
        " catch (error) { return error.message } }",
        list(content),
    )
    assert message == "a: expected F16, F32, U8, got I32"
