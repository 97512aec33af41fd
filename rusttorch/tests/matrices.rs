//! Matrix products and what goes with them, against explicit sums.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use proptest::prelude::*;
use rusttorch::autograd::{gradcheck, gradgradcheck};
use rusttorch::{DType, ErrorKind, Result, Tensor};

fn tensor(values: &[f64], shape: &[usize]) -> Tensor {
    Tensor::from_slice(values, shape).unwrap()
}

/// Small whole numbers, so that sums of products are exact.
fn whole(shape: &[usize], seed: usize) -> Tensor {
    let n: usize = shape.iter().product();
    let values: Vec<f64> = (0..n).map(|i| ((i * 7 + seed * 3 + 1) % 11) as f64 - 5.0).collect();
    tensor(&values, shape)
}

fn rough(shape: &[usize], seed: usize) -> Tensor {
    let n: usize = shape.iter().product();
    let values: Vec<f64> = (0..n).map(|i| (1.0 + 2.3 * i as f64 + seed as f64).sin() * 1.5).collect();
    tensor(&values, shape)
}

fn same(a: &Tensor, b: &Tensor) {
    assert_eq!(a.shape(), b.shape());
    assert_eq!(a.dtype(), b.dtype());
    assert_eq!(a.to_f64_vec().unwrap(), b.to_f64_vec().unwrap());
}

fn both(name: &str, f: &dyn Fn(&[Tensor]) -> Result<Tensor>, inputs: &[Tensor]) {
    gradcheck(f, inputs).unwrap_or_else(|e| panic!("{name}: {e}"));
    gradgradcheck(f, inputs).unwrap_or_else(|e| panic!("{name}, second derivative: {e}"));
}

fn kind<T>(found: Result<T>) -> ErrorKind {
    found.err().expect("an error").kind()
}

// ---- einsum against the sum that the equation says -------------------------------------------------

/// The sum over all indices, one by one.
fn explicit(inputs: &[Vec<char>], output: &[char], operands: &[Tensor]) -> (Vec<usize>, Vec<f64>) {
    let mut sizes: BTreeMap<char, usize> = BTreeMap::new();
    for (labels, t) in inputs.iter().zip(operands) {
        for (&l, &n) in labels.iter().zip(t.shape()) {
            let size = sizes.entry(l).or_insert(1);
            *size = (*size).max(n);
        }
    }
    // A size of 0 wins over 1.
    for (labels, t) in inputs.iter().zip(operands) {
        for (&l, &n) in labels.iter().zip(t.shape()) {
            if n == 0 {
                sizes.insert(l, 0);
            }
        }
    }
    let names: Vec<char> = sizes.keys().copied().collect();
    let mut index = vec![0usize; names.len()];
    let shape: Vec<usize> = output.iter().map(|l| sizes[l]).collect();
    let mut out = vec![0.0; shape.iter().product()];
    let data: Vec<Vec<f64>> = operands.iter().map(|t| t.to_f64_vec().unwrap()).collect();
    let total: usize = sizes.values().product();
    for mut flat in 0..total {
        for (i, name) in index.iter_mut().zip(&names).rev() {
            *i = flat % sizes[name];
            flat /= sizes[name];
        }
        let at = |labels: &[char], shape: &[usize]| {
            labels.iter().zip(shape).fold(0, |f, (l, &n)| {
                let i = index[names.iter().position(|x| x == l).unwrap()];
                f * n + if n == 1 { 0 } else { i }
            })
        };
        let product: f64 =
            inputs.iter().zip(operands).zip(&data).map(|((l, t), d)| d[at(l, t.shape())]).product();
        out[at(output, &shape)] += product;
    }
    (shape, out)
}

const SIZES: [(char, usize); 5] = [('a', 2), ('b', 3), ('c', 1), ('D', 2), ('e', 0)];

