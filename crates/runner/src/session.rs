//! The session of this process: the program, the machine, the times.

use humantime::format_rfc3339_seconds;
use softmoe_config::{AgentSteps, Device, Session};
use softmoe_nets::kernels::InstructionSet;
use std::time::SystemTime;
use sysinfo::{CpuRefreshKind, RefreshKind, System};

/// The session that begins now, at agent step `first_step`. `instructions` are those of the CPU engine; none for a run without
/// a network.
pub(crate) fn begin(device: Device, instructions: Option<InstructionSet>, first_step: AgentSteps) -> Session {
    let on_cpu = device == Device::Cpu;
    Session {
        // The build script sets them where there is git.
        commit: option_env!("SOFTMOE_BUILT_FROM").map(str::to_owned),
        dirty: option_env!("SOFTMOE_BUILT_DIRTY").is_some(),
        instruction_set: instructions.filter(|_| on_cpu).map(|set| set.name().to_owned()),
        host: System::host_name().ok(),
        threads: rayon::current_num_threads(),
        device: device.to_string(),
        device_name: if matches!(device, Device::Cpu | Device::Flex) {
            processor()
        } else {
            softmoe_agents::device_name(device)
        },
        first_step,
        started: now(),
        ended: None,
        peak_memory: None,
    }
}

/// Notes the time and the memory in `session`.
pub(crate) fn end(session: &mut Session) {
    session.ended = Some(now());
    session.peak_memory = peak_memory();
}

fn now() -> String {
    format_rfc3339_seconds(SystemTime::now()).to_string()
}

/// The name of the processor.
fn processor() -> Option<String> {
    let kind = RefreshKind::nothing().with_cpu(CpuRefreshKind::nothing());
    let system = System::new_with_specifics(kind).ok()?;
    let name = system.cpus().first()?.brand().trim();
    (!name.is_empty()).then(|| name.to_owned())
}

/// Largest resident memory of this process so far, in bytes.
#[cfg(unix)]
fn peak_memory() -> Option<u64> {
    use nix::sys::resource::{UsageWho, getrusage};
    let most = u64::try_from(getrusage(UsageWho::RUSAGE_SELF).ok()?.max_rss()).ok()?;
    // In kilobytes, except on Apple's systems.
    Some(if cfg!(target_vendor = "apple") { most } else { most * 1024 })
}

/// Largest resident memory of this process so far, in bytes; unknown here.
#[cfg(not(unix))]
fn peak_memory() -> Option<u64> {
    None
}
