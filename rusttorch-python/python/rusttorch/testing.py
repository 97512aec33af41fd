"""Comparisons for tests."""

from . import _rusttorch as _C
from ._functions import as_tensor

# PyTorch's tolerances by dtype: relative and absolute.
_TOLERANCES = {
    _C.float16: (1e-3, 1e-5),
    _C.bfloat16: (1.6e-2, 1e-5),
    _C.float32: (1.3e-6, 1e-5),
    _C.float64: (1e-7, 1e-7),
}


def assert_close(
    actual, expected, *, rtol=None, atol=None, equal_nan=False, check_device=True, check_dtype=True, check_stride=False,
    msg=None,
):
    """Raises ``AssertionError`` unless ``|actual - expected| <= atol + rtol * |expected|`` everywhere."""
    if (rtol is None) != (atol is None):
        raise ValueError("rtol and atol must both be specified or both be unspecified")
    if isinstance(actual, dict) or isinstance(actual, (list, tuple)):
        pairs = actual.keys() if isinstance(actual, dict) else range(len(actual))
        if len(actual) != len(expected) or isinstance(actual, dict) and actual.keys() != expected.keys():
            raise AssertionError(f"The containers differ in size or keys: {len(actual)} and {len(expected)}")
        for key in pairs:
            assert_close(
                actual[key], expected[key], rtol=rtol, atol=atol, equal_nan=equal_nan, check_dtype=check_dtype,
                check_stride=check_stride, msg=msg,
            )
        return
    actual, expected = as_tensor(actual).detach(), as_tensor(expected).detach()
    problem = None
    if actual.shape != expected.shape:
        problem = f"The values for attribute 'shape' do not match: {actual.shape} != {expected.shape}."
    elif check_dtype and actual.dtype is not expected.dtype:
        problem = f"The values for attribute 'dtype' do not match: {actual.dtype} != {expected.dtype}."
    elif check_stride and actual.stride() != expected.stride():
        problem = f"The values for attribute 'stride()' do not match: {actual.stride()} != {expected.stride()}."
    else:
        if rtol is None:
            both = [_TOLERANCES.get(t.dtype, (0.0, 0.0)) for t in (actual, expected)]
            rtol, atol = max(r for r, _ in both), max(a for _, a in both)
        close = actual.double().isclose(expected.double(), rtol=rtol, atol=atol, equal_nan=equal_nan)
        if not close.all():
            off = (~close).sum().item()
            greatest = (actual.double() - expected.double()).abs().max().item()
            problem = (
                f"Tensor-likes are not close!\n\nMismatched elements: {off} / {close.numel()}\n"
                f"Greatest absolute difference: {greatest} (up to {atol} allowed, and {rtol} relative)"
            )
    if problem is not None:
        raise AssertionError(msg(problem) if callable(msg) else msg or problem)
