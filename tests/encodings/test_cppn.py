import colorsys
import math

import networkx as nx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import foolkit as fk
from foolkit.encodings import ACTIVATIONS, CPPN, CPPNGenomes
from foolkit.encodings.cppn import hls_to_rgb, hsv_to_rgb
from foolkit.encodings.cppn_evaluate import evaluate

SHAPE = (1, 12, 10)
NOTHING = dict.fromkeys(
    ("weight_rate", "activation_rate", "add_link", "delete_link", "add_node", "delete_node"), 0.0
)
# what a node does, and how steep it is at most
REFERENCE = {
    "sine": (math.sin, 1.0),
    "sigmoid": (lambda p: math.tanh(p / 2), 0.5),
    "gaussian": (lambda p: math.exp(-min(p * p, 700)), 0.86),
    "linear": (lambda p: max(-3.0, min(3.0, p)) / 3, 1 / 3),
    "tanh": (lambda p: math.tanh(5 * p), 5.0),
    "cosine": (math.cos, 1.0),
    "absolute": (lambda p: min(abs(p), 3.0) / 3, 1 / 3),
}


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def population(encoding, n=40, generations=12, seed=0):
    """Random genomes after random mutations."""
    generator = seeded(seed)
    genomes = encoding.sample(n, generator)
    for _ in range(generations):
        genomes = encoding.vary(genomes, generator)
    return genomes


def outputs(genomes, inputs, numbers=None):
    """[N, O, P]."""
    found = torch.full((len(genomes), genomes.outputs.shape[1], inputs.shape[1]), math.nan)
    found = found.to(inputs.dtype)
    for which, where, values in evaluate(genomes, inputs, numbers):
        found[which, :, where] = values
    return found


def reference(genome, point):
    """One network at one point in double precision, from its graph, node by node.

    Also how far single precision may be off: rounding errors, grown by weights and slopes.
    """
    graph = genome.graph()
    values, errors = dict(zip(("x", "y", "d", "1"), point, strict=True)), {}
    for name in nx.topological_sort(graph):
        if name in values:
            errors[name] = 0.0
            continue
        links = [(source, w) for source, _, w in graph.in_edges(name, data="weight")]
        function, slope = REFERENCE[graph.nodes[name]["activation"]]
        size = sum(abs(w * values[source]) for source, w in links)
        error = sum(abs(w) * errors[source] for source, w in links)
        values[name] = function(sum(w * values[source] for source, w in links))
        errors[name] = slope * (error + size * 1e-6) + 1e-6
    ends = [name for name, kind in graph.nodes(data="kind") if kind == "output"]
    return [values[end] for end in ends], [errors[end] for end in ends]


def check_valid(genomes, encoding):
    assert genomes.links.max() <= encoding.max_links
    assert genomes.nodes.max() <= encoding.max_hidden
    linked = genomes.linked
    for field in (genomes.source, genomes.target, genomes.weight):
        assert not field[~linked].any()
    assert genomes.weight.abs().max() <= encoding.weight_limit
    used = torch.cat([genomes.outputs.flatten(), genomes.hidden[genomes.hidden >= 0]])
    names = list(ACTIVATIONS)
    assert {names[i] for i in used.tolist()} <= set(encoding.activations)
    inputs, ends = 4, genomes.outputs.shape[1]
    alive = torch.cat([torch.ones(len(genomes), inputs + ends).bool(), genomes.hidden >= 0], 1)
    for node in (genomes.source, genomes.target):
        assert alive.gather(1, node)[linked].all()  # no link hangs in the air
    assert not ((genomes.source >= inputs) & (genomes.source < inputs + ends)).any()
    for i in range(len(genomes)):
        graph = genomes[i].graph()
        assert nx.is_directed_acyclic_graph(graph)
        assert graph.number_of_edges() == genomes.links[i]  # no two links between the same nodes
        assert graph.number_of_nodes() == genomes.nodes[i] + inputs + ends


