//! Commands that messages tell to type: each can be pasted into a shell, and keeps every option of the command that was typed.

use crate::cli::Options;
use crate::front_end::FrontEnd;
use softmoe_config::{AgentPreset, Setting};
use softmoe_console::words::command_line;
use std::ffi::OsString;
use std::iter;
use std::path::Path;

/// The command that this process runs.
pub(crate) fn this_command() -> String {
    command(std::env::args_os().skip(1))
}

/// The command that writes the results in `out` into one page.
pub(crate) fn page(out: &Path) -> String {
    let elsewhere = (out != Path::new(".")).then(|| [OsString::from("--out"), out.into()]);
    command(iter::once(OsString::from("report")).chain(elsewhere.into_iter().flatten()))
}

fn command(arguments: impl IntoIterator<Item = OsString>) -> String {
    command_line(FrontEnd::this().words().iter().map(OsString::from).chain(arguments))
}

/// Other values for the options of a command.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Change {
    pub(crate) steps: Option<u64>,
    pub(crate) agent: Option<AgentPreset>,
    /// Settings that follow those of the command.
    pub(crate) set: Vec<Setting>,
}

impl Change {
    /// The options with these values.
    pub(crate) fn applied(&self, options: &Options) -> Options {
        let mut changed = options.clone();
        changed.steps = self.steps.or(changed.steps);
        changed.agent = self.agent.map(|agent| agent.to_string()).or(changed.agent);
        changed.set.extend(self.set.iter().map(ToString::to_string));
        changed
    }

    /// The command that this process runs, with these values.
    pub(crate) fn command(&self) -> String {
        command(self.changed(std::env::args_os().skip(1)))
    }

    fn changed(&self, arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
        let steps = self.steps.map(|steps| ("--steps", steps.to_string()));
        let agent = self.agent.map(|agent| ("--agent", agent.to_string()));
        let replaced: Vec<(&str, String)> = steps.into_iter().chain(agent).collect();
        let mut words = Vec::new();
        let mut arguments = arguments.into_iter();
        while let Some(word) = arguments.next() {
            let is = |name: &str| word == name;
            let has_value = |name: &str| word.to_string_lossy().starts_with(&format!("{name}="));
            if replaced.iter().any(|(name, _)| is(name)) {
                // Its value.
                arguments.next();
            } else if !replaced.iter().any(|(name, _)| has_value(name)) {
                words.push(word);
            }
        }
        let new = replaced.into_iter().chain(self.set.iter().map(|setting| ("--set", setting.to_string())));
        words.extend(new.flat_map(|(name, value)| [name.into(), value.into()]));
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_command_keeps_the_other_options() {
        let change = Change {
            steps: Some(300),
            agent: Some(AgentPreset::DqnMinatar),
            set: vec!["network.body.slots=fraction(0.1)".parse().unwrap()],
        };
        let given = "reproduce fig3 --steps 100 --set agent.n_step=5 --agent=der_minatar --out x";
        let words = change.changed(given.split(' ').map(OsString::from));
        assert_eq!(
            command(words),
            "cargo xtask reproduce fig3 --set agent.n_step=5 --out x --steps 300 --agent dqn_minatar --set \
             'network.body.slots=fraction(0.1)'"
        );
    }
}
