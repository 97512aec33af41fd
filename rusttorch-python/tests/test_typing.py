"""What type checkers make of programs that use the package."""

import pathlib
import subprocess
import sys

import pytest

pytest.importorskip("mypy", reason="mypy is not installed")
EXAMPLES = pathlib.Path(__file__).parents[2] / "examples" / "python"


def mypy(folder, *files):
    """Its verdict and what it says."""
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(folder), *map(str, files)]
    run = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    return run.returncode, run.stdout + run.stderr


def test_the_examples_pass_mypy_strict(tmp_path):
    files = sorted(EXAMPLES.glob("*.py"))
    assert files
    assert mypy(tmp_path, *files)[0] == 0, mypy(tmp_path, *files)[1]


def test_a_program_of_the_array_api_passes(tmp_path):
    program = tmp_path / "arrays.py"
    program.write_text(
        "import rusttorch as torch\nfrom rusttorch import array_api as xp\n\nx = torch.ones(2, 3)\n"
        "y: torch.Tensor = xp.add(x, 1) + xp.sum(x, axis=0) + xp.clip(x, min=0.0)\nn: int = xp.finfo(xp.float32).bits\n"
        "reveal_type(xp.unique_all(x).counts)\nreveal_type(xp.result_type(x, 1.0))\nreveal_type(xp.multiply)\n"
    )
    code, text = mypy(tmp_path, program)
    assert code == 0, text
    assert text.count('Revealed type is "rusttorch.Tensor"') == 1 and text.count('Revealed type is "rusttorch.dtype"') == 1, text


def test_wrong_programs_do_not(tmp_path):
    program = tmp_path / "wrong.py"
    program.write_text("import rusttorch as torch\n\nx: int = torch.ones(2) + 1\ntorch.zeros(2).add(1, alpha='x')\ntorch.nowhere\n")
    code, text = mypy(tmp_path, program)
    assert code == 1 and text.count("error:") == 3, text