SETTINGS = st.fixed_dictionaries(
    {
        "inputs": st.sampled_from(["unit", "pixels"]),
        "activations": st.sampled_from([tuple(ACTIVATIONS), ("sine", "gaussian"), ("linear",)]),
        "max_hidden": st.sampled_from([0, 1, 5, 32]),
        "max_links": st.sampled_from([12, 15, 96]),
        "weight_limit": st.sampled_from([1.0, 10.0]),
        "crossover": st.sampled_from([0.0, 1.0]),
        "add_link": st.sampled_from([0.5, 1.0]),
        "delete_node": st.sampled_from([0.0, 0.2, 1.0]),
    }
)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    SETTINGS,
    st.sampled_from([1, 3]),
    st.integers(min_value=0, max_value=25),
    st.integers(min_value=0, max_value=10**6),
)
def test_all_networks_at_once_are_each_network_alone(changes, channels, generations, seed):
    encoding = CPPN((channels, 9, 7), **changes)
    genomes = population(encoding, 31, generations, seed)  # odd: the last has no mate
    check_valid(genomes, encoding)
    inputs = encoding._coordinates(9, 7, torch.device("cpu"))[:, ::25].contiguous()
    single, double = outputs(genomes, inputs), outputs(genomes, inputs.double())
    for i in range(len(genomes)):
        for point in range(inputs.shape[1]):
            values, errors = reference(genomes[i], inputs[:, point].tolist())
            for end, (value, error) in enumerate(zip(values, errors, strict=True)):
                assert double[i, end, point].item() == pytest.approx(value, abs=1e-5)
                assert single[i, end, point].item() == pytest.approx(value, abs=1e-5 + error)


def test_the_inputs_are_the_papers():
    x, y, d, one = CPPN((1, 5, 3))._coordinates(5, 3, torch.device("cpu")).view(4, 5, 3)
    assert x[0].tolist() == [-1, 0, 1]
    assert y[:, 0].tolist() == [-1, -0.5, 0, 0.5, 1]
    assert (d[0, 0], d[2, 1], d[2, 2]) == (pytest.approx(2**0.5), 0, 1)
    assert (one == 1).all()
    code = CPPN.released_code((1, 28, 28))
    x, y, d_code, _ = code._coordinates(28, 28, torch.device("cpu")).view(4, 28, 28)
    assert torch.allclose(x[3], torch.arange(28.0), atol=1e-5)
    assert torch.allclose(y[:, 3], torch.arange(28.0), atol=1e-5)
    assert d_code.max() == pytest.approx(2**0.5)
    larger = code._coordinates(55, 55, torch.device("cpu")).view(4, 55, 55)
    assert torch.allclose(larger[0, 0, ::2], x[0], atol=1e-5)  # the same picture, finer


def test_a_single_row_is_in_the_middle():
    y = CPPN((1, 1, 4))._coordinates(1, 4, torch.device("cpu"))[1]
    assert not y.any()


@pytest.mark.parametrize("colour", ["hsv", "hls"])
def test_images_do_not_depend_on_batch_or_chunks(colour, monkeypatch):
    for channels in (1, 3):
        encoding = CPPN((channels, 28, 28), colour=colour)
        genomes = population(encoding, 60, 25)
        whole = encoding.render(genomes)
        assert whole.shape == (60, channels, 28, 28)
        assert whole.dtype == torch.float32
        mixed = torch.randperm(60, generator=seeded())
        assert torch.equal(encoding.render(genomes[mixed]), whole[mixed])
        assert torch.equal(torch.cat([encoding.render(genomes[i]) for i in range(60)]), whole)
        for numbers in (1, 5_000, 77_777):
            monkeypatch.setattr("foolkit.encodings.cppn_evaluate.CACHED", numbers)
            assert torch.equal(encoding.render(genomes[:20]), whole[:20])
        monkeypatch.undo()
        monkeypatch.setattr("foolkit.encodings.cppn_evaluate.GENOMES", 7)
        assert torch.equal(encoding.render(genomes), whole)
        monkeypatch.undo()


def test_memory_does_not_grow_with_the_image():
    encoding = CPPN((3, 256, 256))
    genomes = population(encoding, 400, 10)
    inputs = encoding._coordinates(256, 256, torch.device("cpu"))
    part = next(evaluate(genomes, inputs))[2]
    assert part.numel() < 2**20  # of 400 x 3 x 65,536


def test_any_resolution():
    encoding = CPPN((1, 28, 28))
    genomes = population(encoding, 3)
    fine = encoding.render(genomes, size=(109, 55))  # steps of a quarter and a half of a pixel
    assert fine.shape == (3, 1, 109, 55)
    off = (fine[:, :, ::4, ::2] - encoding.render(genomes)).abs()
    assert (off <= 1.01 / 255).float().mean() > 0.95  # the same numbers up to rounding


