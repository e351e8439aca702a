//! The batch scripts: options of sbatch, variables, and the commands of `runs.sh` and `report.sh`.

use super::options::LauncherOptions;
use anyhow::{Context, Result, bail};
use softmoe_console::words::command_line;
use std::fs;
use std::path::Path;

/// Lines of a template that the options and the commands take the place of.
const OPTIONS: &str = "{{options}}";
const RUNS: &str = "{{runs}}";

const TEMPLATE: &str = "#!/usr/bin/env bash\n{{options}}\n\n{{runs}}\n";

/// What both scripts need to know.
pub(crate) struct Job<'a> {
    /// Name of the job, e.g. `softmoe-fig3-quick`.
    pub(crate) name: String,
    /// File of the list of runs.
    pub(crate) list: &'a str,
    /// The worker or the reporter.
    pub(crate) program: &'a str,
    /// Its options.
    pub(crate) arguments: Vec<String>,
}

/// The script of the array.
pub(crate) fn of_runs(
    job: &Job<'_>,
    tasks: u64,
    megabytes: u64,
    options: &LauncherOptions,
) -> Result<String> {
    let at_once = options.max_running.map(|number| format!("%{number}")).unwrap_or_default();
    let mut lines = vec![
        format!("--job-name={}", job.name),
        format!("--array=0-{}{at_once}", tasks - 1),
        // To the batch shell alone.
        format!("--signal=B:USR1@{}", options.grace),
        "--requeue".into(),
        "--open-mode=append".into(),
        "--output=logs/%A_%a.log".into(),
        format!("--cpus-per-task={}", options.cpus.unwrap_or(1)),
        format!("--mem={megabytes}M"),
    ];
    lines.extend(options.gres.as_ref().map(|gres| format!("--gres={gres}")));
    lines.extend(options.time.as_ref().map(|time| format!("--time={}", time.text)));
    lines.extend(shared(options));
    let variables = format!("tasks={tasks}\n{}", variables(job));
    let template = match &options.template {
        Some(path) => read_template(path)?,
        None => TEMPLATE.to_owned(),
    };
    Ok(fill(&template, &directives(&lines), &format!("{variables}{}", include_str!("runs.sh"))))
}

/// The script of the report.
pub(crate) fn of_report(job: &Job<'_>, options: &LauncherOptions) -> String {
    let mut lines = vec![
        format!("--job-name={}", job.name),
        "--output=logs/report-%j.log".into(),
        "--kill-on-invalid-dep=yes".into(),
        "--mem=1000M".into(),
    ];
    lines.extend(shared(options));
    fill(TEMPLATE, &directives(&lines), &format!("{}{}", variables(job), include_str!("report.sh")))
}

/// The options of both jobs, the user's own last.
fn shared(options: &LauncherOptions) -> impl Iterator<Item = String> {
    let partition = options.partition.as_ref().map(|partition| format!("--partition={partition}"));
    partition.into_iter().chain(options.sbatch.iter().cloned())
}

fn directives(options: &[String]) -> String {
    options.iter().map(|option| format!("#SBATCH {option}")).collect::<Vec<_>>().join("\n")
}

fn variables(job: &Job<'_>) -> String {
    let (list, program) = (command_line([job.list]), command_line([job.program]));
    format!("list={list}\nprogram={program}\noptions=({})\n\n", command_line(&job.arguments))
}

/// Reads a template, which must have both lines.
fn read_template(path: &Path) -> Result<String> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read the template {}", path.display()))?;
    for needed in [OPTIONS, RUNS] {
        if text.lines().filter(|line| line.trim() == needed).count() != 1 {
            bail!(
                "the template {} must have one line `{needed}`; the default is:\n{TEMPLATE}",
                path.display()
            );
        }
    }
    if !text.starts_with("#!") {
        bail!("the template {} must begin with `#!/usr/bin/env bash`", path.display());
    }
    Ok(text)
}

fn fill(template: &str, options: &str, commands: &str) -> String {
    let line = |line: &str| match line.trim() {
        OPTIONS => options.to_owned(),
        RUNS => commands.trim_end().to_owned(),
        _ => line.to_owned(),
    };
    template.lines().map(line).collect::<Vec<_>>().join("\n") + "\n"
}
