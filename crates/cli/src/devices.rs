//! The devices of an invocation: `--device cpu`, or several cards: `--device cuda:0,cuda:1`.

use softmoe_config::Device;
use std::fmt;
use std::mem::discriminant;
use std::str::FromStr;

/// One device, or several different cards of one kind. Each run trains on one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Devices(Vec<Device>);

impl Devices {
    /// The first one, which says their kind.
    pub(crate) fn first(&self) -> Device {
        self.0[0]
    }

    pub(crate) fn all(&self) -> &[Device] {
        &self.0
    }

    /// The device that occurs least often among `used`; of several, the first.
    pub(crate) fn least_used(&self, used: impl Iterator<Item = Device> + Clone) -> Device {
        let uses = |device: &&Device| used.clone().filter(|other| other == *device).count();
        self.0.iter().min_by_key(uses).copied().unwrap_or_default()
    }
}

impl Default for Devices {
    fn default() -> Self {
        Devices(vec![Device::default()])
    }
}

impl fmt::Display for Devices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.0.iter().map(Device::to_string).collect();
        f.write_str(&names.join(","))
    }
}

impl FromStr for Devices {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parse = |name: &str| name.trim().parse::<Device>().map_err(|error| error.to_string());
        let devices = text.split(',').map(parse).collect::<Result<Vec<_>, _>>()?;
        for (index, device) in devices.iter().enumerate() {
            if discriminant(device) != discriminant(&devices[0]) {
                return Err(format!(
                    "`{}` and `{device}` are of different kinds: give cards of one kind",
                    devices[0]
                ));
            }
            if devices[..index].contains(device) {
                return Err(format!("`{device}` is given twice: `--jobs` sets how many runs share a device"));
            }
        }
        Ok(Devices(devices))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_cards_are_read_as_they_are_written() {
        for text in ["cpu", "wgpu", "cuda:2", "cuda:0,cuda:1,cuda:3"] {
            assert_eq!(text.parse::<Devices>().unwrap().to_string(), text);
        }
        let refused = |text: &str| text.parse::<Devices>().unwrap_err();
        assert!(refused("cpu,cuda").contains("different kinds"));
        assert!(refused("cuda,cuda:0").contains("`cuda:0` is given twice"));
        assert!(refused("cuda:0,cdua").contains("did you mean `cuda`?"));
        assert!(refused("").contains("no device ``"));
    }

    #[test]
    fn runs_go_to_the_card_that_has_fewest() {
        let devices: Devices = "cuda:0,cuda:1".parse().unwrap();
        let least = |used: &[usize]| devices.least_used(used.iter().map(|&index| Device::Cuda(index)));
        assert_eq!(least(&[]), Device::Cuda(0));
        assert_eq!(least(&[0]), Device::Cuda(1));
        assert_eq!(least(&[1, 0, 1]), Device::Cuda(0));
    }
}
