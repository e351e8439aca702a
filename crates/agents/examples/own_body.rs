//! A body of your own, with its gradients, in Rainbow on MinAtar's Breakout: the maximum over all tokens.
//!
//! ```sh
//! cargo run --release -p softmoe-agents --example own_body
//! ```
//!
//! The body is a `Layer`: a forward pass, a backward pass and the buffers of both. The network is a tuple with the body in the middle. The
//! agent takes any learner; here it is Rainbow's learner with this network. The example first checks the gradients against central differences in double
//! precision, then trains for 20,000 steps. [docs/extending.md](../../../docs/extending.md) shows a shorter way for devices, with a
//! forward pass alone, and how to give a body a name in experiments.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_agents::rainbow::{RainbowLearner, RainbowSettings};
use softmoe_agents::seeds::Seeds;
use softmoe_agents::{Agent, AgentError, UpdateSettings};
use softmoe_config::LearningConfig;
use softmoe_env::Player;
use softmoe_minatar::{Game, Settings, make};
use softmoe_nets::layers::{CategoricalHead, Conv2d, Dense, PerConv, Relu};
use softmoe_nets::shapes::Const;
use softmoe_nets::{Backward, BoxedNetwork, Builder, Layer, LayerDescription, Scalar, Size, Weights};

/// y_j = max over tokens t of x_tj. The gradient of y_j goes to the token that has the maximum.
///
/// # Shapes
/// (batch, tokens, width) -> (batch, width)
struct MaxOverTokens;

/// Buffers of one batch size.
struct MaxWorkspace<E> {
    tokens: usize,
    width: usize,
    y: Vec<E>,
    dx: Vec<E>,
    /// The token of each maximum, (batch, width).
    winners: Vec<usize>,
}

impl<M: Size, D: Size> Layer<(usize, M, D)> for MaxOverTokens {
    type Out = (usize, D);
    type Workspace<E: Scalar> = MaxWorkspace<E>;

    fn output_shape(&self, (batch, _, width): (usize, M, D)) -> (usize, D) {
        (batch, width)
    }

    fn describe(&self, input: (usize, M, D)) -> Vec<LayerDescription> {
        vec![LayerDescription::new("MaxOverTokens", self.output_shape(input))]
    }

    fn workspace<E: Scalar>(&self, (batch, tokens, width): (usize, M, D)) -> MaxWorkspace<E> {
        let (tokens, width) = (tokens.size(), width.size());
        let [y, dx] = [batch * width, batch * tokens * width].map(|len| vec![E::ZERO; len]);
        MaxWorkspace { tokens, width, winners: vec![0; y.len()], y, dx }
    }

    fn forward_into<E: Scalar>(&self, _: Weights<E>, x: &[E], workspace: &mut MaxWorkspace<E>) {
        let MaxWorkspace { tokens, width, y, winners, .. } = workspace;
        for (i, (y, winner)) in y.iter_mut().zip(winners).enumerate() {
            let (sample, column) = (i / *width, i % *width);
            (*y, *winner) = (E::NEG_INFINITY, 0);
            for token in 0..*tokens {
                let value = x[(sample * *tokens + token) * *width + column];
                if value > *y {
                    (*y, *winner) = (value, token);
                }
            }
        }
    }

    fn output<'t, E: Scalar>(&self, _: &'t [E], workspace: &'t MaxWorkspace<E>) -> &'t [E] {
        &workspace.y
    }

    fn backward_into<E: Scalar>(&self, pass: Backward<E>, workspace: &mut MaxWorkspace<E>) {
        let MaxWorkspace { tokens, width, dx, winners, .. } = workspace;
        dx.fill(E::ZERO);
        for (i, (&dy, &mut winner)) in pass.dy.iter().zip(winners).enumerate() {
            dx[(i / *width * *tokens + winner) * *width + i % *width] = dy;
        }
    }

