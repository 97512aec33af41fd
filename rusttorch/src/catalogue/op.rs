//! One op: its signature, and how it is called with values.

use std::fmt;

use rusttorch_backend::{ErrorKind, Result, TensorError};

use super::value::Value;
use crate::ops::out::with_out;
use crate::tensor::Tensor;

/// The families of ops, in the order of the documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// Tensors from nothing, or from sizes and numbers.
    Creation,
    /// Random numbers.
    Random,
    /// Other layouts of the same memory.
    Views,
    /// Copies in another order.
    Rearranging,
    /// Elementwise, one operand.
    Unary,
    /// Elementwise, two and three operands.
    Elementwise,
    /// Sums, extremes, moments.
    Reductions,
    /// Running sums and their kin.
    Scans,
    /// Order and search.
    Sorting,
    /// Reading and writing by index.
    Indexing,
    /// Products of matrices and what goes with them.
    Matrices,
    /// Decompositions and solvers.
    LinearAlgebra,
    /// Activation functions.
    Activations,
    /// Loss functions.
    Losses,
    /// Functions of networks.
    Network,
}

impl Family {
    /// A heading.
    pub const fn title(self) -> &'static str {
        match self {
            Family::Creation => "Creation",
            Family::Random => "Random",
            Family::Views => "Views",
            Family::Rearranging => "Rearranging copies",
            Family::Unary => "Elementwise, one operand",
            Family::Elementwise => "Elementwise, two and three operands",
            Family::Reductions => "Reductions",
            Family::Scans => "Scans",
            Family::Sorting => "Sorting and searching",
            Family::Indexing => "Indexing",
            Family::Matrices => "Matrices",
            Family::LinearAlgebra => "Linear algebra",
            Family::Activations => "Activations",
            Family::Losses => "Losses",
            Family::Network => "Network functions",
        }
    }
}

/// A parameter of an op.
#[derive(Clone, Copy)]
pub struct Param {
    /// PyTorch's name.
    pub name: &'static str,
    /// What it takes.
    pub kind: &'static str,
    /// Whether it can be given by name only.
    pub keyword_only: bool,
    pub(crate) gathers: bool,
    pub(crate) default: Option<fn() -> Value>,
}

impl Param {
    /// What it is when left out; `None` where it must be given.
    pub fn default(&self) -> Option<Value> {
        self.default.map(|make| make())
    }

    /// Whether it takes all positional arguments that follow, where it is the last: `x.permute(1, 0)`.
    pub fn gathers(&self) -> bool {
        self.gathers
    }
}

pub(crate) type Call = fn(&'static str, &[Value]) -> Result<Value>;

/// An op under PyTorch's qualified name.
#[derive(Clone, Copy)]
pub struct Op {
    /// For example `torch.addcmul`, `torch.nn.functional.gelu`, `torch.Tensor.new_zeros`.
    pub path: &'static str,
    /// Where the documentation lists it.
    pub family: Family,
    /// Its parameters. A tensor method's first one is the tensor.
    pub params: &'static [Param],
    /// Whether PyTorch's function takes `out=`.
    pub has_out: bool,
    pub(crate) value: Call,
    pub(crate) in_place: Option<Call>,
}

impl fmt::Debug for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.path)
    }
}

