"""Tries the wheels: `python wheel_check.py WHEELS`. Each is installed as its users would do it, in an environment of its own,
which has no part of this repository on its path. With `--pytorch PYTHON` also beside PyTorch.
"""

import argparse
import itertools
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile

LIMIT = 8_000_000
# What audits wheels, for Linux alone.
AUDITS = ["auditwheel>=6", "abi3audit>=0.0.26"]

PLAIN = """
import sys
import rusttorch as torch
assert "numpy" not in sys.modules and "torch" not in sys.modules
assert torch.backends.list() == ["simd", "naive"], torch.backends.list()
x = torch.arange(6.0).reshape(2, 3)
assert (x @ x.T).tolist() == [[5, 14], [14, 50]]
for ask in (torch.backends.set_default, lambda name: torch.backends.use(name).__enter__()):
    try:
        ask("blas")
    except RuntimeError as error:
        assert "pip install 'rusttorch[blas]'" in str(error), error
    else:
        raise AssertionError("a backend that is not there was taken")
"""

BLAS = """
import os, pickle, sys
import rusttorch as torch
assert torch.backends.list() == ["simd", "blas", "naive"], torch.backends.list()
assert torch.backends.current() == os.environ.get("RUSTTORCH_BACKEND", "simd")
torch.manual_seed(0)
a, b = torch.randn(300, 200), torch.randn(200, 400)
with torch.backends.use("naive"):
    expected = a @ b
with torch.backends.use("blas"):
    assert torch.backends.current() == "blas"
    facts = torch.backends.report()["facts"]
    assert facts["blas"].startswith("OpenBLAS"), facts
    assert torch.allclose(a @ b, expected, atol=1e-4)
torch.backends.set_default("blas")
for threads in (1, 2):
    torch.set_num_threads(threads)
    assert torch.get_num_threads() == threads and torch.backends.report()["threads"] == threads
    assert torch.allclose(a @ b, expected, atol=1e-4)
big = torch.ones(512, 512)
assert (big @ big).sum().item() == 512.0 ** 3
assert b"rusttorch_blas" not in pickle.dumps((torch.add, a, torch.float32)), "pickles name the other wheel"
child = os.fork()
if child == 0:
    os._exit(0 if (big @ big).sum().item() == 512.0 ** 3 else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""

# Products of each package, one after another: those of `rusttorch` by OpenBLAS.
USES = {
    "rusttorch": """
import rusttorch
with rusttorch.backends.use("blas"):
    x = rusttorch.ones(600, 600)
    results.append((x @ x).sum().item())
""",
    "numpy": """
import numpy
x = numpy.ones((600, 600), dtype=numpy.float32)
results.append(float((x @ x).sum(dtype=numpy.float64)))
""",
    "scipy": """
import scipy.linalg, scipy.linalg.blas
x = scipy.linalg.blas.sgemm(1.0, numpy_ones(600), numpy_ones(600))
results.append(float(x.sum(dtype="float64")))
""",
    "torch": """
import torch
x = torch.ones(600, 600)
results.append((x @ x).sum().item())
""",
}
HELP = """
results = []
def numpy_ones(n):
    import numpy
    return numpy.ones((n, n), dtype=numpy.float32, order="F")
"""


def run(python, program, **environment):
    """Runs a program in an environment that knows nothing of the repository."""
    plain = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "RUSTTORCH"))}
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([python, "-W", "error", "-c", program], cwd=folder, env=plain | environment, check=True, timeout=300)


def pip(python, *arguments):
    """Installs quietly."""
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments], check=True)


def environment(folder):
    """The interpreter of a new virtual environment."""
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    return folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"


def orders(python, packages, **env):
    """Uses packages in every order of their imports, and twice."""
    for order in itertools.permutations(packages):
        body = "".join(USES[package] for package in order)
        run(python, f"{HELP}{body}{body}assert set(results) == {{600.0 ** 3}} and len(results) == {2 * len(order)}, results", **env)
        print("  in this order:", " ".join(order))


def exported(library):
    """The symbols that a library offers to others."""
    lines = subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True, text=True, check=True).stdout.splitlines()
    return [line.split()[-1] for line in lines]


def audit(wheel, tools):
    """Says which systems a wheel runs on; fails where it needs more of Python than it claims, or shows symbols."""
    subprocess.run([tools / "auditwheel", "show", wheel], check=True)
    subprocess.run([tools / "abi3audit", "--strict", "--summary", wheel], check=True)
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(wheel) as file:
        names = [n for n in file.namelist() if ".so" in pathlib.PurePath(n).name]
        assert len(names) == 1, f"one library is expected in {wheel.name}: {names}"
        assert exported(file.extract(names[0], folder)) == ["PyInit__rusttorch"], "other symbols are exported"
    print(f"  {wheel.name}: nm -D shows PyInit__rusttorch alone")


def only(folder, pattern):
    """The one wheel of a name; None where there is none."""
    found = sorted(folder.glob(pattern))
    assert len(found) <= 1, f"several wheels of one name: {found}"
    return found[0] if found else None


def main():
    """Parses the arguments and tries."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheels", type=pathlib.Path, help="the folder that has them")
    parser.add_argument("--pytorch", type=pathlib.Path, help="an interpreter that has PyTorch")
    chosen = parser.parse_args()
    wheels = chosen.wheels.resolve()
    plain, blas = only(wheels, "rusttorch-*.whl"), only(wheels, "rusttorch_blas-*.whl")
    assert plain, f"no wheel in {wheels}"
    room = wheels.parent / "wheel-check"
    from_wheels = ["--no-index", "--find-links", str(wheels)]

    size = plain.stat().st_size
    print(f"{plain.name}: {size / 1e6:.2f} MB; the limit is {LIMIT / 1e6:.0f} MB")
    assert size <= LIMIT

    python = environment(room / "plain")
    pip(python, *from_wheels, "rusttorch")
    run(python, PLAIN)
    print("rusttorch alone: no backend blas, and who asks for it reads what to install")

    if blas:
        print(f"{blas.name}: {blas.stat().st_size / 1e6:.2f} MB")
        python = environment(room / "blas")
        pip(python, *from_wheels, "rusttorch[blas]")
        run(python, BLAS)
        run(python, BLAS, RUSTTORCH_BACKEND="blas")
        print("rusttorch[blas]: products by OpenBLAS, threads, fork, pickles")
        pip(python, "numpy>=2", "scipy")
        orders(python, ["rusttorch", "numpy", "scipy"])
        if chosen.pytorch:
            beside = room / "beside"
            shutil.rmtree(beside, ignore_errors=True)
            pip(sys.executable, "--no-deps", "--target", str(beside), str(plain), str(blas))
            orders(chosen.pytorch.absolute(), ["rusttorch", "torch", "numpy"], PYTHONPATH=str(beside))

    if sys.platform == "linux":
        tools = environment(room / "tools")
        pip(tools, *AUDITS)
        for wheel in filter(None, (plain, blas)):
            audit(wheel, tools.parent)
    print("the wheels are in order")


if __name__ == "__main__":
    main()
