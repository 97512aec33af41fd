//! `grad * op'(x)` for every row, and exactly 0 or `grad` where the slope is constant 0 or 1. Kinks and NaN are those
//! of [`activation_backward`](rusttorch_backend::composed::activation_backward): NaN fails every comparison.

use super::smooth;
use crate::arch::Mask;
use crate::elementwise::Function2;
use crate::math::{self, Vector};

/// Functions of gradient and operand. Parameters, where there are some, are fields.
macro_rules! functions {
    ($($(#[$doc:meta])* $Name:ident { $($param:ident),* } = |$isa:ident, $g:ident, $x:ident| $body:expr;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub(super) struct $Name { $(pub(super) $param: f64),* }

        impl Function2 for $Name {
            #[inline(always)]
            fn call<V: Vector>(self, $isa: V::Isa, $g: V, $x: V) -> V {
                let $Name { $($param),* } = self;
                $body
            }
        }
    )* };
}

functions! {
    LeakyRelu { slope } = |isa, g, x| g.or_else(V::constant(isa, 0.0).lt(x), g.mul(V::constant(isa, slope)));
    Elu { alpha, scale } = |isa, g, x| {
        let bent = math::exp(isa, x).mul(V::constant(isa, alpha * scale)).mul(g);
        bent.or_else(x.le(V::constant(isa, 0.0)), g.mul(V::constant(isa, scale)))
    };
    Celu { alpha } = |isa, g, x| {
        let bent = math::exp(isa, x.div(V::constant(isa, alpha))).mul(g);
        bent.or_else(x.le(V::constant(isa, 0.0)), g)
    };
    Silu {} = |isa, g, x| g.mul(smooth::silu_slope(isa, x));
    Mish {} = |isa, g, x| g.mul(smooth::mish_slope(isa, x));
    Gelu {} = |isa, g, x| g.mul(smooth::gelu_slope(isa, x));
    GeluTanh {} = |isa, g, x| g.mul(smooth::gelu_tanh_slope(isa, x));
    Softplus { beta, threshold } = |isa, g, x| {
        let scaled = x.mul(V::constant(isa, beta));
        g.or_else(V::constant(isa, threshold).lt(scaled), g.mul(smooth::sigmoid(isa, scaled)))
    };
    Softsign {} = |isa, g, x| {
        let denominator = smooth::size(isa, x).add(V::constant(isa, 1.0));
        g.div(denominator.mul(denominator))
    };
    /// `sigmoid(-x)`.
    LogSigmoid {} = |isa, g, x| g.mul(smooth::sigmoid(isa, V::constant(isa, 0.0).sub(x)));
    Hardtanh { low, high } = |isa, g, x| {
        let outside = x.le(V::constant(isa, low)).or(V::constant(isa, high).le(x));
        V::constant(isa, 0.0).or_else(outside, g)
    };
    Hardsigmoid {} = |isa, g, x| {
        let inside = smooth::size(isa, x).lt(V::constant(isa, 3.0));
        g.div(V::constant(isa, 6.0)).or_else(inside, V::constant(isa, 0.0))
    };
    Hardswish {} = |isa, g, x| {
        let three = V::constant(isa, 3.0);
        let slope = x.div(three).add(V::constant(isa, 0.5));
        let bent = g.mul(slope).or_else(x.lt(three), g);
        V::constant(isa, 0.0).or_else(x.le(V::constant(isa, -3.0)), bent)
    };
    Shrink { lambd } = |isa, g, x| {
        let gap = smooth::size(isa, x).le(V::constant(isa, lambd));
        V::constant(isa, 0.0).or_else(gap, g)
    };
    Threshold { threshold } = |isa, g, x| V::constant(isa, 0.0).or_else(x.le(V::constant(isa, threshold)), g);
}
