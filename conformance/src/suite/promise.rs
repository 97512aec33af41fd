//! The bit promise where it needs inputs of its own: a reduction of a row alone (R2), a row and a column of
//! a product alone (R3), copies that keep every bit. The recorded cases prove R1 and R4 as they are played.

use rusttorch_backend::ops::{ReduceOp, ScanOp};
use rusttorch_backend::{Backend, DType, ErrorKind, Result, Scalar, TensorError, View, ViewMut};

use crate::call::Operand;
use crate::case::short_name;
use crate::compare::Measured;
use crate::dense::Dense;
use crate::layouts::{Class, place};
use crate::placed::Placed;
use crate::report::{Record, Status};

const DTYPES: [DType; 6] = [DType::F32, DType::F64, DType::F16, DType::BF16, DType::I32, DType::U8];

pub(super) fn run(be: &dyn Backend) -> Vec<Record> {
    let mut records = Vec::new();
    for &op in ReduceOp::ALL {
        for dtype in DTYPES {
            if op.accepts().contains(dtype) {
                let label = format!("R2 {} {}", op.name(), short_name(dtype));
                records.push(record(label, reduce_rows(be, op, dtype)));
            }
        }
    }
    for &op in ScanOp::ALL {
        let label = format!("R2 {} f32", op.name());
        records.push(record(label, scan_rows(be, op)));
    }
    if be.capabilities().row_invariant {
        for dtype in DTYPES {
            for k in [1, 17, 300] {
                let label = format!("R3 matmul {} K={k}", short_name(dtype));
                records.push(record(label, product_rows(be, dtype, k)));
            }
        }
    }
    for (dtype, from) in
        [(DType::F16, 0), (DType::BF16, 0), (DType::F32, 0x7f80_0000), (DType::F32, 0xffc0_0000)]
    {
        records.push(record(
            format!("copy bits {} from {from:#x}", short_name(dtype)),
            copy_bits(be, dtype, from),
        ));
    }
    records
}

fn record(case: String, found: Result<Found>) -> Record {
    let (status, calls) = match found {
        Ok(Found { calls, mismatch: None }) => (Status::Passed, calls),
        Ok(Found { calls, mismatch: Some(what) }) => (Status::Failed(vec![what]), calls),
        Err(e) if e.kind() == ErrorKind::Unsupported => (Status::Unsupported(e.to_string()), 0),
        Err(e) => (Status::Failed(vec![format!("error: {e}")]), 0),
    };
    let (family, measured) = ("promise".to_owned(), Measured::default());
    Record { family, case, status, measured, calls, delegated: false, bound: None }
}

/// How many results were compared, and the first that differed.
#[derive(Default)]
struct Found {
    calls: usize,
    mismatch: Option<String>,
}

impl Found {
    fn expect(&mut self, what: impl Fn() -> String, got: &Dense, wanted: &Dense) {
        self.calls += 1;
        if self.mismatch.is_none() && !got.same_bits(wanted) {
            let at = (0..got.numel()).find(|&i| got.f64(i).to_bits() != wanted.f64(i).to_bits()).unwrap_or(0);
            let values = format!("got {:?}, expected {:?}", got.f64(at), wanted.f64(at));
            self.mismatch = Some(format!("{}: bits differ at {at}: {values}", what()));
        }
    }
}

/// Values with full mantissas, of both signs.
fn values(dtype: DType, shape: &[usize], shift: usize) -> Dense {
    Dense::from_fn(dtype, shape, |i| {
        let whole = ((i + shift) * 7919 % 1009) as f64 - 504.0;
        if dtype.is_float() { Scalar::Float(whole / 177.0) } else { Scalar::Int(whole as i64 % 100) }
    })
}

