//! Fill, casts, views (algebra of layouts, proved by copying through them), joining.

use rusttorch_backend::layout::Layout;
use rusttorch_backend::{Backend, DType, Family, Result, Scalar, View, ViewMut};

use super::{Plan, SHAPE_RULE, algebra_raises, raised, result_type, values};
use crate::call::{Call, Output};
use crate::case::{Arg, Case};

pub(super) fn cast(case: &Case) -> Option<Plan<'_>> {
    let [expected] = values(case)? else { return None };
    let x = case.tensor(0)?.clone();
    let used = (Family::Copy, "copy", x.dtype());
    let call =
        Call::new(vec![used], vec![x.into()], vec![Output::exact(expected.clone())], |be, x, mut outs| {
            match outs.pop() {
                Some(out) => be.copy(x[0], out),
                None => Ok(()),
            }
        });
    Some(Plan::one(call.pointwise()))
}

pub(super) fn fill(case: &Case) -> Option<Plan<'_>> {
    let [expected] = values(case)? else { return None };
    let value: Scalar = case.inputs.get(1)?.scalar()?;
    debug_assert_eq!(case.param("dtype")?.dtype(), Some(expected.dtype()));
    let used = (Family::Fill, "fill", expected.dtype());
    let call = Call::new(
        vec![used],
        vec![],
        vec![Output::exact(expected.clone())],
        move |be, _, mut outs| match outs.pop() {
            Some(out) => be.fill(value, out),
            None => Ok(()),
        },
    );
    Some(Plan::one(call))
}

/// The layout function that a view op is, if it is one without a rule of the frontend's own.
fn algebra(case: &Case, layout: &Layout) -> Option<Result<Layout>> {
    let int = |name: &str| case.param(name).and_then(Arg::int).map(|v| v as isize);
    let list = |name: &str| -> Option<Vec<isize>> {
        Some(case.param(name)?.ints()?.into_iter().map(|v| v as isize).collect())
    };
    let size = |name: &str| int(name).map(|v| v as usize);
    Some(match case.name() {
        "narrow" => layout.narrow(int("dim")?, int("start")?, size("length")?),
        "select" => layout.select(int("dim")?, int("index")?),
        "transpose" => layout.transpose(int("dim0")?, int("dim1")?),
        "permute" => layout.permute(&list("dims")?),
        "expand" => layout.expand(&list("size")?),
        "unsqueeze" => layout.unsqueeze(int("dim")?),
        "squeeze" => match int("dim") {
            Some(dim) => layout.squeeze(dim),
            None => (0..layout.rank()).rev().try_fold(layout.clone(), |l, d| l.squeeze(d as isize)),
        },
        "flip" => layout.flip(&list("dims")?),
        "unfold" => layout.unfold(int("dimension")?, size("size")?, size("step")?),
        "diagonal" => layout.diagonal(int("offset")?, int("dim1")?, int("dim2")?),
        "__getitem__" => {
            let of = |end: &Option<i64>| end.map(|v| v as isize);
            case.inputs.get(1)?.list()?.iter().enumerate().try_fold(layout.clone(), |l, (dim, part)| {
                let Arg::Slice([start, stop, step]) = part else { return Ok(l) };
                l.slice(dim as isize, of(start), of(stop), of(step).unwrap_or(1))
            })
        }
        _ => return None,
    })
}

pub(super) fn view(case: &Case) -> Option<Plan<'_>> {
    let x = case.tensor(0)?;
    let reshapes = matches!(case.name(), "reshape" | "flatten");
    if let Some(class) = raised(case) {
        if reshapes {
            return Some(Plan::Other(SHAPE_RULE));
        }
        let layout = Layout::contiguous("case", x.shape()).ok()?;
        return Some(algebra_raises(algebra(case, &layout)?.map(drop), class));
    }
    if !reshapes {
        // Leaves here where the op has no adapter.
        let _ = algebra(case, &Layout::contiguous("case", x.shape()).ok()?)?;
    }
    let [expected] = values(case)? else { return None };
    let wanted = expected.shape().to_vec();
    let used = (Family::Copy, "copy", x.dtype());
    let outputs = vec![Output::exact(expected.clone())];
    let call = Call::new(vec![used], vec![x.clone().into()], outputs, move |be, x, mut outs| {
        let Some(out) = outs.pop() else { return Ok(()) };
        if !reshapes {
            let Some(layout) = algebra(case, x[0].layout()) else { return Ok(()) };
            return be.copy(x[0].with_layout(&layout?)?, out);
        }
        match x[0].layout().reshape(&wanted) {
            Some(layout) => be.copy(x[0].with_layout(&layout)?, out),
            None => copied_then_reshaped(be, x[0], &wanted, out),
        }
    });
    Some(Plan::one(call))
}

/// A reshape that no strides can express.
fn copied_then_reshaped(be: &dyn Backend, x: View<'_>, shape: &[usize], out: ViewMut<'_>) -> Result<()> {
    let layout = Layout::contiguous("reshape", x.shape())?;
    let mut buffer = be.alloc(x.numel() * x.dtype().size())?;
    be.copy(x, ViewMut::new(&mut *buffer, &layout, x.dtype())?)?;
    let target = Layout::contiguous("reshape", shape)?;
    be.copy(View::new(&*buffer, &target, x.dtype())?, out)
}

pub(super) fn join(case: &Case) -> Option<Plan<'_>> {
    let Some([expected]) = values(case) else { return Some(Plan::Other(SHAPE_RULE)) };
    let parts = match case.inputs.first()? {
        Arg::List(list) => list.as_slice(),
        _ => &case.inputs,
    };
    let dtype: DType = result_type(parts)?;
    let stacks = case.name() == "stack";
    let dim = super::axis(case.param("dim")?.int()?, expected.shape().len())?;
    let tensors: Vec<_> = parts.iter().filter_map(Arg::tensor).cloned().collect();
    let used = tensors.iter().map(|t| (Family::Copy, "copy", t.dtype())).collect();
    let operands = tensors.into_iter().map(Into::into).collect();
    // The recorded dtype proves the promotion; copying casts.
    debug_assert_eq!(dtype, expected.dtype());
    let call = Call::new(used, operands, vec![Output::exact(expected.clone())], move |be, xs, mut outs| {
        let Some(mut out) = outs.pop() else { return Ok(()) };
        let mut start = 0;
        for (i, &x) in xs.iter().enumerate() {
            let whole = out.layout();
            let part = if stacks {
                whole.select(dim as isize, i as isize)?
            } else if x.shape().len() != whole.rank() {
                continue; // an empty vector joins anything
            } else {
                whole.narrow(dim as isize, start as isize, x.shape()[dim])?
            };
            start += if stacks { 1 } else { x.shape()[dim] };
            be.copy(x, out.with_layout(&part)?)?;
        }
        Ok(())
    });
    Some(Plan::one(call))
}
