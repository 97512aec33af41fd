"""Parameters in groups, each under a rule with options of its own."""

from .._functions import _ops
from .._grad_mode import enable_grad
from .._rusttorch import Rule, Tensor, float32

_tensor = _ops["tensor"]


class Optimizer:
    """The base: a subclass names its rule and the options that the rule takes, in its order."""

    _rule = None
    _state_names = ()

    def __init__(self, params, defaults):
        if isinstance(params, Tensor):
            raise TypeError(
                f"params argument given to the optimizer should be an iterable of Tensors or dicts, but got {params.type()}"
            )
        if self._rule is None:
            raise NotImplementedError("an Optimizer of one's own needs a rule of RustTorch's so far")
        self.defaults = defaults
        self.param_groups = []
        self._rules = []
        groups = [*params]
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    @staticmethod
    def _options(group):
        """The options of a group as numbers; the learning rate comes first."""
        raise NotImplementedError

    def _kept(self, group):
        """The names of the tensors that the rule keeps for each parameter under these options."""
        return self._state_names

    def _fitting(self, state, group):
        """A state without what the rule does not keep, and without parameters that lack some of it: they start anew."""
        kept = self._kept(group)
        names = {name for name, _ in state}
        out = []
        for name, value in state:
            i, _, key = name.partition(".")
            if kept and (key == "step" or key in kept) and all(f"{i}.{k}" in names for k in kept):
                out.append((name, value))
        return out

    def add_param_group(self, param_group):
        """Adds parameters with options of their own."""
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        params = param_group["params"]
        params = [params] if isinstance(params, Tensor) else [*params]
        names = [p[0] for p in params if isinstance(p, tuple)]
        params = [p[1] if isinstance(p, tuple) else p for p in params]
        for p in params:
            if not isinstance(p, Tensor):
                raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {type(p).__name__}")
            if not p.is_leaf:
                raise ValueError("can't optimize a non-leaf Tensor")
        mine = {id(p) for group in self.param_groups for p in group["params"]}
        if any(id(p) in mine for p in params):
            raise ValueError("some parameters appear in more than one parameter group")
        group = {**self.defaults, **param_group, "params": params}
        if names:
            group["param_names"] = names
        options = self._options(group)
        rule = Rule(self._rule, params, options)
        self.param_groups.append(group)
        self._rules.append((rule, options))

    def _current(self, i):
        """The rule of a group under the options that the group has now."""
        rule, before = self._rules[i]
        group = self.param_groups[i]
        options = self._options(group)
        if options != before:
            if options[1:] == before[1:]:
                rule.set_lr(options[0])
            else:
                state = self._fitting(rule.state(), group)
                rule = Rule(self._rule, group["params"], options)
                rule.load_state(state)
            self._rules[i] = (rule, options)
        return rule

    def step(self, closure=None):
        """Updates every parameter that has a gradient. A closure, which computes the loss, is called first."""
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        for i in range(len(self._rules)):
            self._current(i).step()
        return loss

    def zero_grad(self, set_to_none=True):
        """Forgets the gradients."""
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none:
                    p.grad = None
                elif p.grad is not None:
                    p.grad = p.grad.detach().zero_()

    @property
    def state(self):
        """What the rules keep for each parameter that has taken a step: copies."""
        numbered = self._numbered_state()
        params = [p for group in self.param_groups for p in group["params"]]
        return {params[i]: values for i, values in numbered.items()}

    def _numbered_state(self):
        out, first = {}, 0
        for (rule, _), group in zip(self._rules, self.param_groups):
            for name, value in rule.state():
                i, _, key = name.partition(".")
                # PyTorch counts steps in a float.
                value = value.to(float32) if key == "step" else value
                out.setdefault(first + int(i), {})[key] = value
            first += len(group["params"])
        return out

    def state_dict(self):
        """The state by number and the groups, as PyTorch writes them."""
        groups, first = [], 0
        for group in self.param_groups:
            n = len(group["params"])
            groups.append({**group, "params": [*range(first, first + n)]})
            first += n
        return {"state": self._numbered_state(), "param_groups": groups}

    def load_state_dict(self, state_dict):
        """Takes a state over. All is checked before anything is."""
        groups = state_dict["param_groups"]
        if len(groups) != len(self.param_groups):
            raise ValueError("loaded state dict has a different number of parameter groups")
        if any(len(a["params"]) != len(b["params"]) for a, b in zip(groups, self.param_groups)):
            raise ValueError(
                "loaded state dict contains a parameter group that doesn't match the size of optimizer's group"
            )
        rules, merged = [], []
        for own, given in zip(self.param_groups, groups):
            group = {**own, **given, "params": own["params"]}
            options = self._options(group)
            rule = Rule(self._rule, own["params"], options)
            state = []
            for i, number in enumerate(given["params"]):
                values = state_dict["state"].get(number, {})
                names = [key for key in ("step", *self._state_names) if values.get(key) is not None]
                for key in names:
                    value = values[key]
                    state.append((f"{i}.{key}", value if isinstance(value, Tensor) else _tensor(float(value))))
                if names and "step" not in names:
                    # SGD of PyTorch keeps no number of steps; that some were taken is all that matters.
                    state.append((f"{i}.step", _tensor(1.0)))
            rule.load_state(self._fitting(state, group))
            rules.append((rule, options))
            merged.append(group)
        self._rules, self.param_groups = rules, merged

    def __getstate__(self):
        return {"defaults": self.defaults, "param_groups": self.param_groups, "state": self.state_dict()}

    def __setstate__(self, state):
        self.defaults = state["defaults"]
        self.param_groups, self._rules = [], []
        for group in state["param_groups"]:
            self.add_param_group(group)
        self.load_state_dict(state["state"])

    def __repr__(self):
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {i}")
            lines += [f"    {key}: {group[key]}" for key in sorted(group) if key != "params"]
        return "\n".join([*lines, ")"])


