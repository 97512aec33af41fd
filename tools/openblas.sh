#!/usr/bin/env bash
# Finds OpenBLAS, which the backend blas is linked with; installs Debian's package where it may. Silent and 0 when it is
# there; else one line on stderr that says what to install, and 1.
set -euo pipefail

# As the build finds it: by pkg-config, else by the linker alone.
found() {
    if command -v pkg-config >/dev/null 2>&1 && pkg-config --exists openblas; then return 0; fi
    case "$(uname -s)" in
    Linux) { ldconfig -p 2>/dev/null || /sbin/ldconfig -p 2>/dev/null; } | grep 'libopenblas\.so ' >/dev/null ;;
    Darwin) command -v brew >/dev/null 2>&1 && [ -d "$(brew --prefix openblas 2>/dev/null)/lib" ] ;;
    *) return 1 ;;
    esac
}

found && exit 0
if [ "$(id -u 2>/dev/null)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing libopenblas-dev" >&2
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq libopenblas-dev; } >/dev/null || true
    found && exit 0
fi
case "$(uname -s)" in
Darwin) package="openblas (brew install openblas)" ;;
Linux) package="OpenBLAS with its headers (Debian, Ubuntu: apt-get install libopenblas-dev; Fedora: dnf install openblas-devel)" ;;
*) package="OpenBLAS" ;;
esac
echo "The backend blas needs $package; BLAS=no leaves the backend out, as in: make test BLAS=no" >&2
exit 1