fn equations() -> impl Strategy<Value = (Vec<Vec<usize>>, Vec<bool>, Vec<bool>, bool)> {
    let operand = prop::collection::vec(0usize..24, 0..4);
    (
        prop::collection::vec(operand, 1..4),
        prop::collection::vec(any::<bool>(), 5),
        prop::collection::vec(any::<bool>(), 16),
        any::<bool>(),
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn einsum_is_its_sum((raw, keep, stretch, explicit_output) in equations()) {
        // The empty dimension comes up seldom, so that most results have elements.
        let letter = |i: usize| SIZES[if i == 23 { 4 } else { i % 4 }];
        let mut inputs: Vec<Vec<char>> = Vec::new();
        let mut operands = Vec::new();
        let mut flips = stretch.iter().cycle();
        for (o, labels) in raw.iter().enumerate() {
            let labels: Vec<(char, usize)> = labels.iter().map(|&i| letter(i)).collect();
            let mut shape: Vec<usize> = Vec::new();
            for (k, &(l, n)) in labels.iter().enumerate() {
                // A size of 1 stands for any, but for a repeated letter of one operand.
                let before = labels[..k].iter().position(|x| x.0 == l);
                let repeats = labels.iter().filter(|x| x.0 == l).count() > 1;
                let one = *flips.next().unwrap() && !repeats;
                shape.push(before.map_or(if one { 1 } else { n }, |b| shape[b]));
            }
            inputs.push(labels.iter().map(|x| x.0).collect());
            operands.push(whole(&shape, o));
        }
        let mut names: Vec<char> = inputs.iter().flatten().copied().collect();
        let count = |l: char| inputs.iter().flatten().filter(|&&x| x == l).count();
        let implicit: Vec<char> = {
            let mut once: Vec<char> = names.iter().copied().filter(|&l| count(l) == 1).collect();
            once.sort_unstable();
            once
        };
        names.sort_unstable();
        names.dedup();
        let mut output: Vec<char> = names.iter().zip(&keep).filter(|(_, k)| **k).map(|(l, _)| *l).collect();
        output.reverse();
        let output = if explicit_output { output } else { implicit };
        let text: Vec<String> = inputs.iter().map(|l| l.iter().collect()).collect();
        let mut equation = text.join(" ,");
        if explicit_output {
            equation += "->";
            equation.extend(&output);
        }
        let refs: Vec<&Tensor> = operands.iter().collect();
        let found = Tensor::einsum(&equation, &refs).unwrap();
        let (shape, values) = explicit(&inputs, &output, &operands);
        prop_assert_eq!(found.shape(), &shape[..], "{}", equation);
        prop_assert_eq!(found.to_f64_vec().unwrap(), values, "{}", equation);
    }

    #[test]
    fn tensordot_is_an_einsum(a in prop::collection::vec(1usize..4, 2..4), n in 0usize..3) {
        let b: Vec<usize> = a[a.len() - n..].iter().copied().chain([2]).collect();
        let (x, y) = (whole(&a, 1), whole(&b, 2));
        let dims: Vec<isize> = (a.len() - n..a.len()).map(|d| d as isize).collect();
        let found = x.tensordot(&y, n as isize).unwrap();
        same(&found, &x.tensordot_dims(&y, &dims, (0..n as isize).collect::<Vec<_>>()).unwrap());
        let (_, values) = {
            let left: Vec<char> = ('a'..).take(a.len()).collect();
            let right: Vec<char> = left[a.len() - n..].iter().copied().chain(['z']).collect();
            let out: Vec<char> = left[..a.len() - n].iter().copied().chain(['z']).collect();
            explicit(&[left, right], &out, &[x, y])
        };
        prop_assert_eq!(found.to_f64_vec().unwrap(), values);
    }

    #[test]
    fn every_way_to_multiply_is_one(
        (batch, m, k, n) in (1usize..4, 0usize..4, 0usize..5, 1usize..4),
        transposed in any::<bool>(),
    ) {
        let a = if transposed { whole(&[batch, k, m], 1).mt().unwrap() } else { whole(&[batch, m, k], 1) };
        let b = whole(&[batch, k, n], 2);
        let all = a.bmm(&b).unwrap();
        same(&all, &a.matmul(&b).unwrap());
        same(&all, &Tensor::einsum("bik,bkj->bij", &[&a, &b]).unwrap());
        for i in 0..batch as isize {
            let (x, y) = (a.select(0, i).unwrap(), b.select(0, i).unwrap());
            same(&all.select(0, i).unwrap(), &x.mm(&y).unwrap());
            same(&x.mm(&y).unwrap().select(1, 0).unwrap(), &x.mv(&y.select(1, 0).unwrap()).unwrap());
            same(&x.inner(&y.t().unwrap()).unwrap(), &x.mm(&y).unwrap());
            if m > 0 {
                let (row, column) = (x.select(0, 0).unwrap(), y.select(1, 0).unwrap());
                same(&row.dot(&column).unwrap(), &row.vecdot(&column, 0).unwrap());
            }
        }
        // One matrix for all.
        let one = b.select(0, 0).unwrap();
        let spread = one.unsqueeze(0).unwrap().expand([batch as isize, -1, -1]).unwrap();
        same(&a.matmul(&one).unwrap(), &a.bmm(&spread).unwrap());
        let c = whole(&[m, n], 3);
        let sum = all.sum_dim(0, false).unwrap();
        let expected = c.mul(3.0).unwrap().add(&sum.mul(-2.0).unwrap()).unwrap();
        same(&c.addbmm(&a, &b, 3, -2).unwrap(), &expected);
        let expected = c.mul(0.5).unwrap().add(&all).unwrap();
        same(&c.baddbmm(&a, &b, 0.5, 1).unwrap(), &expected);
    }

    #[test]
    fn triangles((rows, columns) in (0usize..4, 0usize..5), diagonal in -5i64..6) {
        let x = whole(&[2, rows, columns], 1).add(20.0).unwrap();
        let (low, high) = (x.tril(diagonal).unwrap(), x.triu(diagonal + 1).unwrap());
        same(&low.add(&high).unwrap(), &x);
        let at = |t: &Tensor, i: isize, j: isize| {
            t.select(0, 1).unwrap().select(0, i).unwrap().select(0, j).unwrap().item_f64().unwrap()
        };
        for i in 0..rows as isize {
            for j in 0..columns as isize {
                prop_assert_eq!(at(&low, i, j) == 0.0, (j - i) as i64 > diagonal);
            }
        }
        let copy = x.copy().unwrap();
        same(&copy.tril_(diagonal).unwrap(), &low);
        let matrix = x.select(0, 0).unwrap();
        let k = diagonal as isize;
        same(&matrix.diag(k).unwrap(), &matrix.diagonal(k, 0, 1).unwrap());
        let vector = matrix.diag(k).unwrap();
        let square = vector.diag(k).unwrap();
        same(&square.diag(k).unwrap(), &vector);
        same(&square, &vector.diag_embed(k, -2, -1).unwrap());
        same(&square, &vector.diagflat(k).unwrap());
        prop_assert_eq!(square.sum().unwrap().item_f64().unwrap(), vector.sum().unwrap().item_f64().unwrap());
        same(&matrix.trace().unwrap(), &matrix.diag(0).unwrap().sum().unwrap());
    }

    #[test]
    fn distances((batch, m, n, k) in (1usize..3, 0usize..4, 0usize..4, 0usize..4), p in 0usize..7) {
        let p = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, f64::INFINITY][p];
        let (x, y) = (whole(&[batch, m, k], 1), whole(&[n, k], 4));
        let found = x.cdist(&y, p).unwrap();
        prop_assert_eq!(found.shape(), &[batch, m, n]);
        let (a, b) = (x.to_f64_vec().unwrap(), y.to_f64_vec().unwrap());
        let found = found.to_f64_vec().unwrap();
        for i in 0..batch * m {
            for j in 0..n {
                let d = (0..k).map(|c| (a[i * k + c] - b[j * k + c]).abs());
                let expected = match p {
                    0.0 => d.filter(|&d| d != 0.0).count() as f64,
                    f64::INFINITY => d.fold(0.0, f64::max),
                    p => d.map(|d| d.powf(p)).sum::<f64>().powf(1.0 / p),
                };
                let got = found[i * n + j];
                prop_assert!((got - expected).abs() <= 1e-12 * (1.0 + expected), "{} {}", got, expected);
            }
        }
    }

    #[test]
    fn powers((n, power) in (0usize..4, 0i64..9)) {
        let x = whole(&[2, n, n], 1);
        let mut expected = Tensor::eye(n, DType::F64).unwrap().expand([2, -1, -1]).unwrap();
        for _ in 0..power {
            expected = expected.bmm(&x).unwrap();
        }
        same(&x.matrix_power(power).unwrap(), &expected);
    }
}