def test_images_are_on_the_8_bit_grid():
    for channels in (1, 3):
        images = CPPN((channels, 28, 28)).render(population(CPPN((channels, 28, 28))))
        levels = images * 255
        assert torch.allclose(levels, levels.round(), atol=1e-4)
        assert images.min() >= 0
        assert images.max() <= 1
        assert torch.equal((levels.round() / 255), images)


def constant(activation, weights, channels=1):
    """A genome whose outputs are activation(weight), everywhere."""
    n = len(weights) // channels
    target = torch.arange(4, 4 + channels).repeat(n, 1)
    return CPPNGenomes(
        source=torch.full_like(target, 3),
        target=target,
        weight=torch.tensor(weights).view(n, channels),
        outputs=torch.full_like(target, list(ACTIVATIONS).index(activation)),
        hidden=torch.full((n, 0), -1),
    )


def test_brightness_is_the_size_of_the_output():
    weights = [0.0, 1.5, -1.5, 3.0, -9.0, 2.99]
    images = CPPN(SHAPE).render(constant("linear", weights))
    assert images.flatten(1).amax(1).mul(255).tolist() == [0, 127, 127, 255, 255, 254]
    assert torch.equal(images.flatten(1).amin(1), images.flatten(1).amax(1))


def test_colours_are_those_of_the_standard_library():
    colours = torch.rand((500, 3), generator=seeded(), dtype=torch.float64)
    for ours, theirs in ((hsv_to_rgb, colorsys.hsv_to_rgb), (hls_to_rgb, colorsys.hls_to_rgb)):
        found = ours(*colours.T[:, :, None])[:, :, 0]
        expected = [theirs(*colour) for colour in colours.tolist()]
        assert torch.allclose(found, torch.tensor(expected, dtype=found.dtype), atol=1e-9)


def test_the_paper_and_its_code_differ_in_hue():
    red_green = constant("linear", [1.0, 3.0, 3.0], channels=3)  # a third of a turn
    assert CPPN((3, 1, 1)).render(red_green).flatten().tolist() == [0, 1, 0]
    half = constant("linear", [1.0, 1.5, 3.0], channels=3)  # 85 of 180: 170 degrees
    r, g, b = CPPN((3, 1, 1), colour="hls").render(half).mul(255).flatten().tolist()
    expected = colorsys.hls_to_rgb(170 / 360, 127 / 255, 1)
    assert [r, g, b] == pytest.approx([255 * c for c in expected], abs=0.51)


def test_the_first_networks_have_no_hidden_nodes():
    for channels in (1, 3):
        genomes = CPPN((channels, 28, 28)).sample(4000, seeded())
        assert (genomes.nodes == 0).all()
        assert (genomes.links == 4 * channels).all()
        assert genomes[7].graph().number_of_edges() == 4 * channels
        weight = genomes.weight[genomes.linked]
        assert weight.abs().max() <= 10
        assert float(weight.mean()) == pytest.approx(0, abs=0.15)
        assert float(weight.abs().mean()) == pytest.approx(5, abs=0.1)
        kinds = torch.bincount(genomes.outputs.flatten(), minlength=5) / genomes.outputs.numel()
        assert kinds.tolist() == pytest.approx([0.25] * 4 + [0], abs=0.03)


N = 4000


@pytest.fixture(scope="module")
def grown():
    return population(CPPN(SHAPE), N, 10)


def share(changed):
    return float(changed.float().mean())


def alone(**rates):
    return CPPN(SHAPE, **{**NOTHING, **rates})


def same(a, b):
    return all(
        torch.equal(x, y) for x, y in zip(a.tensors().values(), b.tensors().values(), strict=True)
    )


def test_without_rates_nothing_changes(grown):
    assert same(alone().vary(grown, seeded()), grown)


def test_the_parents_are_not_changed(grown):
    before = grown.clone()
    CPPN(SHAPE, crossover=1.0).vary(grown, seeded())
    assert same(before, grown)


