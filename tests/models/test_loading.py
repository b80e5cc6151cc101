import contextlib
import importlib
import io
import json
import os
import sys
import zipfile
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import foolkit as fk
from foolkit import extras
from foolkit._torchvision import import_torchvision
from foolkit.evolution.elites import read_png
from foolkit.models import loading
from foolkit.models.operators import ATEN

IMAGENET = Path(os.environ.get("FOOLKIT_DATA", ""), "imagenet")
needs_data = pytest.mark.skipif(
    not os.environ.get("FOOLKIT_DATA"), reason="FOOLKIT_DATA is not set"
)
FREE = ({0: torch.export.Dim.DYNAMIC},)


class Small(nn.Sequential):
    def __init__(self, classes=5):
        super().__init__(
            nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5), nn.Flatten(),
            nn.Linear(4 * 36, classes),
        )  # fmt: skip


class Wrong(nn.Module):
    """Not a classifier, in one of several ways."""

    def __init__(self, how):
        super().__init__()
        self.how = how

    def forward(self, images):
        return {
            "nan": lambda: images.flatten(1)[:, :5] / 0 * 0,
            "maps": lambda: images[:, :2],
        }[self.how]()


@pytest.fixture(scope="module")
def small():
    torch.manual_seed(0)
    return Small().eval()


def export(module, path, batch=4, shapes=None, dtype=torch.float32, size=(3, 8, 8)):
    torch.manual_seed(1)
    images = torch.rand(batch, *size).to(dtype)
    torch.export.save(torch.export.export(module, (images,), dynamic_shapes=shapes), path)
    return path


def changed(path, change):
    """The archive again with some of its records changed (None: as it was)."""
    out = path.with_name(f"crafted-{path.name}")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            content = change(name.partition("/")[2], old.read(name))
            new.writestr(name, old.read(name) if content is None else content)
    return out


@pytest.mark.parametrize(
    "shapes",
    [None, FREE, ({0: torch.export.Dim("batch", min=2, max=6)},)],
    ids=["fixed", "free", "bounded"],
)
def test_a_program_takes_any_number_of_images(small, tmp_path, shapes):
    net = fk.models.load(export(small, tmp_path / "mine.pt2", shapes=shapes))
    assert (net.name, net.input_shape, net.classes) == ("mine", (3, 8, 8), tuple("01234"))
    images = torch.rand(11, 3, 8, 8)
    for n in (1, 2, 4, 11):
        assert torch.allclose(net(images[:n]), small(images[:n]), atol=1e-5)
    net.train().eval()
    assert not net.training
    found = fk.gradients.fgsm(net, images, torch.zeros(11, dtype=torch.int64), epsilon=0.1)
    assert float(found.linf.max()) > 0.09


def test_a_program_that_refuses_its_mode_is_a_classifier_all_the_same(small):
    program = torch.export.export(small, (torch.rand(2, 3, 8, 8),), dynamic_shapes=FREE).module()
    with pytest.raises(NotImplementedError):
        program.eval()
    net = fk.models.Classifier(program, input_shape=(3, 8, 8), classes=5, name="p").eval()
    assert not net.training


def test_evolution_of_a_program_resumes(small, tmp_path):
    net = fk.models.load(export(small, tmp_path / "mine.pt2", batch=8), classes=list("abcde"))
    assert net.classes == tuple("abcde")
    settings = {"batch": 20, "progress": False, "precision": "float32"}
    encoding = fk.encodings.CPPN(net.input_shape)
    part = tmp_path / "run"
    fk.evolve(net, encoding, generations=2, checkpoint=part, **settings)
    again = fk.models.load(tmp_path / "mine.pt2")
    whole = fk.evolve(again, encoding, generations=4, **settings)
    resumed = fk.evolve(again, encoding, generations=4, checkpoint=part, **settings)
    assert torch.equal(whole.images, resumed.images)


