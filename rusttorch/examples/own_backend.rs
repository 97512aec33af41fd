//! placeholder
fn main() {
    let x = rusttorch::Tensor::from_vec(vec![1.0f32, 2.0, 3.0, 4.0], &[2, 2])
        .unwrap()
        .requires_grad_(true)
        .unwrap();
    let y = (&x * &x).unwrap();
    println!("{y}");
    let z = y.matmul(&x.t().unwrap()).unwrap().sum().unwrap();
    z.backward().unwrap();
    println!("{}", x.grad().unwrap());
    rusttorch::manual_seed(0);
    println!("{}", rusttorch::Tensor::randn(&[3, 4], rusttorch::DType::F32).unwrap());
}
