"""Modules joined to one text: what can be joined, what is refused, and that it runs everywhere."""

import json
import re
import shutil
import subprocess

import pytest
from playwright.sync_api import expect

import foolkit as fk
from foolkit.widgets import modules

ENTRIES = sorted(
    path.name
    for path in modules.SOURCES.iterdir()
    if path.name.endswith(".js") and "default" in modules.parse(path.name).exports
)


@pytest.fixture
def folder(tmp_path):
    """Writes modules, and gives their folder."""

    def write(**sources):
        for name, source in sources.items():
            (tmp_path / f"{name}.js").write_text(source, "utf-8")
        return tmp_path

    return write


def refused(folder, kind=SyntaxError):
    with pytest.raises(kind) as error:
        modules.joined("a.js", folder=folder)
    return str(error.value)


# ---- what is joined ------------------------------------------------------------------------------


FORMS = {
    "a": 'import {\n  double as twice, Sum,\n  numbers, LIMIT, later,\n} from "./b.js";\n'
    'import { LIMIT as again } from "./c.js";\nconst hidden = 1;\n'
    "export async function all() {\n"
    "  return [twice(2), new Sum(1, 2).value, [...numbers()], LIMIT,"
    " again, hidden, await later()];\n"
    "}\n",
    "b": '// @ts-check\nimport { LIMIT as most } from "./c.js";\n\n'
    "/** @type {number} */\nconst hidden = 2;\n"
    "export const LIMIT = most + hidden;\n"
    "export function double(x) { return hidden * x; }\n"
    "export function* numbers() { yield* [1, 2]; }\n"
    "export async function later() { return 7; }\n"
    "export class Sum { constructor(a, b) { this.value = a + b; } }\n",
    "c": "export const LIMIT = 10;\n",
}


def test_every_form_works_and_scopes_do_not_clash(folder, browser):
    page = browser.new_page()
    source = modules.expression("a.js", folder=folder(**FORMS))
    found = page.evaluate(f"async () => {{ const m = {source}; return await m.all(); }}")
    page.close()
    assert found == [4, 3, [1, 2], 12, 10, 1, 7]


@pytest.mark.skipif(not shutil.which("node"), reason="needs node")
def test_node_reads_the_same_from_the_files(folder):
    root = folder(**FORMS)
    for path in root.glob("*.js"):
        path.rename(path.with_suffix(".mjs"))
    for path in root.glob("*.mjs"):
        path.write_text(path.read_text("utf-8").replace('.js"', '.mjs"'), "utf-8")
    script = (
        "import('./a.mjs').then((m) => m.all()).then((all) => console.log(JSON.stringify(all)))"
    )
    printed = subprocess.run(
        ["node", "-e", script], cwd=root, capture_output=True, text=True, check=True
    )
    assert json.loads(printed.stdout) == [4, 3, [1, 2], 12, 10, 1, 7]


def test_each_module_stands_once_after_what_it_imports(folder):
    text = modules.joined("a.js", folder=folder(**FORMS))
    assert re.findall(r"^const (\$\w+) = ", text, re.MULTILINE) == ["$c", "$b", "$a"]


def test_types_stay_behind_and_words_do_not(folder):
    source = (
        "// A subject.\n// @ts-check\n\n/** @import { A } from './b.js' */\n"
        "/**\n * @param {number} x\n */\n"
        "export const f = (/** @type {number} */ x) => x; // says why\n"
    )
    text = modules.joined("a.js", folder=folder(a=source))
    assert "@" not in text
    assert "/**" not in text
    assert "// A subject." in text
    assert "(x) => x; // says why" in text


@pytest.mark.parametrize("entry", ENTRIES)
def test_widgets_have_one_export_and_no_import(entry):
    text = modules.module(entry)
    assert re.findall(r"^(?:import|export)\b.*", text, re.MULTILINE) == [
        f"export default ${entry.removesuffix('.js')}.default;"
    ]


def test_every_widget_is_made_of_an_entry():
    kinds = [getattr(fk.widgets, name) for name in fk.widgets.__all__]
    sources = {kind._esm for kind in kinds if isinstance(kind, type)}
    assert sources == {modules.module(entry) for entry in ENTRIES}


