//! Networks compute with the instruction set of their caller: two runs in one process do not disturb each other.

mod support;

use dfdx::shapes::Const;
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_nets::kernels::{InstructionSet, Matrix, MatrixMut, product};
use softmoe_nets::layers::{Dense, Flatten, Relu};
use softmoe_nets::{Adam, AdamSettings, BoxedNetwork, Builder, Network, Pass, Weights};
use std::thread;
use support::uniform;

const BATCH: usize = 64;
const STEPS: usize = 4;

/// Large enough that its passes are shared among threads.
fn network() -> Box<dyn Network> {
    let mut builder = Builder::new();
    let layers = (
        Flatten(Const::<400>),
        Dense::new(&mut builder, "hidden", Const::<400>, Const::<512>, true),
        Relu,
        Dense::new(&mut builder, "output", Const::<512>, Const::<306>, true),
    );
    Box::new(BoxedNetwork::new(builder, layers, support::observations))
}

fn to_f32(values: Vec<f64>) -> Vec<f32> {
    values.into_iter().map(|value| value as f32).collect()
}

/// A training run of its own instruction set, step by step.
struct Run {
    set: InstructionSet,
    parameters: Vec<f32>,
    gradient: Vec<f32>,
    noise: Vec<f32>,
    x: Vec<f32>,
    adam: Adam,
    pass: Box<dyn Pass>,
}

impl Run {
    fn new(network: &dyn Network, set: InstructionSet) -> Self {
        let parameters = network.parameters().initial(&mut Xoshiro256PlusPlus::seed_from_u64(1));
        Run {
            set,
            gradient: vec![0.0; parameters.len()],
            noise: to_f32(uniform(network.noise().len(), 1.0, 2)),
            x: to_f32(uniform(BATCH * network.input_len(), 1.0, 3)),
            adam: Adam::new(AdamSettings::new(1e-3, 1e-4), parameters.len()),
            pass: network.pass(BATCH),
            parameters,
        }
    }

    fn step(&mut self) {
        let Run { set, parameters, gradient, noise, x, adam, pass } = self;
        set.run(|| {
            let weights = Weights { parameters, noise: Some(noise) };
            let y = pass.forward(weights, x).to_vec();
            pass.backward(weights, x, &y, gradient);
            assert!(adam.step(parameters, gradient));
        });
    }

    fn finish(mut self) -> Vec<f32> {
        (0..STEPS).for_each(|_| self.step());
        self.parameters
    }
}

#[test]
fn runs_of_different_sets_compute_in_one_process_as_they_do_alone() {
    let network = network();
    let sets = InstructionSet::available();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    pool.install(|| {
        let alone: Vec<Vec<f32>> = sets.iter().map(|&set| Run::new(&*network, set).finish()).collect();
        if let [portable, fused @ ..] = &alone[..] {
            assert!(fused.iter().all(|fused| fused != portable), "`portable` used fused multiply-adds");
        }
        // In turns, on one thread.
        let mut runs: Vec<Run> = sets.iter().map(|&set| Run::new(&*network, set)).collect();
        for _ in 0..STEPS {
            runs.iter_mut().for_each(Run::step);
        }
        for (run, alone) in runs.iter().zip(&alone) {
            assert!(run.parameters == *alone, "in turns, `{}` computes something else", run.set);
        }
        // At the same time, on threads that compute chunks of each other's loops.
        for _ in 0..4 {
            let (first, last) = (sets[0], sets[sets.len() - 1]);
            let run = |set| Run::new(&*network, set).finish();
            let found = rayon::join(|| run(first), || run(last));
            assert!(found.0 == alone[0], "at the same time, `{first}` computes something else");
            assert!(Some(&found.1) == alone.last(), "at the same time, `{last}` computes something else");
        }
    });
}

#[test]
fn another_thread_chooses_for_itself() {
    let default = InstructionSet::default();
    for set in InstructionSet::available() {
        let found = set.run(|| thread::spawn(InstructionSet::current).join().unwrap());
        assert_eq!(found, default);
    }
}

#[test]
fn the_default_is_the_environments_choice_or_the_best() {
    let default = InstructionSet::default();
    match std::env::var("SOFTMOE_INSTRUCTION_SET") {
        Ok(name) if !name.is_empty() && name != "auto" => assert_eq!(default.name(), name),
        _ => assert_eq!(Some(&default), InstructionSet::available().last()),
    }
}

#[test]
fn every_set_multiplies() {
    let (a, b) = ([1.0_f32, 2.0, 3.0, 4.0], [5.0_f32, 6.0, 7.0, 8.0]);
    for set in InstructionSet::available() {
        let mut c = [0.0; 4];
        set.run(|| {
            assert_eq!(InstructionSet::current(), set);
            product(MatrixMut::new(&mut c, 2, 2), Matrix::new(&a, 2, 2), Matrix::new(&b, 2, 2), false);
        });
        assert_eq!(c, [19.0, 22.0, 43.0, 50.0], "{set}");
    }
}
