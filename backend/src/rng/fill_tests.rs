//! The fills that are drawn one by one, and choices by weight: digests recorded from PyTorch 2.15.0, as in
//! `tests.rs`.

use half::{bf16, f16};

use super::tests::{Bits, COUNT, digest, filled};
use super::*;

/// Digests of Cauchy, log-normal, geometric and paired normal numbers, and of whole ones from 3 on. The first two
/// are not those of the C library in double precision.
fn check_float<T: Bits + RandomFloat>(one_by_one: Option<[u64; 2]>, expected: [u64; 3]) {
    if let Some([cauchy, log_normal]) = one_by_one {
        assert_eq!(filled::<T>(21, |g, out| g.fill_cauchy(out, 1.5, 2.5)), cauchy);
        assert_eq!(filled::<T>(22, |g, out| g.fill_log_normal(out, 0.5, 0.75)), log_normal);
    }
    let found = [
        filled::<T>(23, |g, out| g.fill_geometric(out, 0.3)),
        filled::<T>(24, |g, out| g.fill_normal_in_pairs(out, 3.0, 0.5)),
        filled::<T>(25, |g, out| g.fill_random_from(out, 3)),
    ];
    assert_eq!(found, expected);
}

#[test]
fn floats() {
    check_float::<f32>(
        Some([0xc1a4_ce69_af07_4f61, 0x59db_7a76_1f94_b743]),
        [0xe65d_b7a3_55fb_9d17, 0x1d44_f20f_14c3_dd64, 0xa626_32d8_0f30_379a],
    );
    check_float::<f16>(
        Some([0xf7d3_308c_b1f8_f5db, 0x654b_fd83_9958_1a48]),
        [0xe69c_fddd_a285_a217, 0xbf19_0ffb_8850_559c, 0xf8dc_0638_2da1_112b],
    );
    check_float::<bf16>(
        Some([0x7613_99f4_88f2_c470, 0xef28_3bc5_f099_8d19]),
        [0x57cf_b1f4_aa5d_e5b7, 0xcdcd_0e73_27e1_384f, 0x54c7_1a8c_0653_8ae5],
    );
    check_float::<f64>(None, [0xa01e_1aa1_0d5b_9d17, 0x1356_f742_8539_e86e, 0x348e_7b9f_f231_fabc]);
}

#[test]
fn doubles_are_next_to_those_of_torch() {
    let near = |found: [f64; 4], expected: [f64; 4]| {
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() <= 2.0 * f64::EPSILON * expected.abs(), "{found}, {expected}");
        }
    };
    let mut out = [0.0; 4];
    Generator::new(0).fill_cauchy(&mut out, 1.5, 2.5).unwrap();
    near(out, [27.994323316705742, 3.41191814901475, 1.179251644792065, 11.332683277486625]);
    Generator::new(0).fill_log_normal(&mut out, 0.5, 0.75).unwrap();
    near(out, [5.236990918451191, 1.3230349746902674, 0.3217140934006052, 2.525208056535089]);
}

#[test]
fn integers() {
    fn check<T: Bits + RandomElement>(from: u64) {
        let geometric = filled::<T>(23, |g, out| g.fill_geometric(out, 0.3));
        assert_eq!(geometric, 0x8562_22bd_f0a8_e0ba);
        assert_eq!(filled::<T>(25, |g, out| g.fill_random_from(out, 3)), from);
    }
    check::<u8>(0xae35_4cf4_076d_7121);
    check::<i8>(0x76fb_1d0f_cdbb_20a5);
    check::<i16>(0x0e5f_be6f_ac42_792f);
    check::<i32>(0x4457_79ab_20bb_9fb0);
    check::<i64>(0x4b71_7dfc_7278_b09a);
    assert_eq!(filled::<i64>(26, |g, out| g.fill_random_from(out, i64::MIN)), 0x9c51_7f2e_3078_63f1);
}

