"""``save`` and ``load``.

What is saved is a safetensors file. A dict of tensors by name is saved under these names, so that any reader of the format
finds them; other trees of dicts, lists, tuples, numbers and texts around tensors stand in its metadata as JSON. Files
of PyTorch's ``torch.save`` can be read where they hold tensors and plain containers: nothing in them is ever called.
"""

import os

from . import _rusttorch as _C
from ._rusttorch import Tensor
from .nn.parameter import Parameter

__all__ = ["load", "save"]

_KEY = "rusttorch"


def save(obj, f, pickle_module=None, pickle_protocol=None, _use_new_zipfile_serialization=True):
    """Saves tensors, and plain containers of tensors, numbers and texts, to a path or a binary file."""
    tensors, metadata = _encode(obj)
    if isinstance(f, (str, os.PathLike)):
        _C._save(os.fspath(f), tensors, metadata)
        return
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "tensors")
        _C._save(path, tensors, metadata)
        with open(path, "rb") as written:
            f.write(written.read())


def load(f, map_location=None, pickle_module=None, *, weights_only=True, mmap=None):
    """Loads what ``save`` or PyTorch's ``torch.save`` wrote, from a path or a binary file."""
    if map_location is not None and not callable(map_location):
        _C._functions("torch")["empty"](0, device=map_location)
    if not weights_only:
        raise NotImplementedError("load: weights_only=False would run what is in the file, which RustTorch never does")
    if isinstance(f, (str, os.PathLike)):
        with open(f, "rb") as file:
            start = file.read(4)
        if start == b"PK\3\4":
            from ._unpickle import load_zip

            return load_zip(f)
        return _decode(*_C._load(os.fspath(f)))
    data = f.read()
    if data[:4] == b"PK\3\4":
        import io

        from ._unpickle import load_zip

        return load_zip(io.BytesIO(data))
    return _decode(*_C._decode(data))


def _encode(obj):
    if _is_state(obj):
        return [(name, t.detach()) for name, t in obj.items()], {}
    import json

    tensors = []
    tree = _tree(obj, tensors)
    return [(str(i), t) for i, t in enumerate(tensors)], {_KEY: json.dumps(tree)}


def _is_state(obj):
    return type(obj) is dict and obj and all(
        isinstance(k, str) and k and k != "__metadata__" and type(v) in (Tensor, Parameter) and not v.requires_grad
        for k, v in obj.items()
    )


def _tree(obj, tensors):
    """The containers as JSON has them: a tag and what is in it."""
    if obj is None or isinstance(obj, (bool, str)):
        return obj
    if type(obj) is int:
        return obj
    if type(obj) is float:
        # Exact, nan and inf included.
        return {"f": obj.hex()}
    if isinstance(obj, Tensor):
        if type(obj) not in (Tensor, Parameter):
            raise TypeError(f"save: cannot save a {type(obj).__name__}")
        tensors.append(obj.detach())
        return {"p" if type(obj) is Parameter else "t": len(tensors) - 1, "g": obj.requires_grad}
    if type(obj) is list:
        return [_tree(v, tensors) for v in obj]
    from ._size import Size

    if type(obj) in (tuple, Size):
        return {"s" if type(obj) is Size else "u": [_tree(v, tensors) for v in obj]}
    if isinstance(obj, dict):
        return {"d": [[_tree(k, tensors), _tree(v, tensors)] for k, v in obj.items()]}
    if isinstance(obj, _C.dtype):
        return {"y": repr(obj).removeprefix("torch.")}
    raise TypeError(
        f"save: cannot save a {type(obj).__module__}.{type(obj).__qualname__}: tensors, None, numbers, texts, lists, tuples "
        "and dicts can be saved (of a module its state_dict())"
    )


def _decode(tensors, metadata):
    if _KEY not in metadata:
        return tensors
    import json

    return _plant(json.loads(metadata[_KEY]), tensors)


def _plant(tree, tensors):
    if not isinstance(tree, (dict, list)):
        return tree
    if isinstance(tree, list):
        return [_plant(v, tensors) for v in tree]
    if "t" in tree:
        return tensors[str(tree["t"])].requires_grad_(tree["g"])
    if "p" in tree:
        return Parameter(tensors[str(tree["p"])], tree["g"])
    if "f" in tree:
        return float.fromhex(tree["f"])
    if "u" in tree:
        return tuple(_plant(v, tensors) for v in tree["u"])
    if "s" in tree:
        from ._size import Size

        return Size(_plant(v, tensors) for v in tree["s"])
    if "d" in tree:
        return {_plant(k, tensors): _plant(v, tensors) for k, v in tree["d"]}
    if "y" in tree and isinstance(getattr(_C, tree["y"], None), _C.dtype):
        return getattr(_C, tree["y"])
    raise ValueError(f"load: the file holds a structure that is not known: {sorted(tree)}")
