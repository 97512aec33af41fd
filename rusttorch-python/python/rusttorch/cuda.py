"""There is no CUDA; programs may ask."""


def is_available():
    """False."""
    return False


def device_count():
    """0."""
    return 0


def is_initialized():
    """False."""
    return False


def manual_seed(seed):
    """Does nothing, as PyTorch's does without CUDA."""


manual_seed_all = manual_seed


def empty_cache():
    """Does nothing."""


def synchronize(device=None):
    """Refused."""
    raise RuntimeError("cuda is not available: RustTorch computes on the CPU")
