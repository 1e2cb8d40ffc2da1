"""Our ES modules as one script: scopes stay apart, exports arrive, and what the bundler does not know is refused."""

from __future__ import annotations

import json
import subprocess
from shutil import which

import pytest

from explorer.web import bundle as bundler
from explorer.web.bundle import BundleError, bundle, in_order
from explorer.web.files import modules


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Modules by path, in place of the real ones."""
    files: dict[str, str] = {}
    monkeypatch.setattr(bundler, "_source", files.__getitem__)
    monkeypatch.setattr(bundler, "bundle", bundle.__wrapped__)
    return files


@pytest.mark.parametrize("name", sorted(modules()))
def test_every_module_can_be_an_entry(name: str) -> None:
    source = bundle(name)
    assert "\nimport " not in source
    assert source.count("\nexport ") <= 2


def test_a_module_stands_after_those_that_it_imports() -> None:
    order = in_order("explore/page.js")
    assert order[-1] == "explore/page.js"
    assert len(set(order)) == len(order)
    for name in order:
        needed = [bundler._resolve(name, found["path"]) for found in bundler.IMPORT.finditer(bundler._source(name))]
        assert all(order.index(other) < order.index(name) for other in needed)


def test_every_module_is_used() -> None:
    entries = ("explore/page.js", "widget/view.js", "report/comparison.js", "report/colours.js")
    used = {name for entry in entries for name in in_order(entry)}
    assert used == set(modules())


@pytest.mark.skipif(which("node") is None, reason="needs node")
def test_names_of_two_modules_do_not_meet(house: dict[str, str]) -> None:
    house["a/one.js"] = (
        'import { twice as double, text } from "../b/two.js";\n\n'
        "const local = 1;\n"
        "export const answer = [double(local), text];\n"
        "export async function wait() {\n  return local;\n}\n"
    )
    house["b/two.js"] = (
        'import {\n  factor,\n} from "./three.js";\n\n'
        "const local = 20;\n"
        "export function twice(x) {\n  return factor * x + local;\n}\n"
        "// import { nothing } from nowhere\n"
        "export const text = \"import 'x'\";\n"
    )
    house["b/three.js"] = "export const factor = 2;\nexport class Unused {}\n"
    source = bundler.bundle("a/one.js") + "console.log(JSON.stringify([...answer, await wait()]));\n"
    done = subprocess.run(["node", "--input-type=module", "-e", source], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [22, "import 'x'", 1]


@pytest.mark.skipif(which("node") is None, reason="needs node")
def test_a_default_export_stays_one(house: dict[str, str]) -> None:
    house["view.js"] = "const n = 3;\n\nexport default {\n  n,\n};\n"
    source = bundler.bundle("view.js").replace("export default ", "const view = ") + "console.log(view.n);\n"
    done = subprocess.run(["node", "--input-type=module", "-e", source], capture_output=True, text=True, check=True)
    assert done.stdout == "3\n"


@pytest.mark.parametrize(
    "line",
    [
        'import all from "./two.js";',
        'import * as all from "./two.js";',
        'import { x } from "library";',
        'import { x } from "https://example.org/x.js";',
        "export let changing = 1;",
        "export { x };",
        'export * from "./two.js";',
        'const late = await import("./two.js");',
        "const here = import.meta.url;",
    ],
)
def test_what_it_does_not_know_is_refused(house: dict[str, str], line: str) -> None:
    house["one.js"] = f"const x = 1;\n{line}\n"
    house["two.js"] = "export const x = 1;\n"
    with pytest.raises(BundleError):
        bundler.bundle("one.js")


def test_a_circle_is_refused(house: dict[str, str]) -> None:
    house["one.js"] = 'import { b } from "./two.js";\nexport const a = b;\n'
    house["two.js"] = 'import { a } from "./one.js";\nexport const b = a;\n'
    with pytest.raises(BundleError, match="imports itself"):
        bundler.bundle("one.js")


def test_a_module_that_is_not_there_is_named() -> None:
    with pytest.raises(BundleError, match=r"no module gone\.js"):
        bundle("gone.js")
