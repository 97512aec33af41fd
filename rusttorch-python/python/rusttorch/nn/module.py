"""``Module``: functions of tensors with parameters, made of other modules."""

from itertools import chain

from .. import _rusttorch as _C
from .._rusttorch import Tensor
from .parameter import Buffer, Parameter


class RemovableHandle:
    """A hook that was registered, by which it is removed."""

    __slots__ = ("_hooks", "_id")
    _next = 0

    def __init__(self, hooks, hook):
        self._hooks, self._id = hooks, RemovableHandle._next
        RemovableHandle._next += 1
        hooks[self._id] = hook

    def remove(self):
        """Removes the hook; a second time does nothing."""
        self._hooks.pop(self._id, None)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.remove()


class _Keys(tuple):
    """What ``load_state_dict`` found missing and unexpected."""

    __slots__ = ()

    def __new__(cls, missing, unexpected):
        return tuple.__new__(cls, (missing, unexpected))

    missing_keys = property(lambda self: self[0])
    unexpected_keys = property(lambda self: self[1])

    def __repr__(self):
        if not self[0] and not self[1]:
            return "<All keys matched successfully>"
        return f"_IncompatibleKeys(missing_keys={self[0]}, unexpected_keys={self[1]})"


class Module(_C._Callable):
    """The base of all modules. A subclass computes in ``forward``; tensors and modules that it has as attributes register
    themselves."""

    training: bool

    def __init__(self):
        d = self.__dict__
        d["training"] = True
        d["_parameters"] = {}
        d["_buffers"] = {}
        d["_non_persistent_buffers_set"] = set()
        d["_modules"] = {}
        d["_forward_pre_hooks"] = {}
        d["_forward_hooks"] = {}

    def forward(self, *input):
        """The value of the function."""
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    # Called by the base where a hook is registered.
    def _call_with_hooks(self, *args, **kwargs):
        for hook, with_kwargs in [*self._forward_pre_hooks.values()]:
            if with_kwargs:
                changed = hook(self, args, kwargs)
                if changed is not None:
                    args, kwargs = changed
            else:
                changed = hook(self, args)
                if changed is not None:
                    args = changed if isinstance(changed, tuple) else (changed,)
        result = self.forward(*args, **kwargs)
        for hook, with_kwargs in [*self._forward_hooks.values()]:
            changed = hook(self, args, kwargs, result) if with_kwargs else hook(self, args, result)
            if changed is not None:
                result = changed
        return result

    # ---- registration -----------------------------------------------------------------------------------------------

    def __getattr__(self, name):
        # Called only where there is no such attribute otherwise.
        for kind in ("_parameters", "_buffers", "_modules"):
            held = self.__dict__.get(kind)
            if held is not None and name in held:
                return held[name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __setattr__(self, name, value):
        d = self.__dict__
        if isinstance(value, Parameter):
            self._forget(name)
            self.register_parameter(name, value)
        elif isinstance(value, Module):
            if "_modules" not in d:
                raise AttributeError("cannot assign module before Module.__init__() call")
            self._forget(name, keep="_modules")
            d["_modules"][name] = value
        elif isinstance(value, Buffer):
            self._forget(name)
            self.register_buffer(name, value, persistent=value.persistent)
        elif name in d.get("_parameters", ()):
            if value is not None:
                raise TypeError(
                    f"cannot assign '{_class_name(value)}' as parameter '{name}' (torch.nn.Parameter or None expected)"
                )
            d["_parameters"][name] = None
        elif name in d.get("_modules", ()):
            if value is not None:
                raise TypeError(f"cannot assign '{_class_name(value)}' as child module '{name}' (torch.nn.Module or None expected)")
            d["_modules"][name] = None
        elif name in d.get("_buffers", ()):
            if value is not None and not isinstance(value, Tensor):
                raise TypeError(f"cannot assign '{_class_name(value)}' object to buffer '{name}' (torch.Tensor or None required)")
            d["_buffers"][name] = value
        else:
            object.__setattr__(self, name, value)

    def __delattr__(self, name):
        for kind in ("_parameters", "_buffers", "_modules"):
            if name in self.__dict__[kind]:
                del self.__dict__[kind][name]
                self._non_persistent_buffers_set.discard(name)
                return
        object.__delattr__(self, name)

    def _forget(self, name, keep=None):
        d = self.__dict__
        d.pop(name, None)
        for kind in ("_parameters", "_buffers", "_modules"):
            if kind != keep and kind in d:
                d[kind].pop(name, None)

    def _check_name(self, kind, name, held):
        if kind not in self.__dict__:
            raise AttributeError(f"cannot assign {kind[1:-1]} before Module.__init__() call")
        if not isinstance(name, str):
            raise TypeError(f"{kind[1:-1]} name should be a string. Got {_class_name(name)}")
        if "." in name:
            raise KeyError(f'{kind[1:-1]} name can\'t contain ".", got: {name}')
        if name == "":
            raise KeyError(f'{kind[1:-1]} name can\'t be empty string ""')
        if hasattr(self, name) and name not in held:
            raise KeyError(f"attribute '{name}' already exists")

    def register_parameter(self, name, param):
        """Adds a parameter; None keeps the name."""
        self._check_name("_parameters", name, self.__dict__.get("_parameters", ()))
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(
                f"cannot assign '{_class_name(param)}' object to parameter '{name}' (torch.nn.Parameter or None required)"
            )
        if param is not None and not param.is_leaf:
            raise ValueError(f"Cannot assign non-leaf Tensor to parameter '{name}'.")
        self._parameters[name] = param

    def register_buffer(self, name, tensor, persistent=True):
        """Adds a tensor that is kept, but not learnt."""
        self._check_name("_buffers", name, self.__dict__.get("_buffers", ()))
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(f"cannot assign '{_class_name(tensor)}' object to buffer '{name}' (torch Tensor or None required)")
        self._buffers[name] = tensor
        (self._non_persistent_buffers_set.discard if persistent else self._non_persistent_buffers_set.add)(name)

    def register_module(self, name, module):
        """Adds a module; None keeps the name."""
        self.add_module(name, module)

    def add_module(self, name, module):
        """Adds a module; None keeps the name."""
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{_class_name(module)} is not a Module subclass")
        self._check_name("_modules", name, self.__dict__.get("_modules", ()))
        self._modules[name] = module

    def register_forward_pre_hook(self, hook, *, prepend=False, with_kwargs=False):
        """Calls ``hook(module, args)`` before ``forward``; what it returns takes the arguments' place."""
        return self._add_hook("_forward_pre_hooks", (hook, with_kwargs), prepend)

    def register_forward_hook(self, hook, *, prepend=False, with_kwargs=False, always_call=False):
        """Calls ``hook(module, args, output)`` after ``forward``; what it returns takes the output's place."""
        if always_call:
            raise NotImplementedError("register_forward_hook: always_call is not there yet")
        return self._add_hook("_forward_hooks", (hook, with_kwargs), prepend)

    def _add_hook(self, kind, hook, prepend):
        hooks = self.__dict__[kind]
        before = dict(hooks) if prepend else None
        handle = RemovableHandle(hooks, hook)
        if before is not None:
            for key in before:
                del hooks[key]
            hooks.update(before)
        return handle

    # ---- what it is made of ---------------------------------------------------------------------------------------

    def named_modules(self, memo=None, prefix="", remove_duplicate=True):
        """This module and all below it, with their names."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                yield from module.named_modules(memo, f"{prefix}.{name}" if prefix else name, remove_duplicate)

    def modules(self):
        """This module and all below it."""
        return (module for _, module in self.named_modules())

    def named_children(self):
        """The modules that this one has as attributes, with their names."""
        memo = set()
        for name, module in self._modules.items():
            if module is not None and module not in memo:
                memo.add(module)
                yield name, module

    def children(self):
        """The modules that this one has as attributes."""
        return (module for _, module in self.named_children())

    def _named_members(self, kind, prefix, recurse, remove_duplicate):
        memo = set()
        modules = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate) if recurse else [(prefix, self)]
        for module_name, module in modules:
            for name, value in module.__dict__[kind].items():
                # By identity, for tensors compare their elements.
                if value is None or id(value) in memo:
                    continue
                if remove_duplicate:
                    memo.add(id(value))
                yield (f"{module_name}.{name}" if module_name else name), value

    def named_parameters(self, prefix="", recurse=True, remove_duplicate=True):
        """All parameters with their names."""
        return self._named_members("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse=True):
        """All parameters."""
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(self, prefix="", recurse=True, remove_duplicate=True):
        """All buffers with their names."""
        return self._named_members("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse=True):
        """All buffers."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def get_submodule(self, target):
        """The module of this name, such as ``encoder.0``."""
        module = self
        for name in filter(None, target.split(".")):
            module = getattr(module, name, None)
            if not isinstance(module, Module):
                raise AttributeError(f"{type(self).__name__} has no module `{target}`")
        return module

    def get_parameter(self, target):
        """The parameter of this name."""
        path, _, name = target.rpartition(".")
        parameter = getattr(self.get_submodule(path), name, None)
        if not isinstance(parameter, Parameter):
            raise AttributeError(f"{type(self).__name__} has no parameter `{target}`")
        return parameter

    # ---- what becomes of all of it ---------------------------------------------------------------------------------

    def apply(self, fn):
        """Calls a function with every module, the innermost first."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def _apply(self, fn, memo=None):
        memo = {} if memo is None else memo
        for module in self.children():
            module._apply(fn, memo)
        for name, parameter in self._parameters.items():
            if parameter is None:
                continue
            if id(parameter) not in memo:
                changed = fn(parameter.detach())
                new = parameter
                if changed.dtype is not parameter.dtype:
                    # A tensor's dtype is fixed, so the parameter becomes another one.
                    new = Parameter(changed, parameter.requires_grad)
                    if parameter.grad is not None:
                        new.grad = fn(parameter.grad)
                # Both are kept, so that no id is used again meanwhile.
                memo[id(parameter)] = (parameter, new)
            self._parameters[name] = memo[id(parameter)][1]
        for name, buffer in self._buffers.items():
            if buffer is not None:
                self._buffers[name] = fn(buffer)
        return self

    def to(self, *args, **kwargs):
        """Casts floating-point parameters and buffers: ``to(dtype)``, ``to(device)``, ``to(other)``. Optimizers are made
        after it, for a parameter of another dtype is another tensor."""

        def cast(t):
            changed = t.to(*args, **kwargs)
            return changed if t.is_floating_point() else t

        return self._apply(cast)

    def _cast(self, dtype):
        return self._apply(lambda t: t.to(dtype) if t.is_floating_point() else t)

    def float(self):
        """Casts to float32."""
        return self._cast(_C.float32)

    def double(self):
        """Casts to float64."""
        return self._cast(_C.float64)

    def half(self):
        """Casts to float16."""
        return self._cast(_C.float16)

    def bfloat16(self):
        """Casts to bfloat16."""
        return self._cast(_C.bfloat16)

    def cpu(self):
        """Does nothing: all is there already."""
        return self

    def cuda(self, device=None):
        """Refused."""
        raise RuntimeError("cuda is not available: RustTorch computes on the CPU")

    def train(self, mode=True):
        """Switches layers that behave otherwise in training, such as dropout."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self):
        """Switches layers to what they do outside of training."""
        return self.train(False)

    def requires_grad_(self, requires_grad=True):
        """Whether the parameters are learnt."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none=True):
        """Forgets the gradients of all parameters."""
        for parameter in self.parameters():
            if parameter.grad is not None:
                if set_to_none:
                    parameter.grad = None
                else:
                    parameter.grad = parameter.grad.detach().zero_()

    # ---- state ------------------------------------------------------------------------------------------------------

    def state_dict(self, *, destination=None, prefix="", keep_vars=False):
        """Parameters and buffers by name; they share memory with the module's."""
        destination = {} if destination is None else destination
        for name, value in chain(self._parameters.items(), self._buffers.items()):
            if value is not None and name not in self._non_persistent_buffers_set:
                destination[prefix + name] = value if keep_vars else value.detach()
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        return destination

    def load_state_dict(self, state_dict, strict=True, assign=False):
        """Copies values into parameters and buffers by name. All is checked before anything is written."""
        if assign:
            raise NotImplementedError("load_state_dict: assign is not there yet; values are copied")
        own = self.state_dict()
        missing = [name for name in own if name not in state_dict]
        unexpected = [name for name in state_dict if name not in own]
        problems = []
        if strict and unexpected:
            problems.append(f"Unexpected key(s) in state_dict: {_quoted(unexpected)}. ")
        if strict and missing:
            problems.append(f"Missing key(s) in state_dict: {_quoted(missing)}. ")
        for name, value in own.items():
            if name in state_dict and state_dict[name].shape != value.shape:
                problems.append(
                    f"size mismatch for {name}: copying a param with shape {state_dict[name].shape} from checkpoint, "
                    f"the shape in current model is {value.shape}."
                )
        if problems:
            lines = "".join(f"\n\t{problem}" for problem in problems)
            raise RuntimeError(f"Error(s) in loading state_dict for {type(self).__name__}:{lines}")
        for name, value in own.items():
            if name in state_dict:
                value.copy_(state_dict[name].detach())
        return _Keys(missing, unexpected)

    def __getstate__(self):
        return self.__dict__.copy()

    def __setstate__(self, state):
        self.__dict__.update(state)

    # ---- printing ---------------------------------------------------------------------------------------------------

    def extra_repr(self):
        """What a subclass has to say in its line of ``print(module)``."""
        return ""

    def _get_name(self):
        return type(self).__name__

    def __repr__(self):
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        children = [f"({name}): " + _indented(repr(module)) for name, module in self._modules.items()]
        if len(lines) <= 1 and not children:
            return f"{self._get_name()}({extra})"
        return f"{self._get_name()}(\n  " + "\n  ".join(lines + children) + "\n)"

    def __dir__(self):
        d = self.__dict__
        return sorted({*object.__dir__(self), *d["_parameters"], *d["_buffers"], *d["_modules"]})


def _indented(text):
    return text.replace("\n", "\n  ")


def _quoted(names):
    return ", ".join(f'"{name}"' for name in names)


def _class_name(value):
    kind = type(value)
    if isinstance(value, Tensor):
        return value.type()
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
