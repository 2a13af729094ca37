"""What the pages say is there: links, files, directives, metrics; and their examples are taken."""

import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "libcore/store/mongo/README.md", *sorted((ROOT / "docs").glob("*.md"))]
NAMED = re.compile(r"`([\w./-]+\.(?:cc|h|hpp|py|md|conf|yaml)|[\w-]+/(?:[\w-]+/)*)`")


def anchors(page):
    headings = re.findall(r"(?m)^#+ (.*)$", page.read_text())
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def examples(page, language):
    """The page's blocks of code in one language, without what a list indents them by."""
    blocks = re.findall(rf"(?ms)^( *)```{language}\n(.*?)^ *```", page.read_text())
    return [re.sub(rf"(?m)^{indent}", "", block) for indent, block in blocks]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if link.startswith("http"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_the_files_that_the_architecture_names_are_there():
    folders = [ROOT / name for name in ("libcore", "ngx_module", "tools", "tests", "scripts", "conf", "docker", "docs")]
    there = [f"/{path.relative_to(ROOT)}" for folder in folders for path in folder.rglob("*")] + ["/README.md"]
    for name in set(NAMED.findall((ROOT / "docs/architecture.md").read_text())):
        part = "/" + name.removeprefix("../")
        assert any(part in path for path in there), name


@pytest.mark.parametrize("half", ["libcore", "tests"])
def test_the_tree_is_whole(half):
    page = (ROOT / "docs/architecture.md").read_text()
    for folder in (ROOT / half).iterdir():
        if folder.is_dir() and folder.name not in ("nginx", "__pycache__"):
            assert f"`{half}/{folder.name}/`" in page, folder


def test_every_directive_variable_and_metric_is_told():
    nginx = (ROOT / "docs/nginx.md").read_text()
    for source in ("directives.cc", "variables.cc"):
        for name in re.findall(r'ngx_string\("(nacre\w*)"\)', (ROOT / "ngx_module" / source).read_text()):
            assert f"`{name} " in nginx or f"`${name}`" in nginx, name
    operations = (ROOT / "docs/operations.md").read_text()
    for name in re.findall(r'"(nacre_\w+)"', (ROOT / "libcore/metrics/families.h").read_text()):
        assert f"| `{name}` |" in operations, name


def test_the_configurations_of_the_pages_load(make_nginx):
    nginx = make_nginx()
    migrating = ROOT / "docs/migrating.md"
    (nginx.home / "product.json").write_text(
        '{"type": "object", "properties": {"category": {"enum": ["tea"]}, "price": {"type": "number"}}}'
    )
    books = "version: 1\nresources:\n" + examples(ROOT / "README.md", "yaml")[0]
    whole = [books, *examples(migrating, "yaml")]
    assert len(whole) == 3
    for yaml in whole:
        nginx.write_yaml(yaml)
        code, output = nginx.test()
        assert code == 0, output


@pytest.mark.parametrize("page", ["README.md", "docs/migrating.md"])
def test_the_handlers_of_the_pages_compile(page, tmp_path):
    (code,) = examples(ROOT / page, "cpp")
    (tmp_path / "handler.cc").write_text(code)
    folders = ["-I", ROOT / "libcore", "-I", ROOT / "libcore/app"]
    command = ["c++", "-std=c++20", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", *folders, tmp_path / "handler.cc"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