// ---- other values ---------------------------------------------------------------------------------

#[test]
fn a_large_set_of_distances_is_taken_in_blocks() {
    let (x, y) = (rough(&[2, 700, 7], 1), rough(&[2, 900, 7], 2));
    let leaf = x.copy().unwrap().requires_grad_(true).unwrap();
    let all = leaf.cdist(&y, 2.0).unwrap();
    all.square().unwrap().sum().unwrap().backward().unwrap();
    let few = x.narrow(1, 650, 3).unwrap().copy().unwrap().requires_grad_(true).unwrap();
    let part = few.cdist(&y, 2.0).unwrap();
    same(&all.detach().narrow(1, 650, 3).unwrap(), &part.detach());
    part.square().unwrap().sum().unwrap().backward().unwrap();
    same(&leaf.grad().unwrap().narrow(1, 650, 3).unwrap(), &few.grad().unwrap());
}

#[test]
fn an_outer_product_of_all_sizes_is_never_made() {
    // 64^4 elements would be 128 MiB, 64^6 beyond memory.
    let x = rough(&[64, 64], 1);
    let found = Tensor::einsum("ab,bc,cd,de,ef,fg->ag", &[&x, &x, &x, &x, &x, &x]).unwrap();
    let expected = x.matrix_power(6).unwrap();
    let off = found.sub(&expected).unwrap().abs().unwrap().max().unwrap().item_f64().unwrap();
    let size = expected.abs().unwrap().max().unwrap().item_f64().unwrap();
    assert!(off <= 1e-10 * size, "{off} of {size}");
}

