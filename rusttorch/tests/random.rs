//! Draws: the order in which memory is filled, where numbers come from, and samples that tensors describe. The
//! numbers are PyTorch 2.15's after `torch.manual_seed(0)`.

#![allow(clippy::unwrap_used, reason = "a failing test should stop")]

use std::panic::{AssertUnwindSafe, catch_unwind};

use rusttorch::nn::functional::dropout;
use rusttorch::{
    DType, ErrorKind, Generator, Tensor, get_rng_state, manual_seed, set_rng_state, with_default_generator,
    with_generator,
};

/// Draws from a generator seeded with 0, apart from those of other tests.
fn seeded<R>(body: impl FnOnce() -> R) -> R {
    with_generator(&mut Generator::new(0), body)
}

fn f32s(t: &Tensor) -> Vec<f32> {
    t.to_vec().unwrap()
}

fn zeros(shape: &[usize]) -> Tensor {
    Tensor::zeros(shape, DType::F32).unwrap()
}

const UNIFORM_BY_COLUMN: [f32; 6] = [0.4962566, 0.13203049, 0.7682218, 0.30742282, 0.08847743, 0.6340787];
const NORMAL_IN_PAIRS: [f32; 6] = [1.5409961, 0.40334684, -0.8566746, -0.2934289, 0.83802634, 1.1006042];

#[test]
fn memory_is_filled_in_the_order_in_which_it_lies() {
    let base = zeros(&[2, 3]);
    seeded(|| base.t().unwrap().uniform_(0.0, 1.0)).unwrap();
    assert_eq!(f32s(&base.t().unwrap()), UNIFORM_BY_COLUMN);
    // Normal numbers of 16 and more elements come in blocks, of a tensor that is not contiguous in pairs.
    let t = zeros(&[3, 6]).t().unwrap();
    seeded(|| t.normal_(0.0, 1.0)).unwrap();
    assert_eq!(f32s(&t)[..6], NORMAL_IN_PAIRS);
    let stepped = zeros(&[20, 2]).select(1, 0).unwrap();
    seeded(|| stepped.normal_(0.0, 1.0)).unwrap();
    assert_eq!(f32s(&stepped)[..5], [1.5409961, -0.2934289, -2.1787894, 0.56843126, -1.0845224]);
    let permuted = zeros(&[2, 3, 4]).permute([2, 0, 1]).unwrap();
    seeded(|| permuted.normal_(0.0, 1.0)).unwrap();
    assert_eq!(
        f32s(&permuted.select(0, 0).unwrap()),
        [1.5409961, -1.0845224, -0.7192576, -0.8566746, -0.5663175, 0.37039354]
    );
    let t = zeros(&[2, 3]).t().unwrap();
    seeded(|| t.bernoulli_(&Tensor::full(&[3, 2], 0.5, None).unwrap())).unwrap();
    assert_eq!(f32s(&t), [1.0, 1.0, 0.0, 1.0, 1.0, 0.0]);
    // A view backwards in memory, which PyTorch does not have, is filled in its own order.
    let base = zeros(&[3]);
    seeded(|| base.slice(0, None, None, -1).unwrap().uniform_(0.0, 1.0)).unwrap();
    let forwards = seeded(|| Tensor::rand(&[3], None)).unwrap();
    assert_eq!(f32s(&base.flip([0]).unwrap()), f32s(&forwards));
}