def _only(name, **options):
    """Refuses options that are not there yet, unless they ask for what is done anyway."""
    for key, value in options.items():
        if value:
            raise NotImplementedError(f"{name}: {key} is not there yet")


def _lr(name, lr):
    if isinstance(lr, Tensor):
        raise NotImplementedError(f"{name}: lr must be a number")
    if not 0.0 <= lr:
        raise ValueError(f"Invalid learning rate: {lr}")


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum."""

    _rule = "SGD"
    _state_names = ("momentum_buffer",)

    def __init__(
        self, params, lr=1e-3, momentum=0, dampening=0, weight_decay=0, nesterov=False, *, maximize=False,
        foreach=None, differentiable=False, fused=None,
    ):
        _only("SGD", maximize=maximize, differentiable=differentiable)
        _lr("SGD", lr)
        defaults = dict(
            lr=lr, momentum=momentum, dampening=dampening, weight_decay=weight_decay, nesterov=nesterov,
            maximize=False, foreach=foreach, differentiable=False, fused=fused,
        )
        super().__init__(params, defaults)

    def _kept(self, group):
        return self._state_names if group["momentum"] else ()

    @staticmethod
    def _options(group):
        return [group["lr"], group["momentum"], group["dampening"], group["weight_decay"], group["nesterov"]]


class Adam(Optimizer):
    """Kingma and Ba's Adam."""

    _rule = "Adam"
    _state_names = ("exp_avg", "exp_avg_sq")

    def __init__(
        self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, amsgrad=False, *, foreach=None, maximize=False,
        capturable=False, differentiable=False, fused=None, decoupled_weight_decay=False,
    ):
        name = type(self)._rule
        _only(name, amsgrad=amsgrad, maximize=maximize, capturable=capturable, differentiable=differentiable)
        if decoupled_weight_decay:
            raise NotImplementedError("Adam: decoupled_weight_decay is what AdamW is for")
        _lr(name, lr)
        defaults = dict(
            lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, amsgrad=False, maximize=False, foreach=foreach,
            capturable=False, differentiable=False, fused=fused,
        )
        super().__init__(params, defaults)

    @staticmethod
    def _options(group):
        b1, b2 = group["betas"]
        return [group["lr"], b1, b2, group["eps"], group["weight_decay"]]


class AdamW(Adam):
    """Adam with decoupled weight decay."""

    _rule = "AdamW"

    def __init__(
        self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2, amsgrad=False, *, maximize=False,
        foreach=None, capturable=False, differentiable=False, fused=None,
    ):
        super().__init__(
            params, lr, betas, eps, weight_decay, amsgrad, foreach=foreach, maximize=maximize, capturable=capturable,
            differentiable=differentiable, fused=fused,
        )