def test_rates_of_weights(grown):
    child = alone(weight_rate=0.1).vary(grown, seeded())
    moved = (child.weight - grown.weight)[grown.linked]
    assert share(moved != 0) == pytest.approx(0.1, abs=0.01)
    assert float(moved[moved != 0].abs().mean()) == pytest.approx(20 / 17, rel=0.1)
    assert torch.equal(child.target, grown.target)


def test_rates_of_activations(grown):
    child = alone(activation_rate=0.2).vary(grown, seeded())
    alive = grown.hidden >= 0
    assert torch.equal(child.hidden >= 0, alive)
    # one in four is the same again
    assert share((child.hidden != grown.hidden)[alive]) == pytest.approx(0.15, abs=0.015)
    assert share(child.outputs != grown.outputs) == pytest.approx(0.15, abs=0.025)


def test_rates_of_links(grown):
    child = alone(add_link=0.5).vary(grown, seeded())
    assert torch.equal(child.nodes, grown.nodes)
    growth = child.links - grown.links
    assert set(growth.tolist()) == {0, 1}
    able = grown.nodes >= 3  # small ones may have no place for another link
    assert share(growth[able]) == pytest.approx(0.5, abs=0.06)
    child = alone(delete_link=0.3).vary(grown, seeded())
    lost = grown.links - child.links
    assert set(lost.tolist()) == {0, 1}
    assert share(lost[grown.links > 0]) == pytest.approx(0.3, abs=0.03)
    assert torch.equal(child.hidden, grown.hidden)


def test_rates_of_nodes(grown):
    child = alone(add_node=0.5).vary(grown, seeded())
    assert torch.equal(child.nodes - grown.nodes, child.links - grown.links)
    assert share((child.nodes - grown.nodes)[grown.links > 0]) == pytest.approx(0.5, abs=0.03)
    child = alone(delete_node=0.2).vary(grown, seeded())
    assert share((grown.nodes - child.nodes)[grown.nodes > 0]) == pytest.approx(0.2, abs=0.03)
    check_valid(child[:200], CPPN(SHAPE))


def test_new_links_go_everywhere_they_may():
    """From any input to any of two nodes, and from one node to the other, but not back."""
    start = CPPN(SHAPE).sample(1, seeded())[torch.zeros(N, dtype=torch.int64)]
    start.hidden[:, :2] = 0
    start.source[:, 4], start.target[:, 4], start.weight[:, 4] = 5, 6, 1.0  # h1 -> h2
    child = alone(add_link=1.0).vary(start, seeded())
    added = child.target.gather(1, child.links[:, None] - 1)[:, 0]
    source = child.source.gather(1, child.links[:, None] - 1)[:, 0]
    assert (child.links == 6).all()
    h1, h2 = source == 5, source == 6
    assert (added[h1] == 4).all()  # its link to h2 is there
    assert (added[h2] == 4).all()  # h1 is its ancestor
    assert share(h1) == pytest.approx(1 / 6, abs=0.03)
    assert share(h2) == pytest.approx(1 / 6, abs=0.03)
    pairs = torch.bincount(source * 7 + added, minlength=28)[:28].view(4, 7) / N
    expected = torch.zeros(4, 7)
    expected[:, 5:] = 1 / 12  # inputs are linked to the output already
    assert torch.allclose(pairs, expected, atol=0.03)


def test_a_split_keeps_the_weight_on_both_halves():
    start = CPPN(SHAPE).sample(100, seeded())
    child = alone(add_node=1.0).vary(start, seeded())
    for i in range(100):
        graph, before = child[i].graph(), start[i].graph()
        ((source, _, first),) = graph.in_edges("h1", data="weight")
        ((_, target, second),) = graph.out_edges("h1", data="weight")
        assert (target, first, second) == ("out", before[source]["out"]["weight"], first)
        assert not graph.has_edge(source, "out")


def test_at_the_limits_nothing_is_added():
    encoding = CPPN(SHAPE, max_hidden=3, max_links=9, delete_link=0.0, delete_node=0.0)
    genomes = population(encoding, 100, 40)
    assert (genomes.links == 9).all()
    full = genomes.nodes == 3
    assert full.any()
    child = CPPN(
        SHAPE, max_hidden=3, max_links=9, **{**NOTHING, "add_link": 1.0, "add_node": 1.0}
    ).vary(genomes, seeded())
    assert same(child, genomes)
    weights = CPPN(SHAPE, max_hidden=3, max_links=9, **{**NOTHING, "weight_rate": 1.0})
    assert (weights.vary(genomes, seeded()).weight != genomes.weight).float().mean() > 0.9
    less = CPPN(SHAPE, max_hidden=3, max_links=9, delete_link=1.0, add_link=1.0, add_node=0.0)
    assert (less.vary(genomes, seeded()).links <= 9).all()


