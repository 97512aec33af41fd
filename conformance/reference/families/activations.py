"""Softmax and the activations, with their gradients."""

import warnings

import torch

from recorder import Family, resolve
from values import ALL, FLOATS, INF, INTS, NAN, SHAPES, WIDE, floats, ints, ordinary, rough, tensor

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
        # The dtype to which the input is cast first.
        for dtype in ALL:
            family.call(op, ordinary(dtype, [2, 3]), 1, params={"dtype": F64})
        family.call(op, rough(torch.float16, [2, 3], 35), 0, params={"dtype": F32}, grad=True)
        family.call(op, rough(F64, [2, 3], 36), -2, params={"dtype": torch.bfloat16})
        family.error(op, torch.ones(2), 0, params={"dtype": torch.int64})
    family.call("torch.log_softmax", tensor([0.0, 1000.0], F32), 0, num=[33])
    # Without a dim, which PyTorch then takes from the number of dimensions, with a warning.
    warnings.filterwarnings("ignore", message="Implicit dimension choice")
    for op in ("softmax", "log_softmax", "softmin"):
        for shape in [(), (3,), (2, 3), (2, 2, 2), (1, 2, 2, 1)]:
            family.call(NN + op, rough(F32, shape, 37), grad=True)
        family.call(NN + op, torch.tensor([[1, 2], [4, 2]]), -1, params={"dtype": F32})
        family.error(NN + op, torch.tensor([[1, 2], [4, 2]]), -1)
    return family


# Function, parameter sets, extra inputs (neighbours of branch points), numerics.md items.
ACTIVATIONS = [
    (NN + "leaky_relu", [{}, {"negative_slope": 0.2}, {"negative_slope": -0.5}], [1e-30, -1e-30], [8, 35]),
    (NN + "elu", [{}, {"alpha": 0.5}], [1e-30, -1e-30, -17.0, -87.0, -0.34], [35]),
    ("torch.celu", [{}, {"alpha": 0.5}, {"alpha": -2.0}], [1e-30, -1e-30, -17.0, -87.0, -0.34], None),
    ("torch.selu", [{}], [1e-30, -1e-30, -17.0, -87.0], None),
    (NN + "silu", [{}], [-87.0, -88.8, -103.0, -104.5, 17.0, -1.2784645], [35]),
    (NN + "mish", [{}], [-87.0, -88.8, -103.0, 17.0, 19.9, 20.5, -1.1924507], None),
    (NN + "gelu", [{}, {"approximate": "tanh"}], [-6.0, 6.0, -5.5, -9.0, -13.0, 0.84, -0.75, -14.5], [34]),
    (NN + "softplus", [{}, {"beta": 2.0}, {"beta": 0.5, "threshold": 5.0}],
     [19.99, 20.0, 20.000002, 20.01, 10.0, 10.00001, 2.5, 2.50001, -87.0, -104.0, -17.0], [32]),
    (NN + "softsign", [{}], [], None),
    (NN + "logsigmoid", [{}], [-17.0, 17.0, -88.0, 88.0, 104.0], [32]),
    (NN + "relu6", [{}], [6.0, 5.9999995, 6.0000005], [8, 35, 44]),
    (NN + "hardtanh", [{}, {"min_val": -2.0, "max_val": 0.1}], [1.0000001, 0.9999999, 2.0], [8, 44]),
    (NN + "hardsigmoid", [{}], [3.0, -3.0, 2.9999998, -2.9999998], None),
    (NN + "hardswish", [{}], [3.0, -3.0, 2.9999998, -2.9999998], [8, 35]),
    ("torch.hardshrink", [{}, {"lambd": 0.1}, {"lambd": -1.0}], [0.50000006, 0.49999997], None),
    (NN + "softshrink", [{}, {"lambd": 0.1}, {"lambd": 0.0}], [0.50000006, 0.49999997], None),
    ("torch.threshold", [{"threshold": 0.1, "value": 0.3}, {"threshold": -1.0, "value": NAN}], [], None),
    ("torch.rrelu", [{}, {"lower": 0.5, "upper": 0.5}], [], None),
    (NN + "tanhshrink", [{}], [], None),
]
# hardsigmoid has no second gradient in PyTorch.
ONCE = {"hardsigmoid"}
TAKE_INTS = {"relu6", "hardtanh", "threshold", "softsign", "tanhshrink"}


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


