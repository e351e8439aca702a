//! A page's agents play as their runs do.

mod runs;

use runs::{SHUFFLED, pack_of, run};
use softmoe_config::{BodySpec, RunConfig, RunDirectory};
use softmoe_demo::pack::{Pack, Precision, Tensor};
use softmoe_demo::protocol::{Request, answer};
use softmoe_demo::rounding::Rounded;
use softmoe_demo::stage::Stage;
use softmoe_runner::Trained;
use std::path::Path;

/// The runner's actions and returns in the episodes of the run's score.
fn of_the_runner(directory: &Path, steps: usize) -> (Vec<usize>, Vec<f64>) {
    let directory = RunDirectory::new(directory);
    let config = RunConfig::read(&directory.run_ron()).unwrap();
    let mut trained = Trained::load(&config, &directory, |message| panic!("{message}")).unwrap();
    let mut evaluation = trained.evaluation(config.seed, usize::MAX).unwrap();
    let mut actions = Vec::new();
    for _ in 0..steps {
        let action = trained.choose(&mut evaluation);
        actions.push(action);
        evaluation.step(action);
    }
    (actions, evaluation.returns().to_vec())
}

/// The stage's actions and returns in the same episodes.
fn on_the_stage(pack: Pack, steps: usize) -> (Vec<usize>, Vec<f64>) {
    let mut stage = Stage::new(Pack::from_bytes(&pack.to_bytes()).unwrap()).unwrap();
    let mut view = stage.ask(Request::NewGame { agent: 0, seed: None }).unwrap();
    let mut actions = Vec::new();
    for _ in 0..steps {
        actions.push(view.next);
        view = stage.ask(Request::Step { action: None }).unwrap();
    }
    (actions, stage.returns().to_vec())
}

#[test]
fn with_all_bits_an_agent_plays_as_its_run_does() {
    for body in
        ["flat()", "soft_moe(experts: 2)", "expert_choice(experts: 2)", SHUFFLED, "tokenized(pool: mean)"]
    {
        let (directory, body) = (run(body, "breakout"), body.parse::<BodySpec>().unwrap());
        let expected = of_the_runner(directory.path(), 1000);
        assert!(!expected.1.is_empty() && expected.0.iter().any(|action| *action != expected.0[0]), "{body}");
        assert_eq!(on_the_stage(pack_of(&[directory.path()], Precision::Full), 1000), expected, "{body}");
    }
}

#[test]
fn rounded_weights_are_those_of_the_run_but_for_half_a_step() {
    let directory = run("soft_moe(experts: 2)", "breakout");
    let full = pack_of(&[directory.path()], Precision::Full);
    let rounded = pack_of(&[directory.path()], Precision::Eight);
    assert!(rounded.to_bytes().len() * 3 < full.to_bytes().len());
    let mut matrices = 0;
    for (tensor, rounded) in full.agents[0].tensors.iter().zip(&rounded.agents[0].tensors) {
        let (Tensor::Full(values), Tensor::Rounded(rounded)) = (tensor, rounded) else {
            // Noise scales and vectors are the same in both.
            assert_eq!(tensor, rounded);
            continue;
        };
        let (columns, kept) = (rounded.scales.len(), rounded.values());
        assert_eq!(values.len(), kept.len());
        for (at, (value, kept)) in values.iter().zip(&kept).enumerate() {
            assert!(
                (value - kept).abs() <= 0.5001 * rounded.scales[at % columns],
                "{value} is kept as {kept}"
            );
        }
        matrices += 1;
    }
    assert!(matrices > 4);
    let [of_full, of_rounded] = [full, rounded].map(|pack| {
        let mut stage = Stage::new(pack).unwrap();
        stage.ask(Request::NewGame { agent: 0, seed: None }).unwrap().values
    });
    let largest = of_full.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
    for (full, rounded) in of_full.iter().zip(&of_rounded) {
        assert!(full != rounded && (full - rounded).abs() < 0.05 * largest, "{full} becomes {rounded}");
    }
}