def test_crossover_mixes_what_both_parents_have():
    parents = population(CPPN(SHAPE), 2, 8)[torch.tensor([0, 1] * 1000 + [0])]
    first, second = parents[0], parents[1]
    encoding = alone(crossover=0.5)
    child = encoding.vary(parents, seeded())
    check_valid(child[:100], encoding)
    assert torch.equal(child.target, parents.target)
    assert torch.equal(child.source, parents.source)
    links = [{(s, t): w for s, t, w in p.graph().edges(data="weight")} for p in (first, second)]
    shared = set(links[0]) & set(links[1])
    assert shared
    assert set(links[0]) ^ set(links[1])
    taken = 0
    for i in range(0, 200, 2):
        for (s, t), own in links[0].items():
            weight = child[i].graph()[s][t]["weight"]
            assert weight in ((own, links[1][s, t]) if (s, t) in shared else (own,))
            taken += weight != own
    assert taken / (100 * len(shared)) == pytest.approx(0.25, abs=0.1)
    assert same(child[-1], first)  # no mate


def test_describe_and_graph():
    genomes = constant("sine", [0.5])
    assert genomes.describe() == "out = sine(0.5)\nwhere\n  sine(p) = sin(p)"
    genomes = CPPNGenomes(
        source=torch.tensor([[0, 5, 1, 3]]),
        target=torch.tensor([[5, 4, 6, 4]]),
        weight=torch.tensor([[2.0, -1.5, 1.0, -0.25]]),
        outputs=torch.tensor([[2]]),
        hidden=torch.tensor([[0, 3, -1]]),
    )
    lines = genomes.describe().splitlines()
    assert lines[0] == "h1 = sine(2 x)"
    assert lines[1] == "out = gaussian(-1.5 h1 - 0.25)"  # h2 leads nowhere
    assert lines[2:] == ["where", "  sine(p) = sin(p)", "  gaussian(p) = exp(-p^2)"]
    graph = genomes.graph()
    assert set(graph) == {"x", "y", "d", "1", "h1", "h2", "out"}
    assert graph.nodes["h2"] == {"kind": "hidden", "activation": "linear"}
    assert graph["h1"]["out"]["weight"] == -1.5
    with pytest.raises(ValueError, match="genomes: expected one genome, such as genomes"):
        population(CPPN(SHAPE), 2).graph()


def test_the_drawing_tells_the_network():
    for channels in (1, 3):
        genome = population(CPPN((channels, 8, 8)), 5, 10)[3]
        drawn = fk.plot.cppn(genome)
        assert " links, from x, y, distance d" in drawn.alt
        assert drawn.caption
        written = {text.get_text() for text in drawn.findobj(fk.plot.Text)}
        assert {"x", "y", "d", "1"} <= written
        assert drawn.png()
        assert drawn.png(dark=True)
    assert fk.plot.cppn(genome, alt="a", caption="c").alt == "a"


def test_cycles_are_refused():
    loop = CPPNGenomes(
        source=torch.tensor([[5, 6, 5]]),
        target=torch.tensor([[6, 5, 4]]),
        weight=torch.ones(1, 3),
        outputs=torch.tensor([[0]]),
        hidden=torch.tensor([[0, 0]]),
    )
    with pytest.raises(ValueError, match="genomes: expected networks without cycles"):
        CPPN(SHAPE).render(loop)


def test_networks_without_any_link():
    encoding = alone(delete_link=1.0)
    genomes = encoding.sample(3, seeded())
    for _ in range(5):
        genomes = encoding.vary(genomes, seeded())
    assert not genomes.linked.any()
    genomes.outputs[:] = torch.tensor([[0], [2], [1]])
    assert encoding.render(genomes).amax((1, 2, 3)).tolist() == [0, 1, 0]
    again = CPPN(SHAPE).vary(genomes, seeded())
    check_valid(again, CPPN(SHAPE))


