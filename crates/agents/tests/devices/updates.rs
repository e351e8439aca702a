//! Ten updates from the same weights, batches and noise, of every network that a configuration can name.

use super::{architecture, assert_close, batch, flat_weights, on_cpu, on_device};
use burn_tensor::backend::Backend;
use softmoe_spec::{Architecture, HeadSpec};

/// Bodies over tokens, of every kind and option.
const OVER_TOKENS: [&str; 17] = [
    "soft_moe(experts: 3)",
    "soft_moe(experts: 1)",
    "soft_moe(experts: 2, slots: tokens, scale: 2, extra_layers: 1)",
    "soft_moe(experts: 2, normalised: true)",
    "soft_moe(experts: 2, random_phi: true)",
    "soft_moe(experts: 2, dispatch: uniform)",
    "soft_moe(experts: 2, combine: uniform, bottleneck: true)",
    "expert_choice(experts: 3)",
    "expert_choice(experts: 1)",
    "expert_choice(experts: 2, extra_layers: 1, bottleneck: true)",
    "top_k(experts: 3)",
    "top_k(experts: 1)",
    "top_k(experts: 3, k: 2, capacity_factor: 1.5, importance_loss: 0.1, load_loss: 0.1, bottleneck: true)",
    "tokenized(pool: sum)",
    "tokenized(pool: mean)",
    "tokenized(pool: sum, relu: after)",
    "tokenized(pool: mean, relu: after)",
];

/// One of each kind of them.
const EACH_OVER_TOKENS: [&str; 4] =
    ["soft_moe(experts: 3)", "expert_choice(experts: 3)", "top_k(experts: 3)", "tokenized(pool: sum)"];

const TOKENS: [&str; 6] =
    ["per_conv", "per_patch", "per_patch_average", "per_feature", "shuffled", "per_sample"];

/// The other bodies.
const WITHOUT_TOKENS: [&str; 8] = [
    "flat()",
    "flat(scale: 0.5, extra_layers: 2)",
    "global_average_pooling()",
    "simplicial(version: v1)",
    "simplicial(version: v2)",
    "simplicial(version: v2, groups: 3, temperature: 1)",
    "soft_moe(experts: 2, expert_type: big, slots: count(16))",
    "soft_moe(experts: 2, expert_type: big, slots: count(9), extra_layers: 1, bottleneck: true)",
];

/// Every head that an agent of this program can have, and more.
fn heads() -> Vec<HeadSpec> {
    let kinds = [(false, false), (false, true), (true, false), (true, true)];
    let categorical = kinds.map(|(dueling, noisy)| HeadSpec::Categorical { atoms: 21, dueling, noisy });
    let q = kinds.map(|(dueling, noisy)| HeadSpec::Q { dueling, noisy });
    [categorical, q].concat()
}

/// These bodies over tokens, each over every kind of tokens, and those without.
fn bodies(over_tokens: &[&str]) -> Vec<String> {
    let over = over_tokens.iter().flat_map(|body| {
        TOKENS.iter().map(|tokens| format!("{}, tokens: {tokens})", &body[..body.len() - 1]))
    });
    over.chain(WITHOUT_TOKENS.map(str::to_owned)).collect()
}

/// The largest errors of losses, priorities and weights.
#[derive(Clone, Copy, Default)]
struct Worst([f32; 3]);

impl Worst {
    fn and(self, other: Worst) -> Worst {
        Worst([0, 1, 2].map(|i| self.0[i].max(other.0[i])))
    }
}

impl std::fmt::Display for Worst {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [losses, priorities, weights] = self.0;
        write!(f, "off by {losses:.1e} in losses, {priorities:.1e} in priorities, {weights:.1e} in weights")
    }
}

