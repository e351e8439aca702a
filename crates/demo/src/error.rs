use softmoe_agents::AgentError;
use softmoe_config::ConfigError;

/// Why a pack of agents cannot be used, or a request not be answered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DemoError {
    /// The bytes are not a pack of this version.
    #[error("not a pack of agents of this version, or a damaged one: {0}")]
    Pack(String),
    /// The settings of an agent cannot be read, or have invalid values.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// An agent's network cannot be made.
    #[error(transparent)]
    Agent(#[from] AgentError),
    /// The game is not one of MinAtar's.
    #[error("{run} plays {game}: only agents of MinAtar's games can be shown in a page")]
    Game {
        /// The run's name.
        run: String,
        /// Its game.
        game: &'static str,
    },
    /// The run is of the random policy, which has no network to show.
    #[error("{run} is a run of the random policy, which has no network to show: choose another arm")]
    Random {
        /// The run's name.
        run: String,
    },
    /// The weights do not fit the network.
    #[error("the weights of {run} do not fit its network: {problem}")]
    Weights {
        /// The run's name.
        run: String,
        /// The first difference.
        problem: String,
    },
    /// The request is not part of the protocol.
    #[error("not a request: {0}")]
    Request(#[from] serde_json::Error),
    /// There is no such agent.
    #[error("there is no agent {given}: the page has {count} agents")]
    NoAgent {
        /// The number asked for, from 0.
        given: usize,
        /// The number of agents.
        count: usize,
    },
    /// The agent plays another game than the one in progress, or the same one with other settings.
    #[error(
        "agent {given} plays {game}, and the game in progress is another one or has other settings: start a new game"
    )]
    OtherGame {
        /// The agent's number.
        given: usize,
        /// Its game.
        game: &'static str,
    },
    /// No game has begun.
    #[error("no game has begun: send `new_game` first")]
    NoGame,
    /// The game has no such action.
    #[error("there is no action {given}: the game has {count} actions")]
    NoAction {
        /// The number asked for, from 0.
        given: usize,
        /// The number of actions.
        count: usize,
    },
}
