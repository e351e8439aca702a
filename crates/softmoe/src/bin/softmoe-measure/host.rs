//! The machine that is measured.

use softmoe_nets::kernels::InstructionSet;

/// The processor, as the system names it.
pub(crate) fn processor() -> String {
    from_linux().unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}

fn from_linux() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let value = |key: &str| {
        let line = text.lines().find(|line| line.split(':').next().is_some_and(|name| name.trim() == key))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let name = value("model name")?;
    Some(match (value("cpu family"), value("model")) {
        (Some(family), Some(model)) => format!("{name} (family {family} model {model})"),
        _ => name,
    })
}

/// The vector instructions that the kernels use here.
pub(crate) fn instructions() -> &'static str {
    InstructionSet::default().name()
}
