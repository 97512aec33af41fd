//! Broadcasting against brute force, and the dtype of results: the tables are `torch.result_type` of
//! PyTorch 2.15.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use rusttorch::backend::layout::broadcast_shapes;
use rusttorch::{DType, ErrorKind, Result, Scalar, Tensor};

fn iota(shape: &[usize]) -> Tensor {
    let n: usize = shape.iter().product();
    let x = Tensor::arange(0, n as i64, 1, DType::I64).unwrap();
    x.reshape(shape.iter().map(|&n| n as isize).collect::<Vec<_>>()).unwrap()
}

// ---- broadcasting ----------------------------------------------------------------------------------

/// All indices of a shape in row-major order.
fn indices(shape: &[usize]) -> Vec<Vec<usize>> {
    let mut out = vec![vec![]];
    for &n in shape {
        out = out.iter().flat_map(|i| (0..n).map(|k| [&i[..], &[k]].concat())).collect();
    }
    out
}

/// Where the element of the result at `index` comes from.
fn source(shape: &[usize], index: &[usize]) -> usize {
    let own = &index[index.len() - shape.len()..];
    own.iter().zip(shape).fold(0, |at, (&k, &n)| at * n + if n == 1 { 0 } else { k })
}

/// The broadcast shape by the definition: pad with ones in front, then size by size.
fn joined(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    let pad = |s: &[usize]| [vec![1; rank - s.len()], s.to_vec()].concat();
    pad(a)
        .into_iter()
        .zip(pad(b))
        .map(|sizes| match sizes {
            (m, n) if m == n => Some(m),
            (1, n) => Some(n),
            (m, 1) => Some(m),
            _ => None,
        })
        .collect()
}