class Payload:
    """Leaves a file where it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def pickled(path):
    content = io.BytesIO()
    torch.save({"x": Payload(path)}, content)
    return content.getvalue()


def edit(name, change):
    """A change of one JSON record."""

    def apply(record, content):
        if record != name:
            return None
        facts = json.loads(content)
        change(facts)
        return json.dumps(facts).encode()

    return apply


def weights(key, value):
    def change(facts):
        next(iter(facts["config"].values()))[key] = value

    return edit("data/weights/model_weights_config.json", change)


def node(change):
    return edit(
        "models/model.json", lambda facts: change(facts["graph_module"]["graph"]["nodes"][0])
    )


def spec(facts):
    signature = facts["graph_module"]["module_call_graph"][0]["signature"]
    signature["in_spec"] = signature["in_spec"].replace("builtins.tuple", "collections.OrderedDict")


def expression(text):
    def change(facts):
        sizes = facts["graph_module"]["graph"]["tensor_values"]["input"]["sizes"]
        sizes[0] = {"as_expr": {"expr_str": text, "hint": None}}

    return edit("models/model.json", change)


def constraint(facts):
    ranges = facts["range_constraints"]
    ranges["u999999999999"] = next(iter(ranges.values()))


def rename(facts):
    facts["graph_module"]["signature"]["input_specs"][0]["parameter"]["parameter_name"] = 'a"),(b'


@pytest.mark.parametrize(
    ("craft", "message"),
    [
        (weights("use_pickle", True), "holds a pickled weight"),
        (weights("path_name", "../code"), "holds a pickled weight"),
        (node(lambda n: n.update(target="torch.hub.load")), "calls 'torch.hub.load', which is not"),
        *(
            (
                node(lambda n, name=name: n.update(target=f"torch.ops.{name}")),
                f"calls 'torch.ops.{name}",
            )
            for name in (
                "aten.from_file.default",
                "aten.adaptive_max_pool2d_backward.default",
                "aten.segment_reduce.default",
                "aten.sparse_coo_tensor.size",
                "aten._sparse_coo_tensor_unsafe.default",
                "aten.manual_seed.default",
                "aten.set_grad_enabled.default",
                "aten.resize_.default",
                "aten.relu.out",
                "aten.cat.names_out",
                "prims.device_put.default",
            )
        ),
        (node(lambda n: n.update(name="a=print(1)")), "holds a name that is none"),
        (edit("models/model.json", spec), "something else than plain containers"),
        (edit("models/model.json", rename), "holds a name that is none"),
    ],
)
def test_a_crafted_program_is_refused(small, tmp_path, craft, message):
    crafted = changed(export(small, tmp_path / "mine.pt2"), craft)
    with pytest.raises(ValueError, match=message):
        fk.models.load(crafted)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').getpid()", "9**9**9**9", "(s0**8)**8", "s0**(3 + 3)", "s0**-1",
        "1 << 999999999", "-" * 8000 + "1", "(" * 900 + "1" + ")" * 900, "Pow(9, 999999)",
        "u999999999999", "Symbol('u999999999999')", "10000000000000000000000 * s0",
    ],
)  # fmt: skip
def test_an_expression_that_is_code_or_has_no_end_is_refused(small, tmp_path, text):
    crafted = changed(export(small, tmp_path / "mine.pt2", shapes=FREE), expression(text))
    with pytest.raises(ValueError, match="holds an expression that is no arithmetic"):
        fk.models.load(crafted)


def test_a_constraint_on_a_symbol_of_huge_number_is_refused(small, tmp_path):
    path = export(small, tmp_path / "mine.pt2", shapes=FREE)
    with pytest.raises(ValueError, match="holds a name that is none .'u999999999999'"):
        fk.models.load(changed(path, edit("models/model.json", constraint)))


def test_archives_that_are_larger_than_they_look_are_refused(small, tmp_path):
    path = export(small, tmp_path / "mine.pt2")
    for method in (zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2):
        packed = tmp_path / "packed.pt2"
        with zipfile.ZipFile(path) as old, zipfile.ZipFile(packed, "w", method) as new:
            for name in old.namelist():
                new.writestr(name, old.read(name))
        with pytest.raises(ValueError, match="as torch.export.save writes it.*it is compressed"):
            fk.models.load(packed)
    for craft in (
        lambda name, content: b"[" * 100_000 if name == "models/model.json" else None,
        lambda name, content: b"[]" if name == "models/model.json" else None,
        lambda name, content: b"{}" if name.endswith("weights_config.json") else None,
    ):
        with pytest.raises(ValueError, match="source: "):
            fk.models.load(changed(path, craft))


@pytest.mark.parametrize("trust", ["no", 1, None])
def test_trust_is_true_or_false(small, tmp_path, trust):
    path = export(small, tmp_path / "mine.pt2")
    with pytest.raises(TypeError, match="trust: expected True or False, got"):
        fk.models.load(path, trust=trust)


def test_every_operator_of_inference_is_torchs():
    missing = [name for name in ATEN if not hasattr(torch.ops.aten, name)]
    assert missing == []


class Many(nn.Module):
    """Attention, several normalisations, poolings and ways to change a shape."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 8, 3, padding=1), nn.GroupNorm(2, 8)
        self.attention = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.last = nn.Linear(8, 5)

    def forward(self, images):
        maps = nn.functional.silu(self.norm(self.conv(images)))
        maps = nn.functional.interpolate(nn.functional.avg_pool2d(maps, 2), scale_factor=2)
        tokens = self.attention(maps.flatten(2).transpose(1, 2))
        return self.last(tokens.mean(1))


