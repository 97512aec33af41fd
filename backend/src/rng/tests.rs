//! Numbers recorded from PyTorch 2.15.0 on x86-64 (AVX2, FMA, glibc 2.36), and the rules of the
//! arguments.
//!
//! A digest is `h = h 6364136223846793005 + bits + 1`, modulo `2^64`, over the bits of all elements.

use half::{bf16, f16};

use super::*;

/// Elements of a digested tensor: several blocks of the engine, and a rest of a block of 16.
pub(super) const COUNT: usize = 4099;

pub(super) trait Bits: Copy + Default {
    fn bits(self) -> u64;
}

macro_rules! bits {
    ($($t:ty, $bits:expr;)*) => {$(
        impl Bits for $t {
            fn bits(self) -> u64 {
                $bits(self)
            }
        }
    )*};
}

bits! {
    f32, |x: f32| u64::from(x.to_bits());
    f64, f64::to_bits;
    f16, |x: f16| u64::from(x.to_bits());
    bf16, |x: bf16| u64::from(x.to_bits());
    bool, u64::from;
    u8, u64::from;
    u16, u64::from;
    u32, u64::from;
    u64, u64::from;
    i8, |x: i8| u64::from(x as u8);
    i16, |x: i16| u64::from(x as u16);
    i32, |x: i32| u64::from(x as u32);
    i64, |x: i64| x as u64;
}

pub(super) fn digest<T: Bits>(values: &[T]) -> u64 {
    values.iter().fold(0, |hash: u64, value| {
        hash.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(value.bits()).wrapping_add(1)
    })
}

/// The digest of a fill of a fresh generator.
pub(super) fn filled<T: Bits>(
    seed: u64,
    fill: impl Fn(&mut Generator, &mut [T]) -> Result<(), RandomError>,
) -> u64 {
    let mut out = vec![T::default(); COUNT];
    fill(&mut Generator::new(seed), &mut out).unwrap();
    digest(&out)
}

#[test]
fn engine_is_mt19937() {
    let mut generator = Generator::new(5489);
    let last = (0..10_000).map(|_| generator.next_u32()).last();
    assert_eq!(last, Some(4_123_659_995)); // what the C++ standard demands of std::mt19937
}

#[test]
fn words_of_64_bits_have_the_first_word_on_top() {
    let (mut one, mut two) = (Generator::new(1), Generator::new(1));
    let (high, low) = (one.next_u32(), one.next_u32());
    assert_eq!(two.next_u64(), u64::from(high) << 32 | u64::from(low));
    assert_eq!(one, two);
}

#[test]
fn seeds() {
    assert_eq!(Generator::default().initial_seed(), 67_280_421_310_721);
    let mut generator = Generator::new(3 + (1 << 32));
    assert_eq!(generator.initial_seed(), 3 + (1 << 32));
    assert_eq!(generator.next_u64(), Generator::new(3).next_u64());
    generator.fill_normal(&mut [0.0f32], 0.0, 1.0).unwrap();
    generator.manual_seed(3);
    assert_eq!(generator, Generator::new(3));
}

#[test]
fn rand() {
    let mut single = [0.0f32; 4];
    Generator::new(0).fill_uniform(&mut single, 0.0, 1.0).unwrap();
    assert_eq!(single, [0.496_256_6, 0.768_221_8, 0.088_477_43, 0.132_030_49]);
    let mut double = [0.0f64; 4];
    Generator::new(0).fill_uniform(&mut double, 0.0, 1.0).unwrap();
    assert_eq!(double, [0.9700530018065531, 0.707819864399788, 0.45938294312745087, 0.9207476841219603]);
}

#[test]
fn randn_short() {
    let mut generator = Generator::new(0);
    let mut double = [0.0f64; 5];
    generator.fill_normal(&mut double, 0.0, 1.0).unwrap();
    assert_eq!(
        double,
        [
            1.5409961082440433,
            -0.2934289057609464,
            -2.1787893820745574,
            0.5684312772806678,
            -1.084522342424021
        ]
    );
    // The sixth number was kept.
    let mut single = [0.0f32; 3];
    generator.fill_normal(&mut single, 0.0, 1.0).unwrap();
    assert_eq!(single, [-1.398_595_5, 0.403_346_84, 0.838_026_34]);
}

