"""The one rule of the layout: a package imports itself and the packages before it; modules import in no circle."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import rules_listener

ROOT = Path(rules_listener.__file__).parent
ORDER = ("base", "event", "lang", "match", "outbox", "send", "serve", "tools")
PACKAGES = [name for name in ORDER if (ROOT / name / "__init__.py").is_file()]


def imported_modules(path: Path) -> set[str]:
    """What a file imports of `rules_listener`, wherever in it: `lang.parse`; `lang` for the package itself."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}:{node.lineno} imports relatively"
            names |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    own = {name.removeprefix("rules_listener.") for name in names if name.startswith("rules_listener.")}
    return {name for name in own if is_module(name)}


def is_module(name: str) -> bool:
    """Whether `lang.parse` is a module or a package, rather than something in one."""
    path = ROOT.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def modules(package: str) -> dict[str, Path]:
    """The modules of a package by their dotted names."""
    return {f"{package}.{path.stem}": path for path in (ROOT / package).glob("*.py") if path.stem != "__init__"}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_only_itself_and_earlier_ones(package: str) -> None:
    """Whatever a package imports stands before it in the list, or is the package itself."""
    allowed = set(ORDER[: ORDER.index(package) + 1])
    for name, path in {**modules(package), package: ROOT / package / "__init__.py"}.items():
        assert {imported.split(".")[0] for imported in imported_modules(path)} <= allowed, name


@pytest.mark.parametrize("package", PACKAGES)
def test_no_circles_within_a_package(package: str) -> None:
    """The modules of a package can be put into an order in which each imports only earlier ones."""
    graph = {name: imported_modules(path) & modules(package).keys() for name, path in modules(package).items()}
    assert set(TopologicalSorter(graph).static_order()) == graph.keys()


@pytest.mark.parametrize("package", [*PACKAGES, "tools/replay"])
def test_a_package_names_its_modules(package: str) -> None:
    """The docstring of a package names each of its modules, for whoever wants to read them in order."""
    document = ast.get_docstring(ast.parse((ROOT / package / "__init__.py").read_text(encoding="utf-8"))) or ""
    assert [name for name in modules(package) if f"`{name.rpartition('.')[2]}`" not in document] == []


def test_one_module_asks_the_system_for_the_time() -> None:
    """Of the module `time`, others than the clock take `sleep` alone; the demo's programs are scripts by themselves."""
    asking = {
        str(path.relative_to(ROOT))
        for path in ROOT.rglob("*.py")
        if path.parent.name != "stage"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.Import) and any(alias.name == "time" for alias in node.names))
        or (
            isinstance(node, ast.ImportFrom) and node.module == "time" and {one.name for one in node.names} != {"sleep"}
        )
    }
    assert asking == {"base/clock.py"}


def test_every_package_has_its_place() -> None:
    """There is no package beside those of the list, except the data that is packaged with them."""
    found = {path.name for path in ROOT.iterdir() if path.is_dir() and any(path.glob("*.py"))}
    assert found <= set(ORDER)
    assert {"base", "event", "lang", "match"} <= found
