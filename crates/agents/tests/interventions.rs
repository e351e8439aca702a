//! What interventions change, and what they do not.

use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_agents::interventions::{Trained, apply, dormant_scores, experts, redo};
use softmoe_agents::networks;
use softmoe_config::{Architecture, BodySpec, EncoderSpec, HeadSpec, InterventionSpec, NetworkSpec};
use softmoe_nets::{ActionNetwork, Adam, AdamSettings, Weights};

const BATCH: usize = 3;

fn network(body: &str) -> Box<dyn ActionNetwork> {
    let network =
        NetworkSpec { encoder: EncoderSpec::MinAtar, body: body.parse::<BodySpec>().unwrap(), hidden: 6 };
    let head = HeadSpec::Categorical { atoms: 3, dueling: true, noisy: true };
    let architecture =
        Architecture { network, head, observation: [10, 10, 4], actions: 3, permutation_seed: 1 };
    networks::build(&architecture).unwrap()
}

/// Weights and moments, none of which is zero.
struct Given {
    network: Box<dyn ActionNetwork>,
    parameters: Vec<f32>,
    optimizer: Adam,
    noise: Vec<f32>,
    x: Vec<f32>,
    rng: Xoshiro256PlusPlus,
}

impl Given {
    fn new(body: &str) -> Self {
        let network = network(body);
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(5);
        let list = network.parameters();
        let parameters: Vec<f32> = list.initial(&mut rng).iter().map(|value| value + 0.01).collect();
        let mut noise = vec![0.0; network.noise().len()];
        network.noise().draw(&mut rng, &mut noise);
        let moments = vec![1.0; parameters.len()];
        let optimizer = Adam::resume(AdamSettings::new(1e-3, 1e-8), 7, moments.clone(), moments);
        let x = (0..BATCH * network.input_len()).map(|i| f32::from(i * i % 7 < 3)).collect();
        Given { network, parameters, optimizer, noise, x, rng }
    }

    fn inspect(&self) -> softmoe_nets::Inspection {
        let mut pass = self.network.pass(BATCH);
        pass.forward(Weights { parameters: &self.parameters, noise: None }, &self.x);
        pass.inspect(&self.x)
    }

    fn outputs(&self, noise: bool) -> Vec<f32> {
        let noise = noise.then_some(&self.noise[..]);
        let mut pass = self.network.pass(BATCH);
        pass.forward(Weights { parameters: &self.parameters, noise }, &self.x).to_vec()
    }

    /// Follows the intervention; the names of the parameters that it changed, and those whose moments became 0.
    fn apply(&mut self, intervention: &str) -> [Vec<String>; 2] {
        let before = self.parameters.clone();
        let inspection = self.inspect();
        let trained = Trained { parameters: &mut self.parameters, optimizer: &mut self.optimizer };
        let intervention: InterventionSpec = intervention.parse().unwrap();
        apply(intervention, self.network.parameters(), &inspection, trained, &mut self.rng);
        let names = |differ: &dyn Fn(usize) -> bool| -> Vec<String> {
            let list = self.network.parameters().iter();
            list.filter(|p| p.range.clone().any(differ)).map(|p| p.name.clone()).collect()
        };
        let (mu, nu) = self.optimizer.moments();
        assert_eq!(mu, nu);
        assert_eq!(self.optimizer.steps(), 7);
        [names(&|index| self.parameters[index] != before[index]), names(&|index| mu[index] != 1.0)]
    }
}

#[test]
fn scores_in_closed_form() {
    // Mean 2.
    let scores = dormant_scores(&[0.0, 1.0, 2.0, 5.0]);
    for (got, want) in scores.iter().zip([0.0, 0.5, 1.0, 2.5]) {
        assert!((got - want).abs() < 1e-8);
    }
    assert_eq!(dormant_scores(&[0.0, 0.0]), [0.0, 0.0]);
}