def exact_sixth(grads):
    """The slope of hardsigmoid is an f32 in PyTorch, whatever the dtype."""
    return [g * (1 / 6 / torch.tensor(1 / 6, dtype=F32).double()) for g in grads]


def one_by_one(op):
    """An elementwise function, of each element alone. PyTorch's vector code takes other branches at NaN, and
    for gelu another approximation, so that in a longer tensor the answer depends on the element's place."""
    fn = resolve(op)
    return lambda x, **params: torch.stack([fn(e, **params) for e in x.unbind()])


def record_activation(tables):
    family = Family("activation")
    recorded = {op for op, *_ in ACTIVATIONS}
    missing = {row["torch"] for row in tables["activation"]} - recorded
    assert not missing, f"activations without cases: {missing}"
    for op, parameter_sets, extra, num in ACTIVATIONS:
        name = op.split(".")[-1]
        for params in parameter_sets:
            for dtype in FLOATS:
                family.call(op, floats(dtype, extra), params=params, grad=True, num=num, limit=limit_of(name),
                            fn=one_by_one(op), second=exact_sixth if name == "hardsigmoid" else None)
            family.call(op, ordinary(F32, [5]), params=params)
        for shape in SHAPES:
            family.call(op, ordinary(F32, shape), params=parameter_sets[0])
        for params in parameter_sets[:2] if name not in ONCE else []:
            # At and off the kinks, an element at a time for the reason given above.
            x = tensor([0.5, -0.75, 1.25, -2.0, 3.5, 0.0625, 0.0, -0.0, 1.0, -1.0, 3.0, -3.0, 6.0, -0.5, 0.1, -17.0, 40.0], F64)
            family.call(op, x, params=params, grad=True, grad2=True, fn=one_by_one(op))
        if name in TAKE_INTS:
            for dtype in INTS:
                family.call(op, ints(dtype), params=parameter_sets[0])
            family.error(op, torch.tensor([True, False]), params=parameter_sets[0])
        else:
            family.error(op, torch.tensor([1, 2, 3]), params=parameter_sets[0])
    # Under their other names.
    for name in ("relu", "celu", "selu", "threshold", "rrelu"):
        params = {"threshold": 0.5, "value": 2.0} if name == "threshold" else {}
        family.call(NN + name, ordinary(F32, [5]), params=params, grad=True)
    for dtype in WIDE:
        family.call("torch.rrelu", rough(dtype, [3, 5], 47), params={"training": True}, grad=True, seed=7)
    family.call(NN + "rrelu", tensor([-1.0, 0.0, -0.0, NAN, 2.0, -INF], F32), 0.25, 0.75, True, seed=8)
    integers_by_number(family)
    refused_parameters(family)
    gates(family)
    return family


def integers_by_number(family):
    """Numbers that an integer dtype holds only in part, or not at all."""
    for dtype in (torch.uint8, torch.int8, torch.int64):
        x = ints(dtype)
        for low, high in [(-3, -1), (-1.5, 2.9), (0, 300), (-300, 2), (NAN, 2.0), (-INF, 2.0)]:
            family.either(NN + "hardtanh", x, params={"min_val": low, "max_val": high})
        for threshold, value in [(-1, 5), (1, 300), (300, 3), (1, -1), (0.9, 2.9), (NAN, 1.0)]:
            family.either("torch.threshold", x, params={"threshold": threshold, "value": value})
    family.call(NN + "softsign", torch.tensor([255, 254, 0], dtype=torch.uint8))


