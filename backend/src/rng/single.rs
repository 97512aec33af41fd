//! Single precision functions of the block transform, bit for bit those of PyTorch's AVX2 kernel.
//!
//! The polynomials are those of the Cephes library (S. L. Moshier, logf.c and sinf.c) in the
//! arrangement of J. Pommier's sse_mathfun. PyTorch's compiler contracted most products and sums of
//! it into fused operations; which ones was read off the machine code of version 2.15.0.

#![expect(clippy::excessive_precision, reason = "the constants as they were published")]

/// The natural logarithm of a normal `x > 0`: `x = 2^e m` with `m` in `[sqrt(1/2), sqrt(2))`, and a
/// polynomial of degree 8 for `(ln m - (m - 1) + (m - 1)^2 / 2) / (m - 1)^3`.
#[inline(always)]
pub(super) fn ln_f32(x: f32) -> f32 {
    const COEFFICIENTS: [f32; 9] = [
        7.037_683_629_2e-2,
        -1.151_461_031_0e-1,
        1.167_699_874_0e-1,
        -1.242_014_084_6e-1,
        1.424_932_278_7e-1,
        -1.666_805_766_5e-1,
        2.000_071_476_5e-1,
        -2.499_999_399_3e-1,
        3.333_333_117_4e-1,
    ];
    // ln 2 = LN2_HIGH + LN2_LOW, the first with 10 bits.
    const LN2_HIGH: f32 = 0.693_359_375;
    const LN2_LOW: f32 = -2.121_944_40e-4;

    let bits = x.to_bits();
    let mantissa = f32::from_bits((bits & 0x007f_ffff) | 0x3f00_0000);
    let low = mantissa < std::f32::consts::FRAC_1_SQRT_2;
    let exponent = ((bits >> 23) as i32 - 126) as f32 - if low { 1.0 } else { 0.0 };
    let m = (mantissa - 1.0) + if low { mantissa } else { 0.0 };

    let square = m * m;
    let mut sum = COEFFICIENTS[0];
    for coefficient in &COEFFICIENTS[1..] {
        sum = sum.mul_add(m, *coefficient);
    }
    sum = (sum * m).mul_add(square, exponent * LN2_LOW);
    sum -= square * 0.5;
    exponent.mul_add(LN2_HIGH, m + sum)
}

/// The sine and the cosine of `0 <= x < 8192`: `x` less the nearest even multiple of `pi / 4`, taken
/// off in three steps, then one polynomial each.
#[inline(always)]
pub(super) fn sin_cos_f32(x: f32) -> (f32, f32) {
    const SIN: [f32; 3] = [-1.951_529_589_1e-4, 8.332_160_873_6e-3, -1.666_665_461_1e-1];
    const COS: [f32; 3] = [2.443_315_711_809_948e-5, -1.388_731_625_493_765e-3, 4.166_664_568_298_827e-2];
    // -pi / 4 as a sum.
    const QUARTER_TURN: [f32; 3] =
        [-0.785_156_25, -2.418_756_484_985_351_562_5e-4, -3.774_894_977_445_941_08e-8];

    let octant = ((x * 1.273_239_544_735_16) as i32 + 1) & !1;
    let multiple = octant as f32;
    let mut reduced = x;
    for part in QUARTER_TURN {
        reduced = multiple.mul_add(part, reduced);
    }

    let square = reduced * reduced;
    let cos = COS[0].mul_add(square, COS[1]).mul_add(square, COS[2]);
    let cos = (square * cos).mul_add(square, -(square * 0.5)) + 1.0;
    let sin = SIN[0].mul_add(square, SIN[1]).mul_add(square, SIN[2]);
    let sin = reduced.mul_add(square * sin, reduced);

    let swap = octant & 2 != 0;
    let (sin, cos) = (if swap { cos } else { sin }, if swap { sin } else { cos });
    let sin_sign = (octant as u32 & 4) << 29;
    let cos_sign = (!octant.wrapping_sub(2) as u32 & 4) << 29;
    (f32::from_bits(sin.to_bits() ^ sin_sign), f32::from_bits(cos.to_bits() ^ cos_sign))
}