#[test]
fn a_dead_neuron_is_reborn_without_changing_what_the_network_computes() {
    for body in [
        "flat(extra_layers: 1)",
        "soft_moe(experts: 2)",
        "soft_moe(experts: 2, extra_layers: 1, bottleneck: true)",
        "soft_moe(experts: 1, tokens: per_sample)",
        "soft_moe(experts: 2, tokens: per_patch, normalised: true)",
        "soft_moe(experts: 2, tokens: per_patch_average)",
        "expert_choice(experts: 2)",
        "top_k(experts: 2)",
        "tokenized(pool: mean)",
        "tokenized(pool: sum, relu: after)",
        "global_average_pooling()",
    ] {
        let mut given = Given::new(body);
        // The second neuron of every layer, whatever the noise.
        let neurons = given.inspect().neurons;
        for layer in &neurons {
            assert!(!layer.is_read_elsewhere && !layer.outgoing.is_empty(), "{body}");
            for kernel in &layer.incoming {
                let column =
                    kernel.range.clone().filter(|index| (index - kernel.range.start) % kernel.columns == 1);
                column.for_each(|index| given.parameters[index] = 0.0);
            }
            for (part, bias) in layer.biases.iter().enumerate() {
                given.parameters[bias.start + 1] = if part == 0 { -1.0 } else { 0.0 };
            }
        }
        let before = [given.outputs(false), given.outputs(true)];
        let inspection = given.inspect();
        let fresh = given.network.parameters().initial(&mut given.rng);
        let trained = Trained { parameters: &mut given.parameters, optimizer: &mut given.optimizer };
        redo(inspection.neurons.iter(), 0.0, &fresh, trained);
        let after = [given.outputs(false), given.outputs(true)];
        for (before, after) in before.iter().flatten().zip(after.iter().flatten()) {
            assert!((before - after).abs() < 1e-5, "{body}: {before} became {after}");
        }
        // It lives, but where everything in front of it has no effect yet.
        let first = &given.inspect().neurons[0];
        assert!(first.activity[1] > 0.0 && inspection.neurons[0].activity[1] == 0.0, "{body}");
        let (mu, _) = given.optimizer.moments();
        let zeros: usize = mu.iter().filter(|&&mu| mu == 0.0).count();
        assert!(zeros > 0 && zeros < mu.len() / 2, "{body}");
    }
}

#[test]
fn neurons_that_no_weights_can_cut_off_are_left_alone() {
    for body in [
        "soft_moe(experts: 2, tokens: shuffled)",
        "soft_moe(experts: 2, tokens: per_feature)",
        "simplicial(version: v1)",
    ] {
        let mut given = Given::new(body);
        let neurons = given.inspect().neurons;
        assert!(neurons[0].is_read_elsewhere, "{body}");
        let [changed, _] = given.apply("redo(tau: 1000)");
        assert!(
            !changed.is_empty() && !changed.iter().any(|name| name.starts_with("encoder")),
            "{changed:?}"
        );
    }
}

#[test]
fn redo_changes_the_part_that_it_is_told_to() {
    let [changed, moments] = Given::new("soft_moe(experts: 2)").apply("redo(tau: 1000, on: experts)");
    let hidden = ["bias_mu", "bias_sigma", "kernel_mu", "kernel_sigma"];
    let mut want: Vec<String> = hidden.iter().map(|part| format!("soft_moe/experts/hidden/{part}")).collect();
    want.push("soft_moe/experts/output/kernel".into());
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names
    };
    assert_eq!(sorted(changed), sorted(want.clone()));
    want.retain(|name| name.contains("kernel"));
    assert_eq!(sorted(moments), sorted(want));

    let mut given = Given::new("soft_moe(experts: 2)");
    let [changed, _] = given.apply("redo(tau: 1000)");
    assert!(
        changed.contains(&"encoder/kernel".into()) && changed.contains(&"soft_moe/phi".into()),
        "{changed:?}"
    );
    assert!(!changed.iter().any(|name| name.starts_with("head")));
    // All neurons are dormant at that threshold: nothing leads anywhere.
    let list = given.network.parameters();
    for name in ["soft_moe/phi", "soft_moe/experts/hidden/kernel_mu", "soft_moe/experts/hidden/kernel_sigma"]
    {
        assert!(given.parameters[list.get(name).unwrap().range.clone()].iter().all(|&value| value == 0.0));
    }
    assert!(
        given.parameters[list.get("encoder/bias").unwrap().range.clone()].iter().all(|&bias| bias == 0.0)
    );

    // Where no neuron is dead, tau = 0 changes nothing.
    let mut given = Given::new("soft_moe(experts: 2)");
    for name in ["encoder/bias", "soft_moe/experts/hidden/bias_mu"] {
        let range = given.network.parameters().get(name).unwrap().range.clone();
        given.parameters[range].fill(9.0);
    }
    let [changed, moments] = given.apply("redo(tau: 0)");
    assert_eq!((changed, moments), (vec![], vec![]));
}