#[test]
fn kron_is_made_of_blocks() {
    let (a, b) = (whole(&[2, 3], 1), whole(&[3, 2], 2));
    let k = a.kron(&b).unwrap();
    assert_eq!(k.shape(), [6, 6]);
    for i in 0..2 {
        for j in 0..3 {
            let block = k.narrow(0, i * 3, 3).unwrap().narrow(1, j * 2, 2).unwrap();
            let factor = a.select(0, i).unwrap().select(0, j).unwrap();
            same(&block, &b.mul(&factor).unwrap());
        }
    }
    let c = whole(&[2], 3);
    assert_eq!(c.kron(&a).unwrap().shape(), [2, 6]);
    assert_eq!(Tensor::scalar(2.0f32).unwrap().kron(&a).unwrap().dtype(), DType::F64);
}

#[test]
fn cross_is_orthogonal_and_finds_its_dimension() {
    let (a, b) = (whole(&[3, 4, 3], 1), whole(&[1, 4, 3], 2));
    let c = a.cross(&b, Some(-1)).unwrap();
    let zero = Tensor::zeros(&[3, 4], DType::F64).unwrap();
    same(&a.vecdot(&c, -1).unwrap(), &zero);
    same(&b.vecdot(&c, -1).unwrap(), &zero);
    same(&a.cross(&a.flip([1]).unwrap(), None).unwrap(), &a.cross(&a.flip([1]).unwrap(), Some(0)).unwrap());
    let unit = |i: usize| Tensor::eye(3, DType::I32).unwrap().select(0, i as isize).unwrap();
    same(&unit(0).cross(&unit(1), None).unwrap(), &unit(2));
    same(&unit(1).cross(&unit(2), None).unwrap(), &unit(0));
    same(&unit(2).cross(&unit(0), None).unwrap(), &unit(1));
}

#[test]
fn zero_factors_hide_what_is_not_a_number() {
    let nan = Tensor::full(&[2, 2], f64::NAN, DType::F64).unwrap();
    let (a, b) = (whole(&[2, 3], 1), whole(&[3, 2], 2));
    same(&nan.addmm(&a, &b, 0, 1).unwrap(), &a.mm(&b).unwrap());
    same(&a.mm(&b).unwrap().addmm(&nan, &nan, 1, 0).unwrap(), &a.mm(&b).unwrap());
    same(
        &nan.addr(&tensor(&[1.0, 2.0], &[2]), &tensor(&[3.0, 4.0], &[2]), 0, 1).unwrap(),
        &tensor(&[3.0, 4.0, 6.0, 8.0], &[2, 2]),
    );
    let result = a.mm(&b).unwrap().addmm(&nan, &nan, 1, 0).unwrap();
    result.fill_(0.0).unwrap();
    // K = 0 leaves the tensor alone.
    let (a, b) = (Tensor::zeros(&[2, 0], DType::F64).unwrap(), Tensor::zeros(&[0, 2], DType::F64).unwrap());
    let c = whole(&[2], 1);
    same(&c.addmm(&a, &b, 2, 1).unwrap(), &c.mul(2.0).unwrap().expand([2, 2]).unwrap());
}

#[test]
fn half_sums_are_rounded_once() {
    for (dtype, big) in [(DType::F16, 2048.0f32), (DType::BF16, 256.0)] {
        let half = |v: &[f32], s: &[usize]| Tensor::from_slice(v, s).unwrap().to_dtype(dtype).unwrap();
        // big + 1 is no half, 1 is.
        let (a, b, c) = (half(&[big, 1.0], &[1, 2]), half(&[1.0, 1.0], &[2, 1]), half(&[-big], &[1]));
        assert_eq!(c.addmm(&a, &b, 1, 1).unwrap().item_f64().unwrap(), 1.0);
        assert_eq!(c.addmv(&a, &b.squeeze(1).unwrap(), 1, 1).unwrap().item_f64().unwrap(), 1.0);
        let batch = |t: &Tensor| t.unsqueeze(0).unwrap();
        assert_eq!(c.baddbmm(&batch(&a), &batch(&b), 0.5, 0.5).unwrap().item_f64().unwrap(), 0.5);
        assert_eq!(c.addbmm(&batch(&a), &batch(&b), 1, 1).unwrap().item_f64().unwrap(), 1.0);
    }
}