#[test]
fn randn_long() {
    let mut single = [0.0f32; 19];
    Generator::new(0).fill_normal(&mut single, 0.0, 1.0).unwrap();
    assert_eq!(
        single,
        [
            -1.1258398,
            -1.1523602,
            -0.25057858,
            0.79350835,
            0.59883946,
            -1.5550951,
            -0.3413604,
            1.8530061,
            0.4680964,
            -0.15771244,
            1.4436601,
            0.18347794,
            1.3893661,
            1.5863342,
            0.94629836,
            -0.84367675,
            0.9318266,
            1.2590092,
            2.0049806
        ]
    );
    let mut double = [0.0f64; 19];
    Generator::new(0).fill_normal(&mut double, 0.0, 1.0).unwrap();
    let [first, .., last] = double;
    assert_eq!([first, double[8], last], [-2.310411800234176, 0.23871805816817063, 0.15429517864658948]);
}

/// The digests of one float dtype.
struct FloatDigests {
    uniform: [u64; 2],
    normal_long: [u64; 2],
    normal_short: u64,
    exponential: u64,
    bernoulli: u64,
    bernoulli_each: u64,
    random: u64,
    randint: [u64; 2],
}

fn check_float<T: Bits + RandomFloat>(expected: &FloatDigests) {
    assert_eq!(filled::<T>(1, |g, out| g.fill_uniform(out, 0.0, 1.0)), expected.uniform[0]);
    assert_eq!(filled::<T>(2, |g, out| g.fill_uniform(out, -1.7, 3.3)), expected.uniform[1]);
    assert_eq!(filled::<T>(3, |g, out| g.fill_normal(out, 0.0, 1.0)), expected.normal_long[0]);
    assert_eq!(filled::<T>(4, |g, out| g.fill_normal(out, 0.3, 2.7)), expected.normal_long[1]);

    let mut generator = Generator::new(5);
    let mut short = Vec::new();
    for index in 0..200 {
        let mut out = vec![T::default(); 1 + index % 15];
        generator.fill_normal(&mut out, 0.3, 2.7).unwrap();
        short.extend(out);
    }
    assert_eq!(digest(&short), expected.normal_short);

    assert_eq!(filled::<T>(6, |g, out| g.fill_exponential(out, 0.37)), expected.exponential);
    assert_eq!(filled::<T>(7, |g, out| g.fill_bernoulli(out, 0.37)), expected.bernoulli);
    let mut p = vec![T::default(); COUNT];
    Generator::new(8).fill_uniform(&mut p, 0.0, 1.0).unwrap();
    assert_eq!(filled::<u8>(9, |g, out| g.fill_bernoulli_each(out, &p)), expected.bernoulli_each);

    let random = filled::<T>(10, |g, out| {
        g.fill_random(out);
        Ok(())
    });
    assert_eq!(random, expected.random);
    assert_eq!(filled::<T>(11, |g, out| g.fill_randint(out, -7, 300)), expected.randint[0]);
    assert_eq!(filled::<T>(12, |g, out| g.fill_randint(out, -60000, 60001)), expected.randint[1]);
}

#[test]
fn fills_of_f32() {
    check_float::<f32>(&FloatDigests {
        uniform: [0x9ae0_40cc_c756_e35d, 0x42c7_90b6_664c_2636],
        normal_long: [0x9e84_f7d9_bb82_df09, 0xd619_0715_a66c_db70],
        normal_short: 0xeb55_54a0_a928_b4a1,
        exponential: 0x8361_4c67_eada_1f90,
        bernoulli: 0x0bb6_869d_575b_9d17,
        bernoulli_each: 0xc664_e77c_087f_ec46,
        random: 0x4bf9_7c91_e5eb_d208,
        randint: [0x3735_099d_898e_1d17, 0xaf1d_85de_297e_b517],
    });
    let wide = filled::<f32>(13, |g, out| g.fill_randint(out, -(1 << 40) - 7, (1 << 45) + 12345));
    assert_eq!(wide, 0xf05b_fd9d_0863_0c68);
}

