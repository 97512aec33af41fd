use super::*;
use crate::arch::{Isa, Kernel, Level};

/// A function on a slice.
struct Apply<'a, F>(F, &'a [f32], &'a mut [f32]);

macro_rules! function {
    ($name:ident) => {
        #[derive(Clone, Copy)]
        #[allow(non_camel_case_types, reason = "named as the function")]
        struct $name;
        impl Kernel for Apply<'_, $name> {
            type Output = ();
            #[inline(always)]
            fn run<I: Isa>(self, isa: I) {
                for (x, y) in I::F32::chunks(self.1).0.iter().zip(I::F32::chunks_mut(self.2).0) {
                    super::$name(isa, I::F32::load(isa, x)).store(y);
                }
            }
        }
    };
}
function!(exp);
function!(expm1);
function!(log);
function!(log1p);
function!(sigmoid);
function!(tanh);
function!(exp2);
function!(log2);
function!(log10);
function!(sinh);
function!(cosh);
function!(sin);
function!(cos);
function!(tan);
function!(erf);
function!(erfc);

/// Distance in units of the last place of the exact value.
fn error_in_ulp(found: f32, exact: f64) -> f64 {
    let rounded = exact as f32;
    if found == rounded || (found.is_nan() && exact.is_nan()) {
        return if found.is_finite() { ulps(found, exact) } else { 0.0 };
    }
    if !found.is_finite() || !rounded.is_finite() {
        return f64::INFINITY;
    }
    ulps(found, exact)
}

fn ulps(found: f32, exact: f64) -> f64 {
    let size = (exact.abs() as f32).max(f32::MIN_POSITIVE);
    let unit = f64::from(f32::from_bits(size.to_bits() + 1)) - f64::from(size);
    (f64::from(found) - exact).abs() / unit
}

fn largest_error<F: Copy>(f: F, exact: fn(f64) -> f64, step: usize) -> (f64, f32)
where
    for<'a> Apply<'a, F>: Kernel<Output = ()>,
{
    let mut worst = (0.0, 0.0);
    let mut out = vec![0f32; 1 << 14];
    for block in 0..(1u64 << 32) / ((1 << 14) * step as u64) {
        let x: Vec<f32> =
            (0..1 << 14).map(|i| f32::from_bits(((block << 14 | i) * step as u64) as u32)).collect();
        Level::current().enter(Apply(f, &x, &mut out));
        for (&x, &y) in x.iter().zip(&out) {
            let e = error_in_ulp(y, exact(f64::from(x)));
            if e > worst.0 || e.is_nan() {
                worst = (e, x);
            }
        }
    }
    worst
}

#[test]
fn functions_are_within_two_ulp() {
    let step = 509;
    let found = [
        ("exp", largest_error(exp, f64::exp, step)),
        ("exp2", largest_error(exp2, f64::exp2, step)),
        ("expm1", largest_error(expm1, f64::exp_m1, step)),
        ("log", largest_error(log, f64::ln, step)),
        ("log2", largest_error(log2, f64::log2, step)),
        ("log10", largest_error(log10, f64::log10, step)),
        ("log1p", largest_error(log1p, f64::ln_1p, step)),
        ("sigmoid", largest_error(sigmoid, |x| 1.0 / (1.0 + (-x).exp()), step)),
        ("tanh", largest_error(tanh, f64::tanh, step)),
        ("sinh", largest_error(sinh, f64::sinh, step)),
        ("cosh", largest_error(cosh, f64::cosh, step)),
        ("sin", largest_error(sin, f64::sin, step)),
        ("cos", largest_error(cos, f64::cos, step)),
        ("tan", largest_error(tan, f64::tan, step)),
        ("erf", largest_error(erf, libm::erf, step)),
        ("erfc", largest_error(erfc, libm::erfc, step)),
    ];
    let text: Vec<String> =
        found.iter().map(|(name, (e, x))| format!("{name} {e:.2} ulp at {x:e}")).collect();
    assert!(found.iter().all(|(_, (e, _))| *e <= 2.0), "{text:#?}");
}
