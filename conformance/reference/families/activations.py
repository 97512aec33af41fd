"""Softmax and the activations, with their gradients."""

import torch

from recorder import Family
from values import FLOATS, INF, NAN, SHAPES, WIDE, floats, ordinary, rough, tensor

F32, F64 = torch.float32, torch.float64
NN = "torch.nn.functional."


def record_softmax(_tables):
    family = Family("softmax")
    rows = [[-INF, -INF, -INF], [0.0, -INF, 1.0], [INF, 0.0, 1.0], [0.0, 1000.0, -1000.0], [NAN, 0.0, 1.0],
            [1.0, 2.0, 3.0], [88.0, 89.0, 90.0], [-104.0, -105.0, 0.0], [5.0, 5.0, 5.0]]
    for op in ("torch.softmax", "torch.log_softmax"):
        for dtype in FLOATS:
            family.call(op, tensor(rows, dtype), 1, num=[33])
            family.call(op, ordinary(dtype, [2, 3, 4]), 1)
            family.call(op, rough(dtype, [3, 17], 31), -1, grad=dtype in WIDE)
            family.call(op, rough(dtype, [5, 2], 32), 0, grad=dtype in WIDE)
            family.call(op, tensor([[1.0, 2.0, 1000.0], [0.0, 0.0, 0.0]], dtype), 1, grad=dtype in WIDE)
        for shape, dim in [((), 0), ((1,), 0), ((0,), 0), ((2, 0), 1), ((2, 0), 0), ((2, 1, 3, 2), 2),
                           ((1, 2, 1, 3, 1, 2, 1), 3)]:
            family.call(op, rough(F32, shape, 33), dim, grad=len(shape) > 3, num=[13])
        family.call(op, rough(F64, [2, 3], 34), 1, grad=True, grad2=True)
        family.error(op, torch.tensor([1, 2]), 0, num=[25])
        family.error(op, torch.ones(2), 1)
    family.call("torch.log_softmax", tensor([0.0, 1000.0], F32), 0, num=[33])
    return family


# Function, parameter sets, extra inputs (neighbours of branch points), numerics.md items.
ACTIVATIONS = [
    ("leaky_relu", [{}, {"negative_slope": 0.2}, {"negative_slope": -0.5}], [1e-30, -1e-30], [8, 35]),
    ("elu", [{}, {"alpha": 0.5}], [1e-30, -1e-30, -17.0, -87.0, -0.34], [35]),
    ("selu", [{}], [1e-30, -1e-30, -17.0, -87.0], None),
    ("silu", [{}], [-87.0, -88.8, -103.0, -104.5, 17.0, -1.2784645], [35]),
    ("mish", [{}], [-87.0, -88.8, -103.0, 17.0, 19.9, 20.5, -1.1924507], None),
    ("gelu", [{}, {"approximate": "tanh"}], [-6.0, 6.0, -5.5, -9.0, -13.0, 0.84, -0.75, -14.5], [34]),
    ("softplus", [{}, {"beta": 2.0}, {"beta": 0.5, "threshold": 5.0}],
     [19.99, 20.0, 20.000002, 20.01, 10.0, 10.00001, 2.5, 2.50001, -87.0, -104.0, -17.0], [32]),
    ("softsign", [{}], [], None),
    ("logsigmoid", [{}], [-17.0, 17.0, -88.0, 88.0, 104.0], [32]),
    # Composed from clamps.
    ("relu6", [{}], [6.0, 5.9999995, 6.0000005], [8, 35, 44]),
    ("hardtanh", [{}, {"min_val": -2.0, "max_val": 0.5}], [1.0000001, 0.9999999, 2.0], [8, 44]),
    ("hardswish", [{}], [3.0, -3.0, 2.9999998, -2.9999998], [8, 35]),
]
TWICE = {"elu", "selu", "silu", "mish", "gelu", "softplus", "logsigmoid"}


# Value and slope at -inf and at inf, where PyTorch's formulas give inf * 0 or inf / inf.
LIMITS = {
    "gelu": (0.0, INF, 0.0, 1.0), "silu": (0.0, INF, 0.0, 1.0), "mish": (0.0, INF, 0.0, 1.0),
    "softsign": (-1.0, 1.0, 0.0, 0.0), "hardswish": (0.0, INF, 0.0, 1.0),
}


def limit_of(name):
    if name not in LIMITS:
        return None
    low, high, slope_low, slope_high = LIMITS[name]

    def limit(x, go):
        side = x > 0
        if go is None:
            values = torch.where(side, high, low).to(x.dtype)
        else:
            values = go * torch.where(side, slope_high, slope_low).to(x.dtype)
        return torch.where(x.isnan(), x, values)
    return limit


def record_activation(tables):
    family = Family("activation")
    recorded = {name for name, *_ in ACTIVATIONS}
    missing = {row["name"] for row in tables["activation"]} - recorded
    assert not missing, f"activations without cases: {missing}"
    for name, parameter_sets, extra, num in ACTIVATIONS:
        op = NN + name
        for params in parameter_sets:
            for dtype in FLOATS:
                family.call(op, floats(dtype, extra), params=params, grad=True, num=num, limit=limit_of(name))
            family.call(op, ordinary(F32, [5]), params=params)
        for shape in SHAPES:
            family.call(op, ordinary(F32, shape))
        if name in TWICE:
            family.call(op, tensor([0.5, -0.75, 1.25, -2.0, 3.0, 0.0625], F64), grad=True, grad2=True)
        if name not in ("relu6", "hardtanh", "hardswish", "softsign"):
            family.error(op, torch.tensor([1, 2, 3]))
    return family