/// Ten updates on both engines, with a new target network in between.
fn ten_updates<B: Backend>(architecture: &Architecture, double: bool, device: &B::Device) -> Worst {
    const TOLERANCE: f32 = 1e-4;
    // Of losses above one, as much of the loss: a squared error is as large as 100 here.
    let of_loss = |loss: f32| TOLERANCE * loss.max(1.0);
    let (network, head) = (&architecture.network, architecture.head);
    let what = format!("{} behind {}, {head}, double {double}", network.body, network.encoder);
    let mut cpu = on_cpu(architecture, double);
    let mut other = on_device::<B>(architecture, double, device);
    assert_eq!(flat_weights(&*cpu), flat_weights(&*other), "{what}: initial weights");
    let mut worst = Worst::default();
    for update in 0..10 {
        if update == 5 {
            cpu.sync_target();
            other.sync_target();
        }
        let batch = batch(architecture, update);
        let want = cpu.update(&batch).unwrap();
        let (loss, priorities) = (want.loss, want.priorities.to_vec());
        let got = other.update(&batch).unwrap();
        let loss = assert_close(&format!("{what}: loss {update}"), &[got.loss], &[loss], of_loss(loss));
        let what = format!("{what}: priorities {update}");
        let priorities = assert_close(&what, got.priorities, &priorities, TOLERANCE);
        worst = worst.and(Worst([loss, priorities, 0.0]));
    }
    let [got, want] = [&other, &cpu].map(|learner| flat_weights(&**learner));
    let worst =
        worst.and(Worst([0.0, 0.0, assert_close(&format!("{what}: weights"), &got, &want, TOLERANCE)]));
    println!("{what}: {worst}");
    worst
}

/// `bodies` behind an encoder, each with `heads_each` of the heads, which take turns, as do double and single targets.
fn check<B: Backend>(encoder: &str, bodies: &[String], heads_each: usize, device: &B::Device) {
    let heads = heads();
    let cases = bodies.iter().flat_map(|body| (0..heads_each).map(move |_| body));
    let mut worst = Worst::default();
    for (i, body) in cases.enumerate() {
        let architecture = architecture(encoder, body, heads[i % heads.len()]);
        worst = worst.and(ten_updates::<B>(&architecture, i / heads.len() % 2 == 0, device));
    }
    println!("the worst of {}: {worst}", bodies.len() * heads_each);
}

/// Every body over every kind of tokens, with so many heads each.
pub(crate) fn check_minatar<B: Backend>(heads_each: usize, device: &B::Device) {
    check::<B>("minatar", &bodies(&OVER_TOKENS), heads_each, device);
}

/// Every body, over kinds of tokens that take turns, with heads that do.
#[allow(dead_code, reason = "where not more is compared")]
pub(crate) fn check_each_body_on_minatar<B: Backend>(device: &B::Device) {
    let over = OVER_TOKENS.iter().zip(TOKENS.iter().cycle());
    let over = over.map(|(body, tokens)| format!("{}, tokens: {tokens})", &body[..body.len() - 1]));
    let bodies: Vec<String> = over.chain(WITHOUT_TOKENS.map(str::to_owned)).collect();
    check::<B>("minatar", &bodies, 1, device);
}

/// A body of every kind over every kind of tokens behind an encoder of Atari's observations, with one head each.
#[allow(dead_code, reason = "not for devices that take too long")]
pub(crate) fn check_atari<B: Backend>(encoder: &str, device: &B::Device) {
    check::<B>(encoder, &bodies(&EACH_OVER_TOKENS), 1, device);
}

/// One of each kind of bodies, and of tokens.
#[allow(dead_code, reason = "not for devices that take too long")]
pub(crate) fn check_some_on_atari<B: Backend>(encoder: &str, device: &B::Device) {
    let bodies = [
        "soft_moe(experts: 3)",
        "soft_moe(experts: 2, tokens: per_sample)",
        "expert_choice(experts: 3, tokens: per_patch)",
        "top_k(experts: 3, tokens: per_feature)",
        "tokenized(pool: sum, tokens: shuffled)",
        "flat()",
        "global_average_pooling()",
        "simplicial(version: v1)",
        "soft_moe(experts: 2, expert_type: big, slots: count(16))",
    ];
    check::<B>(encoder, &bodies.map(str::to_owned), 1, device);
}

/// One network behind each of these encoders.
#[allow(dead_code, reason = "where not more is compared")]
pub(crate) fn check_one_behind<B: Backend>(encoders: &[&str], device: &B::Device) {
    for encoder in encoders {
        check::<B>(encoder, &["soft_moe(experts: 3)".to_owned()], 1, device);
    }
}
