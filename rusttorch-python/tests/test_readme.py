"""The README's Python part does what it says, and the stubs are those of the catalogue."""

import json
import pathlib
import re
import subprocess
import sys

import rusttorch

REPOSITORY = pathlib.Path(__file__).parents[2]


def test_the_readme_prints_what_it_says():
    blocks = re.findall(r"```python\n(.*?)```", (REPOSITORY / "README.md").read_text(), re.DOTALL)
    blocks += re.findall(r"```python\n(.*?)```", (REPOSITORY / "rusttorch-python" / "README.md").read_text(), re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        expected = re.findall(r"print\(.*\)  # (.*)", block)
        run = subprocess.run([sys.executable, "-c", block], capture_output=True, text=True, check=True)
        assert run.stdout.splitlines() == expected and expected


def test_what_the_readme_calls_missing_is_missing():
    for name in ("Conv2d", "MaxPool2d", "BatchNorm1d", "LSTM", "MultiheadAttention", "Embedding"):
        assert not hasattr(rusttorch.nn, name)
    assert not hasattr(rusttorch.optim, "lr_scheduler") and not hasattr(rusttorch.optim, "RMSprop")


def test_the_page_of_what_is_missing_is_that_of_the_package(monkeypatch):
    monkeypatch.syspath_prepend(str(REPOSITORY / "rusttorch-python"))
    import missing

    assert missing.PAGE.read_text() == missing.page(), "make python-missing writes it anew"
    assert len(json.loads(missing.NAMES.read_text())["names"][""]) > 800


def test_the_stubs_are_those_of_the_catalogue(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(REPOSITORY / "rusttorch-python"))
    import stubs

    package = stubs.PACKAGE
    monkeypatch.setattr(stubs, "PACKAGE", tmp_path)
    (tmp_path / "nn").mkdir()
    (tmp_path / "array_api").mkdir()
    stubs.main()
    written = sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*.pyi"))
    assert len(written) == 5
    for file in written:
        assert (package / file).read_text() == (tmp_path / file).read_text(), f"make python-stubs writes {file} anew"


def test_every_public_name_has_a_stub():
    text = (pathlib.Path(rusttorch.__file__).parent / "__init__.pyi").read_text()
    # Names of modules and classes that stubs have by import, and the package's own.
    names = [n for n in vars(rusttorch) if not n.startswith("_") and n not in rusttorch._MODULES]
    missing = [n for n in names if not re.search(rf"\b{n}\b", text)]
    assert missing == []
    methods = [n for n in dir(rusttorch.Tensor) if not n.startswith("_")]
    missing = [n for n in methods if not re.search(rf"    (def )?{n}\b", text)]
    assert missing == []
