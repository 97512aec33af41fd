"""Which extension module the package stands on: its own, or that of ``rusttorch-blas``, which has the backend ``blas``, too.

Two modules cannot share tensors, so one takes the place of the other, under its name. A ``rusttorch-blas`` of another version,
or one that cannot be loaded, must not keep programs from running that name no backend: it is left out with a warning.
"""

import sys

from ._version import __version__


def _other():
    """The module of ``rusttorch-blas``; None where it is not installed, or not one for this package."""
    try:
        import rusttorch_blas
    except ModuleNotFoundError as error:
        if error.name == "rusttorch_blas":
            return None
        raise
    version = getattr(rusttorch_blas, "__version__", None)
    if version != __version__:
        _warn(f"rusttorch-blas is of version {version} and rusttorch of {__version__}")
        return None
    try:
        from rusttorch_blas import _rusttorch
    except ImportError as error:
        _warn(f"rusttorch-blas cannot be loaded ({error})")
        return None
    return _rusttorch


def _warn(what):
    import warnings

    # The line that imports the package, beyond the machinery of imports, is the user's.
    warnings.warn(
        f"{what}, so the backend blas is not there; pip install 'rusttorch[blas]=={__version__}' installs the one that belongs here",
        RuntimeWarning,
        stacklevel=5,
    )


_rusttorch = _other()
if _rusttorch is None:
    from . import _rusttorch
else:
    # Everything else in the package, and pickles, name it so.
    sys.modules[f"{__package__}._rusttorch"] = _rusttorch