#[test]
fn large_numbers_of_trials_saturate() {
    let mut out = [0i8; 64];
    Generator::new(0).fill_geometric(&mut out, 1e-3).unwrap();
    assert!(out.contains(&i8::MAX) && out.iter().all(|&n| n > 0));
    let mut out = [0i64; 4];
    Generator::new(0).fill_geometric(&mut out, 1e-300).unwrap();
    assert_eq!(out, [i64::MAX; 4]);
}

#[test]
fn choices_by_weight() {
    let weights = |generator: &mut Generator| {
        let mut weights = [0.0f32; 300];
        generator.fill_uniform(&mut weights, 0.0, 1.0).unwrap();
        weights
    };
    let mut generator = Generator::new(27);
    let single = weights(&mut generator);
    let mut out = [0i64; COUNT];
    generator.fill_multinomial(&mut out, &single, 300).unwrap();
    assert_eq!(digest(&out), 0xc722_ad08_d0e8_85f9);
    // The sequence above goes on.
    let mut distinct = [0i64; 299];
    generator.fill_multinomial_distinct(&mut distinct, &single, 300, 0..300).unwrap();
    assert_eq!(digest(&distinct), 0xcaa0_348b_878f_0ab3);

    let mut generator = Generator::new(27);
    let mut double = [0.0f64; 300];
    generator.fill_uniform(&mut double, 0.0, 1.0).unwrap();
    generator.fill_multinomial(&mut out, &double, 300).unwrap();
    assert_eq!(digest(&out), 0x9b79_58a2_c1d7_d243);
    generator.fill_multinomial_distinct(&mut distinct, &double, 300, 0..300).unwrap();
    assert_eq!(digest(&distinct), 0x15ba_826b_a30a_6a8d);
}

#[test]
fn weights_of_zero_come_last_in_their_order() {
    let mut out = [0i64; 4];
    Generator::new(1).fill_multinomial_distinct(&mut out, &[0.0f32, 1.0, 0.0, 0.0, 2.0], 5, 0..5).unwrap();
    let (first, last) = out.split_at(2);
    assert!(first == [1, 4] || first == [4, 1]);
    assert_eq!(last, [0, 2]);
}

#[test]
fn wrong_arguments_leave_the_generator_alone() {
    use RandomError::*;
    let mut generator = Generator::new(3);
    let before = generator.clone();
    let (mut floats, mut bytes, mut places) = ([0.0f32; 4], [0i8; 4], [0i64; 2]);
    let g = &mut generator;
    assert_eq!(g.fill_cauchy(&mut floats, 0.0, 0.0), Err(Scale(0.0)));
    assert_eq!(g.fill_log_normal(&mut floats, 0.0, -1.0), Err(Scale(-1.0)));
    assert_eq!(g.fill_normal_in_pairs(&mut floats, 0.0, -1.0), Err(StandardDeviation(-1.0)));
    assert_eq!(g.fill_geometric(&mut floats, 1.0), Err(OpenProbability(1.0)));
    assert!(g.fill_geometric(&mut floats, f64::NAN).is_err());
    assert_eq!(g.fill_random_from(&mut bytes, 128), Err(WholeRange { from: 128, to: 127 }));
    assert!(g.fill_random_from(&mut bytes, i64::MIN).is_err());
    assert!(g.fill_random_from(&mut floats, 1 << 24).is_err());
    for (weights, error) in [
        ([1.0f32, -1.0], Weight),
        ([1.0, f32::NAN], Weight),
        ([1.0, f32::INFINITY], Weight),
        ([0.0, 0.0], WeightSum),
    ] {
        assert_eq!(g.fill_multinomial(&mut places, &weights, 2), Err(error));
        assert_eq!(g.fill_multinomial_distinct(&mut places, &weights, 2, 0..2), Err(error));
    }
    assert_eq!(g.fill_random_from(&mut bytes, 127), Ok(())); // one number only
    assert_eq!(bytes, [127; 4]);
    let mut after = before.clone();
    for _ in 0..4 {
        after.next_u32();
    }
    assert_eq!(generator, after);
}