@pytest.mark.parametrize("shapes", [None, FREE], ids=["fixed", "free"])
@pytest.mark.parametrize("decomposed", [False, True])
@pytest.mark.filterwarnings("ignore:.isinstance.treespec, LeafSpec:FutureWarning")
def test_programs_of_other_layers_are_loaded(tmp_path, shapes, decomposed):
    torch.manual_seed(0)
    net, images = Many().eval(), torch.rand(3, 3, 8, 8)
    program = torch.export.export(net, (images,), dynamic_shapes=shapes)
    if decomposed:
        program = program.run_decompositions()
    torch.export.save(program, tmp_path / "many.pt2")
    assert torch.allclose(fk.models.load(tmp_path / "many.pt2")(images), net(images), atol=1e-4)


def test_what_torch_would_unpickle_is_refused_unless_trusted(small, tmp_path):
    left = tmp_path / "left"
    crafted = changed(
        export(small, tmp_path / "mine.pt2"),
        lambda name, _: pickled(left) if name == "data/sample_inputs/model.pt" else None,
    )
    with pytest.raises(ValueError, match="pickled sample inputs.*trust=True"):
        fk.models.load(crafted)
    assert not left.exists()
    with contextlib.suppress(ValueError):  # whether torch likes what it unpickled is its matter
        fk.models.load(crafted, trust=True)
    assert left.exists()


def test_damaged_and_old_programs(small, tmp_path):
    path = export(small, tmp_path / "mine.pt2")
    (tmp_path / "half.pt2").write_bytes(path.read_bytes()[:2000])
    with pytest.raises(ValueError, match="source: expected a program of torch.export, got another"):
        fk.models.load(tmp_path / "half.pt2")
    with zipfile.ZipFile(tmp_path / "old.pt2", "w") as archive:
        archive.writestr("version", "8.8")
    with pytest.raises(ValueError, match="format before torch 2.8"):
        fk.models.load(tmp_path / "old.pt2")
    with pytest.raises(FileNotFoundError, match="source: expected a .pt2 file, found none"):
        fk.models.load(tmp_path / "none.pt2")


@pytest.mark.parametrize(
    ("how", "error", "message"),
    [
        ("nan", FloatingPointError, "source: expected finite logits of an image of noise"),
        ("maps", ValueError, r"source: .*expected logits \[N, K\].*got \[1, 2, 8, 8\]"),
    ],
)
def test_programs_that_are_no_classifiers(tmp_path, how, error, message):
    with pytest.raises(error, match=message):
        fk.models.load(export(Wrong(how), tmp_path / "mine.pt2"))


def test_programs_for_something_else_than_images(small, tmp_path):
    double = export(Small().double().eval(), tmp_path / "double.pt2", dtype=torch.float64)
    with pytest.raises(TypeError, match="program for float32 images in .*got torch.float64"):
        fk.models.load(double)
    flat = export(nn.Linear(8, 5), tmp_path / "flat.pt2", size=(8,))
    with pytest.raises(ValueError, match=r"program for images \[N, C, H, W\].*got \[4, 8\]"):
        fk.models.load(flat)
    path = export(small, tmp_path / "mine.pt2")
    with pytest.raises(ValueError, match=r"input_shape: the network takes \(3, 8, 8\), got"):
        fk.models.load(path, input_shape=(3, 9, 9))
    with pytest.raises(ValueError, match="classes: the network .* has 5, got 2 names"):
        fk.models.load(path, classes=["a", "b"])
    with pytest.raises(ValueError, match="weights: expected only with 'torchvision:NAME'"):
        fk.models.load(path, weights="x")


