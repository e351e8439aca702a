//! Reading with errors that say where and what is allowed; writing that never leaves a part.

mod example;

use softmoe_config::{AgentConfig, ConfigError, Experiment, RunConfig, file};
use std::fs;
use std::path::Path;

/// The error of reading the example with `from` replaced by `to`.
#[track_caller]
fn broken(from: &str, to: &str) -> ConfigError {
    assert!(example::TEXT.contains(from));
    file::parse::<Experiment>(Path::new("fig.ron"), &example::TEXT.replacen(from, to, 1)).unwrap_err()
}

#[test]
fn an_unknown_field_is_told_with_its_place_and_the_nearest() {
    let error = broken("evaluations: 8", "evaluation: 8");
    let ConfigError::Parse { line, field, .. } = &error else { panic!("{error:?}") };
    assert_eq!((*line, field.as_str()), (14, "profiles.quick.evaluation"));
    let message = error.to_string();
    assert!(message.starts_with("fig.ron:14:"), "{message}");
    assert!(message.contains("there is no field `evaluation`; did you mean `evaluations`?"), "{message}");
    assert!(message.contains("Allowed: `purpose`, `leaves_out`, `arms`"), "{message}");
}

#[test]
fn a_wrong_type_is_told_with_its_place_and_what_is_expected() {
    for (from, to, field, says) in [
        ("seeds: 2", "seeds: \"two\"", "profiles.quick.seeds", "integer"),
        ("seeds: 2", "seeds: -2", "profiles.quick.seeds", "integer"),
        ("seeds: 2", "seeds: 2.5", "profiles.quick.seeds", ""),
        ("scale: 0.25", "scale: true", "arms[1].body.soft_moe.scale", "float"),
        ("title: \"t\"", "title: 3", "title", "string"),
        ("minatar([", "minatar((", "profiles.quick.games", ""),
    ] {
        let error = broken(from, to);
        let ConfigError::Parse { line, column, field: at, message, .. } = &error else { panic!("{error:?}") };
        assert!(at.starts_with(field) || field.starts_with(at.as_str()), "{to}: {error}");
        assert!(message.contains(says), "{to}: {error}");
        let text = example::TEXT.replacen(from, to, 1);
        let place: usize = text.lines().take(line - 1).map(|line| line.len() + 1).sum::<usize>() + column - 1;
        let found = text.find(to).unwrap();
        assert!(
            (found..=found + to.len()).contains(&place),
            "{to}: points at {place}, is at {found}: {error}"
        );
    }
}

#[test]
fn names_of_values_and_missing_fields_are_told() {
    let message = broken("space_invaders", "space_invader").to_string();
    assert!(message.contains("did you mean `space_invaders`?"), "{message}");
    let message = broken("soft_moe(", "softmoe(").to_string();
    assert!(message.contains("did you mean `soft_moe`?") && message.contains("`expert_choice`"), "{message}");
    let message = broken("    claim: \"c\",\n", "").to_string();
    assert!(message.contains("the field `claim`") && message.contains("is missing"), "{message}");
    let message = broken("claim: \"c\",", "claim: \"c\", claim: \"d\",").to_string();
    assert!(message.contains("`claim`") && message.contains("twice"), "{message}");
}

#[test]
fn broken_text_is_told_with_its_line() {
    let message = broken("agent: rainbow_minatar,", "agent: rainbow_minatar").to_string();
    assert!(message.starts_with("fig.ron:13:"), "{message}");
    let message = broken("margin: 0.1)],\n)", "margin: 0.1)],\n) and more").to_string();
    assert!(message.starts_with("fig.ron:18:"), "{message}");
    for length in (0..example::TEXT.len()).step_by(7) {
        let part = &example::TEXT[..length];
        let error = file::parse::<Experiment>(Path::new("fig.ron"), part).unwrap_err();
        assert!(matches!(error, ConfigError::Parse { .. }), "{error:?}");
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = RunConfig::read(Path::new("nowhere/run.ron")).unwrap_err().to_string();
    assert!(error.contains("cannot read nowhere/run.ron"), "{error}");
}

#[test]
fn what_is_written_reads_back_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run.ron");
    for arm in ["random", "flat", "softmoe-4"] {
        let config = example::run(arm);
        file::write(&path, &config).unwrap();
        assert_eq!(RunConfig::read(&path).unwrap(), config);
        // Any reader of RON reads it.
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(ron::from_str::<RunConfig>(&text).unwrap(), config);
    }
    assert_eq!(example::run("random").agent, AgentConfig::Random);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "no temporary file is left");
}

#[test]
fn a_failed_write_keeps_what_was_there() {
    let directory = tempfile::tempdir().unwrap();
    // A directory that is not empty cannot be replaced by a file.
    let path = directory.path().join("run.ron");
    fs::create_dir(&path).unwrap();
    fs::write(path.join("inside"), "kept").unwrap();
    let error = file::write(&path, &example::run("flat")).unwrap_err();
    assert!(matches!(error, ConfigError::Write { .. }), "{error:?}");
    assert_eq!(fs::read_to_string(path.join("inside")).unwrap(), "kept");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "no temporary file is left");
    let error = file::write(&directory.path().join("no/such/run.ron"), &1).unwrap_err();
    assert!(error.to_string().contains("cannot write"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_written_file_is_as_readable_as_any_other() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let [ours, plain] = ["ours", "plain"].map(|name| directory.path().join(name));
    file::write_atomically(&ours, b"x").unwrap();
    fs::write(&plain, b"x").unwrap();
    let mode = |path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(ours), mode(plain));
}
