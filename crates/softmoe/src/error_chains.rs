//! An error and its causes, printed one after the other, tell nothing twice.

use crate::report::WriteError;
use softmoe_agents::AgentError;
use softmoe_config::error::with_causes;
use softmoe_config::{AgentSteps, RunConfig, file};
use softmoe_env::RestoreError;
use softmoe_nets::kernels::InstructionSet;
use softmoe_nets::weights::{WeightsError, WeightsFile};
use softmoe_replay::ReplayError;
use softmoe_runner::RunError;
use softmoe_runner::lock::LockError;
use std::error::Error;
use std::io;
use std::path::Path;

/// Checks that no text of the chain is a part of a text before it.
fn assert_tells_once(error: &(dyn Error + 'static), causes: usize) {
    let chain: Vec<String> =
        std::iter::successors(Some(error), |&error| error.source()).map(ToString::to_string).collect();
    assert_eq!(chain.len(), 1 + causes, "{chain:?}");
    assert_eq!(with_causes(error), chain.join(": "));
    for (at, text) in chain.iter().enumerate() {
        assert!(chain[..at].iter().all(|before| !before.contains(text.as_str())), "{chain:?}");
    }
}

fn system_error() -> io::Error {
    io::Error::from_raw_os_error(2)
}

/// The file of weights has a header that is no JSON; the library's error has a cause, and tells it.
fn broken_weights() -> WeightsError {
    let header = b"{broken}";
    WeightsFile::read(&[&(header.len() as u64).to_le_bytes(), &header[..]].concat()).unwrap_err()
}

fn agent_errors() -> Vec<(AgentError, usize)> {
    let unavailable = "sse9".parse::<InstructionSet>().unwrap_err();
    let undecodable = RestoreError::Undecodable { reason: "the end of the bytes".into() };
    vec![
        (unavailable.into(), 1),
        (ReplayError::Memory { capacity: 10, frame_len: 100, bytes: 1_000 }.into(), 1),
        (undecodable.into(), 1),
        (ReplayError::Io(system_error()).into(), 1),
        (broken_weights().into(), 0),
        (AgentError::Diverged { update: 3, loss: f32::NAN, cause: "a weight of `head` is not".into() }, 0),
    ]
}

#[test]
fn of_files() {
    let path = Path::new("/nowhere/run.ron");
    assert_tells_once(&RunConfig::read(path).unwrap_err(), 1);
    assert_tells_once(&file::write(path, &1).unwrap_err(), 1);
    assert_tells_once(&LockError::File { path: path.into(), source: system_error() }, 1);
    assert_tells_once(&WriteError::File { path: path.into(), source: system_error() }, 1);
    assert_tells_once(&WriteError::from(csv::Error::from(system_error())), 1);
}

#[test]
fn of_agents_and_runs() {
    for (error, causes) in agent_errors() {
        assert_tells_once(&error, causes);
    }
    for (error, causes) in agent_errors() {
        assert_tells_once(&RunError::from(error), causes);
    }
    for (error, causes) in agent_errors() {
        let diverged = RunError::Diverged { step: AgentSteps(7), source: error, checkpoint: None };
        assert_tells_once(&diverged, 1 + causes);
    }
    let path = Path::new("/runs/metrics.csv").to_owned();
    let file = RunError::File {
        action: "write",
        path: path.clone(),
        hint: "free some space",
        source: system_error(),
    };
    assert_tells_once(&file, 1);
    assert_tells_once(&RunError::InitialWeights { path, source: broken_weights().into() }, 1);
    assert_tells_once(&RunError::Encode { what: "the weights", source: broken_weights().into() }, 1);
}
