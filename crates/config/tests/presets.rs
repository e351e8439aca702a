//! The presets, number by number, against the tables they come from.

use softmoe_config::{
    AgentPreset, AgentSteps, AtariGame, EncoderSpec, EnvironmentConfig, Game, GymGame, HeadSpec,
    InterventionSpec, LearningConfig, LossSpec, MinAtarGame, ScoreScale, SlotsSpec, TokensSpec,
};

/// The numbers of a preset.
fn preset(preset: AgentPreset) -> LearningConfig {
    preset.config().learning().expect("a preset learns")
}

/// Obando-Ceron et al. 2024 (arXiv 2402.08609), table 1 (DQN), and `dqn.gin` in Dopamine's `labs/moes` at 5873f549, which
/// agree; the target period is in the latter only, and the loss is the default of `JaxDQNAgent`.
#[test]
fn dqn_on_atari() {
    let dqn = preset(AgentPreset::DqnAtari);
    assert_eq!(
        dqn,
        LearningConfig {
            discount: 0.99,
            n_step: 1,
            min_replay: 20_000,
            update_period: AgentSteps(4),
            target_period: AgentSteps(8_000),
            batch_size: 32,
            replay_capacity: 1_000_000,
            replay_compressed: false,
            learning_rate: 0.000_062_5,
            adam_epsilon: 0.000_15,
            loss: LossSpec::Mse,
            noisy: false,
            dueling: false,
            double: false,
            // Uniform replay.
            priority_exponent: 0.0,
            importance_exponent: 0.5,
            epsilon_train: 0.01,
            epsilon_decay_period: AgentSteps(250_000),
            epsilon_evaluation: 0.001,
            clip_rewards: true,
            terminal_on_life_loss: false,
            intervention: InterventionSpec::None,
        }
    );
    assert_eq!(dqn.head(), HeadSpec::Q { dueling: false, noisy: false });
}

/// The same but replay 100k, min replay 5k, target period 1000 agent steps, Adam 2.5e-4, decay of epsilon 100k; update
/// period 4 and n-step 1 as there.
#[test]
fn dqn_on_minatar() {
    let dqn = preset(AgentPreset::DqnMinatar);
    assert_eq!(
        dqn,
        LearningConfig {
            min_replay: 5_000,
            target_period: AgentSteps(1_000),
            replay_capacity: 100_000,
            learning_rate: 0.000_25,
            epsilon_decay_period: AgentSteps(100_000),
            ..LearningConfig::dqn_atari()
        }
    );
    assert_eq!((dqn.update_period, dqn.n_step), (AgentSteps(4), 1));
}

/// Our own numbers: no publication has them. The examples of CartPole train with them.
#[test]
fn dqn_on_classic_control() {
    assert_eq!(
        LearningConfig::dqn_classic_control(),
        LearningConfig {
            n_step: 10,
            min_replay: 1_000,
            update_period: AgentSteps(1),
            target_period: AgentSteps(500),
            batch_size: 64,
            replay_capacity: 50_000,
            learning_rate: 2.5e-4,
            adam_epsilon: 1e-6,
            loss: LossSpec::Huber,
            double: true,
            epsilon_train: 0.05,
            epsilon_decay_period: AgentSteps(10_000),
            epsilon_evaluation: 0.0,
            clip_rewards: false,
            ..LearningConfig::dqn_atari()
        }
    );
}

/// The same sources, table 2 (Rainbow) and `full_rainbow.gin`.
#[test]
fn rainbow_on_atari() {
    let rainbow = preset(AgentPreset::RainbowAtari);
    assert_eq!(
        rainbow,
        LearningConfig {
            n_step: 3,
            loss: LossSpec::C51 { v_max: 10.0, atoms: 51 },
            noisy: true,
            dueling: true,
            double: true,
            // Priorities are sqrt(loss), weights 1 / sqrt(probability): `full_rainbow_agent.py`.
            priority_exponent: 0.5,
            importance_exponent: 0.5,
            // `noisy = True` sets the training epsilon to 0.
            epsilon_train: 0.0,
            ..LearningConfig::dqn_atari()
        }
    );
    // What it shares with DQN, as its own table has it.
    assert_eq!((rainbow.discount, rainbow.batch_size, rainbow.replay_capacity), (0.99, 32, 1_000_000));
    assert_eq!((rainbow.min_replay, rainbow.update_period), (20_000, AgentSteps(4)));
    assert_eq!(
        (rainbow.target_period, rainbow.epsilon_decay_period),
        (AgentSteps(8_000), AgentSteps(250_000))
    );
    assert_eq!((rainbow.learning_rate, rainbow.adam_epsilon), (0.000_062_5, 0.000_15));
    assert_eq!((rainbow.epsilon_evaluation, rainbow.clip_rewards), (0.001, true));
    assert_eq!((rainbow.terminal_on_life_loss, rainbow.replay_compressed), (false, false));
    assert_eq!(rainbow.head(), HeadSpec::Categorical { atoms: 51, dueling: true, noisy: true });
}