#[test]
fn a_random_reset_draws_one_expert_anew() {
    for body in ["soft_moe(experts: 3)", "top_k(experts: 3)", "soft_moe(experts: 3, expert_type: big)"] {
        let mut seen = [false; 3];
        for seed in 0..20 {
            let mut given = Given::new(body);
            given.rng = Xoshiro256PlusPlus::seed_from_u64(seed);
            let before = given.parameters.clone();
            let [changed, _] = given.apply("random_reset()");
            assert!(changed.iter().all(|name| name.contains("/experts/")), "{body}: {changed:?}");
            let experts = experts(given.network.parameters());
            let is_reset: Vec<bool> = experts
                .iter()
                .map(|ranges| {
                    ranges.iter().all(|range| given.parameters[range.clone()] != before[range.clone()])
                })
                .collect();
            assert_eq!(is_reset.iter().filter(|&&is_reset| is_reset).count(), 1, "{body}");
            let chosen = is_reset.iter().position(|&is_reset| is_reset).unwrap();
            seen[chosen] = true;
            let (mu, _) = given.optimizer.moments();
            for (expert, ranges) in experts.iter().enumerate() {
                let mut moments = ranges.iter().flat_map(|range| &mu[range.clone()]);
                assert!(moments.all(|&mu| mu == if expert == chosen { 0.0 } else { 1.0 }), "{body}");
            }
        }
        assert_eq!(seen, [true; 3]);
    }
}

#[test]
fn shrink_and_perturb_is_its_formula() {
    for (on, part) in [("experts", "/experts/"), ("network", "")] {
        let mut given = Given::new("soft_moe(experts: 2)");
        let before = given.parameters.clone();
        let fresh = given.network.parameters().initial(&mut given.rng.clone());
        let [_, moments] = given.apply(&format!("shrink_and_perturb(shrink: 0.5, perturb: 0.25, on: {on})"));
        assert_eq!(moments, Vec::<String>::new());
        for parameter in given.network.parameters().iter() {
            for index in parameter.range.clone() {
                let want = match parameter.name.contains(part) {
                    true => 0.5 * before[index] + 0.25 * fresh[index],
                    false => before[index],
                };
                assert!((given.parameters[index] - want).abs() < 1e-6, "{}", parameter.name);
            }
        }
    }
}

#[test]
fn a_phi_that_is_not_trained_stays_as_it_is() {
    for normalised in [false, true] {
        let body = format!("soft_moe(experts: 2, random_phi: true, normalised: {normalised})");
        for intervention in
            ["shrink_and_perturb(shrink: 0.5, perturb: 0.25, on: network)", "redo(tau: 100, on: network)"]
        {
            let mut given = Given::new(&body);
            let [changed, _] = given.apply(intervention);
            assert!(!changed.is_empty(), "{intervention} changed nothing of {body}");
            assert!(!changed.iter().any(|name| name.ends_with("/phi")), "{intervention} changed {changed:?}");
        }
    }
}

#[test]
fn descriptions_lists_and_optimizers_count_the_same_parameters() {
    for (body, fixed) in
        [("flat", 0), ("soft_moe(experts: 2)", 0), ("soft_moe(experts: 2, random_phi: true)", 1)]
    {
        let network = network(body);
        let list = network.parameters();
        let described: usize = network.describe().iter().map(|layer| layer.parameters).sum();
        let optimizer = Adam::for_parameters(AdamSettings::new(1e-3, 1e-8), list);
        assert_eq!(described, list.trained_len(), "{body}");
        assert_eq!(optimizer.trained_len(), list.trained_len(), "{body}");
        assert_eq!(list.iter().filter(|parameter| !parameter.trained).count(), fixed, "{body}");
    }
}
