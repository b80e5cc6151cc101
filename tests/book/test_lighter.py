import pytest
from PIL import Image

from foolkit.book.lighter import lighten

SCRIPTS = (
    '<script defer src="_static/scripts/fontawesome.js?digest=1"></script>'
    '<script src="_static/searchtools.js"></script><script src="searchindex.js"></script>'
    '<script src="_static/doctools.js"></script>'
)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "_images").mkdir()
    Image.new("L", (30, 20)).save(tmp_path / "_images" / "a.png")
    return tmp_path


def test_a_figure_waits_and_says_its_size(folder):
    page = lighten('<p><img alt="a &gt; b" src="_images/a.png" style="width: 9px;" /></p>', folder)
    assert page == (
        '<p><img alt="a &gt; b" src="_images/a.png" style="width: 9px;" loading="lazy"'
        ' decoding="async" width="30" height="20"/></p>'
    )
    assert lighten(page, folder) == page


@pytest.mark.parametrize(
    "image",
    ['<img src="_static/logo.svg" alt=""/>', '<img src="https://elsewhere.org/_images/a.png"/>'],
)
def test_other_pictures_stay_as_they_are(folder, image):
    assert lighten(image, folder) == image


def test_a_picture_without_pixels_has_no_size(folder):
    page = lighten('<img alt="" src="_images/gone.svg"/>', folder)
    assert 'loading="lazy"' in page
    assert "height" not in page


def test_scripts_of_icons_go_and_those_of_the_search_wait(folder):
    assert lighten(SCRIPTS, folder) == (
        '<script defer src="_static/searchtools.js"></script>'
        '<script defer src="searchindex.js"></script><script src="_static/doctools.js"></script>'
    )
    search = f'<div id="search-results"></div>{SCRIPTS}'
    assert '<script src="_static/searchtools.js">' in lighten(search, folder)