#[test]
fn integers_keep_or_widen_their_dtype_as_in_pytorch() {
    let x = |v: &[i8], s: &[usize]| Tensor::from_slice(v, s).unwrap();
    let (a, b) = (x(&[60, 120, -76, -16], &[2, 2]), x(&[1, 2, 3, 4], &[2, 2]));
    assert_eq!(
        Tensor::einsum("i,i->", &[&x(&[100, -56], &[2]), &x(&[1, 2], &[2])]).unwrap().to_vec::<i8>().unwrap(),
        [-12]
    );
    assert_eq!(Tensor::einsum("ij,ik->i", &[&a, &b]).unwrap().to_vec::<i64>().unwrap(), [540, -644]);
    assert_eq!(Tensor::einsum("ii", &[&a]).unwrap().dtype(), DType::I64);
    assert_eq!(
        Tensor::einsum("ij,ij->", &[&x(&[2], &[1, 1]), &x(&[3], &[1, 1])]).unwrap().dtype(),
        DType::I8
    );
    assert_eq!(a.trace().unwrap().to_vec::<i64>().unwrap(), [44]);
    // Factors are cut; a size of 1 is stretched in the dtype itself.
    let sum = b.addmm(&b, &b, 1.5, 2.5).unwrap();
    assert_eq!(sum.to_vec::<i8>().unwrap(), [15, 22, 33, 48]);
    let (left, right) = (x(&[50, 100], &[2, 1]), x(&[60, 120, -76, -16, 44, 104], &[3, 2]));
    assert_eq!(left.tensordot(&right, 1).unwrap().to_vec::<i8>().unwrap(), [120, -96, -16, 64]);
    let truth = Tensor::from_slice(&[true, false], &[2]).unwrap();
    assert_eq!(truth.outer(&truth).unwrap().to_vec::<bool>().unwrap(), [true, false, false, false]);
    let or = truth.unsqueeze(0).unwrap().addr(&truth, &truth, true, true).unwrap();
    assert_eq!(or.to_vec::<bool>().unwrap(), [true, false, true, false]);
}

#[test]
fn in_place_forms() {
    let (a, b) = (whole(&[2, 3], 1), whole(&[3, 2], 2));
    let c = whole(&[2, 2], 3);
    let expected = c.addmm(&a, &b, 2, -1).unwrap();
    let out = c.addmm_(&a, &b, 2, -1).unwrap();
    assert!(out.is_same(&c));
    same(&c, &expected);
    assert_eq!(kind(whole(&[2], 1).addmm_(&a, &b, 1, 1)), ErrorKind::Shape);
    assert_eq!(
        kind(Tensor::zeros(&[2, 2], DType::I32).unwrap().addr_(&whole(&[2], 1), &whole(&[2], 1), 1, 1)),
        ErrorKind::DType
    );
    // A product with the target itself.
    let square = whole(&[2, 2], 1);
    let expected = square.addmm(&square, &square, 1, 1).unwrap();
    square.addmm_(&square, &square, 1, 1).unwrap();
    same(&square, &expected);
}

#[test]
fn one_operand_of_einsum_stays_a_view() {
    let x = whole(&[2, 3, 3], 1);
    let diagonal = Tensor::einsum("bii->ib", &[&x]).unwrap();
    assert!(diagonal.shares_storage(&x));
    let other = Tensor::einsum("...a->a...", &[&x]).unwrap();
    assert_eq!(other.shape(), [3, 2, 3]);
    diagonal.fill_(0.0).unwrap();
    assert_eq!(x.select(0, 1).unwrap().trace().unwrap().item_f64().unwrap(), 0.0);
}

#[test]
fn names_of_the_graph() {
    let x = |shape: &[usize]| rough(shape, 1).requires_grad_(true).unwrap();
    let name = |t: Result<Tensor>| t.unwrap().grad_fn().unwrap();
    assert_eq!(name(x(&[2, 2]).matmul(&x(&[2, 2]))), "MmBackward0");
    assert_eq!(name(x(&[2, 2]).matmul(&x(&[2]))), "MvBackward0");
    assert_eq!(name(x(&[2]).matmul(&x(&[2]))), "DotBackward0");
    assert_eq!(name(x(&[2, 2, 2]).bmm(&x(&[2, 2, 2]))), "BmmBackward0");
    assert_eq!(name(x(&[2]).vdot(&x(&[2]))), "VdotBackward0");
    assert_eq!(name(x(&[2]).addmm(&x(&[2, 2]), &x(&[2, 2]), 1, 1)), "AddmmBackward0");
    assert_eq!(name(x(&[2]).addr(&x(&[2]), &x(&[2]), 1, 1)), "AddrBackward0");
    assert_eq!(name(x(&[2, 2]).tril(0)), "TrilBackward0");
    assert_eq!(name(x(&[2]).diagflat(0)), "DiagEmbedBackward0");
    assert_eq!(name(x(&[2, 2]).trace()), "TraceBackward0");
    assert_eq!(name(x(&[3]).cross(&x(&[3]), None)), "LinalgCrossBackward0");
}

