"""The page's CPPNs are foolkit's, and its dense networks PyTorch's."""

import copy
import math
from base64 import b64encode

import pytest
import torch

import foolkit as fk
from foolkit.encodings.cppn_evaluate import evaluate
from foolkit.models import shipped
from foolkit.widgets import BreedPatterns, base, modules
from foolkit.widgets.patterns import ENCODING, from_json, to_json

IN_THE_PAGE = [name for name in shipped.available() if base.runs_in_the_page(name)]


@pytest.fixture(scope="module")
def cppn(browser, evaluating):
    """Evaluates JavaScript where ``E`` holds the functions and ``coding`` is the encoding."""
    page = browser.new_page()
    names = ("random.js", "weights.js", "network.js", "cppn.js")
    page.add_script_tag(content=f"globalThis.E = {modules.expression(*names)}")
    page.evaluate("s => { globalThis.coding = new E.CPPN(s) }", BreedPatterns().encoding)
    yield evaluating(page)
    page.close()


@pytest.fixture(scope="module")
def genomes():
    """240 genomes after 1, 4, 12, 30, 60 or 120 mutations, all seven activations in some."""
    draws = torch.Generator().manual_seed(0)
    every = fk.encodings.CPPN(ENCODING.shape, activations=tuple(fk.encodings.ACTIVATIONS))
    rows = []
    for encoding in (ENCODING, every):
        for count in (1, 4, 12, 30, 60, 120):
            bred = encoding.sample(20, draws)
            for _ in range(count):
                bred = encoding.vary(bred, draws)
            rows += to_json(bred)
    return from_json(rows)


def test_genomes_there_and_back(genomes, cppn):
    again = from_json(cppn("all => all.map((g) => E.toJSON(E.fromJSON(g)))", to_json(genomes)))
    for name, field in genomes.tensors().items():
        assert torch.equal(field, again.tensors()[name]), name


def test_values_are_pytorchs(genomes, cppn):
    """Before they are rounded to 8 bits, in double precision, which is the page's."""
    inputs = ENCODING._coordinates(28, 28, torch.device("cpu")).double()
    axis = torch.linspace(-1, 1, 28, dtype=torch.float64)
    inputs[:2] = torch.stack([axis.repeat(28), axis.repeat_interleave(28)])
    inputs[2] = inputs[:2].norm(dim=0)
    expected = torch.empty(len(genomes), 784, dtype=torch.float64)
    for which, where, values in evaluate(genomes, inputs):
        expected[which, where] = values[:, 0]
    found = cppn(
        "all => all.map((g) => Array.from(E.evaluate(E.fromJSON(g), 28)))", to_json(genomes)
    )
    assert (torch.tensor(found, dtype=torch.float64) - expected).abs().max() < 1e-5


@pytest.mark.parametrize("size", [28, 40])
def test_pictures_are_foolkits(genomes, cppn, size):
    """Single precision and rounding: few pixels are on another side of a grey level."""
    expected = ENCODING.render(genomes, size=(size, size)).flatten(1)
    found = torch.tensor(
        cppn(
            "([all, size]) => all.map((g) =>"
            " Array.from(coding.render(E.fromJSON(g), new Float64Array(size * size), size)))",
            [to_json(genomes), size],
        )
    )
    assert torch.equal((found * 255).round() / 255, found)
    assert ((found - expected).abs() > 0.5 / 255).float().mean() < 0.01
    assert ((found - expected).abs() > 1.5 / 255).float().mean() < 0.001


def test_formulas_are_foolkits(genomes, cppn):
    found = cppn("all => all.map((g) => E.formula(E.fromJSON(g)))", to_json(genomes))
    assert found == [genomes[n].describe() for n in range(len(genomes))]


def test_a_cycle_is_an_error(cppn):
    genome = {"activations": ["sine", "sine", "sine"],
              "links": [[5, 6, 1.0], [6, 5, 1.0], [6, 4, 1.0]]}  # fmt: skip
    message = cppn(
        "g => { try { E.program(E.fromJSON(g)) } catch (error) { return error.message } }", genome
    )
    assert message == "this genome has a cycle"


BREED = """([n, count]) => {
    const random = new E.Random(1), all = [];
    for (let i = 0; i < n; i++) {
        let genome = coding.sample(random);
        for (let k = 0; k < count; k++) genome = coding.vary(genome, random);
        all.push(E.toJSON(genome));
    }
    return all;
}"""


@pytest.mark.parametrize("generations", [1, 20])
def test_mutations_are_distributed_as_foolkits(cppn, generations):
    page = from_json(cppn(BREED, [1500, generations]))
    draws = torch.Generator().manual_seed(1)
    python = ENCODING.sample(1500, draws)
    for _ in range(generations):
        python = ENCODING.vary(python, draws)
    measures = {
        "nodes": lambda g: g.nodes.double(),
        "links": lambda g: g.links.double(),
        "sines": lambda g: (g.outputs[:, 0] == 0).double(),
        "used": lambda g: (g.source >= 5).sum(1).double(),
        "size": lambda g: g.weight.abs().sum(1).double() / g.links.clamp(min=1),
        "ink": lambda g: ENCODING.render(g).mean((1, 2, 3)).double(),
    }
    for name, measure in measures.items():
        mine, theirs = measure(page), measure(python)
        error = math.sqrt(float(mine.var() + theirs.var()) / 1500) + 1e-9
        assert abs(float(mine.mean() - theirs.mean())) < 4 * error, name
        assert 0.8 < float((mine.std() + 1e-9) / (theirs.std() + 1e-9)) < 1.25, name


