"""Several results of one op: tuples whose fields have names, as in ``torch.return_types``."""

from operator import itemgetter

from ._rusttorch import _fields


def _make(name, fields):
    def __repr__(self):
        parts = ",\n".join(f"{field}={value!r}" for field, value in zip(fields, self))
        return f"torch.return_types.{name}(\n{parts})"

    def __reduce__(self):
        return _named, (name, tuple(self))

    body = {"__slots__": (), "__module__": __name__, "__repr__": __repr__, "__reduce__": __reduce__}
    body |= {field: property(itemgetter(i)) for i, field in enumerate(fields)}
    return type(name, (tuple,), body)


_CLASSES = {name: _make(name, fields) for name, fields in _fields().items()}
globals().update(_CLASSES)


def _named(name, values):
    return _CLASSES[name](values)
