"""Gradients: ``backward``, ``grad``, and functions whose gradient is written in Python."""

from . import _rusttorch as _C
from ._grad_mode import enable_grad, inference_mode, no_grad, set_grad_enabled
from ._rusttorch import Tensor

__all__ = ["Function", "backward", "enable_grad", "grad", "inference_mode", "no_grad", "set_grad_enabled"]


def grad(
    outputs,
    inputs,
    grad_outputs=None,
    retain_graph=None,
    create_graph=False,
    only_inputs=True,
    allow_unused=None,
    is_grads_batched=False,
    materialize_grads=False,
):
    """The gradients of outputs with respect to inputs, one each, without touching any ``.grad``."""
    if is_grads_batched:
        raise NotImplementedError("grad: is_grads_batched is not there yet")
    if not only_inputs:
        raise NotImplementedError("grad: only_inputs is always true")
    if materialize_grads and allow_unused is False:
        raise ValueError("Expected allow_unused to be True or not passed when materialize_grads=True")
    allow_unused = bool(allow_unused) or materialize_grads
    retain_graph = create_graph if retain_graph is None else retain_graph
    found = _C._grad(outputs, inputs, grad_outputs, retain_graph, create_graph, allow_unused)
    if not materialize_grads:
        return found
    inputs = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    return tuple(x.new_zeros(x.shape) if g is None else g for x, g in zip(inputs, found))


def backward(tensors, grad_tensors=None, retain_graph=None, create_graph=False, inputs=None):
    """Adds the gradients of tensors to the ``.grad`` of leaves."""
    tensors = (tensors,) if isinstance(tensors, Tensor) else tuple(tensors)
    if grad_tensors is None or isinstance(grad_tensors, Tensor):
        grad_tensors = (grad_tensors,) * len(tensors)
    if len(tensors) != len(grad_tensors):
        raise RuntimeError(f"got {len(tensors)} tensors and {len(grad_tensors)} gradients")
    keep = create_graph if retain_graph is None else retain_graph
    for i, (tensor, gradient) in enumerate(zip(tensors, grad_tensors)):
        # Tensors of one graph need it until the last of them is done.
        tensor.backward(gradient, keep or i + 1 < len(tensors), create_graph, inputs)


class _Context:
    """What ``forward`` tells ``backward``: PyTorch's ``ctx``."""

    def __init__(self):
        self.needs_input_grad = ()
        self._saved = ()
        self._outputs = ()
        self._not_differentiable = ()
        self._materialize = True

    def save_for_backward(self, *tensors):
        """Keeps tensors, and has ``backward`` refuse them once they are overwritten."""
        self._saved = tensors

    def mark_non_differentiable(self, *tensors):
        """These outputs have no gradient."""
        self._not_differentiable = tensors

    def mark_dirty(self, *tensors):
        """Refused: a function may not write its inputs here."""
        raise NotImplementedError("mark_dirty: a Function may not write its inputs in place here")

    def set_materialize_grads(self, value):
        """Whether an output that nobody uses has a gradient of zeros rather than None."""
        self._materialize = value

    @property
    def saved_tensors(self):
        """What was kept."""
        out = []
        for tensor, version in self._saved:
            if tensor is not None and not isinstance(tensor, int) and tensor._version != version:
                raise RuntimeError(
                    "one of the variables needed for gradient computation has been modified by an inplace operation: "
                    f"{tuple(tensor.shape)} is at version {tensor._version}; expected version {version} instead"
                )
            # An output is kept by its number, and handed in by the graph.
            out.append(self._outputs[tensor] if isinstance(tensor, int) else tensor)
        return tuple(out)

    def _keep(self, outputs):
        """Puts outputs that were saved by their number: a graph that owned its own output would never be freed."""
        kept = []
        for tensor in self._saved:
            number = next((i for i, o in enumerate(outputs) if o is tensor), None)
            if number is None:
                kept.append((tensor, None if tensor is None else tensor._version))
            else:
                kept.append((number, None))
        self._saved = tuple(kept)