#[test]
fn fills_of_f64() {
    check_float::<f64>(&FloatDigests {
        uniform: [0x0ebf_69e8_de44_04b0, 0x3668_4c2e_8a9d_4880],
        // The second one is ours: PyTorch has 0x328f_4834_a777_c6d4, some last bits being different.
        normal_long: [0x04b7_3ce1_9f29_5313, 0xabb6_5d0c_9763_0851],
        normal_short: 0xdb81_5461_325e_0dca,
        exponential: 0xda29_57ef_9baa_d4eb,
        bernoulli: 0x784a_1aa1_0d5b_9d17,
        bernoulli_each: 0xc191_a422_7af4_64ac,
        random: 0x6157_5d28_0dda_5586,
        randint: [0x0690_6aa1_0d5b_9d17, 0x2a8e_7da1_0d5b_9d17],
    });
    let wide = filled::<f64>(13, |g, out| g.fill_randint(out, -(1 << 40) - 7, (1 << 45) + 12345));
    assert_eq!(wide, 0xeb9a_cea3_1edb_9217);
}

#[test]
fn fills_of_f16() {
    check_float::<f16>(&FloatDigests {
        uniform: [0x4778_76d2_7380_e7b7, 0xb441_16e7_dd58_0eae],
        normal_long: [0x8440_0d8d_6c72_bfde, 0x85b0_68f6_e64b_5ea8],
        normal_short: 0x2f75_a4b3_9fee_21fe,
        exponential: 0x0f59_0acc_8fee_d9ea,
        bernoulli: 0x832f_2598_a1c0_ed17,
        bernoulli_each: 0x4676_f37a_91fb_6601,
        random: 0xd659_1f6a_a371_4dba,
        randint: [0x42bf_fb05_ee66_3eab, 0xddf6_c8b0_ccdd_e47b],
    });
}

#[test]
fn fills_of_bf16() {
    check_float::<bf16>(&FloatDigests {
        uniform: [0x5df1_52a0_ec8e_3b4b, 0xb6ef_dfa2_e5ff_5637],
        normal_long: [0x0c99_f279_bb51_85b2, 0x33cb_0834_f55c_6440],
        normal_short: 0xfd85_9979_8b05_85da,
        exponential: 0xda6f_15d5_8aff_3227,
        bernoulli: 0x0639_d74d_7957_e717,
        bernoulli_each: 0x48db_f092_0f59_1c24,
        random: 0x3ffa_0058_c7f5_9d66,
        randint: [0x8d48_21cb_9e61_000f, 0x47a0_8557_36d3_1a15],
    });
    let wide = filled::<bf16>(13, |g, out| g.fill_randint(out, -(1 << 40) - 7, (1 << 45) + 12345));
    assert_eq!(wide, 0x2759_5411_8d36_c1b5);
}

/// Checks a narrow and the widest range, the fill without bounds and the Bernoulli fill; a zero where
/// PyTorch has none.
fn check_whole<T: Bits + RandomElement>(from: i64, to: i64, expected: [u64; 4]) {
    assert_eq!(filled::<T>(14, |g, out| g.fill_randint(out, 0, to.min(100))), expected[0]);
    assert_eq!(filled::<T>(15, |g, out| g.fill_randint(out, from, to)), expected[1]);
    let random = filled::<T>(16, |g, out| {
        g.fill_random(out);
        Ok(())
    });
    if expected[2] != 0 {
        assert_eq!(random, expected[2]);
        assert_eq!(filled::<T>(17, |g, out| g.fill_bernoulli(out, 0.62)), expected[3]);
    }
}