#[test]
fn tensors_made_like_another_are_filled_like_it() {
    let like = zeros(&[2, 3]).t().unwrap();
    assert_eq!(f32s(&seeded(|| Tensor::rand_like(&like, None)).unwrap()), UNIFORM_BY_COLUMN);
    let like = zeros(&[3, 6]).t().unwrap();
    assert_eq!(f32s(&seeded(|| Tensor::randn_like(&like, None)).unwrap())[..6], NORMAL_IN_PAIRS);
    // One with gaps makes a contiguous one.
    let like = zeros(&[20, 2]).select(1, 0).unwrap();
    let drawn = seeded(|| Tensor::randn_like(&like, None)).unwrap();
    assert_eq!(f32s(&drawn)[..5], [-1.1258398, -1.1523602, -0.25057858, -0.4338788, 0.59883946]);
    // An expanded one has no order of its own.
    let like = zeros(&[3]).expand([4, 3]).unwrap().t().unwrap();
    let drawn = seeded(|| Tensor::rand_like(&like, None)).unwrap();
    assert_eq!(f32s(&drawn), f32s(&seeded(|| Tensor::rand(&[3, 4], None)).unwrap()));
    let ones = Tensor::ones(&[2, 3], DType::F32).unwrap().t().unwrap();
    assert_eq!(f32s(&seeded(|| dropout(&ones, 0.5, true)).unwrap()), [0.0, 0.0, 0.0, 0.0, 2.0, 0.0]);
    // Of probabilities PyTorch makes a contiguous tensor.
    let halves = Tensor::full(&[2, 3], 0.5, None).unwrap().t().unwrap();
    assert_eq!(f32s(&seeded(|| halves.bernoulli()).unwrap()), [1.0, 0.0, 1.0, 1.0, 1.0, 0.0]);
    let weights = Tensor::from_vec(vec![0.2f32, 0.5, 0.3, 0.5, 0.5, 1.0], &[3, 2]).unwrap().t().unwrap();
    let chosen = seeded(|| weights.multinomial(2, false)).unwrap();
    assert_eq!(chosen.to_vec::<i64>().unwrap(), [1, 2, 2, 0]);
}

#[test]
fn whole_numbers_from_a_lower_end() {
    let bytes = Tensor::zeros(&[4], DType::I8).unwrap();
    seeded(|| bytes.random_(3, None)).unwrap();
    assert_eq!(bytes.to_vec::<i8>().unwrap(), [47, 117, 61, 13]);
    let wide = Tensor::zeros(&[2], DType::I64).unwrap();
    seeded(|| wide.random_(i64::MIN, None)).unwrap();
    assert_eq!(wide.to_vec::<i64>().unwrap(), [-8322921849960486353, -5253828890213626688]);
    let bits = Tensor::zeros(&[100], DType::Bool).unwrap();
    bits.random_(None, None).unwrap();
    assert!(bits.to_vec::<bool>().unwrap().contains(&true));
    bits.random_(1, 2).unwrap();
    assert!(bits.to_vec::<bool>().unwrap().iter().all(|&b| b));
}

#[test]
fn a_generator_of_ones_own() {
    let mut own = Generator::new(7);
    let first = with_generator(&mut own, || Tensor::rand(&[3], None)).unwrap();
    let second = with_generator(&mut own, || Tensor::rand(&[3], None)).unwrap();
    let whole = with_generator(&mut Generator::new(7), || Tensor::rand(&[6], None)).unwrap();
    assert_eq!([f32s(&first), f32s(&second)].concat(), f32s(&whole));
    // Its state goes on where it was, and leaves the default generator alone.
    let state = own.state();
    let third = with_generator(&mut own, || Tensor::randperm(9)).unwrap();
    own.set_state(&state).unwrap();
    let again = with_generator(&mut own, || Tensor::randperm(9)).unwrap();
    assert_eq!(third.to_vec::<i64>().unwrap(), again.to_vec::<i64>().unwrap());
    with_default_generator(|default| {
        let before = default.clone();
        with_generator(&mut own, || zeros(&[4]).normal_(0.0, 1.0)).unwrap();
        assert!(*default == before);
    });
}

#[test]
fn scopes_nest_and_end_with_a_panic() {
    let (mut outer, mut inner) = (Generator::new(1), Generator::new(2));
    let (a, b) = with_generator(&mut outer, || {
        let a = Tensor::rand(&[2], None).unwrap();
        with_generator(&mut inner, || Tensor::rand(&[5], None)).unwrap();
        (a, Tensor::rand(&[2], None).unwrap())
    });
    let whole = with_generator(&mut Generator::new(1), || Tensor::rand(&[4], None)).unwrap();
    assert_eq!([f32s(&a), f32s(&b)].concat(), f32s(&whole));
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        with_generator(&mut outer, || {
            Tensor::rand(&[1], None).unwrap();
            panic!("in a scope");
        })
    }));
    assert!(panicked.is_err());
    // What was drawn before the panic is drawn.
    let mut expected = Generator::new(1);
    (0..5).for_each(|_| {
        expected.next_u32();
    });
    assert!(outer == expected);
}

