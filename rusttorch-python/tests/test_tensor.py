"""The class Tensor: identity, copies, views, in-place ops, assignment."""

import copy
import pickle

import pytest


def test_in_place_ops_return_the_object_itself(torch):
    x = torch.ones(2, 2)
    same = x
    x += 1
    x *= 2
    x -= 1
    x /= 3
    assert x is same and x.tolist() == [[1, 1], [1, 1]]
    assert x.add_(1) is x and x.zero_() is x and x.requires_grad_() is x and x.contiguous() is x
    y = torch.arange(4)
    y //= 2
    y |= 4
    y <<= 1
    y **= 1
    assert y.tolist() == [8, 8, 10, 10]


def test_out_is_returned(torch):
    out = torch.empty(2)
    assert torch.add(torch.ones(2), 1, out=out) is out and out.tolist() == [2, 2]
    values, indices = torch.empty(2), torch.empty(2, dtype=torch.int64)
    result = torch.max(torch.tensor([[1.0, 2.0], [4.0, 3.0]]), 1, out=(values, indices))
    assert values.tolist() == [2, 4] and indices.tolist() == [1, 0] and result[0] is values


def test_views_share_memory(torch):
    x = torch.zeros(2, 3)
    x[0].fill_(1)
    x.T[2, 1] = 5
    x.view(-1)[3:4] = 7
    assert x.tolist() == [[1, 1, 1], [7, 0, 5]]
    assert x.detach().data_ptr() == x.data.data_ptr() == x.data_ptr()
    assert torch.tensor(x).data_ptr() != x.data_ptr()


@pytest.mark.parametrize(
    "index, value, expected",
    [
        ((0,), 9, [[9, 9, 9], [3, 4, 5]]),
        ((slice(None), 1), 9, [[0, 9, 2], [3, 9, 5]]),
        ((Ellipsis, slice(None, None, 2)), 9, [[9, 1, 9], [9, 4, 9]]),
        (([1, 0], [0, 2]), [8, 9], [[0, 1, 9], [8, 4, 5]]),
        ((None, 1), 9, [[0, 1, 2], [9, 9, 9]]),
        ((slice(0, 1),), [7, 8, 9], [[7, 8, 9], [3, 4, 5]]),
    ],
)
def test_assignment(torch, index, value, expected):
    x = torch.arange(6).reshape(2, 3)
    x[index] = torch.tensor(value)
    assert x.tolist() == expected


def test_assignment_by_masks_and_lists(torch):
    x = torch.arange(6.0).reshape(2, 3)
    x[x > 3] = -1
    x[[0]] = 7
    x[torch.tensor([1]), torch.tensor([0])] = torch.tensor([2.5])
    assert x.tolist() == [[7, 7, 7], [2.5, -1, -1]]


def test_iteration_and_unpacking(torch):
    first, second = torch.arange(4).reshape(2, 2)
    assert first.tolist() == [0, 1] and second.tolist() == [2, 3]
    assert [int(v) for v in torch.arange(3)] == [0, 1, 2] and list(reversed(torch.arange(2)))[0] == 1
    assert max(torch.tensor([1, 3, 2])) == 3 and sum(torch.ones(3)) == 3


def test_copies(torch):
    x = torch.ones(2, requires_grad=True)
    x.grad = torch.zeros(2)
    shallow, deep = copy.copy(x), copy.deepcopy(x)
    assert shallow.data_ptr() == x.data_ptr() and shallow.requires_grad
    assert deep.data_ptr() != x.data_ptr() and deep.requires_grad and deep.grad.tolist() == [0, 0]
    a, b = copy.deepcopy([x, x])
    assert a is b
    with pytest.raises(RuntimeError, match="graph leaves"):
        copy.deepcopy(x * 2)
    assert pickle.loads(pickle.dumps((torch.float16, torch.Size([2]), torch.device("cpu")))) == (
        torch.float16, torch.Size([2]), torch.device("cpu"),
    )
    assert pickle.loads(pickle.dumps(torch.add)) (x, 1).tolist() == [2, 2]
    assert pickle.loads(pickle.dumps(torch.ones(2).max(0))).values == 1


def test_subclasses(torch):
    class Mine(torch.Tensor):
        pass

    mine = Mine(torch.ones(2))
    mine.note = "kept"
    assert isinstance(mine, torch.Tensor) and (mine + 1).tolist() == [2, 2]
    assert copy.deepcopy(mine).note == "kept" and type(copy.deepcopy(mine)) is Mine
    assert torch.Tensor(2, 3).shape == (2, 3) and torch.Tensor([1, 2]).dtype is torch.float32


def test_keys(torch):
    x, y = torch.ones(2), torch.ones(2)
    assert {x: 1, y: 2}[x] == 1 and len({x, y, x}) == 2


def test_keywords_of_creation(torch):
    x = torch.zeros(2, device="cpu", dtype=torch.float64, requires_grad=True, layout=torch.strided, pin_memory=False)
    assert x.requires_grad and x.dtype is torch.float64
    assert torch.empty_like(x, memory_format=torch.preserve_format).shape == (2,)
    with pytest.raises(NotImplementedError, match="channels_last"):
        torch.zeros(1, 1, 1, 1).contiguous(memory_format=torch.channels_last)
    with pytest.raises(TypeError, match="unexpected keyword argument 'devise'"):
        torch.zeros(2, devise="cpu")
    with pytest.raises(TypeError, match="missing 1 required argument: 'other'"):
        torch.add(torch.ones(1))
    with pytest.raises(TypeError, match="multiple values"):
        torch.add(torch.ones(1), 1, other=2)


def test_in_place_as_an_option(torch):
    x = torch.tensor([-1.0, 1.0])
    assert torch.nn.functional.relu(x, inplace=True) is x and x.tolist() == [0, 1]
    assert torch.nn.functional.dropout(x, 0.0, inplace=True) is x


def test_generators(torch):
    g = torch.Generator()
    state = g.manual_seed(3).get_state()
    first = torch.rand(4, generator=g)
    assert not torch.equal(first, torch.rand(4, generator=g))
    g.set_state(state)
    assert torch.equal(first, torch.rand(4, generator=g))
    before = torch.get_rng_state()
    torch.rand(2, generator=g)
    assert torch.equal(before, torch.get_rng_state())
    x = torch.rand(3)
    torch.set_rng_state(before)
    assert torch.equal(x, torch.rand(3))
    assert torch.manual_seed(-1).initial_seed() == 2**64 - 1


def test_data_setter(torch):
    x = torch.zeros(2, requires_grad=True)
    address = x.data_ptr()
    x.data = torch.ones(2)
    assert x.tolist() == [1, 1] and x.data_ptr() == address and x.is_leaf
    with pytest.raises(RuntimeError, match="shape and dtype of a tensor are fixed"):
        x.data = torch.ones(3)


def test_backends(torch):
    assert torch.backends.list() == ["simd", "naive"]
    with torch.backends.use("naive"):
        assert torch.backends.current() == "naive"
        with torch.backends.use("simd"):
            assert torch.backends.current() == "simd"
        assert torch.backends.report()["current"] == "naive"
        assert torch.backends.report()["chain"] == ["naive"]
    assert torch.backends.current() == "simd"
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    assert torch.get_num_threads() == 1 and torch.backends.report()["threads"] == 1
    torch.set_num_threads(threads)