// ---- gradients ------------------------------------------------------------------------------------

#[test]
fn gradients_of_products() {
    let (a, b) = (rough(&[2, 3], 1), rough(&[3, 4], 2));
    both("mm", &|t| t[0].mm(&t[1]), &[a.clone(), b]);
    both("mv", &|t| t[0].mv(&t[1]), &[a.clone(), rough(&[3], 2)]);
    both("dot", &|t| t[0].dot(&t[1]), &[rough(&[3], 1), rough(&[3], 2)]);
    both("bmm", &|t| t[0].bmm(&t[1]), &[rough(&[2, 2, 3], 1), rough(&[2, 3, 2], 2)]);
    both("matmul of all rows", &|t| t[0].matmul(&t[1]), &[rough(&[2, 2, 3], 1), rough(&[3, 2], 2)]);
    both("matmul of all columns", &|t| t[0].matmul(&t[1]), &[rough(&[2, 3], 1), rough(&[2, 3, 2], 2)]);
    both("matmul of a batch by a vector", &|t| t[0].matmul(&t[1]), &[rough(&[2, 2, 3], 1), rough(&[3], 2)]);
    both("outer", &|t| t[0].outer(&t[1]), &[rough(&[2], 1), rough(&[3], 2)]);
    both("inner", &|t| t[0].inner(&t[1]), &[a.clone(), rough(&[2, 3], 2)]);
    both("tensordot", &|t| t[0].tensordot_dims(&t[1], [0, -1], [2, 1]), &[a.clone(), rough(&[2, 3, 2], 2)]);
    both("tensordot, stretched", &|t| t[0].tensordot(&t[1], 1), &[rough(&[2, 1], 1), rough(&[3, 2], 2)]);
    both("kron", &|t| t[0].kron(&t[1]), &[a.clone(), rough(&[2], 2)]);
    both("vecdot", &|t| t[0].vecdot(&t[1], 0), &[a.clone(), rough(&[2, 1], 2)]);
    both("cross", &|t| t[0].cross(&t[1], Some(-1)), &[a.clone(), rough(&[1, 3], 2)]);
    both("matrix_power", &|t| t[0].matrix_power(5), &[rough(&[2, 2], 1)]);
    both("multi_dot", &|t| Tensor::multi_dot(&[&t[0], &t[1], &t[2]]), &[rough(&[2], 1), a, rough(&[3], 2)]);
}

#[test]
fn gradients_of_added_products() {
    let c = rough(&[2], 3);
    let mats = [c.clone(), rough(&[2, 3], 1), rough(&[3, 2], 2)];
    both("addmm", &|t| t[0].addmm(&t[1], &t[2], 0.7, -1.3), &mats);
    both("addmv", &|t| t[0].addmv(&t[1], &t[2], 0.7, -1.3), &[c.clone(), rough(&[2, 3], 1), rough(&[3], 2)]);
    both("addr", &|t| t[0].addr(&t[1], &t[2], 0.7, -1.3), &[c.clone(), rough(&[2], 1), rough(&[2], 2)]);
    let batches = [c, rough(&[2, 2, 3], 1), rough(&[2, 3, 2], 2)];
    both("baddbmm", &|t| t[0].baddbmm(&t[1], &t[2], 0.7, -1.3), &batches);
    both("addbmm", &|t| t[0].addbmm(&t[1], &t[2], 0.7, -1.3), &batches);
    // In place, where the target has a history.
    both(
        "addmm_",
        &|t| t[0].mul(2.0)?.addmm_(&t[1], &t[2], 0.7, -1.3),
        &[rough(&[2, 2], 3), mats[1].clone(), mats[2].clone()],
    );
}

