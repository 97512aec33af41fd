"""Beside PyTorch, where it is installed: memory that both share, and files that go both ways."""

import io

import pytest

other = pytest.importorskip("torch", reason="PyTorch is not installed")

DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64"]


@pytest.mark.parametrize("name", DTYPES)
def test_memory_is_shared_both_ways(torch, name):
    theirs = other.zeros(2, 3, dtype=getattr(other, name))
    ours = torch.from_dlpack(theirs)
    assert ours.dtype is getattr(torch, name) and ours.data_ptr() == theirs.data_ptr()
    ours[0, 1] = 1
    assert theirs[0, 1] == 1
    back = other.from_dlpack(torch.from_dlpack(theirs.T)[1:])
    back[0, 0] = 1
    assert theirs[0, 1] == 1 and back.stride() == (1, 3) and back.dtype == theirs.dtype
    own = torch.ones(3, dtype=getattr(torch, name))
    seen = other.from_dlpack(own)
    del own
    assert seen.tolist() == [1, 1, 1]


def test_shapes_of_all_kinds(torch):
    for theirs in [other.tensor(1.5), other.empty(0, 3), other.arange(6.0).reshape(2, 3)[:, ::2], other.ones(1).expand(4)]:
        ours = torch.from_dlpack(theirs)
        assert ours.tolist() == theirs.tolist() and tuple(ours.shape) == tuple(theirs.shape)
        assert other.from_dlpack(ours).tolist() == theirs.tolist()
    with pytest.raises(BufferError):
        torch.from_dlpack(other.ones(2, dtype=other.complex64))


def test_files(torch):
    state = {"weight": other.arange(6.0).reshape(2, 3), "nested": [other.tensor(1, dtype=other.int8), {"n": 3}]}
    file = io.BytesIO()
    other.save(state, file)
    file.seek(0)
    loaded = torch.load(file)
    assert loaded["weight"].tolist() == state["weight"].tolist() and loaded["nested"][0].dtype is torch.int8
    assert loaded["nested"][1] == {"n": 3}


def test_generators_continue_each_other(torch):
    theirs, ours = other.Generator().manual_seed(5), torch.Generator()
    other.rand(3, generator=theirs)
    ours.set_state(torch.from_dlpack(theirs.get_state()))
    assert torch.rand(4, generator=ours).tolist() == other.rand(4, generator=theirs).tolist()


def test_states_of_optimizers_go_over(torch):
    from record import model, step

    theirs = model(other)
    optimizer = other.optim.Adam(theirs.parameters(), lr=0.01)
    step(other, optimizer, theirs)
    ours = model(torch)
    ours.load_state_dict({k: torch.from_dlpack(v) for k, v in theirs.state_dict().items()})
    continued = torch.optim.Adam(ours.parameters())
    state = optimizer.state_dict()
    state["state"] = {i: {k: torch.from_dlpack(v) for k, v in s.items()} for i, s in state["state"].items()}
    continued.load_state_dict(state)
    step(other, optimizer, theirs)
    step(torch, continued, ours)
    assert ours[0].weight[0].tolist() == pytest.approx(theirs[0].weight[0].tolist(), rel=1e-6, abs=1e-7)


def test_both_compute_in_one_process(torch):
    for _ in range(3):
        a = torch.ones(300, 300)
        assert (a @ a).sum().item() == (other.ones(300, 300) @ other.ones(300, 300)).sum().item()
