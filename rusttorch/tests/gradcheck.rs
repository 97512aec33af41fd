//! Every differentiable op against finite differences in f64, first and second derivatives. The rows of
//! the op tables come through their macros, so that none can be left out.

#![allow(clippy::unwrap_used, reason = "a failing test should stop")]

use rusttorch::autograd::{gradcheck, gradgradcheck};
use rusttorch::backend::ops::{BinaryOp, UnaryOp};
use rusttorch::nn::functional::{
    CrossEntropy, binary_cross_entropy, cross_entropy, l1_loss, linear, mse_loss, smooth_l1_loss,
    weighted_l1_loss, weighted_mse_loss,
};
use rusttorch::{DType, Dims, Index, Interpolation, Reduction, Result, Rounding, Tensor};

#[path = "support/gradients.rs"]
mod support;

use support::{both, positive, sample, tensor};

/// Where an op is defined and smooth.
fn domain(op: UnaryOp) -> Tensor {
    use UnaryOp::*;
    let x = sample(&[3, 4]);
    match op {
        Sqrt | Rsqrt | Log | Log2 | Log10 | Reciprocal | Lgamma | Digamma => positive(&[3, 4]),
        Log1p => positive(&[3, 4]).sub(0.9).unwrap(),
        Asin | Acos | Atanh | Erfinv => x.mul(0.45).unwrap(),
        Acosh => positive(&[3, 4]).add(1.0).unwrap(),
        Tan => x.mul(0.6).unwrap(),
        _ => x,
    }
}

