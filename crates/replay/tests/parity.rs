//! The replay against the numbers of `replay.json`: textbook transitions, and the draws of Dopamine's sampler.

mod common;

use common::{Scripted, assert_rounded};
use serde::Deserialize;
use softmoe_replay::{Batch, EpisodeEnd, Layout, Replay, Sampling, SumTree, TransitionId};
use std::collections::BTreeMap;
use std::path::PathBuf;

#[derive(Deserialize)]
struct Fixture {
    accumulator: Vec<Stream>,
    sampler: Vec<Sampler>,
}

#[derive(Deserialize)]
struct Stream {
    stack: usize,
    n_step: usize,
    gamma: f64,
    rows: Vec<Row>,
    transitions: Vec<Transition>,
}

#[derive(Deserialize)]
struct Row {
    observation: u8,
    action: u8,
    reward: f32,
    terminal: bool,
    episode_end: bool,
}

#[derive(Deserialize)]
struct Transition {
    state: Vec<u8>,
    action: u8,
    reward: f64,
    next_state: Option<Vec<u8>>,
    terminal: bool,
}

#[derive(Deserialize)]
struct Sampler {
    capacity: usize,
    ops: Vec<Operation>,
}

#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
enum Operation {
    Add { key: u64, priority: f64, then: State },
    Update { keys: Vec<u64>, priorities: Vec<f64>, then: State },
    Sample { u: Vec<f64>, keys: Vec<u64>, probabilities: Vec<f64>, stratified_keys: Option<Vec<u64>> },
}

#[derive(Deserialize)]
struct State {
    keys: Vec<u64>,
    priorities: Vec<f64>,
    total: f64,
    max_recorded_priority: f64,
}