#[test]
fn the_state_of_the_default_generator() {
    // Other tests of this process draw, too, so the generator is held.
    with_default_generator(|_| {
        manual_seed(5);
        let state = get_rng_state();
        let first = Tensor::randn(&[3], None).unwrap();
        set_rng_state(&state).unwrap();
        assert_eq!(f32s(&Tensor::randn(&[3], None).unwrap()), f32s(&first));
        let kept = get_rng_state();
        assert_eq!(set_rng_state(&[0; 3]).unwrap_err().kind(), ErrorKind::Value);
        assert_eq!(get_rng_state(), kept);
    });
}

#[test]
fn refusals_draw_nothing() {
    let mut own = Generator::new(3);
    let before = own.clone();
    with_generator(&mut own, || {
        assert!(Tensor::rand(&[2], DType::I64).is_err());
        assert!(zeros(&[2]).uniform_(2.0, 1.0).is_err());
        assert!(zeros(&[2]).bernoulli_(1.5).is_err());
        assert!(zeros(&[2]).bernoulli_(&zeros(&[3])).is_err());
        assert!(Tensor::full(&[2], 2.0, None).unwrap().bernoulli().is_err());
        assert!(zeros(&[2]).multinomial(1, false).is_err());
        assert!(zeros(&[1]).expand([3]).unwrap().normal_(0.0, 1.0).is_err());
        assert!(Tensor::randint(5, 5, &[2], None).is_err());
        assert!(Tensor::randperm_of(300, DType::U8).is_err());
        assert!(dropout(&zeros(&[2]), 1.5, true).is_err());
        assert!(Tensor::normal(&zeros(&[2]), -1.0).is_err());
        assert_eq!(Tensor::normal(0.0, 1.0).unwrap_err().kind(), ErrorKind::Argument);
    });
    assert!(own == before);
}

#[test]
fn draws_end_gradients() {
    let p = Tensor::full(&[3], 0.5, None).unwrap().requires_grad_(true).unwrap();
    for drawn in [p.bernoulli().unwrap(), Tensor::normal(&p, 1.0).unwrap(), Tensor::normal(0.5, &p).unwrap()]
    {
        p.set_grad(None).unwrap();
        drawn.sum().unwrap().backward().unwrap();
        assert_eq!(f32s(&p.grad().unwrap()), [0.0; 3]);
    }
    assert!(!Tensor::rand_like(&p, None).unwrap().requires_grad());
    assert!(!p.multinomial(2, true).unwrap().requires_grad());
    // A draw in place replaces the value and its history.
    let y = p.mul(2.0).unwrap();
    y.uniform_(0.0, 1.0).unwrap();
    p.set_grad(None).unwrap();
    y.sum().unwrap().backward().unwrap();
    assert_eq!(f32s(&p.grad().unwrap()), [0.0; 3]);
    assert_eq!(p.uniform_(0.0, 1.0).unwrap_err().kind(), ErrorKind::Autograd);
}

#[test]
fn dropout_keeps_its_mask_for_the_gradient() {
    let x = Tensor::full(&[4, 50], 3.0, None).unwrap().requires_grad_(true).unwrap();
    let y = dropout(&x, 0.25, true).unwrap();
    y.sum().unwrap().backward().unwrap();
    let (y, g) = (f32s(&y), f32s(&x.grad().unwrap()));
    assert!(y.iter().zip(&g).all(|(y, g)| (*y == 0.0 && *g == 0.0) || (*y == 4.0 && *g == 4.0 / 3.0)));
    let dropped = y.iter().filter(|y| **y == 0.0).count();
    assert!((20..90).contains(&dropped), "{dropped} of 200");
    assert!(dropout(&x, 0.25, false).unwrap().is_same(&x));
    assert!(dropout(&x, 0.0, true).unwrap().is_same(&x));
}

#[test]
fn permutations_of_every_dtype() {
    for dtype in [DType::U8, DType::F16, DType::F64, DType::I32] {
        let order = seeded(|| Tensor::randperm_of(20, dtype)).unwrap();
        let whole = seeded(|| Tensor::randperm(20)).unwrap();
        assert_eq!(order.dtype(), dtype);
        assert_eq!(order.to_f64_vec().unwrap(), whole.to_f64_vec().unwrap());
    }
    assert_eq!(Tensor::randperm_of(2, DType::Bool).unwrap_err().kind(), ErrorKind::NotImplemented);
    assert_eq!(Tensor::randperm_of(2050, DType::F16).unwrap_err().kind(), ErrorKind::Value);
}