class Function:
    """A function with a gradient of its own: ``forward(ctx, ..)`` and ``backward(ctx, ..)`` as static methods."""

    def __init__(self, *args, **kwargs):
        raise RuntimeError(f"{type(self).__name__} should not be instantiated: call {type(self).__name__}.apply(..)")

    @staticmethod
    def forward(*args, **kwargs):
        """The value."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx, inputs, output):
        """Fills the context in, where ``forward`` is not given it."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx, *grad_outputs):
        """The gradients of the inputs, one each, from those of the outputs."""
        raise NotImplementedError("You must implement either the backward or vjp method for your custom autograd.Function")

    vjp = backward

    @classmethod
    def apply(cls, *args, **kwargs):
        """Calls the function."""
        ctx = _Context()
        ctx.needs_input_grad = tuple(isinstance(a, Tensor) and a.requires_grad for a in args)
        with no_grad():
            if cls.setup_context is not Function.setup_context:
                result = cls.forward(*args, **kwargs)
                cls.setup_context(ctx, args, result)
            else:
                result = cls.forward(ctx, *args, **kwargs)
        if not _C.is_grad_enabled() or True not in ctx.needs_input_grad:
            return result
        outputs = result if isinstance(result, tuple) else (result,)
        ctx._keep(outputs)
        wanted = [
            i
            for i, o in enumerate(outputs)
            if isinstance(o, Tensor)
            and o.is_floating_point()
            and not any(o is t for t in ctx._not_differentiable)
        ]
        # An input that is returned as it is becomes a tensor of its own.
        outputs = [o.detach() if isinstance(o, Tensor) else o for o in outputs]
        if wanted:
            _attach(cls, ctx, args, outputs, wanted)
        return tuple(outputs) if isinstance(result, tuple) else outputs[0]


def _attach(cls, ctx, args, outputs, wanted):
    """Gives outputs their places in the graph. Several are parts of one tensor there, so that ``backward`` runs once."""
    is_tensor = [isinstance(a, Tensor) for a in args]
    inputs = [a for a in args if isinstance(a, Tensor)]
    shapes = [outputs[i].shape for i in wanted]
    # Outputs without a gradient may be kept by the graph; those with one come from it.
    kept = [None if i in wanted else o for i, o in enumerate(outputs)]
    alone = len(wanted) == 1
    packed = outputs[wanted[0]] if alone else _C._functions("torch")["cat"]([outputs[i].flatten() for i in wanted])

    def parts(whole):
        return zip(wanted, [whole] if alone else _split(whole, shapes))

    def rule(value, gradient):
        values, gradients = list(kept), [None] * len(kept)
        for i, part in parts(value):
            values[i] = part
        for i, part in parts(gradient):
            gradients[i] = part
        if ctx._materialize:
            for i, output in enumerate(kept):
                if isinstance(output, Tensor):
                    gradients[i] = output.new_zeros(output.shape)
        ctx._outputs = values
        back = cls.backward if cls.vjp is Function.vjp else cls.vjp
        try:
            result = back(ctx, *gradients)
        finally:
            ctx._outputs = ()
        result = result if isinstance(result, tuple) else (result,)
        if any(r is not None for r in result[len(is_tensor) :]) or len(result) < len(is_tensor):
            raise RuntimeError(
                f"function {cls.__name__}Backward returned an incorrect number of gradients "
                f"(expected {len(is_tensor)}, got {len(result)})"
            )
        return [r for tensor, r in zip(is_tensor, result) if tensor]

    packed = _C._record(f"{cls.__name__}Backward", packed, inputs, rule)
    for i, part in parts(packed):
        outputs[i] = part


def _split(whole, shapes):
    out, at = [], 0
    for shape in shapes:
        n = shape.numel()
        out.append(whole.narrow(0, at, n).reshape(shape))
        at += n
    return out
