use super::*;

/// Every operation on every pair of a list of awkward values, as bits.
struct Everything;

const VALUES: [f64; 16] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    1.5,
    -2.5,
    3.25,
    1e-40,
    -1e-310,
    1e30,
    -1e300,
    8388609.0,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
];

impl Kernel for Everything {
    type Output = Vec<u64>;

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> Vec<u64> {
        let mut seen = Vec::new();
        exercise::<I::F32>(isa, &mut seen, |v| u64::from(v.to_bits()), |v| v.is_nan());
        exercise::<I::F64>(isa, &mut seen, f64::to_bits, f64::is_nan);
        seen
    }
}

#[inline(always)]
fn exercise<V: Real>(
    isa: V::Isa,
    seen: &mut Vec<u64>,
    bits: impl Fn(V::Scalar) -> u64,
    is_nan: impl Fn(V::Scalar) -> bool,
) {
    let mut note = |v: V| {
        let mut out = V::zeros();
        v.store(&mut out);
        seen.extend(out.as_ref().iter().map(|&v| if is_nan(v) { u64::MAX } else { bits(v) }));
    };
    for shift in 0..VALUES.len() {
        let (mut a, mut b) = (V::zeros(), V::zeros());
        for i in 0..V::LANES {
            a.as_mut()[i] = V::Scalar::from_f64(VALUES[i]);
            b.as_mut()[i] = V::Scalar::from_f64(VALUES[(i + shift) % 16]);
        }
        let (a, b) = (V::load(isa, &a), V::load(isa, &b));
        let c = V::constant(isa, 0.75);
        for v in
            [a.add(b), a.sub(b), a.mul(b), a.div(b), a.mul_add(b, c), a.max_or_second(b), a.min_or_second(b)]
        {
            note(v);
        }
        for n in 0..V::LANES {
            let mut source = V::zeros();
            a.store(&mut source);
            note(V::load_part(isa, &source.as_ref()[..n], b));
            // Nothing behind the part is written.
            let mut target = V::zeros();
            b.store(&mut target);
            a.store_part(&mut target.as_mut()[..n]);
            note(V::load(isa, &target));
        }
        for v in [b.sqrt(), b.round(), b.floor(), b.ceil(), b.trunc()] {
            note(v);
        }
        let m = a.lt(b);
        for mask in [m, a.le(b), a.eq(b), a.unordered(b), m.not(), m.and(a.le(b)), m.or(a.unordered(b))] {
            note(c.or_else(mask, V::constant(isa, if mask.any() { 2.0 } else { 3.0 })));
        }
        let (x, y) = (a.bits(), b.bits());
        for v in [x.add(y), x.sub(y), x.and(y), x.or(y), x.xor(y), x.shift_left::<3>(), x.shift_right::<9>()]
        {
            note(v.real());
        }
    }
}

#[test]
fn every_level_computes_the_same_bits() {
    let levels = Level::all();
    let expected = levels[0].enter(Everything);
    assert!(expected.len() > 5000);
    for level in &levels[1..] {
        assert_eq!(level.enter(Everything), expected, "{level}");
    }
}

/// A square whose elements are their places, and what its steps leave out.
struct Square;

impl Kernel for Square {
    type Output = (Vec<f32>, Vec<f64>, Vec<f64>);

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> Self::Output {
        let from: Vec<f32> = (0..20 * 16).map(|v| v as f32).collect();
        let (mut to, mut to_wide) = (vec![-1.0; 17 * 16], vec![-1.0; 17 * 8]);
        I::F32::transpose(isa, &from, 19, &mut to, 17);
        let from: Vec<f64> = (0..20 * 8).map(f64::from).collect();
        I::F64::transpose(isa, &from, 19, &mut to_wide, 17);
        let mut sums = Vec::new();
        chains::<I::F32>(isa, &mut sums);
        chains::<I::F64>(isa, &mut sums);
        (to, to_wide, sums)
    }
}

#[inline(always)]
fn chains<V: Real>(isa: V::Isa, seen: &mut Vec<f64>) {
    let value = |v: usize| V::Scalar::from_f64((v * 37 % 101) as f64 * 0.1);
    let from: Vec<V::Scalar> = (0..200 * V::LANES).map(value).collect();
    let x: Vec<V::Scalar> = (0..20 * V::LANES).map(|v| V::Scalar::from_f64(0.3 + v as f64)).collect();
    let start = [V::load(isa, V::chunks(&x).0.last().unwrap_or(&V::zeros())), V::constant(isa, 0.5)];
    let rows = [&from[..], &from[5..]];
    for sums in [
        V::add_columns::<false>(isa, start, rows, (V::LANES, 19, 0), &x),
        V::add_columns::<false>(isa, start, rows, (3 * V::LANES, 53, 0), &x),
        V::add_columns::<true>(isa, start, rows, (V::LANES, 119, 21), &x),
        V::add_columns::<true>(isa, start, rows, (2 * V::LANES, 119, 40), &x),
    ] {
        for sum in sums {
            let mut lanes = V::zeros();
            sum.store(&mut lanes);
            seen.extend(lanes.as_ref().iter().map(|v| v.to_f64()));
        }
    }
}

#[test]
fn a_square_is_transposed() {
    let place = |n: usize, at: usize| if at % 17 < n { ((at % 17) * 19 + at / 17) as f64 } else { -1.0 };
    let expected = Level::all()[0].enter(Square).2;
    for level in Level::all() {
        let (to, to_wide, sums) = level.enter(Square);
        assert_eq!(sums, expected, "{level}");
        assert!((0..17 * 16).all(|at| f64::from(to[at]) == place(16, at)), "{level}");
        assert!((0..17 * 8).all(|at| to_wide[at] == place(8, at)), "{level}");
    }
}

struct Prefetches;

impl Kernel for Prefetches {
    type Output = [u8; 3];

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> [u8; 3] {
        let data = [1, 2, 3];
        for address in
            [0, 1, 64, 1 << 47, isize::MAX as usize, usize::MAX].map(std::ptr::without_provenance::<u8>)
        {
            prefetch_line(address);
            prefetch_far(address);
            isa.prefetch_to_write(address);
        }
        isa.prefetch_to_write(data.as_ptr());
        data
    }
}

#[test]
fn any_address_may_be_asked_for() {
    for level in Level::all() {
        assert_eq!(level.enter(Prefetches), [1, 2, 3], "{level}");
    }
}
