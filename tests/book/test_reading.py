"""What the book's pages make of a code cell: built, and in a browser."""

import shutil
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from foolkit.book.pages import verdict

ROOT = Path(__file__).resolve().parents[2]
CONFIG = """
title: tiny
only_build_toc_files: true
execute: {execute_notebooks: 'off'}
html: {favicon: assets/logo.svg}
sphinx:
  extra_extensions: [foolkit.book.pages]
  config: {html_static_path: [assets], html_css_files: [book.css]}
"""


def cell(source, text="", *tags):
    made = new_code_cell(source, metadata={"tags": list(tags)})
    made.outputs = [new_output("stream", text=text)] if text else []
    return made


CELLS = [
    new_markdown_cell("# What is tiny?\n\nA first paragraph."),
    cell("made = 1"),
    cell("checked = 2", "it is so: True\nit is not otherwise: True\n", "hide-cell"),
    cell("asked = 3", "is it so: False\n"),
    cell("told = 4", "median: 0.95\nthe rest: 3 of 10: few\n"),
    cell("said = 5", "only words\n"),
    new_markdown_cell("## Exercises\n\nDo it."),
    cell("solved = 6", "right: True\n", "hide-cell"),
]


@pytest.fixture(scope="module")
def html(tmp_path_factory, built):
    """The folder of the built pages."""
    root = tmp_path_factory.mktemp("reading")
    (root / "book" / "assets").mkdir(parents=True)
    for name in ("reading.js", "book.css", "logo.svg"):
        shutil.copy(ROOT / "book" / "assets" / name, root / "book" / "assets")
    (root / "book" / "_toc.yml").write_text("format: jb-book\nroot: index\n")
    (root / "_config.yml").write_text(CONFIG)
    notebook = new_notebook(cells=CELLS, metadata={"language_info": {"name": "python"}})
    nbformat.write(notebook, root / "book" / "index.ipynb")
    return built(root / "book")


def seen(page, text):
    return page.locator(".bd-article").get_by_text(text).first.is_visible()


CODE = ("made =", "asked =", "told =", "said =")


def test_the_story_folds_code_and_checks(visit, site, assert_clean):
    page = visit(f"{site}/index.html")
    assert page.locator("html").get_attribute("data-reading") == "story"
    for code in (*CODE, "checked =", "solved =", "it is so", "is it so"):
        assert not seen(page, code), code
    assert seen(page, "only words")
    table = page.locator("table.book-facts:visible")
    assert table.locator("tr").all_inner_texts() == ["median\t0.95", "the rest\t3 of 10: few"]
    names = page.locator(".book-code:visible").all_inner_texts()
    assert names == ["Code", "Code · ✓ 2 checks", "Code · 1 check, 0 true, 1 false", "Code", "Code"]
    assert_clean(page, site)


def test_one_cell_unfolds_with_the_keyboard(visit, site):
    page = visit(f"{site}/index.html")
    button = page.locator(".book-code", has_text="2 checks")
    button.focus()
    page.keyboard.press("Enter")
    assert button.get_attribute("aria-expanded") == "true"
    assert seen(page, "checked =")
    assert seen(page, "it is so: True")
    assert not seen(page, "made =")
    page.keyboard.press("Enter")
    assert not seen(page, "checked =")


def test_the_lab_shows_all_and_is_remembered(visit, site):
    page = visit(f"{site}/index.html")
    lab = page.get_by_role("button", name="Lab")
    lab.focus()
    page.keyboard.press("Space")
    assert lab.get_attribute("aria-pressed") == "true"
    for again in (False, True):
        if again:
            page.wait_for_timeout(500)  # what a page remembers is written a moment later
            page.reload()
            assert page.get_by_role("button", name="Lab").get_attribute("aria-pressed") == "true"
        for code in CODE:
            assert seen(page, code), code
        assert seen(page, "is it so: False")
        assert page.locator("table.book-facts:visible, .book-code:visible").count() == 0
    page.get_by_role("button", name="Story").click()
    assert not seen(page, "made =")


def test_an_exercises_code_is_called_its_solution(visit, site):
    page = visit(f"{site}/index.html")
    page.get_by_text("Solution, as code").click()
    assert seen(page, "solved =")
    assert seen(page, "right: True")


def test_nothing_flashes(visit, site):
    """The way to read is set while the head is read, before there is a body."""
    page = visit("about:blank")
    page.add_init_script(
        "new MutationObserver(() => { if (document.body && !globalThis.early) globalThis.early ="
        " document.documentElement.dataset.reading || 'late' })"
        ".observe(document, { childList: true, subtree: true })"
    )
    page.goto(f"{site}/index.html")
    assert page.evaluate("early") == "story"


def test_without_scripts_all_is_there(visit, server):
    page = visit(f"{server}/index.html", java_script_enabled=False)
    assert seen(page, "made =")
    assert seen(page, "median: 0.95")
    assert page.locator(".book-code:visible, table.book-facts:visible").count() == 0


def test_a_store_that_refuses_is_no_error(visit, server, assert_clean):
    page = visit("about:blank")
    page.complaints.clear()
    page.add_init_script(
        "Storage.prototype.setItem = Storage.prototype.getItem = (name) => {"
        " if (name === 'reading') throw new Error('no'); return null }"
    )
    page.goto(f"{server}/index.html")
    page.get_by_role("button", name="Lab").click()
    assert seen(page, "made =")
    assert_clean(page, server)


def test_a_page_says_what_it_is_about(html):
    text = (html / "index.html").read_text("utf-8")
    assert text.count("<title>") == 1
    assert "<title>tiny</title>" in text
    assert '<meta name="description" content="A first paragraph."/>' in text
    for name in ("title", "description", "image", "type"):
        assert f'<meta property="og:{name}"' in text


@pytest.mark.parametrize(
    ("truths", "said"),
    [
        (["True"], "✓ 1 check"),
        (["True", "True"], "✓ 2 checks"),
        (["True", "False"], "2 checks, 1 true, 1 false"),
    ],
)
def test_checks_that_failed_are_not_hidden_behind_a_tick(truths, said):
    assert verdict(truths) == said
