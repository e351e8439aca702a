//! Interventions on a device, which an agent follows on the CPU engine: against an agent that is there altogether, and
//! after a resume.

use super::{difference, flat_weights};
use softmoe_agents::Agent;
use softmoe_agents::seeds::Seeds;
use softmoe_config::{
    AgentConfig, AgentSteps, Architecture, BodySpec, Device, EncoderSpec, LearningConfig, NetworkSpec,
};
use softmoe_env::{Element, EnvironmentSpec, Player};
use softmoe_minatar::{Game, Settings, make};
use softmoe_replay::Replay;

/// Every third update, of which there are ten.
const INTERVENTIONS: [&str; 3] = [
    "redo(period: 3, tau: 0.5, on: network)",
    "random_reset(period: 3)",
    "shrink_and_perturb(period: 3, on: network)",
];
const UPDATES: u64 = 10;
/// That of the other comparisons of ten updates.
const TOLERANCE: f32 = 1e-4;

/// DQN, Rainbow and DER, which update from the 21st step on, whenever they make one.
fn agents(intervention: &str) -> [(String, AgentConfig); 3] {
    let small = |config: LearningConfig| LearningConfig {
        min_replay: 20,
        replay_capacity: 100,
        batch_size: 4,
        update_period: AgentSteps(1),
        target_period: AgentSteps(5),
        ..config
    };
    let of_rainbow = small(LearningConfig::rainbow_minatar());
    let LearningConfig { min_replay, replay_capacity, batch_size, update_period, target_period, .. } =
        of_rainbow;
    let dqn = LearningConfig {
        min_replay,
        replay_capacity,
        batch_size,
        update_period,
        target_period,
        ..LearningConfig::dqn_minatar()
    };
    let der = small(LearningConfig::der_minatar());
    let configs: [(&str, AgentConfig); 3] =
        [("DQN", dqn.into()), ("Rainbow", of_rainbow.into()), ("DER", der.into())];
    configs.map(|(name, config)| {
        (format!("{name} with {intervention}"), config.with_intervention(intervention.parse().unwrap()))
    })
}

fn agent_on(device: Device, config: &AgentConfig) -> Agent {
    let network = NetworkSpec { encoder: EncoderSpec::MinAtar, body: BodySpec::soft_moe(3), hidden: 8 };
    let head = config.learning().unwrap().head();
    let architecture =
        Architecture { network, head, observation: [10, 10, 4], actions: 6, permutation_seed: 5 };
    let element = Element::Byte { scale: 1 };
    let spec = EnvironmentSpec { frame: architecture.observation, stack: 1, actions: 6, element };
    Agent::new_on(device, config, &architecture, &spec, Seeds::new(3)).unwrap()
}

/// Breakout.
struct Play(Player);

impl Play {
    fn new() -> Self {
        Play(Player::new(make(Game::Breakout, &Settings::default(), 7)))
    }

    /// A step of all these agents, which see what the first one does.
    fn step(&mut self, agents: &mut [Agent]) {
        let actions: Vec<usize> = agents.iter_mut().map(|agent| agent.act(self.0.state())).collect();
        let played = self.0.step(actions[0]);
        for agent in agents.iter_mut() {
            agent.learn(played.frame, actions[0], played.step).unwrap();
        }
    }

    fn until(&mut self, updates: u64, agents: &mut [Agent]) {
        while agents[0].updates() < updates {
            self.step(agents);
        }
    }
}

/// Each intervention with each agent, or, where a device takes long, each once.
fn cases(device: Device) -> Vec<(String, AgentConfig)> {
    let all = INTERVENTIONS.iter().enumerate().flat_map(|(turn, intervention)| {
        let agents = agents(intervention).into_iter().enumerate();
        agents.filter(move |(i, _)| device == Device::Flex || *i == turn).map(|(_, case)| case)
    });
    all.collect()
}

/// Ten updates and three interventions of each agent, on the device and on the CPU engine, from the same transitions.
pub(crate) fn check_interventions(device: Device) {
    for (what, config) in cases(device) {
        let mut agents = [agent_on(Device::Cpu, &config), agent_on(device, &config)];
        Play::new().until(UPDATES, &mut agents);
        let [cpu, other] = &agents;
        let [want, got] = [cpu, other].map(|agent| flat_weights(agent.learner()));
        let worst = difference(&got, &want, TOLERANCE).unwrap_or_else(|far| panic!("{what}: {far}"));
        println!("{what}: off by {worst:.1e} in weights");

        // It is the interventions that are compared: without them the weights are others.
        let none = config.clone().with_intervention("none".parse().unwrap());
        let mut without = [agent_on(Device::Cpu, &none)];
        Play::new().until(UPDATES, &mut without);
        let without = flat_weights(without[0].learner());
        let far = without.iter().zip(&want).filter(|(a, b)| (*a - *b).abs() > 10.0 * TOLERANCE).count();
        assert!(far > 0, "{what} changes nothing");
    }
}

/// Saved between two interventions, and restored into another agent: both go on alike, bit for bit.
pub(crate) fn check_resume_with_interventions(device: Device) {
    for (what, config) in cases(device) {
        let mut play = Play::new();
        let mut agents = [agent_on(device, &config)];
        play.until(4, &mut agents);
        let [agent] = agents;
        let mut bytes = Vec::new();
        agent.replay().write_state(&mut bytes).unwrap();
        let replay =
            Replay::read_state(&bytes[..], *agent.replay().layout(), agent.replay().sampling()).unwrap();
        let mut restored = agent_on(device, &config);
        restored.restore(agent.state(), replay).unwrap();
        let mut agents = [agent, restored];
        play.until(UPDATES, &mut agents);
        let [agent, restored] = agents;
        assert_eq!(agent.state(), restored.state(), "{what}");
    }
}
