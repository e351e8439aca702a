//! The cores that the measured processes run on.

use anyhow::{Result, bail};
use std::str::FromStr;

/// Cores by number, as in `1` or `0,1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cores(pub(crate) Vec<usize>);

impl FromStr for Cores {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |word: &str| {
            let rule = "must be the number of a core, or several separated by commas, e.g. 1 or 0,1";
            word.trim().parse().map_err(|_| rule.to_owned())
        };
        let mut cores = text.split(',').map(number).collect::<Result<Vec<usize>, String>>()?;
        cores.sort_unstable();
        cores.dedup();
        Ok(Cores(cores))
    }
}

impl Cores {
    pub(crate) fn words(&self) -> String {
        let numbers: Vec<String> = self.0.iter().map(usize::to_string).collect();
        let noun = if numbers.len() == 1 { "core" } else { "cores" };
        format!("{noun} {}", numbers.join(", "))
    }
}

/// The cores of `wanted`, or one core, if this process may use them; `None` where processes cannot be pinned.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn choose(wanted: Option<&Cores>) -> Result<Option<Cores>> {
    use anyhow::Context;
    use nix::sched::{CpuSet, sched_getaffinity};
    use nix::unistd::Pid;
    let set = sched_getaffinity(Pid::from_raw(0)).context("cannot determine the available cores")?;
    let there: Vec<usize> = (0..CpuSet::count()).filter(|core| set.is_set(*core).unwrap_or(false)).collect();
    let Some(wanted) = wanted else {
        // Other programs mostly run on the first core, so the last one is the default.
        return Ok(there.last().map(|core| Cores(vec![*core])));
    };
    if let Some(core) = wanted.0.iter().find(|core| !there.contains(core)) {
        bail!("core {core} is not available; this process may use {}", Cores(there).words());
    }
    Ok(Some(wanted.clone()))
}

/// The cores of `wanted`, or one core, if this process may use them; `None` where processes cannot be pinned.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn choose(wanted: Option<&Cores>) -> Result<Option<Cores>> {
    match wanted {
        Some(_) => bail!("this system does not support pinning a process to a core: omit `--cpu`"),
        None => Ok(None),
    }
}

/// Pins the processes that are started from now on to `cores`.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn hold(cores: &Cores) -> Result<()> {
    use anyhow::Context;
    use nix::sched::{CpuSet, sched_setaffinity};
    use nix::unistd::Pid;
    let mut set = CpuSet::new();
    for core in &cores.0 {
        set.set(*core).with_context(|| format!("there is no core {core}"))?;
    }
    // Processes inherit it from the thread that starts them.
    sched_setaffinity(Pid::from_raw(0), &set)
        .with_context(|| format!("cannot pin the process to {}", cores.words()))
}

/// Pins the processes that are started from now on to `cores`.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn hold(_cores: &Cores) -> Result<()> {
    Ok(())
}

/// The load average of the last minute.
pub(crate) fn load() -> Option<String> {
    let text = std::fs::read_to_string("/proc/loadavg").ok()?;
    Some(text.split_whitespace().next()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_are_numbers_separated_by_commas() {
        assert_eq!("1".parse(), Ok(Cores(vec![1])));
        assert_eq!("3, 0,3".parse(), Ok(Cores(vec![0, 3])));
        for wrong in ["", "one", "-1", "0;1"] {
            assert!(wrong.parse::<Cores>().is_err(), "{wrong}");
        }
        assert_eq!(Cores(vec![0, 3]).words(), "cores 0, 3");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_core_that_is_not_there_is_refused() {
        assert_eq!(choose(None).unwrap().unwrap().0.len(), 1);
        let message = choose(Some(&Cores(vec![1_000]))).unwrap_err().to_string();
        assert!(message.starts_with("core 1000 is not available"), "{message}");
    }
}
