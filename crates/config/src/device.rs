//! Devices.

use crate::names::UnknownName;
use std::fmt;
use std::str::FromStr;

/// Device of a run, as `--device` names it. The features of a worker decide which devices it can use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Device {
    /// `cpu`: the CPU engine, with hand-written gradients.
    #[default]
    Cpu,
    /// `flex`: the device engine on burn's own CPU backend; slower than `cpu`, and there wherever Rust is.
    Flex,
    /// `wgpu`: the device engine on the best adapter of Vulkan, Metal or Direct3D 12.
    Wgpu,
    /// `cuda` or `cuda:N`: the device engine on the NVIDIA card number N, counted from 0.
    Cuda(usize),
}

impl Device {
    /// Every name; `cuda:1` stands for any number of a card.
    pub const NAMES: [&str; 5] = ["cpu", "flex", "wgpu", "cuda", "cuda:1"];
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Device::Cpu => f.write_str("cpu"),
            Device::Flex => f.write_str("flex"),
            Device::Wgpu => f.write_str("wgpu"),
            Device::Cuda(index) => write!(f, "cuda:{index}"),
        }
    }
}

impl FromStr for Device {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        let index = name.strip_prefix("cuda:").map(str::parse);
        match (name, index) {
            ("cpu", _) => Ok(Device::Cpu),
            ("flex", _) => Ok(Device::Flex),
            ("wgpu", _) => Ok(Device::Wgpu),
            ("cuda", _) => Ok(Device::Cuda(0)),
            (_, Some(Ok(index))) => Ok(Device::Cuda(index)),
            _ => Err(UnknownName {
                kind: "device",
                given: name.to_owned(),
                allowed: Device::NAMES.map(str::to_owned).to_vec(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Device;

    #[test]
    fn devices_are_read_as_they_are_written() {
        for device in [Device::Cpu, Device::Flex, Device::Wgpu, Device::Cuda(0), Device::Cuda(3)] {
            assert_eq!(device.to_string().parse(), Ok(device));
        }
        assert_eq!("cuda".parse(), Ok(Device::Cuda(0)));
    }

    #[test]
    fn a_typing_error_gets_the_nearest_name() {
        let message = |name: &str| name.parse::<Device>().unwrap_err().to_string();
        assert_eq!(
            message("wpgu"),
            "there is no device `wpgu`; did you mean `wgpu`? Allowed: `cpu`, `flex`, `wgpu`, `cuda`, `cuda:1`"
        );
        assert!(message("cuda:x").contains("no device `cuda:x`"));
        assert!(message("cuda:-1").contains("no device `cuda:-1`"));
    }
}