@pytest.fixture(scope="module")
def squeezenet():
    torch.manual_seed(0)
    return import_torchvision().models.squeezenet1_1(num_classes=3).eval()


@pytest.mark.parametrize("ending", ["safetensors", "pt"])
def test_torchvision_with_a_state_dict(squeezenet, tmp_path, ending):
    path = tmp_path / f"weights.{ending}"
    write = save_file if ending == "safetensors" else torch.save
    write(squeezenet.state_dict(), path)
    assert len(fk.models.load("torchvision:squeezenet1_1", weights=path).classes) == 3
    net = fk.models.load("torchvision:squeezenet1_1", weights=path, classes=["a", "b", "c"])
    assert (net.name, net.input_shape) == ("squeezenet1_1", (3, 224, 224))
    images = torch.rand(2, 3, 224, 224)
    mean, deviation = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]]).view(2, 3, 1, 1)
    with torch.no_grad():
        expected = squeezenet((images - mean) / deviation)
        assert torch.allclose(net(images), expected, atol=1e-4)


def test_state_dicts_that_do_not_fit(squeezenet, tmp_path):
    state = squeezenet.state_dict()
    state["extra.weight"] = state.pop("features.0.weight")
    save_file(state, tmp_path / "w.safetensors")
    with pytest.raises(ValueError, match="does not fit") as caught:
        fk.models.load("torchvision:squeezenet1_1", weights=tmp_path / "w.safetensors")
    assert "missing: features.0.weight; unknown: extra.weight" in str(caught.value)
    left = tmp_path / "left"
    (tmp_path / "w.pt").write_bytes(pickled(left))
    with pytest.raises(ValueError, match="weights: .*without running code.*trust=True"):
        fk.models.load("torchvision:squeezenet1_1", weights=tmp_path / "w.pt")
    assert not left.exists()
    with pytest.raises(FileNotFoundError, match="weights: expected a state dict, found no file"):
        fk.models.load("torchvision:squeezenet1_1", weights=tmp_path / "none.pt")


def test_torchvision_names_and_downloads(monkeypatch):
    with pytest.raises(ValueError, match="no classifier 'sqeezenet1_0'; did you mean squeezenet1"):
        fk.models.load("torchvision:sqeezenet1_0")

    def offline(*_, **__):
        raise OSError("no route")

    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    monkeypatch.setenv("TORCH_HOME", "/nonexistent")
    with pytest.raises(FileNotFoundError, match="could not be downloaded .*weights=PATH"):
        fk.models.load("torchvision:squeezenet1_0")


@pytest.fixture
def stub_timm(monkeypatch):
    """A timm of one network, of 8 x 8 pixels; ``asked`` lists what was created."""

    def create_model(name, pretrained=False, num_classes=4):
        stub.asked.append((name, pretrained, num_classes))
        if pretrained and stub.offline:
            raise OSError("no route")
        torch.manual_seed(0)
        return nn.Sequential(nn.Flatten(), nn.Linear(192, num_classes))

    def data_config(network):
        assert isinstance(network, nn.Module)
        return {"input_size": (3, 8, 8), "mean": (0.5, 0.4, 0.3), "std": (0.2, 0.2, 0.1)}

    stub, data = ModuleType("timm"), ModuleType("timm.data")
    stub.asked, stub.offline = [], False
    stub.is_model, stub.list_models = "tiny".__eq__, lambda: ["tiny"]
    stub.create_model, data.resolve_model_data_config = create_model, data_config
    monkeypatch.setitem(sys.modules, "timm", stub)
    monkeypatch.setitem(sys.modules, "timm.data", data)
    return stub