def refused_parameters(family):
    half = torch.ones(2, dtype=torch.float16)
    for op, params in [("hardtanh", {"min_val": 2.0, "max_val": 1.0}), ("softshrink", {"lambd": -0.5}),
                       ("softshrink", {"lambd": INF}), ("softshrink", {"lambd": NAN}), ("celu", {"alpha": 0.0}),
                       ("celu", {"alpha": 1e-60}), ("elu", {"alpha": 1e60}), ("leaky_relu", {"negative_slope": 1e60}),
                       ("rrelu", {"lower": 0.5, "upper": 0.25}), ("gelu", {"approximate": "erf"})]:
        op = {"celu": "torch.celu", "rrelu": "torch.rrelu"}.get(op, NN + op)
        family.error(op, torch.ones(2), params=params)
    for op, params in [("torch.hardshrink", {"lambd": 1e6}), (NN + "hardtanh", {"max_val": 1e6}),
                       ("torch.threshold", {"threshold": 0.0, "value": 1e6})]:
        family.error(op, half, params=params)
    family.call("torch.threshold", half, params={"threshold": 1e6, "value": 3.0})


def gates(family):
    """Those whose elements depend on more than one."""
    glu, prelu, softmin = NN + "glu", "torch.prelu", NN + "softmin"
    for dtype in FLOATS:
        family.call(glu, rough(dtype, [3, 8], 37), grad=True)
        family.call(prelu, rough(dtype, [2, 3, 4], 38), rough(dtype, [3], 39), grad=True)
        family.call(softmin, rough(dtype, [3, 4], 40), 1, grad=dtype in WIDE)
    family.call(glu, tensor([[INF, 1.0, NAN, -INF], [0.0, INF, 1.0, NAN]], F64), 0, grad=True)
    family.call(glu, rough(F32, [4, 3, 2], 41), 0, grad=True)
    family.call(glu, rough(F64, [2, 4], 42), -1, grad=True, grad2=True)
    for shape, dim in [((0, 4), 1), ((4, 0), 1), ((2, 0, 3), 0)]:
        family.call(glu, torch.zeros(shape), dim)
    family.error(glu, torch.ones(3))
    family.error(glu, torch.tensor(1.0))
    family.error(glu, torch.ones(4), 1)
    family.error(glu, torch.ones(4, dtype=torch.int64))

    wild = tensor([[INF, -INF, NAN], [0.0, -0.0, 1.0]], F64)
    family.call(prelu, wild, tensor([0.5, INF, NAN], F64), grad=True)
    family.call(prelu, wild, tensor(INF, F64), grad=True)
    family.call(prelu, rough(F64, [3, 2], 43), rough(F64, [2], 44), grad=True, grad2=True)
    for shape, weights in [((3,), (1,)), ((), ()), ((), (1,)), ((2, 3), ()), ((0,), (1,)), ((2, 0), (0,)), ((0, 3), (3,)),
                           ((1, 2, 1, 3, 1), (2,))]:
        family.call(prelu, rough(F32, shape, 45), rough(F32, weights, 46), grad=True)
    for shape, weights in [((3,), (3,)), ((2, 3), (2,)), ((2, 3), (1, 1)), ((2, 3), (1, 3)), ((), (2,)), ((2, 1), (0,))]:
        family.error(prelu, torch.ones(shape), torch.ones(weights))
    family.error(prelu, torch.ones(2), torch.ones(1, dtype=F64))
    family.error(prelu, torch.ones(2, dtype=torch.int64), torch.ones(1, dtype=torch.int64))

    family.call(softmin, tensor([[-INF, INF, 0.0], [NAN, 0.0, 1.0], [1000.0, -1000.0, 0.0]], F32), -1)
    family.call(softmin, torch.tensor([[3, 1, 2]], dtype=torch.uint8), 1, params={"dtype": F32})
    family.error(softmin, torch.tensor([True]), 0, params={"dtype": F32})
    family.error(softmin, torch.tensor([1, 2]), 0)
    family.error(softmin, torch.ones(2, 3), 2)
