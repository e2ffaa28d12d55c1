"""The wheel: what it holds, and that it works where there is nothing else of Pointbook."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from importlib.metadata import version
from pathlib import Path
from typing import Final

import pytest

from flows.commands.registry import COMMANDS

ROOT: Final = Path(__file__).parents[2]
PACKAGED: Final = ("data", "flows", "schemas", "transforms")
LAST_MONTH_ALONE: Final = (
    "from flows.calendar import demo; demo.FIRST_MONTH = demo.LAST_MONTH; "
    "from flows.cli import main; main(['demo', '--memory', '1GB'])"
)
"""`pointbook demo` of one month: all 76 take two minutes."""
PICKLED: Final = """
from pathlib import Path
from cloudpickle import dumps
from flows.calendar.schedules import INGEST, RUN
from flows.commands.registry import COMMANDS
from flows.prefect_flows.deployments import deployed_flow
from flows.publishing.options import Options
names = (INGEST, RUN, *COMMANDS)
found = [deployed_flow(name, Options(workspace=Path("ws"))) for name in names]
Path("flows.pickle").write_bytes(dumps(found))
"""
LOADED: Final = """
from pathlib import Path
from cloudpickle import loads
print(*[each.name for each in loads(Path("flows.pickle").read_bytes())])
"""
"""What a runner does with the flows that it was given: another process runs them."""


def files(*folders: str) -> list[Path]:
    """The files of these folders relative to the checkout, less workspaces and compiled code."""
    found = (path.relative_to(ROOT) for name in folders for path in (ROOT / name).rglob("*"))
    return [
        path
        for path in found
        if (ROOT / path).is_file()
        and path.parts[:2] not in (("data", "workspace"), ("data", "demo"))
        and "__pycache__" not in path.parts
    ]


def pip(*words: str | Path, folder: Path) -> None:
    """Runs pip in a folder, which reaches no network."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *map(str, words)]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=300)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built beside a workspace, which it must not hold."""
    source = tmp_path_factory.mktemp("source")
    for path in [*files(*PACKAGED), *map(Path, ("pyproject.toml", "README.md", "LICENSE"))]:
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, source / path)
    for workspace in ("workspace", "demo", "another"):
        landed = source / "data" / workspace / "landing" / "customers" / "all.csv"
        landed.parent.mkdir(parents=True)
        landed.touch()
    pip("wheel", ".", "--no-deps", "--no-build-isolation", "--wheel-dir", "wheels", folder=source)
    (built,) = (source / "wheels").iterdir()
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The commands of a new environment that has the wheel, and the libraries of this one."""
    environment = tmp_path_factory.mktemp("installed") / "environment"
    venv.create(environment, symlinks=True)
    commands = environment / "bin"
    target = ("--python", commands / "python", "install", "--no-index", "--no-deps")
    pip(*target, wheel, folder=environment)
    (packages,) = environment.glob("lib/python*/site-packages")
    # paths alone: what makes a checkout importable is in files that are not read from there
    libraries = [path for path in sys.path if Path(path).name == "site-packages"]
    (packages / "libraries.pth").write_text("\n".join(libraries), encoding="utf-8")
    return commands


def run(command: Path, *words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs a command of the environment from a folder, without this one's settings."""
    ours = ("PYTHON", "PREFECT_", "POINTBOOK_", "NUMBA_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return subprocess.run(
        [command, *words], cwd=folder, env=kept, capture_output=True, text=True, timeout=600
    )


def test_the_wheel_holds_every_file_and_no_workspace(wheel: Path) -> None:
    names = {Path(name) for name in zipfile.ZipFile(wheel).namelist()}
    assert names >= {path for path in files(*PACKAGED) if not path.name.startswith(".")}
    unknown = names - set(files(*PACKAGED))
    assert {path.parts[0] for path in unknown} == {f"pointbook-{version('pointbook')}.dist-info"}


def test_the_installed_command_tells_its_version(installed: Path, tmp_path: Path) -> None:
    told = run(installed / "pointbook", "--version", folder=tmp_path)
    assert told.stdout.strip() == version("pointbook"), told.stderr


def test_the_demo_runs_from_the_wheel_and_makes_its_workspace_in_the_current_folder(
    installed: Path, tmp_path: Path
) -> None:
    ended = run(installed / "python", "-c", LAST_MONTH_ALONE, folder=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["demo"]
    warehouse = tmp_path / "data" / "demo" / "warehouse"
    assert list(warehouse.glob("point_balances/period=2022-02/*.parquet"))
    assert (warehouse / "catalog.duckdb").is_file()


def test_a_runner_hands_deployed_flows_to_the_process_of_a_run(
    installed: Path, tmp_path: Path
) -> None:
    given = run(installed / "python", "-c", PICKLED, folder=tmp_path)
    assert given.returncode == 0, given.stderr
    loaded = run(installed / "python", "-c", LOADED, folder=tmp_path)
    assert loaded.stdout.split() == ["ingest", "run", *COMMANDS], loaded.stderr
