"""``no_grad`` and its kin: context managers that are decorators, too."""

from functools import wraps
from inspect import isgeneratorfunction

from ._rusttorch import _set_grad_enabled


class _Mode:
    """Recording on or off inside of a ``with`` block or a function."""

    __slots__ = ("_mode", "_before")
    _fixed = None

    def __init__(self):
        self._mode = self._fixed
        self._before = []

    def __enter__(self):
        self._before.append(_set_grad_enabled(self._mode))

    def __exit__(self, *exception):
        _set_grad_enabled(self._before.pop())

    def _again(self):
        return type(self)()

    def __call__(self, function):
        if isgeneratorfunction(function):
            return self._generator(function)

        @wraps(function)
        def wrapped(*args, **kwargs):
            with self._again():
                return function(*args, **kwargs)

        return wrapped

    def _generator(self, function):
        """A generator runs in the mode, and its caller outside of it."""

        @wraps(function)
        def wrapped(*args, **kwargs):
            generator = function(*args, **kwargs)
            step, argument = generator.send, None
            try:
                while True:
                    try:
                        with self._again():
                            item = step(argument)
                    except StopIteration as end:
                        return end.value
                    try:
                        step, argument = generator.send, (yield item)
                    except GeneratorExit:
                        raise
                    except BaseException as error:
                        step, argument = generator.throw, error
            finally:
                with self._again():
                    generator.close()

        return wrapped


class _Bare(_Mode):
    """May be used as a decorator without parentheses."""

    __slots__ = ()

    def __new__(cls, function=None):
        if function is None:
            return object.__new__(cls)
        return cls()(function)

    def __init__(self, function=None):
        super().__init__()


class no_grad(_Bare):
    """Nothing is recorded."""

    __slots__ = ()
    _fixed = False


class enable_grad(_Bare):
    """Ops are recorded, inside of ``no_grad``, too."""

    __slots__ = ()
    _fixed = True


class inference_mode(_Mode):
    """Nothing is recorded. Unlike PyTorch's it leaves no mark on tensors."""

    __slots__ = ()

    def __new__(cls, mode=True):
        if isinstance(mode, bool):
            return object.__new__(cls)
        return cls()(mode)

    def __init__(self, mode=True):
        super().__init__()
        self._mode = not mode

    def _again(self):
        return type(self)(not self._mode)


class set_grad_enabled(_Mode):
    """Switches recording on or off: at once, and for a ``with`` block until its end."""

    __slots__ = ()

    def __init__(self, mode):
        super().__init__()
        self._mode = bool(mode)
        self._before.append(_set_grad_enabled(self._mode))

    def __enter__(self):
        pass

    def __call__(self, function):
        # As a decorator it changes the mode of the function alone.
        _set_grad_enabled(self._before.pop())
        return super().__call__(function)

    def _again(self):
        return set_grad_enabled(self._mode)
