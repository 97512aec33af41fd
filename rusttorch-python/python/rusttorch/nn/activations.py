"""Activations as modules: each calls the function of its name with the options it was made with."""

from . import functional as F
from .module import Module


def _activation(name, function, options, doc, shown=None):
    """A module that calls ``function``; ``options`` are its parameters by name, with defaults or ``...`` for none."""
    names = [*options]
    shown = names if shown is None else shown

    def __init__(self, *args, **kwargs):
        Module.__init__(self)
        if len(args) > len(names):
            raise TypeError(f"{name}() takes at most {len(names)} arguments, {len(args)} were given")
        given = dict(zip(names, args))
        for key, value in kwargs.items():
            if key not in options or key in given:
                raise TypeError(f"{name}() got an unexpected keyword argument '{key}'")
            given[key] = value
        for key, default in options.items():
            value = given.get(key, default)
            if value is ...:
                raise TypeError(f"{name}() missing argument '{key}'")
            setattr(self, key, value)

    def forward(self, input):
        return function(input, **{key: getattr(self, key) for key in names})

    def extra_repr(self):
        parts = []
        for key in shown:
            value = getattr(self, key)
            if key == "inplace":
                if value:
                    parts.append("inplace=True")
            elif key == "approximate":
                parts.append(f"approximate={value!r}")
            elif bare:
                parts.append(str(value))
            else:
                parts.append(f"{key}={value}")
        return ", ".join(parts)

    # PyTorch's own lines of these name no option.
    bare = name in ("Hardshrink", "Softshrink")
    body = {"__doc__": doc, "__module__": "rusttorch.nn", "__init__": __init__, "forward": forward, "extra_repr": extra_repr}
    return type(name, (Module,), body)


_SOFT = {"dim": None}

ReLU = _activation("ReLU", F.relu, {"inplace": False}, "``max(x, 0)``")
ReLU6 = _activation("ReLU6", F.relu6, {"inplace": False}, "``min(max(x, 0), 6)``")
LeakyReLU = _activation("LeakyReLU", F.leaky_relu, {"negative_slope": 0.01, "inplace": False}, "``x > 0 ? x : slope * x``")
ELU = _activation("ELU", F.elu, {"alpha": 1.0, "inplace": False}, "``x > 0 ? x : alpha * (e^x - 1)``")
CELU = _activation("CELU", F.celu, {"alpha": 1.0, "inplace": False}, "``x > 0 ? x : alpha * (e^(x / alpha) - 1)``")
SELU = _activation("SELU", F.selu, {"inplace": False}, "Scaled ELU")
SiLU = _activation("SiLU", F.silu, {"inplace": False}, "``x * sigmoid(x)``")
Mish = _activation("Mish", F.mish, {"inplace": False}, "``x * tanh(softplus(x))``")
GELU = _activation("GELU", F.gelu, {"approximate": "none"}, "``x * Phi(x)``")
Sigmoid = _activation("Sigmoid", F.sigmoid, {}, "``1 / (1 + e^-x)``")
LogSigmoid = _activation("LogSigmoid", F.logsigmoid, {}, "``log(sigmoid(x))``")
Tanh = _activation("Tanh", F.tanh, {}, "Hyperbolic tangent")
Tanhshrink = _activation("Tanhshrink", F.tanhshrink, {}, "``x - tanh(x)``")
Softplus = _activation("Softplus", F.softplus, {"beta": 1.0, "threshold": 20.0}, "``log(1 + e^(beta x)) / beta``")
Softsign = _activation("Softsign", F.softsign, {}, "``x / (1 + |x|)``")
Softmax = _activation("Softmax", F.softmax, _SOFT, "``e^x / sum(e^x)`` along a dimension")
LogSoftmax = _activation("LogSoftmax", F.log_softmax, _SOFT, "``log(softmax(x))``")
Softmin = _activation("Softmin", F.softmin, _SOFT, "``softmax(-x)``")
Hardsigmoid = _activation("Hardsigmoid", F.hardsigmoid, {"inplace": False}, "``min(max(x + 3, 0), 6) / 6``", [])
Hardswish = _activation("Hardswish", F.hardswish, {"inplace": False}, "``x * hardsigmoid(x)``", [])
Hardtanh = _activation(
    "Hardtanh", F.hardtanh, {"min_val": -1.0, "max_val": 1.0, "inplace": False}, "``min(max(x, min_val), max_val)``"
)
Hardshrink = _activation("Hardshrink", F.hardshrink, {"lambd": 0.5}, "``|x| <= lambd ? 0 : x``")
Softshrink = _activation("Softshrink", F.softshrink, {"lambd": 0.5}, "``x`` moved towards 0 by lambd")
GLU = _activation("GLU", F.glu, {"dim": -1}, "``a * sigmoid(b)`` of two halves")
Threshold = _activation(
    "Threshold", F.threshold, {"threshold": ..., "value": ..., "inplace": False}, "``x > threshold ? x : value``"
)
