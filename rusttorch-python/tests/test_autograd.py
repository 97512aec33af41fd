"""Gradients."""

import weakref

import pytest


def test_backward_adds_up(torch):
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    (x * x).sum().backward()
    (x * x).sum().backward()
    assert x.grad.tolist() == [4, 8]
    x.grad = None
    y = x * 3
    y.backward(torch.tensor([1.0, 10.0]), retain_graph=True)
    y.backward(gradient=torch.tensor([1.0, 10.0]))
    assert x.grad.tolist() == [6, 60]
    with pytest.raises(RuntimeError, match="scalar"):
        (x * 2).backward()


def test_backward_to_some_leaves(torch):
    x, y = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    (x * y * 3).sum().backward(inputs=[x])
    assert x.grad.tolist() == [3, 3] and y.grad is None
    torch.autograd.backward([x.sum(), (y * 2).sum()])
    assert x.grad.tolist() == [4, 4] and y.grad.tolist() == [2, 2]


def test_gradients_of_gradients(torch):
    x = torch.tensor(3.0, requires_grad=True)
    (first,) = torch.autograd.grad(x**3, x, create_graph=True)
    (second,) = torch.autograd.grad(first, x)
    assert (first.item(), second.item()) == (27, 18)
    y = torch.ones(1, requires_grad=True)
    assert torch.autograd.grad(x * 2, [x, y], allow_unused=True)[1] is None
    assert torch.autograd.grad(x * 2, [x, y], materialize_grads=True)[1].tolist() == [0]


def test_modes(torch):
    x = torch.ones(1, requires_grad=True)
    with torch.no_grad():
        assert not (x * 2).requires_grad
        with torch.enable_grad():
            assert (x * 2).requires_grad
        assert not torch.is_grad_enabled()
    with torch.inference_mode():
        assert not torch.is_grad_enabled()
    with torch.set_grad_enabled(False):
        assert not torch.is_grad_enabled()
    torch.set_grad_enabled(False)
    assert not torch.is_grad_enabled()
    torch.set_grad_enabled(True)

    @torch.no_grad()
    def f():
        """Doc."""
        return torch.is_grad_enabled()

    @torch.no_grad
    def g():
        yield torch.is_grad_enabled()
        yield torch.is_grad_enabled()

    assert f() is False and f.__doc__ == "Doc." and torch.is_grad_enabled()
    for inside in g():
        assert inside is False and torch.is_grad_enabled()
    with pytest.raises(ZeroDivisionError), torch.no_grad():
        1 / 0
    assert torch.is_grad_enabled()


def test_hooks(torch):
    x = torch.ones(2, requires_grad=True)
    y = x * 2
    seen = []
    handle = y.register_hook(lambda g: seen.append(g.tolist()))
    y.register_hook(lambda g: g * 10)
    y.sum().backward(retain_graph=True)
    assert seen == [[1, 1]] and x.grad.tolist() == [20, 20]
    handle.remove()
    handle.remove()
    y.retain_grad()
    y.sum().backward()
    assert len(seen) == 1 and y.grad.tolist() == [10, 10]
    z = (torch.ones(1, requires_grad=True) * 1)
    z.register_hook(lambda g: "nonsense")
    with pytest.raises(TypeError, match="hook of Tensor"):
        z.backward()


def test_saved_tensors_that_were_overwritten(torch):
    x = torch.ones(2, requires_grad=True)
    y = x * 1
    z = y * y
    y.add_(1)
    with pytest.raises(RuntimeError, match="modified by an in-place operation"):
        z.sum().backward()


class Cube:
    """Makes the function once the package is there."""

    def __new__(cls, torch):
        class CubeFunction(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x, scale):
                ctx.save_for_backward(x)
                ctx.scale = scale
                assert not torch.is_grad_enabled()
                return x**3 * scale

            @staticmethod
            def backward(ctx, g):
                (x,) = ctx.saved_tensors
                assert ctx.needs_input_grad == (True, False)
                return g * 3 * x**2 * ctx.scale, None

        return CubeFunction


def test_functions(torch):
    cube = Cube(torch)
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = cube.apply(x, 2.0)
    assert y.tolist() == [2, 16] and y.grad_fn.name() == "CubeFunctionBackward"
    y.sum().backward()
    assert x.grad.tolist() == [6, 24]
    (g,) = torch.autograd.grad(cube.apply(x, 1.0).sum(), x, create_graph=True)
    assert torch.autograd.grad(g.sum(), x)[0].tolist() == [6, 12]
    with torch.no_grad():
        assert not cube.apply(x, 1.0).requires_grad
    assert not cube.apply(x.detach(), 1.0).requires_grad
    with pytest.raises(RuntimeError, match="should not be instantiated"):
        cube()


def test_functions_of_several_outputs(torch):
    calls = []

    class Parts(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, y):
            ctx.save_for_backward(x, y)
            index = x.argmax()
            ctx.mark_non_differentiable(index)
            return x * y, x + y, index

        @staticmethod
        def backward(ctx, product, total, index):
            x, y = ctx.saved_tensors
            calls.append((product.tolist(), total.tolist()))
            return product * y + total, product * x + total

    x, y = torch.tensor([2.0, 3.0], requires_grad=True), torch.tensor([4.0, 5.0], requires_grad=True)
    product, total, index = Parts.apply(x, y)
    assert index.item() == 1 and not index.requires_grad
    (product.sum() + (total * torch.tensor([1.0, 10.0])).sum()).backward()
    # Once, with the gradients of both.
    assert calls == [([1, 1], [1, 10])]
    assert x.grad.tolist() == [5, 15] and y.grad.tolist() == [3, 13]
    Parts.apply(x, y)[0].sum().backward()
    assert calls[1] == ([1, 1], [0, 0])


def test_functions_that_go_wrong(torch):
    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, g):
            return g, g

    class Shape(Wrong):
        @staticmethod
        def backward(ctx, g):
            return g.sum()

    class Overwritten(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * 1

        @staticmethod
        def backward(ctx, g):
            return g * ctx.saved_tensors[0]

    x = torch.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="incorrect number of gradients"):
        Wrong.apply(x).sum().backward()
    with pytest.raises(RuntimeError, match="differ in shape"):
        Shape.apply(x).sum().backward()
    y = x * 1
    z = Overwritten.apply(y)
    y.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.sum().backward()


def test_setup_context(torch):
    class Twice(torch.autograd.Function):
        @staticmethod
        def forward(x):
            return x * 2

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs, output)

        @staticmethod
        def backward(ctx, g):
            x, y = ctx.saved_tensors
            assert torch.equal(x * 2, y)
            return g * 2

    x = torch.ones(2, requires_grad=True)
    Twice.apply(x).sum().backward()
    assert x.grad.tolist() == [2, 2]


def test_a_gradient_is_one_object(torch, collect):
    x = torch.ones(2, requires_grad=True)
    assert x.grad is x.grad is None
    (x * 2).sum().backward()
    g = x.grad
    assert x.grad is g and g.tolist() == [2, 2]
    # PyTorch adds in place, to what is there.
    (x * 3).sum().backward()
    assert x.grad is g and g.tolist() == [5, 5]
    mine = torch.zeros(2)
    x.grad = mine
    assert x.grad is mine and x.grad is not g
    x.grad = None
    assert x.grad is None
    x.grad = g
    seen = weakref.ref(g)
    del g
    assert x.grad.tolist() == [5, 5]
    x.grad = None
    assert seen() is None, "the object would keep the memory"