#[test]
fn gradients_of_einsum() {
    let x = [rough(&[2, 3], 1), rough(&[3, 2], 2), rough(&[2, 2, 3], 3)];
    for equation in ["ij,jk,kil->l", "ij,jk,kil", "ij,ba,kil->ia", "ij,jk,kkj->", "...j,jk,l...j->k...l"] {
        both(equation, &|t| Tensor::einsum(equation, &[&t[0], &t[1], &t[2]]), &x);
    }
    both("ii->i", &|t| Tensor::einsum("ii->i", &[&t[0]])?.square(), &[rough(&[3, 3], 1)]);
}

#[test]
fn gradients_of_triangles_and_diagonals() {
    let x = rough(&[2, 3, 3], 1);
    both("tril", &|t| t[0].tril(-1)?.square(), std::slice::from_ref(&x));
    both("triu", &|t| t[0].triu(1)?.square(), std::slice::from_ref(&x));
    both("diag_embed", &|t| t[0].diag_embed(-1, 0, 2)?.square(), std::slice::from_ref(&x));
    both("diag", &|t| t[0].diag(1)?.square(), &[rough(&[2, 3], 1)]);
    both("diagflat", &|t| t[0].diagflat(1)?.square(), &[rough(&[2, 2], 1)]);
    both("trace", &|t| t[0].square()?.trace(), &[rough(&[2, 3], 1)]);
    both("tril_", &|t| t[0].mul(2.0)?.tril_(0)?.square(), std::slice::from_ref(&x));
}

#[test]
fn gradients_of_distances() {
    let pair = [rough(&[2, 3, 2], 1), rough(&[2, 2], 5)];
    for p in [0.5, 1.0, 1.5, 2.0, 3.0, f64::INFINITY] {
        both(&format!("cdist {p}"), &|t| t[0].cdist(&t[1], p)?.square(), &pair);
    }
    // Equal rows have no direction.
    let x = tensor(&[1.0, 2.0, 1.0, 2.0], &[2, 2]).requires_grad_(true).unwrap();
    for p in [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, f64::INFINITY] {
        x.set_grad(None).unwrap();
        x.cdist(&x.detach(), p).unwrap().sum().unwrap().backward().unwrap();
        assert_eq!(x.grad().unwrap().to_vec::<f64>().unwrap(), [0.0; 4], "{p}");
    }
}

// ---- errors ---------------------------------------------------------------------------------------

