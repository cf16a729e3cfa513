"""What every Python test may ask for: the command line tool, real models, folders of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def source_dir():
    """The root of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def build_dir():
    """The build under test: DOVETAIL_BUILD_DIR, or build/."""
    return Path(os.environ.get("DOVETAIL_BUILD_DIR", ROOT / "build")).resolve()


@pytest.fixture(scope="session")
def dovetail(build_dir):
    """Path of the command line tool."""
    path = build_dir / "bin" / "dovetail"
    if not path.exists():
        pytest.fail(f"{path} is not there: run `make build`, or set DOVETAIL_BUILD_DIR")
    return path


@pytest.fixture(scope="session")
def run_dovetail(dovetail):
    """run_dovetail("build", model, "-o", library, code=0) -> CompletedProcess with text output.

    Fails the test when the exit status is not `code`; pass code=None to look at it yourself.
    """

    def run(*arguments, code=0, **options):
        command = [str(dovetail), *map(str, arguments)]
        result = subprocess.run(command, capture_output=True, text=True, check=False, **options)
        if code is not None and result.returncode != code:
            pytest.fail(
                f"{' '.join(command)}\nexit status {result.returncode}, expected {code}\n"
                f"stdout: {result.stdout}\nstderr: {result.stderr}"
            )
        return result

    return run


@pytest.fixture(scope="session")
def model():
    """model("light_squeezenet") -> path of a model of models/manifest.json, fetched if absent."""

    def path_of(name):
        command = [sys.executable, str(ROOT / "scripts" / "fetch_models.py"), name]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            pytest.fail(result.stderr)
        return Path(result.stdout.strip())

    return path_of


@pytest.fixture(scope="session")
def session_dir(tmp_path_factory):
    """A folder shared by the tests of one process, for what is slow to make."""
    return tmp_path_factory.mktemp("session")


def pytest_configure(config):
    config.addinivalue_line("markers", "long: runs only under `make test-long`")


def pytest_collection_modifyitems(items):
    if os.environ.get("DOVETAIL_LONG_TESTS") == "yes":
        return
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(pytest.mark.skip(reason="a long test: make test-long"))