fn fixture() -> Fixture {
    let directory = std::env::var_os("SOFTMOE_FIXTURES")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures")), PathBuf::from);
    let path = directory.join("replay.json");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn assert_close(got: f64, want: f64) {
    assert!((got - want).abs() <= 1e-12, "{got} for {want}");
}

#[test]
fn parity_own_definition_transitions() {
    let streams = fixture().accumulator;
    assert!(!streams.is_empty());
    for stream in streams {
        let Stream { stack, n_step, gamma, rows, transitions } = stream;
        let capacity = rows.len() + n_step + stack;
        let layout = Layout { capacity, frame_len: 1, channels: 1, stack, n_step, discount: gamma };
        let mut replay = Replay::new(layout, Sampling::Uniform).unwrap();
        for row in rows {
            let end = match (row.terminal, row.episode_end) {
                (true, _) => EpisodeEnd::Terminal,
                (false, true) => EpisodeEnd::Truncated,
                (false, false) => EpisodeEnd::Continues,
            };
            replay.push(&[row.observation], row.action, row.reward, end);
        }

        let count = transitions.len();
        assert_eq!(replay.available(), count, "stack {stack}, n_step {n_step}");
        let each = (0..count).map(|k| (k as f64 + 0.5) / count as f64);
        let each = each.map(|u| (u * 2f64.powi(53)).round() / 2f64.powi(53)).collect();
        let mut batch = Batch::new(count, replay.layout());
        replay.sample(&mut Scripted::new(each), &mut batch).unwrap();
        for (k, want) in transitions.iter().enumerate() {
            let frames = k * stack..(k + 1) * stack;
            assert_eq!(batch.states[frames.clone()], want.state);
            assert_eq!(batch.next_states[frames], want.next_state.clone().unwrap_or(vec![0; stack]));
            assert_eq!(batch.actions[k], want.action);
            let discount = if want.terminal { 0.0 } else { gamma.powf(n_step as f64) };
            assert_rounded(batch.discounts[k], discount);
            assert_rounded(batch.rewards[k], want.reward);
        }
    }
}

/// The reference keeps its items without gaps: the last takes the place of one that leaves.
#[test]
fn sum_tree_parity() {
    let samplers = fixture().sampler;
    assert!(!samplers.is_empty());
    for sampler in samplers {
        let mut tree = SumTree::new(sampler.capacity + 1);
        let mut keys: Vec<u64> = Vec::new();
        let check = |tree: &SumTree, keys: &[u64], then: &State| {
            assert_eq!(keys, then.keys);
            assert_close(tree.total(), then.total);
            for (item, &priority) in then.priorities.iter().enumerate() {
                assert_close(tree.get(item), priority);
            }
        };
        for operation in &sampler.ops {
            match operation {
                Operation::Add { key, priority, then } => {
                    tree.set(keys.len(), *priority);
                    keys.push(*key);
                    if keys.len() > sampler.capacity {
                        let oldest = (0..keys.len()).min_by_key(|&item| keys[item]).unwrap();
                        keys.swap_remove(oldest);
                        let moved = tree.get(keys.len());
                        tree.set(keys.len(), 0.0);
                        if oldest < keys.len() {
                            tree.set(oldest, moved);
                        }
                    }
                    check(&tree, &keys, then);
                }
                Operation::Update { keys: given, priorities, then } => {
                    for (key, &priority) in given.iter().zip(priorities).rev() {
                        tree.set(keys.iter().position(|held| held == key).unwrap(), priority);
                    }
                    check(&tree, &keys, then);
                }
                Operation::Sample { u, keys: want, probabilities, stratified_keys } => {
                    if tree.total() == 0.0 {
                        continue; // Nothing for a tree to find; the replay draws uniformly then.
                    }
                    let found = |target| tree.find(target);
                    for ((u, key), &probability) in u.iter().zip(want).zip(probabilities) {
                        let item = found(u * tree.total());
                        assert_eq!(keys[item], *key);
                        assert_close(tree.get(item) / tree.total(), probability);
                    }
                    let size = u.len() as f64;
                    for (k, (u, key)) in u.iter().zip(stratified_keys.iter().flatten()).enumerate() {
                        assert_eq!(keys[found((k as f64 + u) / size * tree.total())], *key);
                    }
                }
            }
        }
    }
}

/// The replay keeps its transitions in order of age, the reference does so until the first leaves: until then the
/// draws are compared too, afterwards the priorities.
#[test]
fn prioritized_replay_parity() {
    for sampler in fixture().sampler {
        // A transition of one step needs the frame that follows it.
        let layout = Layout {
            capacity: sampler.capacity + 1,
            frame_len: 8,
            channels: 8,
            stack: 1,
            n_step: 1,
            discount: 1.0,
        };
        let mut replay = Replay::new(layout, Sampling::Prioritized).unwrap();
        let mut ids: BTreeMap<u64, TransitionId> = BTreeMap::new();
        let (mut largest, mut in_order, mut compared) = (1.0, true, 0);
        replay.push(&0u64.to_le_bytes(), 0, 0.0, EpisodeEnd::Continues);
        for operation in &sampler.ops {
            match operation {
                Operation::Add { key, priority, then } => {
                    replay.push(&(key + 1).to_le_bytes(), 0, 0.0, EpisodeEnd::Continues);
                    let id = replay.ids().next_back().unwrap();
                    assert_close(replay.priority(id).unwrap(), largest);
                    ids.insert(*key, id);
                    replay.update_priorities(&[id], &[*priority]).unwrap();
                    (largest, in_order) = check(&replay, then);
                }
                Operation::Update { keys, priorities, then } => {
                    let given: Vec<_> = keys.iter().map(|key| ids[key]).collect();
                    replay.update_priorities(&given, priorities).unwrap();
                    (largest, in_order) = check(&replay, then);
                }
                Operation::Sample { u, keys, probabilities, stratified_keys } => {
                    if !in_order || !u.iter().all(|&u| Scripted::can_give(u)) {
                        continue;
                    }
                    let mut batch = Batch::new(u.len(), replay.layout());
                    replay.sample(&mut Scripted::new(u.clone()), &mut batch).unwrap();
                    let want = stratified_keys.as_ref().unwrap_or(keys);
                    let got: Vec<u64> = batch.states.chunks(8).map(key_of).collect();
                    assert_eq!(&got, want);
                    let probability_of: BTreeMap<u64, f64> =
                        keys.iter().copied().zip(probabilities.iter().copied()).collect();
                    for (key, &probability) in got.iter().zip(&batch.probabilities) {
                        if let Some(&want) = probability_of.get(key) {
                            assert_close(probability, want);
                        }
                    }
                    compared += 1;
                }
            }
        }
        assert!(compared > 0, "a sample before the first item leaves");
    }
}

fn key_of(frame: &[u8]) -> u64 {
    u64::from_le_bytes(frame.try_into().unwrap())
}

/// Compares the priorities; gives what the next new item should get, and whether the keys are in order of age.
fn check(replay: &Replay, then: &State) -> (f64, bool) {
    let mut want: Vec<(u64, f64)> = then.keys.iter().copied().zip(then.priorities.iter().copied()).collect();
    want.sort_by_key(|(key, _)| *key);
    assert_eq!(replay.available(), want.len());
    for (id, (_, want)) in replay.ids().zip(want) {
        assert_close(replay.priority(id).unwrap(), want);
    }
    (then.max_recorded_priority, then.keys.is_sorted())
}