def test_growth_ends_at_the_limits_and_parents_are_not_changed(cppn):
    found = cppn("""() => {
        const small = new E.CPPN({ ...coding.settings, max_hidden: 3, max_links: 8, delete_node: 0,
            delete_link: 0, add_link: 1, add_node: 1 });
        const random = new E.Random(2), parent = small.sample(random);
        const before = JSON.stringify(parent);
        let genome = parent;
        for (let k = 0; k < 50; k++) genome = small.vary(genome, random);
        return [JSON.stringify(parent) === before, genome.links.length,
            genome.activations.filter(Boolean).length];
    }""")
    assert found[0]
    assert found[1] == 8
    assert 2 <= found[2] <= 4


def test_a_cross_has_the_nodes_of_one_parent_and_values_of_both(cppn):
    trios = cppn("""() => Array.from({ length: 10 }, (_, seed) => {
        const random = new E.Random(seed);
        let [parent, other] = [coding.sample(random), coding.sample(random)];
        for (let k = 0; k < 3; k++) {
            parent = coding.vary(parent, random); other = coding.vary(other, random);
        }
        return [parent, other, coding.cross(parent, other, random)].map(E.toJSON);
    })""")
    changed = 0
    for parent, other, child in trios:
        theirs = {(s, t): w for s, t, w in other["links"]}
        for (s, t, was), (cs, ct, now) in zip(parent["links"], child["links"], strict=True):
            assert (s, t) == (cs, ct)
            assert now in (was, theirs.get((s, t), was))
            changed += now != was
        kinds = [[k is None for k in genome["activations"]] for genome in (parent, child)]
        assert kinds[0] == kinds[1]
    assert changed > 0


# ---- every network that the page runs ------------------------------------------------------------


@pytest.fixture(scope="module")
def images():
    """100 real digits and 100 images of noise."""
    noise = torch.rand(100, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    return torch.cat([fk.data.digits()[0][:100], noise])


def slope(net, images, directions):
    """Logits, and the gradient of their product with ``directions``."""
    pixels = images.clone().requires_grad_()
    logits = net(pixels)
    (gradient,) = torch.autograd.grad((logits * directions).sum(), pixels)
    return logits.detach(), gradient.flatten(1)


@pytest.mark.parametrize("name", IN_THE_PAGE)
def test_the_pages_networks_are_pytorchs(cppn, images, name):
    net = fk.models.load(name)
    weights = b64encode((shipped.WEIGHTS / f"{name}.safetensors").read_bytes()).decode()
    directions = torch.randn(len(images), 10, generator=torch.Generator().manual_seed(1))
    logits, gradients = cppn(
        """([text, xs, ds]) => {
            const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
            const net = E.networkOf(E.readSafetensors(new DataView(bytes.buffer)));
            return [xs.map((x) => Array.from(net.logits(x))),
                xs.map((x, i) => { net.logits(x); return Array.from(net.gradient(ds[i])) })];
        }""",
        [weights, images.flatten(1).tolist(), directions.tolist()],
    )
    (expected, slopes), (_, exact) = (
        slope(net, images, directions),
        slope(copy.deepcopy(net).double(), images.double(), directions.double()),
    )
    logits = torch.tensor(logits)
    assert (logits - expected).abs().max() < 1e-4 * expected.abs().max()
    assert torch.equal(logits.argmax(1), expected.argmax(1))

    def near(gradients):
        return (gradients - exact).norm(dim=1) < 1e-3 * exact.norm(dim=1)

    # where two pixels of a pool are equal but for rounding, either may have the gradient: PyTorch
    # too gives it now to one and now to the other, on lenet-pgd in most digits
    defined = near(slopes)
    assert defined.float().mean() > 0.5
    assert near(torch.tensor(gradients))[defined].float().mean() >= 0.97


def test_the_page_runs_dense_networks_and_both_lenets():
    assert {"lenet", "lenet-b", "fc100-100-10", "fc123-456-10", "softmax-1"} <= set(IN_THE_PAGE)


# ---- the Python side -----------------------------------------------------------------------------


def test_python_reads_and_sets(genomes):
    widget = BreedPatterns(3, chooser="reader", network="fc100-100-10")
    assert repr(widget) == (
        "BreedPatterns(seed=3, batch=50, chooser='reader', network='fc100-100-10')"
    )
    assert len(widget.genomes()) == 0
    assert widget.pictures().shape == (0, 1, 28, 28)
    widget.set_state({"bred": to_json(genomes[:10])})
    assert widget.genomes()[4].describe() == genomes[4].describe()
    assert len(BreedPatterns._esm) < 57_000  # with what coloured patterns need of their engine


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: BreedPatterns(-1), ValueError, "seed: expected"),
        (lambda: BreedPatterns(batch=0), ValueError, "batch: expected"),
        (lambda: BreedPatterns(chooser="me"), ValueError, "chooser: expected one of 'network'"),
        (lambda: BreedPatterns(network="alexnet"), ValueError, "network: expected one that"),
    ],
)
def test_bad_settings_are_named(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_an_architecture_of_python_only_is_named(monkeypatch):
    monkeypatch.setattr(shipped, "card", lambda name: {"architecture": "ResNet"})
    with pytest.raises(ValueError, match="got 'lenet': ResNet runs in Python only"):
        BreedPatterns()
