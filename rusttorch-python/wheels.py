"""Builds the wheels: `python wheels.py OUT` that of `rusttorch`, with `--blas` that of `rusttorch-blas`, too.

`rusttorch-blas` is the same extension module with the backend blas, and OpenBLAS is inside of it: linked from its archive, so
that the wheel needs no library of the system, and none of its symbols is seen by other packages that bring a BLAS of their own.
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sysconfig

HERE = pathlib.Path(__file__).parent
NEEDS = "the wheel rusttorch-blas needs OpenBLAS as an archive, libopenblas.a (Debian, Ubuntu: apt-get install libopenblas-dev pkg-config)"


def ask(*options):
    """What pkg-config answers about OpenBLAS; empty where it cannot."""
    try:
        return subprocess.run(["pkg-config", *options, "openblas"], capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def archive(folder):
    """A folder that has OpenBLAS as an archive alone, and the file by which pkg-config leads the build there: given the choice,
    linkers take the shared library.
    """
    found = pathlib.Path(ask("--variable=libdir") or "/nowhere") / "libopenblas.a"
    if not found.exists():
        raise SystemExit(NEEDS)
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / "libopenblas.a"
    link.unlink(missing_ok=True)
    link.symlink_to(found.resolve())
    description = f"Name: openblas\nDescription: OpenBLAS as an archive\nVersion: {ask('--modversion')}\nLibs: -L{folder} -lopenblas\n"
    file = folder / "openblas.pc"
    # A file that is as it was keeps its time, and the build what it has.
    if not file.exists() or file.read_text() != description:
        file.write_text(description)
    return folder


def build(folder, out, environment):
    """The wheel of the project in a folder."""
    maturin = pathlib.Path(sysconfig.get_path("scripts")) / "maturin"
    subprocess.run([maturin, "build", "--release", "--out", out], cwd=folder, env=environment, check=True)


def main():
    """Parses the arguments and builds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path, help="the folder for the wheels; those of before are removed")
    parser.add_argument("--blas", action="store_true", help="rusttorch-blas, too")
    chosen = parser.parse_args()
    out = chosen.out.resolve()
    shutil.rmtree(out, ignore_errors=True)
    build(HERE, out, os.environ)
    if chosen.blas:
        target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent / "target")).resolve()
        # Alone on the path, as one that also leads to the shared library might lead there.
        build(HERE / "blas", out, os.environ | {"PKG_CONFIG_PATH": str(archive(target / "openblas-archive"))})


if __name__ == "__main__":
    main()
