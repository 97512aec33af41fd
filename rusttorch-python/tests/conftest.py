"""What the tests share."""

import gc
import importlib.util

import pytest

import rusttorch


@pytest.fixture
def torch():
    """The package under its other name, with a fresh seed and recording on."""
    rusttorch.manual_seed(0)
    rusttorch._rusttorch._set_grad_enabled(True)
    return rusttorch


@pytest.fixture
def collect():
    """Collects garbage before and when called."""
    gc.collect()
    return gc.collect


def pytest_report_header():
    """Says which tests have nothing to compare with, for they are skipped."""
    found = importlib.util.find_spec("torch") is not None
    return f"rusttorch {rusttorch.__version__}; PyTorch is {'here' if found else 'not here: test_with_torch.py is skipped'}"