def test_timm_is_normalised_as_it_was_trained(stub_timm):
    net = fk.models.load("timm:tiny", classes=list("abcd"))
    assert (net.name, net.input_shape, net.classes) == ("tiny", (3, 8, 8), tuple("abcd"))
    assert stub_timm.asked == [("tiny", True, 4)]
    images = torch.rand(2, 3, 8, 8)
    mean, deviation = (torch.tensor(v).view(3, 1, 1) for v in ((0.5, 0.4, 0.3), (0.2, 0.2, 0.1)))
    expected = stub_timm.create_model("tiny")((images - mean) / deviation)
    assert torch.allclose(net(images), expected, atol=1e-5)


def test_timm_with_a_state_dict_counts_its_classes(stub_timm, tmp_path):
    save_file(
        stub_timm.create_model("tiny", num_classes=7).state_dict(), tmp_path / "w.safetensors"
    )
    stub_timm.offline = True  # nothing is downloaded
    net = fk.models.load("timm:tiny", weights=tmp_path / "w.safetensors")
    assert net.classes == tuple("0123456")
    with pytest.raises(ValueError, match="does not fit the architecture; of another shape"):
        fk.models.load("timm:tiny", weights=tmp_path / "w.safetensors", classes=["a", "b"])


def test_timm_says_what_is_missing(stub_timm, monkeypatch):
    with pytest.raises(ValueError, match="timm has no classifier 'tinny'; did you mean tiny?"):
        fk.models.load("timm:tinny")
    with pytest.raises(ValueError, match="mean: expected none, as 'timm:tiny' has its own"):
        fk.models.load("timm:tiny", mean=0.5)
    stub_timm.offline = True
    with pytest.raises(FileNotFoundError, match="timm's tiny .*could not be downloaded .no route"):
        fk.models.load("timm:tiny")
    monkeypatch.setitem(sys.modules, "timm", None)  # as if it were not installed
    with pytest.raises(ModuleNotFoundError, match="'timm:tiny', it is not: pip install timm"):
        fk.models.load("timm:tiny")