#[test]
fn refusals() {
    let z = |shape: &[usize]| Tensor::zeros(shape, DType::F32).unwrap();
    let d = |shape: &[usize]| Tensor::zeros(shape, DType::F64).unwrap();
    let t = |shape: &[usize]| Tensor::zeros(shape, DType::Bool).unwrap();
    use ErrorKind::{Argument, DType as Type, Dim, NotImplemented, Shape, Value};
    assert_eq!(kind(z(&[3]).mm(&z(&[3, 2]))), Shape);
    assert_eq!(kind(z(&[2, 3]).mm(&z(&[2, 3]))), Shape);
    assert_eq!(kind(z(&[2, 3]).mm(&d(&[3, 2]))), Type);
    assert_eq!(kind(t(&[2, 3]).mm(&t(&[3, 2]))), NotImplemented);
    assert_eq!(kind(z(&[2, 3]).bmm(&z(&[3, 2]))), Shape);
    assert_eq!(kind(z(&[2, 2, 3]).bmm(&z(&[3, 3, 2]))), Shape);
    assert_eq!(kind(z(&[2, 3]).mv(&z(&[2]))), Shape);
    assert_eq!(kind(z(&[2]).dot(&z(&[3]))), Shape);
    assert_eq!(kind(z(&[2]).vdot(&d(&[2]))), Type);
    assert_eq!(kind(z(&[2, 1]).outer(&z(&[2]))), Shape);
    assert_eq!(kind(z(&[2, 3]).inner(&z(&[2, 2]))), Shape);
    assert_eq!(kind(z(&[2]).tensordot(&z(&[3]), -1)), Shape);
    assert_eq!(kind(z(&[2]).tensordot(&z(&[3]), 2)), Shape);
    assert_eq!(kind(z(&[2, 2]).tensordot_dims(&z(&[2, 2]), [0, 0], [0, 1])), Shape);
    assert_eq!(kind(z(&[2, 3]).tensordot_dims(&z(&[2, 3]), [0], [2])), Dim);
    assert_eq!(kind(z(&[]).tensordot_dims(&z(&[2]), [0], [0])), Dim);
    assert_eq!(kind(z(&[2, 2]).cross(&z(&[2, 2]), None)), Shape);
    assert_eq!(kind(z(&[3]).cross(&z(&[2, 3]), Some(-1))), Shape);
    assert_eq!(kind(z(&[2, 3]).cross(&z(&[2, 3]), Some(0))), Shape);
    assert_eq!(kind(z(&[2, 3]).cross(&z(&[2, 3]), Some(2))), Dim);
    assert_eq!(kind(t(&[3]).cross(&t(&[3]), None)), NotImplemented);
    assert_eq!(kind(z(&[2, 3]).matrix_power(2)), Shape);
    assert_eq!(kind(Tensor::multi_dot(&[&z(&[2, 2])])), Shape);
    assert_eq!(kind(Tensor::multi_dot(&[&z(&[2, 2]), &z(&[2]), &z(&[2, 2])])), Shape);
    assert_eq!(kind(z(&[2, 2]).vecdot(&z(&[2]), 2)), Dim);
    assert_eq!(kind(Tensor::zeros(&[2], DType::I32).unwrap().vecdot(&z(&[2]), 0)), NotImplemented);

    let (a, b) = (z(&[2, 3]), z(&[3, 2]));
    assert_eq!(kind(z(&[3]).addmm(&a, &b, 1, 1)), Shape);
    assert_eq!(kind(z(&[1, 2, 2]).addmm(&a, &b, 1, 1)), Shape);
    assert_eq!(kind(d(&[2, 2]).addmm(&a, &b, 1, 1)), Type);
    assert_eq!(kind(z(&[2, 2]).addbmm(&a, &b, 1, 1)), Dim);
    let whole = |shape: &[usize]| Tensor::zeros(shape, DType::U8).unwrap();
    assert_eq!(kind(whole(&[2, 2]).addmm(&whole(&[2, 2]), &whole(&[2, 2]), 1, 300)), Value);
    assert_eq!(kind(whole(&[2, 2]).addr(&whole(&[2]), &whole(&[2]), 1, 1.5)), Value);
    assert_eq!(kind(z(&[2, 2]).addr(&z(&[2]), &z(&[2]), true, 1)), Value);

    assert_eq!(kind(z(&[3]).tril(0)), Shape);
    assert_eq!(kind(z(&[]).diag(0)), Shape);
    assert_eq!(kind(z(&[2]).diag_embed(0, 0, 0)), Shape);
    assert_eq!(kind(z(&[2]).diag_embed(0, 0, 3)), Dim);
    assert_eq!(kind(z(&[]).diag_embed(0, -2, -1)), Dim);
    assert_eq!(kind(z(&[2]).trace()), Shape);
    assert_eq!(kind(t(&[2, 2]).trace()), NotImplemented);

    assert_eq!(kind(z(&[2, 2]).cdist(&z(&[3, 3]), 2.0)), Shape);
    assert_eq!(kind(z(&[2]).cdist(&z(&[3, 3]), 2.0)), Shape);
    assert_eq!(kind(z(&[2, 2]).cdist(&z(&[3, 2]), -1.0)), Value);
    assert_eq!(kind(z(&[2, 2]).cdist(&d(&[3, 2]), 2.0)), Type);
    assert_eq!(kind(whole(&[2, 2]).cdist(&whole(&[3, 2]), 2.0)), Type);
    let half = z(&[2, 2]).to_dtype(DType::F16).unwrap();
    assert_eq!(kind(half.cdist(&half, 2.0)), NotImplemented);

    let einsum = |equation: &str, operands: &[&Tensor]| kind(Tensor::einsum(equation, operands));
    assert_eq!(einsum("", &[]), Argument);
    assert_eq!(einsum("i,j", &[&z(&[2])]), Value);
    assert_eq!(einsum("i", &[&z(&[2]), &z(&[2])]), Value);
    for wrong in ["i..", "i....", "...i...", "i->i->i", "i1", "i-j", "i->jj", "i->ii", "ij->k", "ij->i."] {
        assert_eq!(einsum(wrong, &[&z(&[2, 2])]), Value, "{wrong}");
    }
    assert_eq!(einsum("ijk", &[&z(&[2, 2])]), Shape);
    assert_eq!(einsum("i", &[&z(&[2, 2])]), Shape);
    assert_eq!(einsum("ii", &[&z(&[2, 3])]), Shape);
    assert_eq!(einsum("ii", &[&z(&[1, 3])]), Shape);
    assert_eq!(einsum("i,i", &[&z(&[2]), &z(&[3])]), Shape);
    assert_eq!(einsum("...,...", &[&z(&[2]), &z(&[3])]), Shape);
    assert_eq!(einsum("ij,jk", &[&z(&[2, 3]), &d(&[3, 2])]), Type);
    assert_eq!(einsum("ij,jk", &[&t(&[2, 3]), &t(&[3, 2])]), NotImplemented);
}
