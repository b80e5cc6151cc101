import pytest
import torch
from torch import nn

from foolkit.models import Classifier, evaluating, predict


def small(classes=3):
    return nn.Sequential(nn.Flatten(), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, classes))


def wrap(module=None, **changes):
    return Classifier(
        module or small(),
        **{"input_shape": (1, 2, 2), "classes": ["a", "b", "c"], "name": "mine", **changes},
    )


def test_a_network_of_ones_own():
    net = wrap()
    assert (net.name, net.input_shape, net.classes) == ("mine", (1, 2, 2), ("a", "b", "c"))
    assert net(torch.rand(5, 1, 2, 2)).shape == (5, 3)
    assert wrap(classes=3).classes == ("0", "1", "2")


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"module": lambda x: x}, TypeError, "module: expected a torch.nn.Module, got function"),
        ({"input_shape": (2, 2)}, ValueError, "input_shape: expected .*got \\(2, 2\\)"),
        ({"input_shape": (1, 2, 0)}, ValueError, "input_shape: expected an integer of at least 1"),
        ({"classes": ["a"]}, ValueError, "classes: expected at least two, got 1"),
    ],
)
def test_bad_arguments(changes, error, message):
    with pytest.raises(error, match=message):
        wrap(**changes)


def test_wrong_shape_and_wrong_number_of_classes():
    with pytest.raises(ValueError, match=r"images: expected shape \[N, 1, 2, 2\], got \[5, 4\]"):
        wrap()(torch.rand(5, 4))
    with pytest.raises(ValueError, match=r"classes: .*has 2 class names.*\[5, 2\].*\[5, 3\]"):
        wrap(classes=["a", "b"])(torch.rand(5, 1, 2, 2))


def test_predict_leaves_the_network_as_it_was():
    net = wrap().train()
    net.module[1].eval()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    confidence = predict(net, torch.rand(7, 1, 2, 2), chunk=3)
    assert torch.allclose(confidence.sum(1), torch.ones(7))
    assert net.training
    assert net.module[2].training
    assert not net.module[1].training
    assert all(p.grad is None for p in net.parameters())
    assert all(torch.equal(before[name], t) for name, t in net.state_dict().items())
    with pytest.raises(ValueError, match="images: expected values"):
        predict(net, torch.rand(7, 1, 2, 2) + 1)


def test_modes_come_back_after_an_error():
    net = wrap().train()
    with pytest.raises(KeyError), evaluating(net):
        raise KeyError(net.module[2].training)
    assert net.module[2].training


def test_an_exported_program_is_a_classifier():
    program = torch.export.export(
        small().eval(), (torch.rand(2, 1, 2, 2),), dynamic_shapes=({0: torch.export.Dim.DYNAMIC},)
    ).module()
    net = wrap(program)
    assert predict(net, torch.rand(4, 1, 2, 2)).shape == (4, 3)