impl Op {
    /// The last part of the path.
    pub fn name(&self) -> &'static str {
        self.path.rsplit('.').next().unwrap_or(self.path)
    }

    /// Whether there is an in-place form.
    pub fn has_in_place(&self) -> bool {
        self.in_place.is_some()
    }

    /// Calls the op. Errors: `Type` for arguments that do not fit the signature; those of the op.
    pub fn call(&self, positional: &[Value], keywords: &[(&str, Value)]) -> Result<Value> {
        self.call_bound(&self.bind(positional, keywords)?)
    }

    /// [`call`](Self::call) with one value for each parameter, in their order, defaults included: for callers that
    /// bind arguments themselves.
    pub fn call_bound(&self, arguments: &[Value]) -> Result<Value> {
        (self.value)(self.name(), arguments)
    }

    /// Calls the in-place form, whose target is the first argument, and returns the target. Errors: `Type`
    /// also where the op has no such form.
    pub fn call_in_place(&self, positional: &[Value], keywords: &[(&str, Value)]) -> Result<Value> {
        self.call_in_place_bound(&self.bind(positional, keywords)?)
    }

    /// [`call_in_place`](Self::call_in_place) with one value for each parameter.
    pub fn call_in_place_bound(&self, arguments: &[Value]) -> Result<Value> {
        let Some(call) = self.in_place else { return Err(self.fail("has no in-place form")) };
        call(self.name(), arguments)
    }

    /// Calls the op with its results written into `out`, one tensor for each. See [`with_out`].
    pub fn call_out(
        &self,
        positional: &[Value],
        keywords: &[(&str, Value)],
        out: &[Tensor],
    ) -> Result<Value> {
        self.call_out_bound(self.bind(positional, keywords)?, out)
    }

    /// [`call_out`](Self::call_out) with one value for each parameter.
    pub fn call_out_bound(&self, mut bound: Vec<Value>, out: &[Tensor]) -> Result<Value> {
        if !self.has_out {
            return Err(self.fail("has no out= form"));
        }
        // What is made from nothing has the dtype of its target, where no other is asked for.
        let creates = matches!(self.family, Family::Creation | Family::Random);
        if creates
            && let Some(i) = self.params.iter().position(|p| p.name == "dtype")
            && matches!(bound[i], Value::None)
            && let Some(target) = out.first()
        {
            bound[i] = target.dtype().into();
        }
        let mut inputs = Vec::new();
        bound.iter().for_each(|v| v.collect_tensors(&mut inputs));
        let targets: Vec<&Tensor> = out.iter().collect();
        with_out(self.name(), &targets, &inputs, || {
            let value = (self.value)(self.name(), &bound)?;
            let mut results = Vec::new();
            value.collect_tensors(&mut results);
            Ok(results.into_iter().cloned().collect())
        })?;
        Ok(match out {
            [one] => one.into(),
            many => many.to_vec().into(),
        })
    }

    fn fail(&self, rule: &'static str) -> TensorError {
        TensorError::new(ErrorKind::Type, self.name(), rule)
    }

    /// The arguments in the order of the parameters, defaults filled in.
    fn bind(&self, positional: &[Value], keywords: &[(&str, Value)]) -> Result<Vec<Value>> {
        let by_place = self.params.iter().take_while(|p| !p.keyword_only).count();
        let mut bound: Vec<Option<Value>> = vec![None; self.params.len()];
        for (i, value) in positional.iter().enumerate() {
            if i >= by_place {
                return Err(self
                    .fail("too many positional arguments")
                    .with("takes", by_place)
                    .with("given", positional.len()));
            }
            let rest = &positional[i..];
            let numbers = rest.iter().all(|v| matches!(v, Value::Scalar(_)));
            let alike = numbers || rest.iter().all(|v| matches!(v, Value::Tensor(_)));
            if self.params[i].gathers && rest.len() > 1 && i + 1 == by_place && alike {
                bound[i] = Some(Value::List(rest.to_vec()));
                break;
            }
            bound[i] = Some(value.clone());
        }
        for (name, value) in keywords {
            let Some(i) = self.params.iter().position(|p| p.name == *name) else {
                return Err(self.fail("unexpected keyword argument").with("name", (*name).to_owned()));
            };
            if bound[i].replace(value.clone()).is_some() {
                return Err(self.fail("argument given twice").with("name", (*name).to_owned()));
            }
        }
        let fill = |(value, param): (Option<Value>, &Param)| {
            value
                .or_else(|| param.default())
                .ok_or_else(|| self.fail("missing argument").with("name", param.name))
        };
        bound.into_iter().zip(self.params).map(fill).collect()
    }
}

/// An argument as its parameter's type. Error: `Type`.
pub(crate) fn argument<T: super::value::Parameter>(
    op: &'static str,
    name: &'static str,
    value: &Value,
) -> Result<T> {
    T::of(value).ok_or_else(|| {
        let e = TensorError::new(ErrorKind::Type, op, "argument of another kind").with("argument", name);
        let e = e.with("takes", T::KIND).with("given", value.kind());
        match value {
            Value::Scalar(s) => e.with("value", s.to_string()),
            _ => e,
        }
    })
}