#[test]
fn fills_of_integers() {
    const NARROW: u64 = 0xf55f_d63a_daac_f47a;
    const BERNOULLI: u64 = 0xb3e4_1528_6660_81d9;
    check_whole::<u8>(0, 256, [NARROW, 0xa01f_1302_648d_3a63, 0x8deb_20ce_6aae_fb73, BERNOULLI]);
    check_whole::<i8>(-128, 128, [NARROW, 0x84a9_5078_f9e1_8de3, 0xfd41_14a3_bc79_8373, BERNOULLI]);
    check_whole::<i16>(-32768, 32768, [NARROW, 0x3bc1_3797_9506_9a63, 0xd0b2_7e22_cda6_e573, BERNOULLI]);
    check_whole::<i32>(-1 << 31, 1 << 31, [NARROW, 0x7a66_4e1b_bfc7_2fc3, 0xe7bd_e951_7f9e_6573, BERNOULLI]);
    check_whole::<i64>(i64::MIN, i64::MAX, [NARROW, 0x90e8_ec99_3fc7_2fc3, 0xbc9a_19c6_cd32_24b4, BERNOULLI]);
    check_whole::<u16>(0, 65536, [NARROW, 0xd46d_e2e9_c868_1a63, 0, 0]);
    check_whole::<u32>(0, 1 << 32, [NARROW, 0x6aa7_87ee_3fc7_2fc3, 0, 0]);
    check_whole::<u64>(0, i64::MAX, [NARROW, 0x1c77_438f_0772_b32e, 0, 0]);
    check_whole::<bool>(
        0,
        2,
        [0xaf20_5113_1683_fcca, 0x0766_cb8a_7244_75e9, 0xde3b_6761_1a77_cd99, BERNOULLI],
    );
}

#[test]
fn randint_takes_two_words_from_2_pow_28_on() {
    let below = filled::<i64>(18, |g, out| g.fill_randint(out, 0, (1 << 28) - 1));
    let above = filled::<i64>(18, |g, out| g.fill_randint(out, 0, 1 << 28));
    assert_eq!([below, above], [0x14b1_3790_7fe3_2f71, 0x106a_de0a_fca5_eedb]);
}

#[test]
fn randint() {
    let mut out = [0i64; 10];
    Generator::new(0).fill_randint(&mut out, 0, 10).unwrap();
    assert_eq!(out, [4, 9, 3, 0, 3, 9, 7, 3, 7, 3]);
}

#[test]
fn randint_of_floats_moves_the_ends_inwards() {
    fn drawn<T: RandomElement + Default>(from: i64, to: i64) -> Option<[T; 3]> {
        let mut out = [T::default(); 3];
        Generator::new(0).fill_randint(&mut out, from, to).ok().map(|()| out)
    }
    assert_eq!(drawn::<f16>(-2049, 2051), Some([-1105.0, -1410.0, 1084.0].map(f16::from_f32)));
    assert_eq!(drawn::<f16>(0, 65505), Some([4124.0, 3384.0, 54464.0].map(f16::from_f32)));
    assert_eq!(drawn::<f16>(2049, 2051), Some([2048.0, 2050.0, 2050.0].map(f16::from_f32)));
    assert_eq!(drawn::<f16>(65503, 65504), None);
    assert_eq!(drawn::<f16>(0, 65506), None);
    assert_eq!(drawn::<bf16>(257, 259), Some([256.0, 258.0, 258.0].map(bf16::from_f32)));
    assert_eq!(drawn::<f32>((1 << 24) + 1, (1 << 24) + 9), Some([16777220.0, 16777224.0, 16777222.0]));
    let whole = [9.004501868942894e17, 3.969543146641149e18, 1.8956495971985866e18];
    assert_eq!(drawn::<f64>(i64::MIN, i64::MAX), Some(whole));
}

#[test]
fn permutations() {
    assert_eq!(Generator::new(0).randperm(10), [4, 1, 7, 5, 3, 9, 0, 8, 6, 2]);
    assert_eq!(digest(&Generator::new(19).randperm(10_007)), 0x503e_4c31_ad44_10a0);
    let mut generator = Generator::new(1);
    assert!(generator.randperm(0).is_empty());
    assert_eq!(generator.randperm(1), [0]);
    assert_eq!(generator, Generator::new(1));
}