/// One call with one output.
fn once(
    be: &dyn Backend,
    operands: &[(&Dense, Class)],
    out: (DType, &[usize]),
    body: impl Fn(&[View<'_>], ViewMut<'_>) -> Result<()>,
) -> Result<Dense> {
    let placed = operands
        .iter()
        .map(|&(dense, class)| Placed::operand(be, &Operand::from(dense.clone()), class))
        .collect::<Result<Vec<_>>>()?;
    let views = placed.iter().map(Placed::view).collect::<Result<Vec<_>>>()?;
    let lost = || TensorError::new(ErrorKind::Internal, "conformance", "a layout was refused");
    let mut target = Placed::new(be, out.0, place(out.1, Class::Contiguous).ok_or_else(lost)?, None)?;
    body(&views, target.out()?)?;
    be.synchronize()?;
    Ok(target.gather(be)?.0)
}

/// `n` elements from `start`, `step` apart, as a tensor of a shape.
fn part(dense: &Dense, start: usize, step: usize, shape: &[usize]) -> Dense {
    let n = shape.iter().product::<usize>();
    let picked = dense.pick((0..n).map(|i| start + i * step));
    picked.reshaped(shape).unwrap_or(picked)
}

fn reduce_rows(be: &dyn Backend, op: ReduceOp, dtype: DType) -> Result<Found> {
    const ROWS: usize = 4;
    const N: usize = 137;
    let x = values(dtype, &[ROWS, N], 0);
    let result = match op {
        ReduceOp::All | ReduceOp::Any => DType::Bool,
        ReduceOp::Sum | ReduceOp::Prod if !dtype.is_float() => DType::I64,
        _ => dtype,
    };
    let reduce = |x: &Dense, class: Class, axes: &[usize]| {
        let out: Vec<usize> =
            x.shape().iter().enumerate().map(|(d, &n)| if axes.contains(&d) { 1 } else { n }).collect();
        once(be, &[(x, class)], (result, &out), |x, out| be.reduce(op, x[0], axes, out))
    };
    let mut found = Found::default();
    let all = reduce(&x, Class::Contiguous, &[1])?;
    for row in 0..ROWS {
        let alone = part(&x, row * N, 1, &[N]);
        for class in [Class::Contiguous, Class::Stepped, Class::Flipped] {
            let got = reduce(&alone, class, &[0])?;
            found.expect(|| format!("row {row} alone, {class}"), &got, &part(&all, row, 1, &[1]));
        }
    }
    // The same rows as columns, and as the middle axis.
    let columns = x.pick((0..ROWS * N).map(|i| i % ROWS * N + i / ROWS));
    if let Some(columns) = columns.reshaped(&[N, ROWS]) {
        for class in [Class::Contiguous, Class::Transposed] {
            let got = reduce(&columns, class, &[0])?;
            found.expect(|| format!("as columns, {class}"), &part(&got, 0, 1, &[ROWS, 1]), &all);
        }
    }
    // Two axes are the one sequence that their elements make.
    let flat = reduce(&part(&x, 0, 1, &[ROWS * N]), Class::Contiguous, &[0])?;
    let both = reduce(&x, Class::Transposed, &[0, 1])?;
    found.expect(|| "two axes against one".to_owned(), &part(&both, 0, 1, &[1]), &flat);
    Ok(found)
}

fn scan_rows(be: &dyn Backend, op: ScanOp) -> Result<Found> {
    const ROWS: usize = 3;
    const N: usize = 37;
    let x = values(DType::F32, &[ROWS, N], 5);
    let scan = |x: &Dense, class: Class, axis: usize| {
        once(be, &[(x, class)], (DType::F32, x.shape()), |v, out| {
            if !op.has_indices() {
                return be.scan(op, v[0], axis, out, None);
            }
            let lost = || TensorError::new(ErrorKind::Internal, "conformance", "a layout was refused");
            let place = place(x.shape(), Class::Contiguous).ok_or_else(lost)?;
            let mut indices = Placed::new(be, DType::I64, place, None)?;
            be.scan(op, v[0], axis, out, Some(indices.out()?))
        })
    };
    let mut found = Found::default();
    let all = scan(&x, Class::Transposed, 1)?;
    for row in 0..ROWS {
        let alone = scan(&part(&x, row * N, 1, &[N]), Class::Stepped, 0)?;
        found.expect(|| format!("row {row} alone"), &alone, &part(&all, row * N, 1, &[N]));
    }
    Ok(found)
}

fn product_rows(be: &dyn Backend, dtype: DType, k: usize) -> Result<Found> {
    const M: usize = 5;
    const N: usize = 7;
    let (a, b) = (values(dtype, &[M, k], 0), values(dtype, &[k, N], 3));
    let product = |a: (&Dense, Class), b: (&Dense, Class), shape: &[usize]| {
        once(be, &[a, b], (dtype, shape), |x, out| be.matmul(x[0], x[1], out))
    };
    let plain = Class::Contiguous;
    let all = product((&a, plain), (&b, plain), &[M, N])?;
    let mut found = Found::default();
    for row in 0..M {
        let one = part(&a, row * k, 1, &[1, k]);
        let got = product((&one, plain), (&b, plain), &[1, N])?;
        found.expect(|| format!("row {row} alone"), &got, &part(&all, row * N, 1, &[1, N]));
    }
    for column in 0..N {
        let one = part(&b, column, N, &[k, 1]);
        let got = product((&a, plain), (&one, plain), &[M, 1])?;
        found.expect(|| format!("column {column} alone"), &got, &part(&all, column, N, &[M, 1]));
    }
    for (one, other) in [(Class::Transposed, Class::Stepped), (Class::Flipped, Class::Transposed)] {
        let got = product((&a, one), (&b, other), &[M, N])?;
        found.expect(|| format!("{one} by {other}"), &got, &all);
    }
    // The same product as the second of a batch of two.
    let twice =
        |d: &Dense, r: usize, c: usize| d.pick((0..2 * r * c).map(|i| i % (r * c))).reshaped(&[2, r, c]);
    if let (Some(a), Some(b)) = (twice(&a, M, k), twice(&b, k, N)) {
        let got = product((&a, plain), (&b, plain), &[2, M, N])?;
        found.expect(|| "in a batch".to_owned(), &part(&got, M * N, 1, &[M, N]), &all);
    }
    Ok(found)
}

/// A copy within a dtype keeps every bit, of NaN payloads, too.
fn copy_bits(be: &dyn Backend, dtype: DType, from: u32) -> Result<Found> {
    let patterns = from..from + 0x1_0000;
    let bytes: Vec<u8> = match dtype.size() {
        2 => patterns.flat_map(|p| (p as u16).to_le_bytes()).collect(),
        _ => patterns.flat_map(u32::to_le_bytes).collect(),
    };
    let mut found = Found::default();
    let Some(x) = Dense::new(dtype, &[256, 256], &bytes) else { return Ok(found) };
    for class in [Class::Contiguous, Class::Mixed] {
        let got = once(be, &[(&x, class)], (dtype, x.shape()), |x, out| be.copy(x[0], out))?;
        found.calls += 1;
        if got.bytes() != x.bytes() && found.mismatch.is_none() {
            let at = (0..x.numel()).find(|&i| got.element(i) != x.element(i)).unwrap_or(0);
            found.mismatch = Some(format!("{class}: {:x?} became {:x?}", x.element(at), got.element(at)));
        }
    }
    Ok(found)
}