macro_rules! check_unary {
    ($($(#[$doc:meta])* $variant:ident $method:ident $assign:tt $torch:literal $rule:ident;)*) => {
        #[test]
        fn unary_table() {
            let mut checked = 0;
            $({
                let x = domain(UnaryOp::$variant);
                if UnaryOp::$variant.rule().accepts().contains(DType::F64) && x.$method().unwrap().dtype().is_float() {
                    both(stringify!($method), &|t| t[0].$method(), &[x]);
                    checked += 1;
                }
            })*
            assert!(checked >= 30, "only {checked} ops of the table were checked");
        }
    };
}
rusttorch::backend::unary_table! { check_unary }

macro_rules! check_binary {
    ($($(#[$doc:meta])* $variant:ident $method:ident $assign:tt $torch:literal $rule:ident;)*) => {
        #[test]
        fn binary_table() {
            let mut checked = 0;
            $({
                let op = BinaryOp::$variant;
                // Integer ops have no gradient, and PyTorch gives these none either.
                let none = matches!(op, BinaryOp::FloorDivide | BinaryOp::Heaviside | BinaryOp::Zeta);
                if op.rule().accepts().contains(DType::F64) && !none {
                    let positive_base = matches!(op, BinaryOp::Pow | BinaryOp::Xlogy);
                    let a = if positive_base { positive(&[3, 4]) } else { sample(&[3, 4]) };
                    let b = positive(&[4]).add(0.15).unwrap();
                    both(stringify!($method), &|t| t[0].$method(&t[1]), &[a.clone(), b.clone()]);
                    // Broadcasting on the other side, and a number.
                    both(stringify!($method), &|t| t[1].$method(&t[0]), &[a.abs().unwrap().add(0.4).unwrap(), b]);
                    both(stringify!($method), &|t| t[0].$method(1.7), &[a]);
                    checked += 1;
                }
            })*
            assert!(checked >= 12, "only {checked} ops of the table were checked");
        }
    };
}
rusttorch::backend::binary_table! { check_binary }

#[test]
fn ternary_ops() {
    let (a, b, c) = (sample(&[2, 3]), positive(&[3]), positive(&[2, 1]));
    both("addcmul", &|t| t[0].addcmul(&t[1], &t[2], 1.5), &[a.clone(), b.clone(), c.clone()]);
    both("addcdiv", &|t| t[0].addcdiv(&t[1], &t[2], -0.5), &[a.clone(), b.clone(), c.clone()]);
    both("lerp", &|t| t[0].lerp(&t[1], &t[2]), &[a.clone(), b.clone(), c.clone()]);
    both("clamp", &|t| t[0].clamp(-0.62, 0.97), std::slice::from_ref(&a));
    let high = c.add(0.13).unwrap();
    both(
        "clamp by tensors",
        &|t| t[0].clamp(&t[1], &t[2]),
        &[a.clone(), sample(&[3]).sub(1.03).unwrap(), high],
    );
    both("clamp_min", &|t| t[0].clamp_min(0.123), std::slice::from_ref(&a));
    both("clamp_max", &|t| t[0].clamp_max(0.123), std::slice::from_ref(&a));
}

#[test]
fn parameters_and_numbers_on_the_left() {
    let (x, y) = (sample(&[3, 4]), positive(&[4]));
    let one = |name: &str, f: &dyn Fn(&Tensor) -> Result<Tensor>, x: &Tensor| {
        both(name, &|t: &[Tensor]| f(&t[0]), std::slice::from_ref(x));
    };
    let two = |name: &str, f: &dyn Fn(&Tensor, &Tensor) -> Result<Tensor>| {
        both(name, &|t: &[Tensor]| f(&t[0], &t[1]), &[x.clone(), y.clone()]);
    };
    two("add, alpha", &|a, b| a.add_alpha(b, 2.5));
    two("sub, alpha", &|a, b| a.sub_alpha(b, -3));
    two("rsub", &|a, b| a.rsub(b, 0.5));
    two("div, floor", &|a, b| a.div_mode(b, Some(Rounding::Floor))?.add(&a.mul(b)?));
    two("float_power", &|a, b| a.abs()?.float_power(b));
    two("ldexp", &|a, b| a.ldexp(b));
    one("ldexp by an integer", &|a| a.ldexp(&Tensor::from_slice(&[3i64, -2, 0, 1], &[4])?), &x);
    let small = x.mul(0.2).unwrap().add(0.5).unwrap();
    one("logit", &|x| x.logit(None), &small);
    one("logit, eps", &|x| x.logit(Some(0.3)), &small);
    one("nan_to_num", &|x| x.nan_to_num(None, None, None)?.square(), &x);
    one("round_decimals", &|x| x.round_decimals(1)?.mul(x), &x.add(0.013).unwrap());
    one("deg2rad", &|x| x.deg2rad()?.sin(), &x);
    one("rad2deg", &|x| x.rad2deg()?.mul(0.01)?.sin(), &x);
    for n in 0..4 {
        one("polygamma", &|x| x.polygamma(n)?.mul(0.1), &positive(&[3, 4]).add(0.5).unwrap());
    }
    let positive = positive(&[3, 4]);
    one("rpow", &|x| x.rpow(1.7), &x);
    one("rremainder", &|x| x.rremainder(5.3), &positive);
    one("rdiv", &|x| x.rdiv(2.0), &positive);
    one("rxlogy", &|x| x.rxlogy(3), &positive);
    one("rzeta", &|x| x.rzeta(2.5), &positive.add(0.4).unwrap());
    one("number / tensor", &|x| 2.0 / x, &positive);
}

#[test]
fn choosing_and_filling() {
    let (a, b) = (sample(&[2, 3]), positive(&[3]));
    let mask = a.gt(0.1).unwrap();
    both("where", &|t| Tensor::where_cond(&mask, &t[0].square()?, &t[1].exp()?), &[a.clone(), b.clone()]);
    both("masked_fill", &|t| t[0].exp()?.masked_fill(&mask, 3.0), std::slice::from_ref(&a));
    both(
        "masked_fill with a tensor",
        &|t| t[0].exp()?.masked_fill(&mask, &t[1].square()?),
        &[a.clone(), tensor(&[0.7], &[])],
    );
    both("addcmul_", &|t| t[0].mul(2.0)?.addcmul_(&t[1], &t[0], 1.5), &[a.clone(), b.clone()]);
    both("addcdiv_", &|t| t[0].mul(2.0)?.addcdiv_(&t[0], &t[1], 3), &[a.clone(), b.clone()]);
    both("lerp_", &|t| t[0].mul(1.1)?.lerp_(&t[1], 0.3), &[a.clone(), b.clone()]);
    both("clamp_", &|t| t[0].mul(1.1)?.clamp_(None, 0.77)?.square(), std::slice::from_ref(&a));
    both(
        "copy_ into a view",
        &|t| {
            let out = t[0].mul(2.0)?;
            out.i((.., 1..))?.copy_(&t[1].square()?)?;
            out.mul(&out)
        },
        &[a, positive(&[2, 2])],
    );
}

#[test]
fn reductions() {
    let x = sample(&[2, 3, 2]);
    for (dims, keepdim) in [(Dims::all(), false), (Dims::from(1), true), (Dims::from([0, 2]), false)] {
        let f = |name: &str, f: &dyn Fn(&Tensor) -> Result<Tensor>| {
            both(name, &|t: &[Tensor]| f(&t[0]), std::slice::from_ref(&x));
        };
        f("sum", &|x| x.square()?.sum_dim(dims.clone(), keepdim));
        f("mean", &|x| x.square()?.mean_dim(dims.clone(), keepdim));
        f("amax", &|x| x.amax(dims.clone(), keepdim)?.square());
        f("amin", &|x| x.amin(dims.clone(), keepdim)?.square());
        f("var", &|x| x.var(dims.clone(), 1.0, keepdim));
        f("std", &|x| x.std(dims.clone(), 1.0, keepdim));
        f("logsumexp", &|x| x.logsumexp(dims.clone(), keepdim));
        f("var_mean", &|x| x.var_mean(dims.clone(), 0.5, keepdim).and_then(|(a, b)| a.mul(&b)));
        f("std_mean", &|x| x.std_mean(dims.clone(), 1.0, keepdim).and_then(|(a, b)| a.mul(&b)));
        f("nansum", &|x| x.square()?.nansum(dims.clone(), keepdim, None));
        f("nanmean", &|x| x.square()?.nanmean(dims.clone(), keepdim, None));
        for p in [1.0, 1.5, 2.0, 3.0, 0.5, -1.0, f64::INFINITY, f64::NEG_INFINITY] {
            // No two of equal size, which share the gradient of the largest.
            f("norm", &|x| x.add(0.011)?.norm(p, dims.clone(), keepdim)?.square());
        }
    }
    both("aminmax", &|t| t[0].aminmax(Some(1), true).and_then(|(a, b)| a.mul(&b)), std::slice::from_ref(&x));
    both("prod", &|t| t[0].prod(), std::slice::from_ref(&x));
    both("prod_dim", &|t| t[0].prod_dim(1, false), std::slice::from_ref(&x));
    let zeros = tensor(&[2.0, 0.0, 3.0, 0.0, 0.0, 1.5], &[2, 3]);
    both("prod of zeros", &|t| t[0].prod_dim(1, false), &[zeros]);
    both("max_dim", &|t| t[0].max_dim(1, false)?.0.square(), std::slice::from_ref(&x));
    both("min_dim", &|t| t[0].min_dim(1, true)?.0.square(), std::slice::from_ref(&x));
}

/// Elements chosen by their place in an order, which a small step does not change.
#[test]
fn order() {
    let x = sample(&[3, 5]);
    let f = |name: &str, f: &dyn Fn(&Tensor) -> Result<Tensor>| {
        both(name, &|t: &[Tensor]| f(&t[0]), std::slice::from_ref(&x));
    };
    for dim in [0, 1] {
        f("sort", &|x| x.sort(dim, true)?.0.narrow(dim, 1, 2)?.square());
        f("topk", &|x| x.topk(2, dim, true, true)?.0.square());
        f("kthvalue", &|x| x.kthvalue(2, dim, false)?.0.square());
        f("median", &|x| x.median_dim(dim, true)?.0.square());
        f("nanmedian", &|x| x.nanmedian_dim(dim, false)?.0.square());
        f("mode", &|x| x.mode(dim, false)?.0.square());
        f("cummax", &|x| x.cummax(dim)?.0.square());
        f("cummin", &|x| x.cummin(dim)?.0.square());
        for interpolation in [Interpolation::Linear, Interpolation::Midpoint, Interpolation::Nearest] {
            f("quantile", &|x| x.quantile(0.3, Some(dim), false, interpolation)?.square());
        }
    }
    f("msort", &|x| x.msort()?.narrow(0, 1, 1)?.square());
    f("median of all", &|x| x.median()?.square());
    f("nanmedian of all", &|x| x.nanmedian()?.square());
    f("nanquantile", &|x| x.nanquantile(0.7, None, false, Interpolation::Linear)?.square());
    let q = tensor(&[0.13, 0.61, 0.9], &[3]);
    both("quantile by q", &|t| t[0].quantile(&t[1], Some(1), true, Interpolation::Linear), &[x.clone(), q]);
}

#[test]
fn running_reductions() {
    let x = sample(&[3, 5]);
    let zeros = tensor(&[2.0, 0.0, 3.0, 0.5, -1.0, 0.0, 0.0, 1.5, 0.7, 0.0], &[2, 5]);
    for dim in [0, 1] {
        both("cumsum", &|t| t[0].square()?.cumsum(dim, None), std::slice::from_ref(&x));
        both("cumprod", &|t| t[0].cumprod(dim, None), std::slice::from_ref(&x));
        both("cumprod of zeros", &|t| t[0].cumprod(dim, None), std::slice::from_ref(&zeros));
        both("logcumsumexp", &|t| t[0].logcumsumexp(dim), std::slice::from_ref(&x));
        both("diff", &|t| t[0].square()?.diff(2, dim, None, Some(&t[0])), std::slice::from_ref(&x));
        both("trapezoid", &|t| t[0].square()?.trapezoid(0.3, dim), std::slice::from_ref(&x));
        let places = positive(&[3, 5]);
        let of = |f: fn(&Tensor, &Tensor, isize) -> Result<Tensor>| {
            both("trapezoid at places", &move |t| f(&t[0], &t[1], dim), &[x.clone(), places.clone()]);
        };
        of(|y, x, dim| y.trapezoid(x, dim));
        of(|y, x, dim| y.cumulative_trapezoid(x, dim));
    }
    for n in [1, 2, 3, 4, 7] {
        let line = sample(&[n]);
        both("cumprod", &|t| t[0].cumprod(0, None)?.square(), std::slice::from_ref(&line));
        both("logcumsumexp", &|t| t[0].logcumsumexp(0)?.square(), &[line]);
    }
    both("cumprod of a number", &|t| t[0].cumprod(0, None)?.square(), &[sample(&[])]);
    both("logcumsumexp of a number", &|t| t[0].logcumsumexp(0)?.square(), &[sample(&[])]);
}

#[test]
fn products() {
    for (a, b) in [
        (&[3][..], &[3][..]),
        (&[2, 3], &[3]),
        (&[3], &[3, 2]),
        (&[2, 3], &[3, 4]),
        (&[2, 1, 2, 3], &[3, 3, 2]),
        (&[3], &[2, 3, 2]),
    ] {
        both("matmul", &|t| t[0].matmul(&t[1]), &[sample(a), positive(b)]);
    }
    both(
        "linear",
        &|t| linear(&t[0], &t[1], Some(&t[2])),
        &[sample(&[2, 3]), positive(&[4, 3]), sample(&[4])],
    );
}

#[test]
fn views() {
    let x = sample(&[2, 3, 4]);
    let f = |name: &str, f: &dyn Fn(&Tensor) -> Result<Tensor>| {
        both(name, &|t: &[Tensor]| f(&t[0])?.square(), std::slice::from_ref(&x));
        // The same view of a tensor that is not contiguous itself.
        both(
            name,
            &|t: &[Tensor]| f(&t[0].permute([2, 0, 1])?.permute([1, 2, 0])?)?.square(),
            std::slice::from_ref(&x),
        );
    };
    f("reshape", &|x| x.reshape([4, 6]));
    f("permute", &|x| x.permute([2, 0, 1]));
    f("transpose", &|x| x.transpose(0, 2));
    f("narrow", &|x| x.narrow(1, 1, 2));
    f("slice", &|x| x.slice(2, None, None, -2));
    f("select", &|x| x.select(1, -1));
    f("expand", &|x| x.unsqueeze(0)?.expand([3, -1, -1, -1]));
    f("squeeze", &|x| x.narrow(0, 1, 1)?.squeeze(0));
    f("unfold", &|x| x.unfold(2, 3, 1));
    f("diagonal", &|x| x.diagonal(1, 1, 2));
    f("movedim", &|x| x.movedim([0], [2]));
    f("flip", &|x| x.flip([0, 2]));
    f("index", &|x| x.i((1, Index::Ellipsis, 1..3)));
    f("contiguous", &|x| x.transpose(0, 1)?.contiguous());
    both("as_strided", &|t| t[0].as_strided(&[3, 3], &[2, 1], 1)?.square(), std::slice::from_ref(&x));
}

#[test]
fn joining_and_indexing() {
    let (a, b) = (sample(&[2, 3]), positive(&[2, 2]));
    both("cat", &|t| Tensor::cat(&[&t[0], &t[1], &t[0]], 1)?.square(), &[a.clone(), b]);
    both("stack", &|t| Tensor::stack(&[&t[0], &t[1]], 1)?.square(), &[a.clone(), positive(&[2, 3])]);
    let index = Tensor::from_vec(vec![2i64, 0, 2, 1], &[2, 2]).unwrap();
    both("gather", &|t| t[0].gather(1, &index)?.square(), std::slice::from_ref(&a));
    let rows = Tensor::from_vec(vec![1i64, 1, 0], &[3]).unwrap();
    both("index_select", &|t| t[0].index_select(0, &rows)?.square(), std::slice::from_ref(&a));
    both("scatter_add", &|t| t[0].scatter_add(1, &index, &t[1])?.square(), &[a.clone(), positive(&[2, 2])]);
    let distinct = Tensor::from_vec(vec![2i64, 0, 0, 1], &[2, 2]).unwrap();
    both("scatter", &|t| t[0].scatter(1, &distinct, &t[1])?.square(), &[a, positive(&[2, 2])]);
}

macro_rules! check_activations {
    ($($(#[$doc:meta])* $variant:ident $method:ident $assign:tt $title:ident $torch:literal
        $({ $($(#[$param_doc:meta])* $param:ident: $rounding:ident = $default:expr),* })?;)*) => {
        #[test]
        fn activation_table() {
            let x = sample(&[3, 4]);
            $(
                let f = |t: &[Tensor]| t[0].$method($($($default),*)?)?.square();
                both(stringify!($method), &f, std::slice::from_ref(&x));
            )*
        }
    };
}
rusttorch::backend::activation_table! { check_activations }

#[test]
fn softmax_and_other_activations() {
    let x = sample(&[3, 4]);
    let f = |name: &str, f: &dyn Fn(&Tensor) -> Result<Tensor>| {
        both(name, &|t: &[Tensor]| f(&t[0])?.square(), std::slice::from_ref(&x));
    };
    f("softmax", &|x| x.softmax(1));
    f("log_softmax", &|x| x.log_softmax(0));
    f("softmin", &|x| x.softmin(1));
    f("leaky_relu", &|x| x.leaky_relu(0.1));
    f("elu", &|x| x.elu(1.3));
    f("celu", &|x| x.celu(1.3));
    f("softplus", &|x| x.softplus(2.0, 1.0));
    f("relu6", &|x| x.mul(4.0)?.relu6());
    f("hardswish beyond its bend", &|x| x.mul(3.0)?.hardswish());
    f("rrelu", &|x| x.rrelu(0.1, 0.3));
    f("tanhshrink", &|x| x.tanhshrink());
    f("glu", &|x| x.glu(-1));
    f("glu along 1 of 3", &|x| x.reshape([2, 2, 3])?.glu(1));
    let pair = |weight| [x.clone(), weight];
    both("prelu", &|t| t[0].prelu(&t[1])?.square(), &pair(positive(&[4])));
    both("prelu by one number", &|t| t[0].prelu(&t[1])?.square(), &pair(positive(&[])));
}

#[test]
fn losses() {
    let (x, t) = (sample(&[3, 4]), positive(&[3, 4]));
    let probability = x.sigmoid().unwrap();
    let target = t.sigmoid().unwrap();
    for reduction in [Reduction::None, Reduction::Mean, Reduction::Sum] {
        let pair = [x.clone(), t.clone()];
        both("mse", &|v| mse_loss(&v[0], &v[1], reduction), &pair);
        both("l1", &|v| l1_loss(&v[0], &v[1], reduction), &pair);
        let weighted = [x.clone(), t.clone(), t.sqrt().unwrap()];
        both("weighted mse", &|v| weighted_mse_loss(&v[0], &v[1], &v[2], reduction), &weighted);
        both("weighted l1", &|v| weighted_l1_loss(&v[0], &v[1], &v[2], reduction), &weighted);
        both("smooth_l1", &|v| smooth_l1_loss(&v[0], &v[1], 0.777, reduction), &pair);
        both(
            "bce",
            &|v| binary_cross_entropy(&v[0], &v[1], None, reduction),
            &[probability.clone(), target.clone()],
        );
        let classes = Tensor::from_vec(vec![2i64, -100, 3], &[3]).unwrap();
        let weight = positive(&[4]);
        for (weight, label_smoothing) in
            [(None, 0.0), (Some(&weight), 0.0), (Some(&weight), 0.2), (None, 0.2)]
        {
            let options = CrossEntropy { weight, label_smoothing, reduction, ..CrossEntropy::default() };
            both("cross_entropy", &|v| cross_entropy(&v[0], &classes, &options), std::slice::from_ref(&x));
            let soft = t.softmax(1).unwrap();
            both(
                "cross_entropy of probabilities",
                &|v| cross_entropy(&v[0], &v[1], &options),
                &[x.clone(), soft],
            );
        }
    }
}

#[test]
fn a_wrong_gradient_is_caught() {
    // Cut off from the graph, half of the product rule is missing.
    let wrong = |t: &[Tensor]| t[0].mul(&t[0].detach());
    assert!(gradcheck(&wrong, &[sample(&[3])]).is_err());
    // x^2 / 2 with the right first derivative and no second one.
    let wrong = |t: &[Tensor]| {
        let fixed = t[0].detach();
        fixed.mul(&t[0])?.sub(&fixed.square()?.mul(0.5)?)
    };
    assert!(gradcheck(&wrong, &[sample(&[3])]).is_ok());
    assert!(gradgradcheck(&wrong, &[sample(&[3])]).is_err());
}
