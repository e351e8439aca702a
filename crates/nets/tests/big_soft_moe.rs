//! A mixture of whole networks against numbers of Dopamine 4.1.2's `SoftMoE` with `expert_type="BIG"` and its
//! `BigExpertModel`, around an encoder of one small convolution, in double precision.

use softmoe_nets::layers::{BigSoftMoe, Conv2d, Flatten, Linear, Relu};
use softmoe_nets::{Builder, Layer, Weights};

/// For 18 tokens of width 2 and two experts, each on nine slots.
#[rustfmt::skip]
const OUTPUT: [f64; 36] = [
    0.009_667_930_227_078, 0.208_608_551_642_065, -0.029_241_152_971_870, -0.052_094_362_104_773,
    -0.025_431_166_122_378, -0.065_091_877_680_198, 0.037_556_381_349_962, 0.252_802_549_252_303,
    -0.018_292_101_694_328, -0.066_613_117_424_000, -0.070_011_782_387_888, -0.096_654_824_440_211,
    0.062_948_527_702_551, 0.274_142_575_570_203, -0.018_622_099_266_903, -0.073_668_691_564_582,
    -0.095_451_038_751_407, -0.096_577_956_854_505, 0.082_519_551_185_022, 0.270_228_057_793_319,
    -0.027_872_077_495_162, -0.056_587_222_418_632, -0.100_455_983_761_286, -0.079_629_310_581_962,
    0.093_141_456_095_830, 0.238_751_190_831_710, -0.036_310_729_525_781, -0.007_300_648_788_636,
    -0.090_220_570_616_597, -0.059_662_011_875_329, 0.090_581_156_724_582, 0.178_952_706_179_881,
    -0.033_627_646_929_148, 0.064_699_150_361_123, -0.071_264_186_789_075, -0.045_834_383_347_252,
];

/// The gradient with respect to the tokens.
#[rustfmt::skip]
const GRADIENT: [f64; 36] = [
    -0.038_510_023_881_117, 0.130_203_839_079_514, -0.092_975_094_545_224, 0.003_189_593_474_589,
    -0.082_475_251_909_836, -0.043_137_466_091_961, 0.040_015_858_240_199, 0.194_636_739_909_130,
    -0.043_677_510_146_568, 0.041_808_200_230_202, 0.037_338_266_051_422, 0.045_467_813_157_787,
    0.110_489_172_646_051, 0.188_759_629_846_634, 0.000_845_255_557_539, 0.014_490_509_137_286,
    0.104_776_993_363_944, 0.040_066_705_265_046, 0.151_232_485_469_230, 0.126_261_417_662_542,
    -0.024_305_796_335_508, -0.083_001_820_136_555, 0.096_905_271_965_205, -0.024_701_443_757_306,
    0.134_018_741_307_397, 0.026_121_126_349_619, -0.097_827_942_453_077, -0.162_522_649_161_828,
    0.038_667_097_231_510, -0.081_621_031_253_096, 0.041_916_032_889_335, -0.087_788_738_013_200,
    -0.136_329_251_434_746, -0.128_865_136_848_866, -0.035_657_746_088_178, -0.093_231_468_712_582,
];

#[track_caller]
fn assert_near(what: &str, got: &[f64], want: &[f64]) {
    assert_eq!(got.len(), want.len(), "{what}");
    for (index, (got, want)) in got.iter().zip(want).enumerate() {
        assert!((got - want).abs() < 1e-13, "{what}: value {index} is {got}, should be {want}");
    }
}

#[test]
fn output_and_gradient_are_the_released_ones() {
    let mut builder = Builder::new();
    let layer = BigSoftMoe::new(&mut builder, "moe", (18, 2, 2, 3), |builder, name| {
        (
            Conv2d::<usize, usize, usize, 2, 1>::new(builder, &format!("{name}/encoder"), 2, (2, 2, 2)),
            Relu,
            Flatten(8),
            Linear::new(builder, &format!("{name}/hidden"), 8, 3),
            Relu,
            Linear::new(builder, &format!("{name}/output"), 3, 18),
        )
    });
    let (list, _) = builder.finish();
    let parameters: Vec<f64> = (0..list.len()).map(|i| (i as f64).sin()).collect();
    let x: Vec<f64> = (0..36).map(|i| f64::from(i).cos()).collect();
    let dy: Vec<f64> = (0..36).map(|i| f64::from(1 + 2 * i).sin()).collect();
    let weights = Weights { parameters: &parameters, noise: None };
    let mut workspace = layer.workspace::<f64>((1, 18, 2));
    assert_near("output", layer.forward(weights, &x, &mut workspace), &OUTPUT);
    let mut gradient = vec![f64::NAN; list.len()];
    assert_near("gradient", layer.backward(weights, &x, &dy, &mut workspace, &mut gradient, true), &GRADIENT);
}