/// The same but replay 100k, min replay 5k, target period 1000 agent steps, Adam 2.5e-4, decay of epsilon 100k; update
/// period 4 and n-step 3 as there.
#[test]
fn rainbow_on_minatar() {
    let rainbow = preset(AgentPreset::RainbowMinatar);
    assert_eq!(
        rainbow,
        LearningConfig {
            min_replay: 5_000,
            target_period: AgentSteps(1_000),
            replay_capacity: 100_000,
            learning_rate: 0.000_25,
            epsilon_decay_period: AgentSteps(100_000),
            ..LearningConfig::rainbow_atari()
        }
    );
    assert_eq!((rainbow.update_period, rainbow.n_step), (AgentSteps(4), 3));
}

/// The same sources, table 4 and `DER.gin`: Rainbow with other numbers.
#[test]
fn der_on_atari() {
    let der = preset(AgentPreset::DerAtari);
    assert_eq!(
        der,
        LearningConfig {
            n_step: 10,
            min_replay: 1_600,
            update_period: AgentSteps(1),
            target_period: AgentSteps(2_000),
            learning_rate: 0.000_1,
            epsilon_decay_period: AgentSteps(2_000),
            terminal_on_life_loss: true,
            ..LearningConfig::rainbow_atari()
        }
    );
    // What it shares with Rainbow, as its own table has it.
    assert_eq!((der.discount, der.batch_size, der.replay_capacity), (0.99, 32, 1_000_000));
    assert_eq!((der.adam_epsilon, der.loss), (0.000_15, LossSpec::C51 { v_max: 10.0, atoms: 51 }));
    assert!(der.noisy && der.dueling && der.double);
    assert_eq!((der.priority_exponent, der.epsilon_train, der.epsilon_evaluation), (0.5, 0.0, 0.001));
}

/// The same but replay 100k, min replay 5k, target period 1000 agent steps, decay of epsilon 100k; Adam 1e-4, update
/// period 1 and n-step 10 as there.
#[test]
fn der_on_minatar() {
    let der = preset(AgentPreset::DerMinatar);
    assert_eq!(
        der,
        LearningConfig {
            min_replay: 5_000,
            target_period: AgentSteps(1_000),
            replay_capacity: 100_000,
            epsilon_decay_period: AgentSteps(100_000),
            ..LearningConfig::der_atari()
        }
    );
    assert_eq!((der.learning_rate, der.update_period, der.n_step), (0.000_1, AgentSteps(1), 10));
}

/// A preset's name is the same in files and on the command line.
#[test]
fn names_of_presets() {
    for preset in AgentPreset::ALL {
        assert_eq!(serde_json::to_value(preset).unwrap(), preset.name());
        assert_eq!(preset.name().parse(), Ok(preset));
    }
    let message = "dqn-minatar".parse::<AgentPreset>().unwrap_err().to_string();
    assert!(message.contains("no agent `dqn-minatar`; did you mean `dqn_minatar`?"), "{message}");
    assert!(message.contains("Allowed: `dqn_minatar`, `dqn_atari`, `rainbow_minatar`"), "{message}");
}

/// Young and Tian 2019 (arXiv 1903.03176) and the `minatar` package 1.0.15: sticky actions 0.1, difficulty
/// ramping, all six actions. Dopamine truncates an episode after 27,000 agent steps.
#[test]
fn minatar_as_published() {
    for game in MinAtarGame::ALL {
        let published = EnvironmentConfig::MinAtar {
            game,
            sticky_action_probability: 0.1,
            difficulty_ramping: true,
            minimal_actions: false,
            max_episode_steps: 27_000,
        };
        assert_eq!(EnvironmentConfig::of(Game::MinAtar(game)), published);
        assert_eq!(published.game(), Game::MinAtar(game));
    }
}

