"""Which extension module the package takes, and the versions by which it decides."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tomllib

import pytest

import rusttorch

HERE = pathlib.Path(__file__).parents[1]
VERSION = tomllib.loads((HERE.parent / "Cargo.toml").read_text())["workspace"]["package"]["version"]
SAYS = "import rusttorch, pickle; print(rusttorch._rusttorch.__name__); print(b'blas' in pickle.dumps((rusttorch.add, rusttorch.ones(2))))"


def imports(folder, *options):
    """What a program says that finds another package before it imports this one."""
    path = os.pathsep.join([str(folder), str(HERE / "python")])
    return subprocess.run([sys.executable, *options, "-c", SAYS], capture_output=True, text=True, env=os.environ | {"PYTHONPATH": path})


@pytest.fixture
def other(tmp_path):
    """A `rusttorch-blas` whose extension module is a copy of this package's."""
    package = tmp_path / "rusttorch_blas"
    shutil.copytree(HERE / "blas" / "python" / "rusttorch_blas", package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(rusttorch._rusttorch.__file__, package)
    return package


def test_that_of_the_same_version_is_taken(other):
    run = imports(other.parent, "-W", "error")
    assert run.stdout.split() == ["rusttorch_blas._rusttorch", "False"], run.stderr


def test_that_of_another_version_is_left_out_with_a_warning(other):
    (other / "__init__.py").write_text('__version__ = "0.0.9"\n')
    run = imports(other.parent)
    assert run.stdout.split() == ["rusttorch._rusttorch", "False"], run.stderr
    assert "RuntimeWarning: rusttorch-blas is of version 0.0.9 and rusttorch of " + VERSION in run.stderr
    assert f"pip install 'rusttorch[blas]=={VERSION}'" in run.stderr


def test_one_that_cannot_be_loaded_is_left_out_with_a_warning(other):
    (library,) = other.glob("_rusttorch*")
    library.write_bytes(b"no library")
    run = imports(other.parent)
    assert run.stdout.split() == ["rusttorch._rusttorch", "False"], run.stderr
    assert "RuntimeWarning: rusttorch-blas cannot be loaded" in run.stderr


def test_all_versions_are_one():
    assert rusttorch.__version__ == rusttorch.version.__version__ == rusttorch._rusttorch.__version__ == VERSION
    blas = (HERE / "blas" / "python" / "rusttorch_blas" / "__init__.py").read_text()
    assert re.search(r'^__version__ = "(.*)"$', blas, re.M)[1] == VERSION
    project = tomllib.loads((HERE / "pyproject.toml").read_text())["project"]
    assert project["optional-dependencies"]["blas"] == [f"rusttorch-blas=={VERSION}"]
    other = tomllib.loads((HERE / "blas" / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == other["requires-python"] and "version" in project["dynamic"] and "version" in other["dynamic"]


def test_who_asks_for_the_backend_reads_what_to_install(torch):
    for ask in (torch.backends.set_default, lambda name: torch.backends.use(name).__enter__()):
        with pytest.raises(RuntimeError, match=r"no backend of this name: name blas, present simd, naive; pip install 'rusttorch\[blas\]'"):
            ask("blas")
        with pytest.raises(RuntimeError, match="no backend of this name: name blass, present simd, naive$"):
            ask("blass")
    program = "import rusttorch; rusttorch.ones(2) + 1"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=os.environ | {"RUSTTORCH_BACKEND": "blas"})
    assert run.returncode == 1 and "pip install 'rusttorch[blas]' adds it" in run.stderr
