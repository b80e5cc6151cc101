import pytest
import torch
from torch import nn

import foolkit as fk
from foolkit.models import Classifier, refusing


@pytest.fixture
def net():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Flatten(), nn.Linear(12, 4))
    return Classifier(module, input_shape=(1, 3, 4), classes=4, name="four")


def test_the_eleventh_answer_wins_exactly_where_no_score_is_above_a_half(net):
    images = torch.rand(500, 1, 3, 4, generator=torch.Generator().manual_seed(1))
    alone = fk.analysis.class_scores(net, images, "independent")
    told = fk.models.predict(refusing(net), images)
    silent = alone.amax(1) <= 0.5
    assert 0.02 < silent.float().mean() < 0.98
    assert torch.equal(told.argmax(1) == 4, silent)


def test_its_confidence_is_the_score_given_that_at_most_one_is_there(net):
    images = torch.rand(50, 1, 3, 4, generator=torch.Generator().manual_seed(1))
    alone = fk.analysis.class_scores(net, images, "independent")
    told = fk.models.predict(refusing(net), images).double()
    nobody = (1 - alone).prod(1)
    only = torch.stack([nobody / (1 - alone[:, k]) * alone[:, k] for k in range(4)], 1)
    expected = torch.cat([only, nobody[:, None]], 1)
    assert torch.allclose(told, expected / expected.sum(1, keepdim=True), atol=1e-6)
    assert (told[:, :4] <= alone + 1e-6).all()


def test_names_and_errors(net):
    made = refusing(net)
    assert made.name == "four, refusing"
    assert made.classes == ("0", "1", "2", "3", "none")
    assert net.classes == ("0", "1", "2", "3")
    with pytest.raises(ValueError, match="net: expected no class 'none'"):
        refusing(made)
    with pytest.raises(TypeError, match="net: expected a foolkit.models.Classifier, got Linear"):
        refusing(nn.Linear(2, 2))


def test_evolution_climbs_scores_that_stand_alone():
    net = fk.models.load("fc64-sigmoids")
    code = fk.encodings.CPPN(net.input_shape)
    elites = fk.evolve(refusing(net), code, generations=5, batch=50, progress=False)
    alone = fk.analysis.class_scores(net, elites.images[:10], "independent").diagonal()
    assert (alone >= elites.confidence[:10] - 1e-5).all()