/// The paper's Atari (Machado et al. 2018: sticky actions 0.25), and Atari 100k for DER, whose episodes end with a life.
#[test]
fn atari_as_published() {
    for &game in AtariGame::ALL {
        let paper = EnvironmentConfig::of(Game::Atari(game));
        let spec = paper.spec();
        assert_eq!((spec.frame, spec.stack, spec.actions), ([84, 84, 1], 4, game.minimal_actions()));
        let rainbow = AgentPreset::RainbowAtari.config();
        assert_eq!(EnvironmentConfig::played_by(&rainbow, Game::Atari(game)), paper);
        let der = EnvironmentConfig::played_by(&AgentPreset::DerAtari.config(), Game::Atari(game));
        let EnvironmentConfig::Atari { sticky_action_probability, terminal_on_life_loss, noop_max, .. } = der
        else {
            panic!("{der:?}")
        };
        assert_eq!((sticky_action_probability, terminal_on_life_loss, noop_max), (0.0, true, 30));
        for environment in [paper, der] {
            // The emulator cannot restore the states of one game.
            assert_eq!(environment.validate().is_ok(), game != AtariGame::MiniatureGolf, "{game}");
        }
    }
}

/// CartPole-v1 of gym: 500 steps at most; return 0 is the lowest there is, and 500 the highest.
#[test]
fn cart_pole_as_in_gym() {
    let game = Game::Gym(GymGame::CartPole);
    let environment = EnvironmentConfig::of(game);
    assert_eq!(environment, EnvironmentConfig::Gym { game: GymGame::CartPole, max_episode_steps: 500 });
    assert_eq!(environment.game(), game);
    assert_eq!(game.score_scale(), ScoreScale::Returns { zero: 0.0, one: 500.0 });
}

/// p = ceil(m / n): 121 tokens of the Impala encoder give 121, 61, 31 and 16 slots; MinAtar has 64 tokens.
#[test]
fn slots() {
    let slots = |tokens, experts| SlotsSpec::TokensOverExperts.count(tokens, experts);
    assert_eq!([1, 2, 4, 8].map(|experts| slots(121, experts)), [121, 61, 31, 16]);
    assert_eq!([1, 2, 4, 8].map(|experts| slots(64, experts)), [64, 32, 16, 8]);
    assert_eq!(SlotsSpec::Tokens.count(64, 4), 64);
    // Figure 8: p = m, ceil(0.1 m) and 1.
    assert_eq!([64, 121, 30, 1].map(|tokens| SlotsSpec::Fraction(0.1).count(tokens, 1)), [7, 13, 3, 1]);
    assert_eq!(SlotsSpec::Count(1).count(121, 1), 1);
}

/// 121 tokens of width 32 from the Impala encoder, of 64 from the Nature CNN; 64 of 16 from MinAtar's; patches of 3x3:
/// 9 tokens on 11x11, 4 on 8x8.
#[test]
fn tokens_of_the_encoders() {
    let sizes = |encoder: EncoderSpec, tokens: TokensSpec| tokens.sizes(encoder.feature_map());
    let (impala, nature, minatar) =
        (EncoderSpec::Impala { width: 1 }, EncoderSpec::Nature, EncoderSpec::MinAtar);
    for tokens in [TokensSpec::PerConv, TokensSpec::Shuffled] {
        assert_eq!([impala, nature, minatar].map(|e| sizes(e, tokens)), [(121, 32), (121, 64), (64, 16)]);
    }
    for tokens in [TokensSpec::PerPatch, TokensSpec::PerPatchAverage] {
        assert_eq!([impala, nature, minatar].map(|e| sizes(e, tokens)), [(9, 32), (9, 64), (4, 16)]);
    }
    let deep = [
        EncoderSpec::MinAtarDeep,
        EncoderSpec::MinAtarResidual { pooling: false },
        EncoderSpec::MinAtarResidual { pooling: true },
    ];
    assert_eq!(deep.map(|e| sizes(e, TokensSpec::PerConv)), [(100, 32), (100, 32), (25, 32)]);
    assert_eq!(deep.map(|e| sizes(e, TokensSpec::PerPatch)), [(9, 32), (9, 32), (1, 32)]);
    assert_eq!(sizes(impala, TokensSpec::PerFeature), (32, 121));
    assert_eq!(sizes(impala, TokensSpec::PerSample), (1, 3872));
}