    fn d_input<'t, E: Scalar>(&self, _: &'t [E], workspace: &'t MaxWorkspace<E>) -> &'t [E] {
        &workspace.dx
    }
}

/// The largest difference between the gradient with respect to the input and central differences, for a random input and loss.
fn error_of_gradient() -> f64 {
    type Sizes = (usize, usize, usize);
    let shape: Sizes = (2, 5, 3);
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(0);
    let mut draw = |len| (0..len).map(|_| rng.random_range(-1.0..1.0)).collect::<Vec<f64>>();
    let (mut x, dy) = (draw(2 * 5 * 3), draw(2 * 3));
    let mut workspace = Layer::<Sizes>::workspace(&MaxOverTokens, shape);
    let weights = Weights { parameters: &[], noise: None };
    let loss = |x: &[f64]| -> f64 {
        let mut workspace = Layer::<Sizes>::workspace(&MaxOverTokens, shape);
        Layer::<Sizes>::forward(&MaxOverTokens, weights, x, &mut workspace)
            .iter()
            .zip(&dy)
            .map(|(y, dy)| y * dy)
            .sum()
    };
    Layer::<Sizes>::forward(&MaxOverTokens, weights, &x, &mut workspace);
    let dx =
        Layer::<Sizes>::backward(&MaxOverTokens, weights, &x, &dy, &mut workspace, &mut [], true).to_vec();
    let mut worst = 0.0_f64;
    for i in 0..x.len() {
        let at = x[i];
        let [above, below] = [at + 1e-6, at - 1e-6].map(|value| {
            x[i] = value;
            loss(&x)
        });
        x[i] = at;
        worst = worst.max(((above - below) / 2e-6 - dx[i]).abs());
    }
    worst
}

/// Everything before the head, then the head, which can compute the outputs of a single action.
type Network = (Features, CategoricalHead<Const<128>, Const<51>>);
type Features = (
    Conv2d<Const<8>, Const<8>, Const<16>, 3, 1>, // 10x10x4 -> 8x8x16
    Relu,
    PerConv<Const<64>>, // 64 tokens of width 16
    MaxOverTokens,      // 16
    Dense<Const<16>, Const<128>>,
    Relu,
);

fn main() -> Result<(), AgentError> {
    println!("largest error of the gradient: {:.1e}", error_of_gradient());

    let mut player = Player::new(make(Game::Breakout, &Settings::default(), 0));
    let spec = *player.spec();
    let mut builder = Builder::new();
    let features: Features = (
        Conv2d::new(&mut builder, "encoder", 4, (Const, Const, Const)),
        Relu,
        PerConv(Const),
        MaxOverTokens,
        Dense::new(&mut builder, "hidden", Const, Const, true),
        Relu,
    );
    let head = CategoricalHead::dueling(&mut builder, "head", Const, spec.actions, Const, true);
    let layers: Network = (features, head);
    let network = BoxedNetwork::new(builder, layers, |batch| (batch, Const::<10>, Const::<10>, 4));

    let config =
        LearningConfig { min_replay: 1_000, replay_capacity: 20_000, ..LearningConfig::rainbow_minatar() };
    let update = UpdateSettings::new(&config, spec.element);
    let seeds = Seeds::new(0);
    let learner = RainbowLearner::new(Box::new(network), RainbowSettings { v_max: 10.0, update }, seeds);
    let mut agent = Agent::with_learner(Box::new(learner), &config.into(), &spec, seeds)?;

    let mut returns = Vec::new();
    for step in 1..=20_000 {
        let action = agent.act(player.state());
        let played = player.step(action);
        returns.extend(played.finished);
        agent.learn(played.frame, action, played.step)?;
        if step % 5_000 == 0 {
            let mean = returns.iter().sum::<f64>() / returns.len() as f64;
            println!("{step} steps: mean return {mean:.2} over {} episodes", returns.len());
            returns.clear();
        }
    }
    Ok(())
}
