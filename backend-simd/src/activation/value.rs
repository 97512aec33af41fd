//! `op(x)` for every row. The definitions stand at the rows of [`Activation`](rusttorch_backend::ops::Activation).
//!
//! A comparison with NaN fails, and the branch that is then taken keeps it.

use super::smooth;
use crate::elementwise::Function1;
use crate::math::{self, Vector};

/// Functions of one vector. Parameters, where there are some, are fields.
macro_rules! functions {
    ($($(#[$doc:meta])* $Name:ident { $($param:ident),* } = |$isa:ident, $x:ident| $body:expr;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub(super) struct $Name { $(pub(super) $param: f64),* }

        impl Function1 for $Name {
            #[inline(always)]
            fn call<V: Vector>(self, $isa: V::Isa, $x: V) -> V {
                let $Name { $($param),* } = self;
                $body
            }
        }
    )* };
}

functions! {
    LeakyRelu { slope } = |isa, x| x.or_else(V::constant(isa, 0.0).lt(x), x.mul(V::constant(isa, slope)));
    /// By `x < 0`, so that NaN and -0 take the branch that keeps them.
    Elu { alpha, scale } = |isa, x| {
        let bent = math::expm1(isa, x).mul(V::constant(isa, alpha * scale));
        bent.or_else(x.lt(V::constant(isa, 0.0)), x.mul(V::constant(isa, scale)))
    };
    Celu { alpha } = |isa, x| {
        let alpha = V::constant(isa, alpha);
        math::expm1(isa, x.div(alpha)).mul(alpha).or_else(x.lt(V::constant(isa, 0.0)), x)
    };
    Silu {} = |isa, x| math::silu(isa, x);
    Mish {} = |isa, x| math::mish(isa, x);
    Gelu {} = |isa, x| math::gelu(isa, x);
    GeluTanh {} = |isa, x| math::gelu_tanh(isa, x);
    /// With beta 1.
    PlainSoftplus { threshold } = |isa, x| {
        x.or_else(V::constant(isa, threshold).lt(x), math::softplus(isa, x))
    };
    Softplus { beta, threshold } = |isa, x| {
        let beta = V::constant(isa, beta);
        let scaled = x.mul(beta);
        x.or_else(V::constant(isa, threshold).lt(scaled), math::softplus(isa, scaled).div(beta))
    };
    Softsign {} = |isa, x| x.div(smooth::size(isa, x).add(V::constant(isa, 1.0)));
    LogSigmoid {} = |isa, x| math::log_sigmoid(isa, x);
    /// -0 lies below 0, as it does in the `clamp` of the ternary ops.
    Hardtanh { low, high } = |isa, x| {
        let (least, greatest) = (V::constant(isa, low), V::constant(isa, high));
        let below = if low == 0.0 && low.is_sign_negative() { x.lt(least) } else { x.le(least) };
        let x = least.or_else(below, x);
        let above = if high == 0.0 && high.is_sign_positive() { greatest.lt(x) } else { greatest.le(x) };
        greatest.or_else(above, x)
    };
    Hardsigmoid {} = |isa, x| sixth(isa, share(isa, x));
    /// In this order, in which PyTorch's overflows, too.
    Hardswish {} = |isa, x| x.mul(share(isa, x)).div(V::constant(isa, 6.0));
    Hardshrink { lambd } = |isa, x| {
        let size = smooth::size(isa, x);
        V::constant(isa, 0.0).or_else(size.le(V::constant(isa, lambd)), x)
    };
    /// `x - x` is 0 inside of the gap.
    Softshrink { lambd } = |isa, x| x.sub(between(isa, -lambd, x, lambd));
    Threshold { threshold, value } = |isa, x| {
        V::constant(isa, value).or_else(x.le(V::constant(isa, threshold)), x)
    };
}

/// `min(max(x, low), high)`, which keeps NaN.
#[inline(always)]
fn between<V: Vector>(isa: V::Isa, low: f64, x: V, high: f64) -> V {
    let x = V::constant(isa, low).max_or_second(x);
    V::constant(isa, high).min_or_second(x)
}

/// `min(max(x + 3, 0), 6)`.
#[inline(always)]
fn share<V: Vector>(isa: V::Isa, x: V) -> V {
    between(isa, 0.0, x.add(V::constant(isa, 3.0)), 6.0)
}

/// `x / 6` without a division for x in 0 to 6 above the subnormals: a quotient off by an ulp, and its remainder, which
/// is exact, make the rounded one (Markstein 1990).
#[inline(always)]
fn sixth<V: Vector>(isa: V::Isa, x: V) -> V {
    let inverse = V::constant(isa, 1.0 / 6.0);
    let q = x.mul(inverse);
    let rest = q.mul_add(V::constant(isa, -6.0), x);
    rest.mul_add(inverse, q)
}
