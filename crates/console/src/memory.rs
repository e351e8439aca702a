//! The memory of this machine.

use sysinfo::{MemoryRefreshKind, RefreshKind, System};

/// The memory that is available to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Bytes in total.
    pub total: u64,
    /// Free bytes.
    pub available: u64,
}

impl Memory {
    /// The memory of this process: the machine's, or its control group's. Zeros if the system does not report it.
    pub fn now() -> Self {
        let kind = RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram());
        let Ok(system) = System::new_with_specifics(kind) else { return Memory { total: 0, available: 0 } };
        let (mut total, mut available) = (system.total_memory(), system.available_memory());
        if let Some(group) = system.cgroup_limits() {
            (total, available) = (total.min(group.total_memory), available.min(group.free_memory));
        }
        Memory { total, available }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_memory() {
        let memory = Memory::now();
        assert!(memory.total > 0 && memory.available > 0 && memory.available <= memory.total, "{memory:?}");
    }
}