def test_factories(tmp_path, monkeypatch):
    (tmp_path / "my_networks.py").write_text(
        "import torch\nimport foolkit as fk\n"
        "def plain():\n    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 4))\n"
        "def named():\n    return fk.models.Classifier(plain(), input_shape=(3, 2, 2),"
        " classes=list('abcd'), name='whole')\n"
        "def none():\n    return 3\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    net = fk.models.load("my_networks:named")
    assert (net.name, net.classes) == ("whole", tuple("abcd"))
    net = fk.models.load("my_networks:plain", input_shape=(3, 2, 2), name="mine")
    assert (net.name, net.input_shape) == ("mine", (3, 2, 2))
    for source, error, message in (
        ("my_networks:plain", ValueError, "input_shape: expected"),
        ("my_networks:none", TypeError, "return a torch.nn.Module, got int"),
        ("my_networks:nothing", ValueError, "has no 'nothing'"),
        ("my_netwroks:plain", ValueError, "no module 'my_netwroks'"),
    ):
        with pytest.raises(error, match=message):
            fk.models.load(source)
    with pytest.raises(ValueError, match="input_shape: my_networks:plain failed on images"):
        fk.models.load("my_networks:plain", input_shape=(3, 9, 9))


def test_unknown_names_list_the_ways(tmp_path):
    with pytest.raises(ValueError, match=r"shipped are .*or a .pt2 file, 'torchvision:NAME'"):
        fk.models.load("lenett")
    (tmp_path / "w.pt").write_bytes(b"")
    with pytest.raises(ValueError, match="a pickled module or a damaged file"):
        fk.models.load(tmp_path / "w.pt")
    assert fk.models.load("lenet", name="other").name == "other"


def test_imagenet_names():
    names = loading.imagenet_classes()
    assert (len(names), names[0], names[999]) == (1000, "tench", "toilet tissue")


@needs_data
@pytest.mark.parametrize("name", ["mobilenet_v1", "mobilenet_v2", "squeezenet1_0", "torchvision"])
def test_networks_of_imagenet_know_a_photograph(name):
    if name == "torchvision":
        weights = IMAGENET / "squeezenet1_0.safetensors"
        net = fk.models.load("torchvision:squeezenet1_0", weights=weights)
    else:
        net = fk.models.load(IMAGENET / f"{name}.pt2")
    assert net.classes == loading.imagenet_classes()
    paths = sorted((IMAGENET / "samples").glob("*.jpg"))[::5]
    images = torch.stack([read_png(path) for path in paths])
    labels = torch.tensor([int(path.name[:4]) for path in paths])
    assert (fk.models.predict(net, images).argmax(1) == labels).float().mean() > 0.35


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
def test_files_that_are_no_programs_are_called_what_they_are(small, tmp_path):
    torch.jit.save(torch.jit.script(small), tmp_path / "script.pt")
    (tmp_path / "net.keras").write_bytes(b"keras")
    torch.save(small.state_dict(), tmp_path / "state.pth")
    torch.save({"state_dict": small.state_dict(), "epoch": 3}, tmp_path / "checkpoint.ckpt")
    save_file(small.state_dict(), tmp_path / "state.safetensors")
    torch.save(small, tmp_path / "whole.pt")
    state = r"a state dict of 9 tensors \(\d..*'torchvision:NAME' with weights="
    for name, message in (
        ("script.pt", r"a program of TorchScript: .*trust=True \(--trust\) together with input_sh"),
        ("net.keras", "a network of Keras: .*layout='NHWC', outputs='probabilities'"),
        ("state.pth", state),
        ("checkpoint.ckpt", state),
        ("state.safetensors", state),
        ("whole.pt", r"a pickled module .*trust=True \(--trust\) together with input_shape"),
    ):
        with pytest.raises(ValueError, match=f"source: expected a program .*{message}"):
            fk.models.load(tmp_path / name)
    for name in ("script.pt", "whole.pt"):
        net = fk.models.load(tmp_path / name, input_shape=(3, 8, 8), trust=True)
        assert (net.name, net.classes) == (name.removesuffix(".pt"), tuple("01234"))
        images = torch.rand(2, 3, 8, 8)
        assert torch.allclose(net(images), small(images), atol=1e-6)
        with pytest.raises(ValueError, match="input_shape: expected .* does not say"):
            fk.models.load(tmp_path / name, trust=True)
    with pytest.raises(
        ValueError, match="expected a pickled module, got OrderedDict .*: a state dict"
    ):
        fk.models.load(tmp_path / "state.pth", trust=True)


class Onnx:
    """In the place of both libraries: a graph of a name, a shape, and what it becomes."""

    def __init__(self, module, sizes, inputs=1):
        self.module = module
        dims = [SimpleNamespace(dim_value=size) for size in sizes]
        kind = SimpleNamespace(tensor_type=SimpleNamespace(shape=SimpleNamespace(dim=dims)))
        images = [SimpleNamespace(name=f"x{n}", type=kind) for n in range(inputs)]
        weight = SimpleNamespace(name="w", type=kind)
        self.graph = SimpleNamespace(input=[*images, weight], initializer=[weight])

    def load(self, path):
        return self

    def convert(self, graph):
        assert graph is self
        if self.module is None:
            raise NotImplementedError("Converter is not implemented (OnEarth)")
        return self.module


@pytest.mark.parametrize("sizes", [(0, 3, 8, 8), (1, 3, 0, 0)])
def test_a_graph_of_onnx(small, tmp_path, monkeypatch, sizes):
    import_torchvision()  # looks for onnx itself
    path = tmp_path / "net.onnx"
    path.write_bytes(b"onnx")
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match=r'pip install "foolkit\[onnx\]"'):
        fk.models.load(path)
    monkeypatch.setattr(extras, "find_spec", lambda name: name)

    def installed(*given):
        for name in ("onnx", "onnx2torch"):
            monkeypatch.setitem(sys.modules, name, Onnx(*given))
        sys.modules["onnx2torch"] = sys.modules["onnx"]

    installed(small, sizes)
    shape = {} if all(sizes[1:]) else {"input_shape": (3, 8, 8)}
    net = fk.models.load(path, **shape)
    assert (net.name, net.input_shape, len(net.classes)) == ("net", (3, 8, 8), 5)
    images = torch.rand(2, 3, 8, 8)
    assert torch.allclose(net(images), small(images), atol=1e-6)
    installed(small, sizes, 2)
    with pytest.raises(ValueError, match="source: expected one input of images .*got 2"):
        fk.models.load(path, **shape)
    installed(None, sizes)
    with pytest.raises(ValueError, match="source: onnx2torch cannot .*OnEarth.*torch.export.save"):
        fk.models.load(path, **shape)
    with pytest.raises(FileNotFoundError, match="source: expected a graph of ONNX, found no file"):
        fk.models.load(tmp_path / "none.onnx")