def test_killed_and_resumed_is_bit_for_bit_never_stopped(kill_at, tmp_path):
    path = kill_at("fk.encodings.CPPN(net.input_shape, crossover=0.3)", generation=8)
    net = fk.models.load("lenet")
    encoding = CPPN(net.input_shape, crossover=0.3)
    options = {"seed": 5, "batch": 50, "progress": False}
    stopped = fk.evolution.MapElites(net, encoding, seed=5, batch=50)
    reached = stopped.resume(path).generation
    assert reached >= 7
    resumed = fk.evolve(net, encoding, generations=reached + 5, checkpoint=path, **options)
    whole = fk.evolve(net, encoding, generations=reached + 5, **options)
    assert torch.equal(resumed.images, whole.images)
    assert torch.equal(resumed.history.confidence, whole.history.confidence)
    assert same(resumed.genomes, whole.genomes)
    whole.save(tmp_path / "elites.safetensors")
    loaded = fk.evolution.Elites.load(tmp_path / "elites.safetensors")
    assert isinstance(loaded.genomes, CPPNGenomes)
    assert same(loaded.genomes, whole.genomes)
    assert torch.equal(encoding.render(loaded.genomes), whole.images)
    other = CPPN(net.input_shape, inputs="pixels", crossover=0.3)
    with pytest.raises(ValueError, match="another experiment: encoding is"):
        fk.evolve(net, other, generations=1, checkpoint=path, **options)


@pytest.mark.parametrize("seed", range(5))
def test_a_few_generations_fool_lenet(seed):
    net = fk.models.load("lenet")
    elites = fk.evolve(net, CPPN(net.input_shape), generations=30, seed=seed, progress=False)
    assert elites.history.median[-1] >= 0.9999  # found after 3 to 7


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"shape": (28, 28)}, "shape: expected"),
        ({"shape": (2, 28, 28)}, "shape: expected .* 1 or 3 channels"),
        ({"inputs": "polar"}, "inputs: expected one of"),
        ({"colour": "rgb"}, "colour: expected one of"),
        ({"activations": ()}, "activations: expected different names"),
        ({"activations": ("sine", "sine")}, "activations: expected different names"),
        ({"activations": "relu"}, "activations: expected different names of sine, .*'relu'"),
        ({"max_hidden": -1}, "max_hidden: expected"),
        ({"max_links": 3}, "max_links: expected an integer of at least 4"),
        ({"weight_rate": 2.0}, "weight_rate: expected"),
        ({"crossover": -0.1}, "crossover: expected"),
        ({"delete_node": 1.1}, "delete_node: expected"),
        ({"eta": -1.0}, "eta: expected"),
        ({"weight_limit": 0.0}, "weight_limit: expected"),
    ],
)
def test_bad_settings(arguments, message):
    with pytest.raises(ValueError, match=message):
        CPPN(**{"shape": SHAPE, **arguments})


def test_bad_rendering():
    encoding = CPPN(SHAPE)
    with pytest.raises(ValueError, match="size: expected an integer of at least 1, got 0"):
        encoding.render(encoding.sample(1, seeded()), size=(0, 5))
    with pytest.raises(TypeError, match="size: expected an integer"):
        encoding.render(encoding.sample(1, seeded()), size=(5.0, 5))
    with pytest.raises(ValueError, match="size: expected .height, width., got 64"):
        encoding.render(encoding.sample(1, seeded()), size=64)
    with pytest.raises(ValueError, match="genomes: expected 3 outputs"):
        CPPN((3, 8, 8)).render(encoding.sample(1, seeded()))
    with pytest.raises(ValueError, match="n: expected"):
        encoding.sample(0, seeded())


def test_the_released_code():
    encoding = CPPN.released_code((3, 256, 256))
    assert (encoding.inputs, encoding.colour) == ("pixels", "hls")
    defaults = CPPN((3, 256, 256))
    assert (defaults.inputs, defaults.colour, defaults.crossover) == ("unit", "hsv", 0.0)
    assert defaults.activations == ("sine", "sigmoid", "gaussian", "linear")
    rates = ("add_link", "delete_link", "add_node", "delete_node", "weight_rate", "eta")
    for other in (encoding, defaults):
        assert [getattr(other, rate) for rate in rates] == [0.5, 0.3, 0.5, 0.2, 0.1, 15.0]
