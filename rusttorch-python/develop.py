"""Builds the extension module unoptimised and puts the package, as it lies in this folder, on the path of the interpreter
that runs this. Its crates are those that the workspace's tests build anyway, which maturin would build anew.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import sysconfig

HERE = pathlib.Path(__file__).parent


def build():
    """The file that cargo built."""
    command = ["cargo", "build", "--workspace", "--locked", "--lib", "--message-format=json-render-diagnostics"]
    lines = subprocess.run(command, cwd=HERE.parent, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    for message in map(json.loads, lines):
        if message["reason"] == "compiler-artifact" and message["target"]["name"] == "_rusttorch":
            return next(f for f in message["filenames"] if f.endswith((".so", ".dylib", ".dll")))
    raise SystemExit("cargo built no extension module")


def main():
    """Builds and installs."""
    module = HERE / "python" / "rusttorch" / ("_rusttorch.pyd" if sys.platform == "win32" else "_rusttorch.abi3.so")
    # A file that another process has loaded must not be written into.
    beside = module.with_suffix(".new")
    shutil.copyfile(build(), beside)
    beside.replace(module)
    pth = pathlib.Path(sysconfig.get_path("purelib")) / "rusttorch-develop.pth"
    pth.write_text(str(HERE / "python") + "\n")


if __name__ == "__main__":
    main()