def test_onnx2torch_itself(tmp_path):
    """Where the extra is installed."""
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnx2torch")
    torch.manual_seed(0)
    weight = torch.randn(5, 12)
    node = [
        onnx.helper.make_node("Flatten", ["x"], ["flat"]),
        onnx.helper.make_node("Gemm", ["flat", "w"], ["y"], transB=1),
    ]
    of = [onnx.helper.make_tensor_value_info(name, 1, shape)
          for name, shape in (("x", ["N", 3, 2, 2]), ("y", ["N", 5]))]  # fmt: skip
    held = onnx.numpy_helper.from_array(weight.numpy(), "w")
    graph = onnx.helper.make_graph(node, "g", of[:1], of[1:], [held])
    opset = [onnx.helper.make_opsetid("", 13)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opset, ir_version=8), tmp_path / "n.onnx")
    net = fk.models.load(tmp_path / "n.onnx")
    images = torch.rand(4, 3, 2, 2)
    assert torch.allclose(net(images), images.flatten(1) @ weight.T, atol=1e-5)


def test_an_estimator_is_loaded_too(tmp_path, monkeypatch):
    tree = pytest.importorskip("sklearn.tree").DecisionTreeClassifier(random_state=0)
    images = torch.rand(60, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    labels = (images.mean((1, 2, 3)) > 0.5).long()
    tree.fit(images.flatten(1).numpy(), labels.numpy())
    (tmp_path / "makes_a_tree.py").write_text("tree = None\ndef make(): return tree\n")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("makes_a_tree").tree = tree
    for source in (tree, "makes_a_tree:make"):
        net = fk.models.load(source, input_shape=(1, 4, 4))
        assert torch.equal(fk.models.predict(net, images).argmax(1), labels)


def test_a_module_is_loaded_too(small):
    net = fk.models.load(small, input_shape=(3, 8, 8), classes=5)
    assert (net.name, net.input_shape, net.classes) == ("Small", (3, 8, 8), tuple("01234"))
    again = fk.models.load(net, name="other")
    assert (again.name, again.input_shape, again.classes) == ("other", (3, 8, 8), tuple("01234"))
    with pytest.raises(ValueError, match="input_shape: expected .* as the module Small does not"):
        fk.models.load(small)
    with pytest.raises(ValueError, match="classes: the network 'Small' has 5, got 7 names"):
        fk.models.load(small, input_shape=(3, 8, 8), classes=7)
    with pytest.raises(TypeError, match="source: expected a name, a path or a module, got int"):
        fk.models.load(3)


def test_what_training_scripts_save_is_a_state_dict_too(squeezenet, tmp_path):
    state = {f"module.{name}": tensor for name, tensor in squeezenet.state_dict().items()}
    torch.save({"state_dict": state, "epoch": 3}, tmp_path / "checkpoint.pt")
    net = fk.models.load("torchvision:squeezenet1_1", weights=tmp_path / "checkpoint.pt")
    assert net.classes == ("0", "1", "2")  # as many as the state dict is for
    own = net.module.network.state_dict()
    assert all(torch.equal(own[name], t) for name, t in squeezenet.state_dict().items())


def test_a_factory_of_a_network_that_standardises_each_image(tmp_path, monkeypatch):
    (tmp_path / "standardising.py").write_text(
        "import torch\nfrom types import SimpleNamespace\n"
        "class Net(torch.nn.Module):\n"
        "    input_shape = (1, 4, 4)\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.last = torch.nn.Linear(16, 3).double()\n"
        "    def forward(self, images):\n"
        "        flat = images.flatten(1)\n"
        "        flat = (flat - flat.mean(1, keepdim=True)) / flat.std(1, keepdim=True)\n"
        "        return SimpleNamespace(logits=self.last(flat))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    net = fk.models.load("standardising:Net")
    assert net(torch.rand(2, 1, 4, 4)).dtype == torch.float32
    assert len(net.classes) == 3