fn shapes() -> impl Strategy<Value = (Vec<usize>, Vec<usize>)> {
    // From one shape by putting ones, so that most pairs fit; now and then a size that does not.
    let size = prop_oneof![1 => Just(0usize), 2 => Just(1), 6 => 2..4usize];
    (prop::collection::vec(size, 0..5), any::<[u8; 12]>()).prop_map(|(full, raw)| {
        let own = |raw: &[u8]| {
            let keep = full.len() - raw[0] as usize % 3 % (full.len() + 1);
            let tail = full[full.len() - keep..].iter().zip(&raw[1..]);
            tail.map(|(&n, r)| match r % 16 {
                0..5 => 1,
                5 => n + 1,
                6 => 0,
                _ => n,
            })
            .collect::<Vec<_>>()
        };
        (own(&raw[..6]), own(&raw[6..]))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn results_have_the_broadcast_shape_and_elements((a, b) in shapes()) {
        let (x, y) = (iota(&a), (iota(&b) * 1000i64).unwrap());
        let expected = joined(&a, &b);
        let found = broadcast_shapes("test", &a, &b);
        prop_assert_eq!(found.as_ref().ok().map(|s| s.to_vec()), expected.clone());
        prop_assert_eq!(broadcast_shapes("test", &b, &a).ok(), found.ok());
        let sum = &x + &y;
        let Some(shape) = expected else {
            let e = sum.unwrap_err();
            prop_assert_eq!(e.kind(), ErrorKind::Shape);
            prop_assert_eq!(e.to_string(), format!("add: shapes cannot be broadcast together: lhs {a:?}, rhs {b:?}"));
            let refused = [x.lt(&y), Tensor::where_cond(&x.ge(0i64).unwrap(), &x, &y), x.add_(&y), x.copy_(&y), x.clamp(&x, &y)];
            for e in refused {
                prop_assert_eq!(e.unwrap_err().kind(), ErrorKind::Shape);
            }
            return Ok(());
        };
        let sum = sum.unwrap();
        let cells = indices(&shape);
        let values: Vec<i64> = cells.iter().map(|i| source(&a, i) as i64 + 1000 * source(&b, i) as i64).collect();
        prop_assert_eq!(sum.shape(), &shape[..]);
        prop_assert_eq!(sum.to_vec::<i64>().unwrap(), &values[..]);
        let less: Vec<bool> = cells.iter().map(|i| (source(&a, i) as i64) < 1000 * source(&b, i) as i64).collect();
        prop_assert_eq!(x.lt(&y).unwrap().to_vec::<bool>().unwrap(), less);
        // The shape of one is enough for a view of the other.
        prop_assert_eq!(x.broadcast_to(&shape).unwrap().to_vec::<i64>().unwrap(),
            cells.iter().map(|i| source(&a, i) as i64).collect::<Vec<_>>());

        // In place the target must have the shape already.
        let target = x.copy().unwrap();
        match target.add_(&y) {
            Ok(_) => {
                prop_assert_eq!(&a, &shape);
                prop_assert_eq!(target.to_vec::<i64>().unwrap(), values);
            }
            Err(e) => {
                prop_assert_ne!(&a, &shape);
                prop_assert_eq!(e.to_string(), format!(
                    "add_: an in-place op cannot change the shape of its target: target {a:?}, result {shape:?}"));
                prop_assert_eq!(target.to_vec::<i64>().unwrap(), x.to_vec::<i64>().unwrap());
            }
        }
    }

    /// The gradient of an operand is summed over what broadcasting repeated.
    #[test]
    fn gradients_are_summed_over_repeated_elements((a, b) in shapes()) {
        let Some(shape) = joined(&a, &b) else { return Ok(()) };
        let float = |t: Tensor| t.to_dtype(DType::F64).unwrap().copy().unwrap().requires_grad_(true).unwrap();
        let (x, y) = (float(iota(&a)), float(iota(&b)));
        (&x * &y).unwrap().backward_with(Some(&iota(&shape)), Default::default()).unwrap();
        let (mut gx, mut gy) = (vec![0.0; x.numel()], vec![0.0; y.numel()]);
        for (k, i) in indices(&shape).iter().enumerate() {
            let (at_x, at_y) = (source(&a, i), source(&b, i));
            gx[at_x] += (k * at_y) as f64;
            gy[at_y] += (k * at_x) as f64;
        }
        prop_assert_eq!(x.grad().unwrap().to_vec::<f64>().unwrap(), gx);
        prop_assert_eq!(y.grad().unwrap().to_vec::<f64>().unwrap(), gy);
    }
}

// ---- promotion -------------------------------------------------------------------------------------

/// A letter per dtype, in the order of `DType::ALL`.
const LETTERS: &str = "bu1248hBfd";

fn letter(dtype: DType) -> char {
    let i = DType::ALL.iter().position(|&d| d == dtype).unwrap();
    LETTERS.as_bytes()[i] as char
}

type Table = [&'static str; 10];

const BOTH: Table = [
    "bu1248hBfd",
    "uu2248hBfd",
    "121248hBfd",
    "222248hBfd",
    "444448hBfd",
    "888888hBfd",
    "hhhhhhhffd",
    "BBBBBBfBfd",
    "fffffffffd",
    "dddddddddd",
];
/// A tensor with dimensions on the left, one without on the right.
const RIGHT_0D: Table = [
    "bu1248hBfd",
    "uuuuuuhBfd",
    "111111hBfd",
    "222222hBfd",
    "444444hBfd",
    "888888hBfd",
    "hhhhhhhhhh",
    "BBBBBBBBBB",
    "ffffffffff",
    "dddddddddd",
];

/// What `f` gives for every pair of dtypes.
fn table(a: &[usize], b: &[usize], f: impl Fn(&Tensor, &Tensor) -> Result<Tensor>) -> Vec<String> {
    let of = |x: DType, y: DType| {
        let (x, y) = (Tensor::ones(a, x).unwrap(), Tensor::ones(b, y).unwrap());
        letter(f(&x, &y).unwrap().dtype())
    };
    DType::ALL.iter().map(|&x| DType::ALL.iter().map(|&y| of(x, y)).collect()).collect()
}

fn transposed(table: &[&str]) -> Vec<String> {
    (0..10).map(|j| table.iter().map(|row| row.as_bytes()[j] as char).collect()).collect()
}

#[test]
fn pairs_of_tensors_promote_by_pytorchs_table() {
    let condition = Tensor::ones(&[2], DType::Bool).unwrap();
    type Op = fn(&Tensor, &Tensor) -> Result<Tensor>;
    let ops: [Op; 4] = [|a, b| a.add(b), |a, b| a.mul(b), |a, b| a.maximum(b), |a, b| a.fmin(b)];
    for op in ops {
        assert_eq!(table(&[2], &[2], op), BOTH);
        assert_eq!(table(&[], &[], op), BOTH);
        assert_eq!(table(&[2], &[], op), RIGHT_0D);
        assert_eq!(table(&[], &[2], op), transposed(&RIGHT_0D));
        // A dimension of size 0 or 1 is a dimension.
        assert_eq!(table(&[0], &[1], op), BOTH);
        assert_eq!(table(&[1], &[], op), RIGHT_0D);
    }
    let choose = |a: &Tensor, b: &Tensor| Tensor::where_cond(&condition, a, b);
    assert_eq!(table(&[2], &[2], choose), BOTH);
    assert_eq!(table(&[], &[], choose), BOTH);
    assert_eq!(table(&[2], &[], choose), RIGHT_0D);
    assert_eq!(table(&[], &[2], choose), transposed(&RIGHT_0D));
    assert_eq!(table(&[2], &[2], |a, b| Tensor::cat(&[a, b], 0)), BOTH);
    // Comparisons give bool, quotients a float at least.
    assert!(table(&[2], &[2], |a, b| a.eq(b)).iter().all(|row| row == "bbbbbbbbbb"));
    let quotients = table(&[2], &[2], |a, b| a.div(b));
    for (i, row) in quotients.iter().enumerate() {
        let expected: String = BOTH[i].chars().map(|c| if "hBfd".contains(c) { c } else { 'f' }).collect();
        assert_eq!(*row, expected);
    }
}

#[test]
fn numbers_promote_by_their_category() {
    let number = |s: Scalar| -> [String; 3] {
        let of = |shape: &[usize], f: &dyn Fn(&Tensor) -> Result<Tensor>| {
            DType::ALL.iter().map(|&d| letter(f(&Tensor::ones(shape, d).unwrap()).unwrap().dtype())).collect()
        };
        let condition = Tensor::ones(&[2], DType::Bool).unwrap();
        [of(&[2], &|t| t.mul(s)), of(&[], &|t| t.add(s)), of(&[2], &|t| Tensor::where_cond(&condition, s, t))]
    };
    assert_eq!(number(Scalar::Bool(true)), ["bu1248hBfd"; 3]);
    assert_eq!(number(Scalar::Int(1)), ["8u1248hBfd"; 3]);
    assert_eq!(number(Scalar::Float(1.5)), ["ffffffhBfd"; 3]);
    let condition = Tensor::ones(&[1], DType::Bool).unwrap();
    let of = |a: Scalar, b: Scalar| Tensor::where_cond(&condition, a, b).unwrap().dtype();
    assert_eq!(of(Scalar::Float(1.5), Scalar::Int(2)), DType::F32);
    assert_eq!(of(Scalar::Int(1), Scalar::Int(2)), DType::I64);
    assert_eq!(of(Scalar::Bool(true), Scalar::Bool(false)), DType::Bool);
    // Every Rust number goes by its category, not by its width.
    let t = Tensor::ones(&[2], DType::I8).unwrap();
    for y in [t.add(3u8), t.add(3i16), t.add(3i32), t.add(3i64), t.add(true)] {
        assert_eq!(y.unwrap().dtype(), DType::I8);
    }
    for y in [t.add(1.0f32), t.add(1.0f64), t.add(rusttorch::f16::ONE), t.add(rusttorch::bf16::ONE)] {
        assert_eq!(y.unwrap().dtype(), DType::F32);
    }
}

#[test]
fn comparisons_are_made_in_the_promoted_dtype() {
    let i = |v: i64| Tensor::from_slice(&[v], &[1]).unwrap();
    let f = |v: f64, d: DType| Tensor::from_slice(&[v], &[1]).unwrap().to_dtype(d).unwrap();
    let equal = |a: &Tensor, b: &Tensor| a.eq(b).unwrap().to_vec::<bool>().unwrap()[0];
    assert!(equal(&i((1 << 24) + 1), &f(16777216.0, DType::F32)));
    assert!(equal(&i((1 << 53) + 1), &f(9007199254740992.0, DType::F64)));
    assert!(!equal(&f(0.1, DType::F64), &f(0.1, DType::F32)));
    assert!(!equal(&i(200).to_dtype(DType::U8).unwrap(), &i(-56).to_dtype(DType::I8).unwrap()));
    let with = |t: Tensor, s: Scalar| t.eq(s).unwrap().to_vec::<bool>().unwrap()[0];
    assert!(with(f(0.1, DType::F32), Scalar::Float(0.1)));
    assert!(with(i(44).to_dtype(DType::I8).unwrap(), Scalar::Int(300)));
    assert!(!with(i(1), Scalar::Float(1.5)));
    assert!(!with(i(2), Scalar::Bool(true)));
    // In place 0 and 1 are written in the dtype of the target.
    assert_eq!(f(3.0, DType::F64).gt_(&i(2)).unwrap().to_vec::<f64>().unwrap(), [1.0]);
}

// ---- operators -------------------------------------------------------------------------------------

#[test]
fn operators_chain_over_results_and_take_numbers_on_both_sides() {
    let a = Tensor::from_slice(&[7f32, -7.0], &[2]).unwrap();
    let b = Tensor::from_slice(&[2f32, 2.0], &[2]).unwrap();
    let v = |t: Result<Tensor>| t.unwrap().to_vec::<f32>().unwrap();
    assert_eq!(v(&a + &b), [9.0, -5.0]);
    assert_eq!(v(&a - &b * 2.0), [3.0, -11.0]);
    assert_eq!(v(&a * &b / &b - &a), [0.0, 0.0]);
    assert_eq!(v(&a * &b + (&a - &b).unwrap()), [19.0, -23.0]);
    assert_eq!(v(&a % &b), [1.0, 1.0]);
    assert_eq!(v(-&a), [-7.0, 7.0]);
    assert_eq!(v(a.clone() + b.clone()), [9.0, -5.0]);
    assert_eq!(v(a.clone() * 2.0f32), [14.0, -14.0]);
    assert_eq!(v(&a + 1i64), [8.0, -6.0]);
    assert_eq!(v(&a + 1), [8.0, -6.0]);
    assert_eq!(v(1.0 - &a), [-6.0, 8.0]);
    assert_eq!(v(14i64 / &a), [2.0, -2.0]);
    assert_eq!(v(2.0 * a.clone()), [14.0, -14.0]);
    assert_eq!(v(5.0 % &b), [1.0, 1.0]);
    // The first error of a chain is the one that comes out.
    let c = Tensor::zeros(&[3], DType::F32).unwrap();
    let e = (&a * &c + &b - &a).unwrap_err();
    assert_eq!(e.to_string(), "mul: shapes cannot be broadcast together: lhs [2], rhs [3]");
    assert_eq!((&a + &b * &c).unwrap_err().op(), "mul");
    // Nothing is consumed or changed by reference.
    assert_eq!(a.to_vec::<f32>().unwrap(), [7.0, -7.0]);
}

#[test]
fn a_number_on_the_left_promotes_as_on_the_right() {
    let t = Tensor::from_slice(&[1i8, 2], &[2]).unwrap();
    let v = |t: Result<Tensor>| t.unwrap().to_vec::<i8>().unwrap();
    // Recorded: integers wrap to the tensor's dtype on either side.
    assert_eq!(v(300i64 * &t), [44, 88]);
    assert_eq!(v(&t * 300i64), [44, 88]);
    assert_eq!(v(300i64 - &t), [43, 42]);
    assert_eq!(v(7i64 % &t), [0, 1]);
    assert_eq!((2.5 * &t).unwrap().to_vec::<f32>().unwrap(), [2.5, 5.0]);
    assert_eq!((1i64 / &t).unwrap().to_vec::<f32>().unwrap(), [1.0, 0.5]);
    for d in DType::ALL {
        for shape in [&[2][..], &[]] {
            let t = Tensor::ones(shape, d).unwrap();
            assert_eq!((2.5 * &t).unwrap().dtype(), (&t * 2.5).unwrap().dtype());
            assert_eq!((2i64 + &t).unwrap().dtype(), (&t + 2i64).unwrap().dtype());
        }
    }
    let x = Tensor::from_slice(&[3.0, 4.0], &[2]).unwrap().requires_grad_(true).unwrap();
    (12.0 / &x).unwrap().sum().unwrap().backward().unwrap();
    assert_eq!(x.grad().unwrap().to_vec::<f64>().unwrap(), [-12.0 / 9.0, -0.75]);
}

/// PyTorch 2.15: a product, quotient or floor quotient of a half tensor takes the number as f32, a sum
/// rounds it to the half type first.
#[test]
fn numbers_beside_half_tensors() {
    let half = |v: &Tensor| v.to_dtype(DType::F16).unwrap().to_f64_vec().unwrap();
    let wide = Tensor::arange(-5.0, 5.0, 0.0625, DType::F32).unwrap();
    let x = wide.to_dtype(DType::F16).unwrap();
    let tenth = Tensor::scalar(0.1f32).unwrap();
    let rounded = tenth.to_dtype(DType::F16).unwrap().to_dtype(DType::F32).unwrap();
    assert_eq!(half(&x.mul(0.1).unwrap()), half(&wide.mul(&tenth).unwrap()));
    assert_ne!(half(&x.mul(0.1).unwrap()), half(&wide.mul(&rounded).unwrap()));
    assert_eq!(half(&x.mul(&tenth).unwrap()), half(&wide.mul(&tenth).unwrap()));
    assert_eq!(half(&(0.1 * &x).unwrap()), half(&wide.mul(&tenth).unwrap()));
    assert_eq!(half(&x.div(0.1).unwrap()), half(&wide.div(&tenth).unwrap()));
    assert_eq!(half(&x.floor_divide(0.1).unwrap()), half(&wide.floor_divide(&tenth).unwrap()));
    assert_eq!(half(&x.add(0.1).unwrap()), half(&wide.add(&rounded).unwrap()));
    assert_eq!(half(&x.copy().unwrap().mul_(0.1).unwrap()), half(&wide.mul(&tenth).unwrap()));
    assert_eq!(x.mul(0.1).unwrap().dtype(), DType::F16);
}