/// The algorithm of long permutations, at a length that a test can afford; the length at which it
/// takes over was checked against PyTorch by hand.
#[test]
fn long_permutation_is_a_permutation() {
    let mut generator = Generator::new(2);
    let mut permutation: Vec<i64> = (0..1000).collect();
    generator.shuffle_inside_out(&mut permutation);
    permutation.sort_unstable();
    assert!(permutation.into_iter().eq(0..1000));
    let mut words = Generator::new(2);
    (0..1000).for_each(|_| _ = words.next_u64());
    assert_eq!(generator, words);
}

#[test]
fn bernoulli() {
    let mut out = [0u8; 16];
    Generator::new(0).fill_bernoulli(&mut out, 0.5).unwrap();
    assert_eq!(out, [0, 0, 1, 0, 0, 0, 1, 1, 0, 1, 1, 1, 1, 0, 1, 1]);
    Generator::new(0).fill_bernoulli_each(&mut out, &[0.5f32; 16]).unwrap();
    assert_eq!(out, [1, 0, 1, 1, 1, 0, 1, 0, 1, 0, 1, 1, 1, 1, 1, 0]);
}

#[test]
fn exponential() {
    let mut out = [0.0f64; 4];
    Generator::new(0).fill_exponential(&mut out, 2.0).unwrap();
    assert_eq!(out, [1.754163093353821, 0.6151923820898384, 0.30752204694700574, 1.2675593221079409]);
    Generator::new(0).fill_exponential(&mut out, f64::INFINITY).unwrap();
    assert_eq!(out, [0.0; 4]);
}

#[test]
fn state_is_that_of_torch() {
    assert_eq!(digest(&Generator::new(u64::MAX - 2).state()), 0x713c_89ff_9934_ac86);
    let mut generator = Generator::new(20);
    generator.fill_normal(&mut [0.0f32; 3], 0.0, 1.0).unwrap();
    generator.fill_uniform(&mut [0.0f32; 1000], 0.0, 1.0).unwrap();
    let state = generator.state();
    assert_eq!(state.len(), STATE_BYTES);
    assert_eq!(digest(&state), 0x68c9_9afa_ace8_c4e9);

    let mut copy = Generator::default();
    copy.set_state(&state).unwrap();
    assert_eq!(copy, generator);
    assert_eq!(copy.initial_seed(), 20);
    let mut out = [0.0f32; 4];
    copy.fill_normal(&mut out, 0.0, 1.0).unwrap();
    assert_eq!(out, [-1.500_830_3, 1.410_478_8, 2.860_617_6, 0.644_422_8]);
}

#[test]
fn states_of_all_positions_survive() {
    let mut generator = Generator::new(6);
    let mut copy = Generator::new(7);
    for _ in 0..1300 {
        copy.set_state(&generator.state()).unwrap();
        assert_eq!(copy, generator);
        assert_eq!(copy.next_u32(), generator.next_u32());
    }
}

#[test]
fn single_precision_number_of_a_state_survives() {
    let mut state = Generator::new(1).state();
    state[5048..5053].copy_from_slice(&[0, 0, 128, 63, 1]);
    let mut generator = Generator::new(2);
    generator.set_state(&state).unwrap();
    assert_eq!(generator.state(), state);
}

#[test]
fn broken_states_are_refused() {
    let mut generator = Generator::new(8);
    generator.next_u32();
    let state = generator.state();
    let mut set = |offset: usize, bytes: &[u8]| {
        let mut broken = state.clone();
        broken[offset..offset + bytes.len()].copy_from_slice(bytes);
        let before = generator.clone();
        let result = generator.set_state(&broken);
        assert_eq!(generator, before);
        result
    };
    assert_eq!(set(12, &[0]), Err(StateError::Unseeded));
    for left in [0, -1, 625, i32::MIN, i32::MAX] {
        assert_eq!(set(8, &left.to_le_bytes()), Err(StateError::Position));
    }
    for next in [2, 624, 625, 1 << 32, u64::MAX] {
        assert_eq!(set(16, &next.to_le_bytes()), Err(StateError::Position));
    }
    assert_eq!(set(24 + 8 * 623 + 4, &[1]), Err(StateError::Word(623)));
    assert_eq!(generator.set_state(&[]), Err(StateError::Size(0)));
    assert_eq!(generator.set_state(&state[1..]), Err(StateError::Size(5055)));
}

