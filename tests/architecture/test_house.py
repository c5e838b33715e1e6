"""The shape of the house, as far as tools do not check it already."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import assetmix
from assetmix.optimization import constraints as _constraints
from assetmix.optimization import measures as _measures
from assetmix.optimization import rules as _rules
from assetmix.optimization.constraint import constraint
from assetmix.optimization.measure import measure
from assetmix.optimization.rule import rule

SOURCE = Path(assetmix.__file__).parent
ROOT = SOURCE.parents[1]
LONGEST = 300
REGISTERED = (_constraints, _measures, _rules)
KINDS = [*measure.kinds.items(), *constraint.kinds.items(), *rule.kinds.items()]


@pytest.mark.parametrize("file", sorted(SOURCE.rglob("*.py")), ids=lambda file: str(file.relative_to(SOURCE)))
def test_modules_are_short(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) <= LONGEST


def test_the_api_process_loads_no_solver_and_no_data_frames() -> None:
    code = (
        "import sys, assetmix.app, assetmix.codec.documents as d; d.STRATEGY.adapter; "
        "heavy = ('cvxpy', 'pandas', 'sklearn', 'skfolio', 'clarabel', 'piqp', 'highspy'); "
        "print([name for name in heavy if name in sys.modules])"
    )

    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ended.stdout.strip() == "[]"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind[0])
def test_every_kind_explains_itself_and_has_a_file_of_its_name(kind: tuple[str, type]) -> None:
    name, cls = kind

    assert len((cls.__doc__ or "").split()) > 5
    assert cls.__module__.endswith(f".{name}")
    module = ast.parse((SOURCE.parent / Path(*cls.__module__.split("."))).with_suffix(".py").read_text("utf-8"))
    registered = [node for node in module.body if isinstance(node, ast.ClassDef)]
    assert len(registered) == 1


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt"])
def test_locked_requirements_name_no_address_and_hash_everything(file: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")

    assert "://" not in text
    assert "--index-url" not in text
    pinned = [line for line in text.splitlines() if "==" in line and not line.startswith(" ")]
    assert all(line.endswith("\\") for line in pinned)


def test_the_openapi_document_in_the_repository_is_the_services_own() -> None:
    ended = subprocess.run([sys.executable, "-m", "assetmix", "openapi"], capture_output=True, text=True, check=True)

    kept = (ROOT / "docs" / "openapi.json").read_text(encoding="utf-8")
    assert json.loads(ended.stdout) == json.loads(kept), "run `make openapi`"


TOP = {
    ".dockerignore", ".gitignore", "CHANGELOG.md", "CONTRIBUTING.md", "Dockerfile", "Makefile", "README.md",
    "alembic.ini", "docker-compose.yml", "pyproject.toml", "requirements-dev.txt", "requirements.txt",
}  # fmt: skip


def test_nothing_lies_at_the_top_that_does_not_belong_there() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert {name for name in listed.splitlines() if "/" not in name} == TOP