#[test]
fn agents_of_a_game_take_turns_in_it() {
    let runs = [run("flat()", "breakout"), run("soft_moe(experts: 2)", "breakout"), run("flat()", "freeway")];
    let pack = pack_of(&[runs[0].path(), runs[1].path(), runs[2].path()], Precision::Full);
    let mut stage = Stage::new(pack).unwrap();
    let mut ask = |request: &str| -> serde_json::Value {
        serde_json::from_str(&answer(&mut stage, request.as_bytes())).unwrap()
    };
    assert_eq!(ask(r#"{"step": {"action": null}}"#)["error"], "no game has begun: send `new_game` first");
    ask(r#"{"new_game": {"agent": 0, "seed": 5}}"#);
    let before = ask(r#"{"step": {"action": 0}}"#);
    assert_eq!((&before["view"]["step"], &before["view"]["mixture"]), (&1.into(), &serde_json::Value::Null));
    let after = ask(r#"{"agent": 1}"#);
    for same in ["step", "episode", "episode_return", "picture"] {
        assert_eq!(before["view"][same], after["view"][same], "{same}");
    }
    assert_eq!(after["view"]["mixture"]["dispatch"].as_array().unwrap().len(), 2 * 64);
    assert_ne!(before["view"]["values"], after["view"]["values"]);
    let refused = [
        (r#"{"agent": 2}"#, "agent 2 plays freeway, and the game in progress is another one"),
        (r#"{"agent": 3}"#, "there is no agent 3: the page has 3 agents"),
        (r#"{"step": {"action": 6}}"#, "there is no action 6: the game has 6 actions"),
        (r#"{"stepp": {}}"#, "not a request: unknown variant `stepp`"),
    ];
    for (request, message) in refused {
        let said = ask(request)["error"].as_str().unwrap_or_default().to_owned();
        assert!(said.starts_with(message), "{said}");
    }
    // A refused request changes nothing.
    let then = ask(r#"{"step": {"action": 0}}"#);
    assert_eq!((&then["view"]["agent"], &then["view"]["step"]), (&1.into(), &2.into()));
}

#[test]
fn a_damaged_pack_is_refused() {
    let directory = run("flat()", "breakout");
    let pack = pack_of(&[directory.path()], Precision::Full);
    let bytes = pack.to_bytes();
    for length in [0, 7, 8, 9, bytes.len() / 2, bytes.len() - 1] {
        assert!(Pack::from_bytes(&bytes[..length]).is_err(), "{length} bytes");
    }
    assert!(Pack::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
    let damaged = |change: &dyn Fn(&mut Pack)| {
        let mut pack = pack.clone();
        change(&mut pack);
        Stage::new(pack).err().map(|error| error.to_string()).unwrap_or_default()
    };
    let messages = [
        (damaged(&|pack| pack.agents[0].run.truncate(20)), "run.ron"),
        (damaged(&|pack| drop(pack.agents[0].tensors.pop())), "tensors, the network"),
        (damaged(&|pack| pack.agents[0].tensors[0] = Tensor::Noise), "has no values"),
        (damaged(&|pack| pack.agents[0].tensors[0] = Tensor::Full(vec![1.0; 3])), "has 3 values instead of"),
        (damaged(&|pack| pack.agents[0].tensors[1] = Tensor::Full(vec![f32::NAN; 16])), "holds NaN"),
        (
            damaged(&|pack| {
                pack.agents[0].tensors[0] = Tensor::Rounded(Rounded { scales: vec![], quotients: vec![] })
            }),
            "has 0 columns instead of 16",
        ),
        (
            damaged(&|pack| pack.agents[0].run = pack.agents[0].run.replace("hidden: 8", "hidden: 9")),
            "values instead of",
        ),
    ];
    for (message, part) in messages {
        assert!(message.contains(part), "{message:?} does not say {part:?}");
    }
}