#[test]
fn wrong_arguments_leave_the_generator_alone() {
    let mut generator = Generator::new(9);
    let single = &mut [0.0f32; 20][..];
    for (from, to) in
        [(1.0, 0.0), (f64::NAN, 1.0), (0.0, f64::NAN), (0.0, f64::INFINITY), (0.0, 3.5e38), (-2e38, 2e38)]
    {
        let error = generator.fill_uniform(single, from, to).unwrap_err();
        assert!(matches!(error, RandomError::RealRange { .. }), "{error}");
    }
    for std in [-1.0, f64::NAN] {
        let error = generator.fill_normal(single, 0.0, std).unwrap_err();
        assert!(matches!(error, RandomError::StandardDeviation(_)), "{error}");
    }
    for lambda in [0.0, -1.0, f64::NAN] {
        let error = generator.fill_exponential(single, lambda).unwrap_err();
        assert!(matches!(error, RandomError::Rate(_)), "{error}");
    }
    for p in [-0.1, 1.1, f64::NAN] {
        assert_eq!(generator.fill_bernoulli(single, p), Err(RandomError::Probability));
        assert_eq!(generator.fill_bernoulli_each(&mut single[..2], &[0.5, p]), Err(RandomError::Probability));
    }
    assert_eq!(
        generator.fill_bernoulli_each(single, &[0.5f64]),
        Err(RandomError::ProbabilityCount { expected: 20, given: 1 })
    );
    for (from, to) in [(0, 0), (1, 0), (-1, 5), (0, 257), (i64::MIN, i64::MAX)] {
        assert_eq!(
            generator.fill_randint(&mut [0u8; 3], from, to),
            Err(RandomError::WholeRange { from, to })
        );
    }
    assert!(generator.fill_randint(&mut [false; 3], 0, 3).is_err());
    assert_eq!(generator, Generator::new(9));
}

#[test]
fn empty_fills_take_nothing() {
    let mut generator = Generator::new(9);
    let none: &mut [f32] = &mut [];
    generator.fill_uniform(none, 0.0, 1.0).unwrap();
    generator.fill_normal(none, 0.0, 1.0).unwrap();
    generator.fill_exponential(none, 1.0).unwrap();
    generator.fill_bernoulli(none, 0.5).unwrap();
    generator.fill_bernoulli_each::<f32, f32>(none, &[]).unwrap();
    generator.fill_randint(none, 0, 2).unwrap();
    generator.fill_random(none);
    assert_eq!(generator, Generator::new(9));
}

#[test]
fn bounds_are_met() {
    // The only number that rounds to the upper end becomes the lower one.
    let mut out = vec![bf16::ZERO; 100_000];
    Generator::new(1).fill_uniform(&mut out, 1.0, 1.0 + 1.0 / 128.0).unwrap();
    assert!(out.iter().all(|x| *x == bf16::ONE));
    let mut same = [0.0f32; 3];
    Generator::new(1).fill_uniform(&mut same, 2.5, 2.5).unwrap();
    assert_eq!(same, [2.5; 3]);
    // Degenerate and infinite parameters of normal numbers.
    let mut double = [1.0f64; 40];
    Generator::new(1).fill_normal(&mut double, -3.0, 0.0).unwrap();
    assert_eq!(double, [-3.0; 40]);
    Generator::new(1).fill_normal(&mut double[..5], f64::INFINITY, 1.0).unwrap();
    assert_eq!(double[..5], [f64::INFINITY; 5]);
}
