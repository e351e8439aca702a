//! The agents on problems whose best policy is known.

use rand::RngExt;
use softmoe_agents::Agent;
use softmoe_agents::seeds::{Role, Seeds};
use softmoe_config::{
    AgentConfig, AgentSteps, Architecture, BodySpec, EncoderSpec, LearningConfig, LossSpec, NetworkSpec,
};
use softmoe_env::{Element, EnvironmentSpec, Step};

const SHAPE: [usize; 3] = [10, 10, 1];

/// One of several pictures: a lit row.
fn picture(row: usize) -> Vec<u8> {
    let mut picture = vec![0; 100];
    picture[row * 10..][..10].fill(1);
    picture
}

fn agents() -> [AgentConfig; 3] {
    let rainbow = LearningConfig {
        discount: 0.9,
        n_step: 1,
        min_replay: 50,
        update_period: AgentSteps(1),
        batch_size: 16,
        target_period: AgentSteps(25),
        replay_capacity: 1_000,
        learning_rate: 3e-3,
        loss: LossSpec::C51 { v_max: 2.0, atoms: 51 },
        // Noise alone explores too little in so few steps.
        epsilon_train: 0.3,
        ..LearningConfig::rainbow_minatar()
    };
    let LearningConfig { discount, min_replay, update_period, batch_size, target_period, .. } = rainbow;
    let LearningConfig { replay_capacity, learning_rate, epsilon_train, .. } = rainbow;
    let dqn = LearningConfig {
        discount,
        min_replay,
        update_period,
        batch_size,
        target_period,
        ..LearningConfig::dqn_minatar()
    };
    let dqn = LearningConfig { replay_capacity, learning_rate, epsilon_train, ..dqn };
    let dqn = LearningConfig { epsilon_decay_period: AgentSteps(200), ..dqn };
    // What a published DQN leaves out, all at once.
    let prioritized = LearningConfig {
        loss: LossSpec::Huber,
        double: true,
        dueling: true,
        noisy: true,
        priority_exponent: 0.5,
        ..dqn
    };
    [rainbow.into(), dqn.into(), prioritized.into()]
}

fn agent(config: &AgentConfig, body: BodySpec, actions: usize) -> Agent {
    let head = config.learning().unwrap().head();
    let network = NetworkSpec { encoder: EncoderSpec::MinAtar, body, hidden: 16 };
    let architecture = Architecture { network, head, observation: SHAPE, actions, permutation_seed: 0 };
    let spec = EnvironmentSpec { frame: SHAPE, stack: 1, actions, element: Element::Byte { scale: 1 } };
    Agent::new(config, &architecture, &spec, Seeds::new(1)).unwrap()
}

/// The greedy action, the noise off.
fn greedy(agent: &mut Agent, row: usize) -> usize {
    // A generator that does not happen to explore: epsilon is 0.001.
    agent.act_in_evaluation(&picture(row), &mut Seeds::new(0).rng(Role::Exploration))
}

fn cases() -> impl Iterator<Item = (AgentConfig, BodySpec)> {
    agents()
        .into_iter()
        .flat_map(|agent| [BodySpec::flat(), BodySpec::soft_moe(4)].map(|body| (agent.clone(), body)))
}

#[test]
fn an_agent_learns_which_action_belongs_to_which_picture() {
    let rows = [1, 4, 8];
    for (config, body) in cases() {
        let mut agent = agent(&config, body, rows.len());
        let mut rng = Seeds::new(2).rng(Role::Environment);
        for _ in 0..800 {
            let right = rng.random_range(0..rows.len());
            let action = agent.act(&picture(rows[right]));
            let reward = if action == right { 1.0 } else { 0.0 };
            agent
                .learn(&picture(rows[right]), action, Step { reward, terminal: true, ..Step::default() })
                .unwrap();
        }
        let learned: Vec<usize> = rows.iter().map(|&row| greedy(&mut agent, row)).collect();
        assert_eq!(learned, [0, 1, 2], "{config:?}");
    }
}

#[test]
fn an_agent_learns_to_forgo_a_small_reward_for_a_later_one() {
    // In the first state action 0 ends the episode with 0.5, action 1 leads to the second state, where action 0
    // ends it with 1 (worth 0.9 before) and action 1 with nothing: only bootstrapping can tell.
    let (first, second) = (2, 7);
    for (config, body) in cases() {
        let mut agent = agent(&config, body, 2);
        for _ in 0..600 {
            let action = agent.act(&picture(first));
            let terminal = action == 0;
            let reward = if terminal { 0.5 } else { 0.0 };
            agent.learn(&picture(first), action, Step { reward, terminal, ..Step::default() }).unwrap();
            if !terminal {
                let action = agent.act(&picture(second));
                let reward = if action == 0 { 1.0 } else { 0.0 };
                agent
                    .learn(&picture(second), action, Step { reward, terminal: true, ..Step::default() })
                    .unwrap();
            }
        }
        assert_eq!((greedy(&mut agent, first), greedy(&mut agent, second)), (1, 0), "{config:?}");
    }
}