def test_every_file_is_used_and_says_its_subject_first():
    names = {path.name for path in modules.SOURCES.iterdir() if path.name.endswith(".js")}
    roots = (*ENTRIES, "photo_worker.js")  # which comes as a file of its own
    assert {module.name for module in modules.graph(roots)} == names
    for name in names:
        source = modules.SOURCES.joinpath(name).read_text("utf-8")
        assert re.match(r"(// [^@\n].*\n)+// @ts-check\n\n", source), name


# ---- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        'import * as b from "./b.js";',
        'import b from "./b.js";',
        'import "./b.js";',
        'import { x } from "https://example.org/b.js";',
        'import { x } from "../b.js";',
        'import { x } from "b";',
        'import { x } from "./b.js"',
        "import { x } from './b.js';",
        'import { x y } from "./b.js";',
        'export * from "./b.js";',
        'export { x } from "./b.js";',
        "export { x };",
        "export let x = 1;",
        "export var x = 1;",
        "export const { x } = y;",
        "export const x;",
        "const b = await import('./b.js');",
        "const here = import.meta.url;",
    ],
)
def test_other_forms_are_refused_with_file_and_line(folder, line):
    root = folder(a=f"// a subject\n\n{line}\n", b="export const x = 1;\n")
    message = refused(root)
    assert message.startswith("a.js, line 3: ")
    assert line in message


def test_imports_come_first(folder):
    root = folder(a='const y = 1;\nimport { x } from "./b.js";\n', b="export const x = 1;\n")
    assert refused(root).startswith("a.js, line 2: imports come before all other code")


def test_a_name_that_is_not_exported(folder):
    root = folder(
        a='// a\nimport { x, z } from "./b.js";\n', b="export const x = 1;\nconst z = 2;\n"
    )
    assert refused(root) == "a.js, line 2: b.js does not export z"


def test_a_file_that_does_not_exist(folder):
    root = folder(a='import { x } from "./b.js";\n')
    assert refused(root, FileNotFoundError) == "a.js, line 1: no file b.js"


def test_circles(folder):
    root = folder(
        a='import { b } from "./b.js";\nexport const a = 1;\n',
        b='import { a } from "./a.js";\nexport const b = 1;\n',
    )
    assert refused(root) == "a circle of imports: a.js -> b.js -> a.js"


def test_a_worker_that_would_hold_itself(folder):
    root = folder(a='import source from "./a.js?text";\n')
    assert refused(root) == "a circle of imports: a.js -> a.js?text"


def test_a_name_exported_twice(folder):
    root = folder(a="export const x = 1;\nexport function x() {}\n")
    assert refused(root) == "a.js: exported twice: x"


def test_a_widget_needs_a_default_export(folder):
    with pytest.raises(SyntaxError, match=r"a\.js: expected an export default"):
        modules.module("a.js", folder=folder(a="export const x = 1;\n"))


# ---- workers -------------------------------------------------------------------------------------


WORKER = {
    "page": 'import source from "./worker.js?text";\nimport { square } from "./shared.js";\n'
    "export function ask(x) {\n"
    "  const worker = new Worker(URL.createObjectURL(new Blob([source])));\n"
    "  return new Promise((resolve, reject) => {\n"
    "    worker.onmessage = ({ data }) => resolve([data, square(x)]);\n"
    "    worker.onerror = (event) => reject(new Error(event.message));\n"
    "    worker.postMessage(x);\n  });\n}\n"
    "export default ask(5).then((found) => { document.title = JSON.stringify(found); });\n",
    "worker": 'import { square } from "./shared.js";\n'
    'onmessage = ({ data }) => postMessage(["“worker”", square(data)]);\n',
    "shared": "export function square(x) { return x * x; }\n",
}
POLICY = "default-src 'none'; script-src 'nonce-a' blob:; worker-src blob:"


def test_a_worker_in_a_page_from_disk_under_a_strict_policy(folder, browser, tmp_path):
    text = modules.module("page.js", folder=folder(**WORKER))
    (tmp_path / "index.html").write_text(
        f'<!doctype html><meta charset="utf-8"><title></title>'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f'<script nonce="a">import(URL.createObjectURL(new Blob([{json.dumps(text)}],'
        ' { type: "text/javascript" })));</script>',
        "utf-8",
    )
    page = browser.new_page()
    page.goto((tmp_path / "index.html").as_uri())
    # not wait_for_function, which the policy forbids: it evaluates a text
    expect(page).to_have_title('[["“worker”",25],25]', timeout=20_000)
    page.close()
