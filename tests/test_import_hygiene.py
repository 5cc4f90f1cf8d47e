"""What importing the engine pulls in, and that every module says what it owns."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / "app.py"
MODULES = [
    HOME,
    *sorted(
        path
        for folder in ("al_engine", "pages")
        for path in (ROOT / folder).rglob("*.py")
        if path.stat().st_size
    ),
]
ENGINE = ("al_engine", "al_engine.session", "al_engine.simulating.arrays", "al_engine.starting")


def loaded_by(*modules: str) -> set[str]:
    """Names in sys.modules of a fresh interpreter that has imported these modules."""
    code = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_the_engine_imports_without_streamlit():
    loaded = loaded_by(*ENGINE)
    assert set(ENGINE) <= loaded
    assert not {"streamlit", "pages", "app"} & loaded


def test_the_package_itself_opens_no_heavy_library():
    assert not {"sklearn", "pandas", "duckdb", "astropy"} & loaded_by("al_engine")


def test_home_imports_only_the_page_kit_and_the_engine():
    # The contracts of `make lint` reach packages only, and app.py is a lone module.
    nodes = list(ast.walk(ast.parse(HOME.read_text(encoding="utf-8"))))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    roots = {name.split(".")[0] for name in names} - sys.stdlib_module_names
    assert roots <= {"streamlit", "pages", "al_engine"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_opens_by_saying_what_it_owns(path):
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert docstring is not None
    assert len(docstring.split()) >= 5


def test_no_part_of_a_page_is_drawn_again_by_a_timer():
    # One that runs out while Streamlit changes to another page leaves that page empty.
    named = [
        keyword.arg
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        for keyword in node.keywords
    ]
    assert "run_every" not in named


def test_what_a_page_has_to_say_is_never_printed_on_the_server_s_console():
    printing = {
        path.name
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    }
    assert printing == set()
