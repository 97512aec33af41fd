//! Gradients that arrive by several paths, some of them views of one another: none may be added into while
//! another can still see it. And rules of single calls that a review found broken.

#![allow(clippy::unwrap_used, reason = "a failing test should stop")]

use rusttorch::autograd::{GradOptions, grad, gradcheck};
use rusttorch::{DType, ErrorKind, Result, Tensor, io};

fn leaf(values: &[f64]) -> Tensor {
    Tensor::from_slice(values, &[values.len()]).unwrap().requires_grad_(true).unwrap()
}

#[test]
fn two_views_of_one_gradient_stay_apart() -> Result<()> {
    let (w1, w2) = (leaf(&[1.0, 2.0]), leaf(&[3.0, 4.0]));
    let (h1, h2) = (w1.mul(1.0)?, w2.mul(1.0)?);
    let u2 = h2.mul(100.0)?;
    let z = h1.view([2])?.add(&h2.view([2])?)?.mul(&Tensor::ones(&[2], DType::F64)?)?;
    z.sum()?.add(&u2.sum()?)?.backward()?;
    assert_eq!(w1.grad().unwrap().to_f64_vec()?, [1.0, 1.0]);
    assert_eq!(w2.grad().unwrap().to_f64_vec()?, [101.0, 101.0]);
    Ok(())
}

#[test]
fn a_skip_connection_through_views() {
    let m = Tensor::from_slice(&[0.5f64, -1.5, 2.0], &[1, 3]).unwrap();
    let skip = |t: &[Tensor]| -> Result<Tensor> {
        let (p, q) = (t[0].tanh()?, t[1].tanh()?);
        p.unsqueeze(0)?.add(&q.unsqueeze(0)?)?.mul(&m)?.sum()?.add(&q.square()?.sum()?)
    };
    gradcheck(&skip, &[leaf(&[0.1, -0.2, 0.3]), leaf(&[0.4, 0.5, -0.6])]).unwrap();
}

#[test]
fn gradients_of_the_caller_are_not_written() -> Result<()> {
    let w = leaf(&[1.0, 2.0]);
    let h = w.mul(1.0)?;
    let (a, b) = (h.view([2])?, h.mul(1.0)?);
    let g = Tensor::from_slice(&[10.0f64, 10.0], &[2])?;
    let found = grad(&[&a, &b], &[&w], &[Some(&g.view([2])?), Some(&g)], GradOptions::default())?;
    assert_eq!(found[0].as_ref().unwrap().to_f64_vec()?, [20.0, 20.0]);
    assert_eq!(g.to_f64_vec()?, [10.0, 10.0]);
    Ok(())
}

#[test]
fn the_gradient_of_a_maximum_with_nan() -> Result<()> {
    let x = leaf(&[f64::NAN, 1.0, f64::NAN]);
    x.max()?.backward()?;
    assert_eq!(x.grad().unwrap().to_f64_vec()?, [0.5, 0.0, 0.5]);
    Ok(())
}

#[test]
fn reductions_name_themselves_in_the_graph() -> Result<()> {
    let x = leaf(&[1.0, 2.0]).requires_grad_(true)?;
    assert_eq!(x.sum()?.grad_fn().as_deref(), Some("SumBackward0"));
    assert_eq!(x.mean()?.grad_fn().as_deref(), Some("MeanBackward0"));
    assert_eq!(x.sum()?.to_string(), "tensor(3., dtype=torch.float64, grad_fn=<SumBackward0>)");
    Ok(())
}

#[test]
fn integer_bounds_of_clamp_do_not_wrap() -> Result<()> {
    let x = Tensor::from_slice(&[1i8, 2], &[2])?;
    assert_eq!(x.clamp_max(200)?.to_vec::<i8>()?, [1, 2]);
    assert_eq!(x.to_dtype(DType::U8)?.clamp(-5, 300)?.to_vec::<u8>()?, [1, 2]);
    assert_eq!(x.clamp_min(200).unwrap_err().kind(), ErrorKind::Value);
    assert_eq!(x.to_dtype(DType::U8)?.clamp_max(-5).unwrap_err().kind(), ErrorKind::Value);
    Ok(())
}

#[test]
fn half_tensors_by_large_whole_numbers() -> Result<()> {
    let x = Tensor::from_slice(&[0.1f32], &[1])?.to_dtype(DType::F16)?;
    assert_eq!(x.mul(100_000)?.to_f64_vec()?, [10_000.0]);
    let x = Tensor::from_slice(&[1000.0f32], &[1])?.to_dtype(DType::F16)?;
    assert_eq!((70_000.0 / &x)?.to_f64_vec()?, [70.0]);
    Ok(())
}

#[test]
fn sizes_and_shapes_are_checked_first() -> Result<()> {
    let (x, w, b) = (leaf(&[1.0; 3]), Tensor::ones(&[1, 3], DType::F64)?, leaf(&[1.0; 5]));
    let wrong = rusttorch::nn::functional::linear(&x.unsqueeze(0)?, &w, Some(&b));
    assert_eq!(wrong.unwrap_err().kind(), ErrorKind::Shape);
    assert_eq!(Tensor::full(&[1], 1e39, DType::F32).unwrap_err().kind(), ErrorKind::Value);
    assert!(Tensor::full(&[1], f64::INFINITY, DType::F32)?.item_f64()?.is_infinite());
    let huge = Tensor::ones(&[1], DType::F32)?.expand([1 << 62])?;
    let path = std::env::temp_dir().join("rusttorch-never-written.safetensors");
    assert_eq!(io::save(&path, [("x", &huge)]).unwrap_err().kind(), ErrorKind::Memory);
    assert!(!path.exists());
    Ok(())
}
