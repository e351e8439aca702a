//! Messages to a device: waits, uploads, kernel launches.

#[cfg(any(feature = "wgpu", feature = "cuda"))]
use anyhow::Context;
use anyhow::Result;
use softmoe_config::Device;

/// Waits, uploads and uploaded bytes so far.
pub(super) fn traffic() -> [u64; 3] {
    #[cfg(feature = "burn")]
    {
        let softmoe_nets::device::Traffic { waits, uploads, uploaded_bytes } =
            softmoe_nets::device::Traffic::so_far();
        [waits, uploads, uploaded_bytes]
    }
    #[cfg(not(feature = "burn"))]
    [0; 3]
}

/// Kernel launches on graphics cards; 0 elsewhere.
pub(super) struct Launches {
    #[cfg(any(feature = "wgpu", feature = "cuda"))]
    log: Option<(softmoe_nets::device::Launches, tempfile::TempDir)>,
}

impl Launches {
    #[cfg(any(feature = "wgpu", feature = "cuda"))]
    pub(super) fn of(device: Device) -> Result<Self> {
        let log = || -> Result<_> {
            let directory = tempfile::tempdir().context("cannot make a directory for a log")?;
            Ok((softmoe_nets::device::Launches::log_in(directory.path().join("launches")), directory))
        };
        let is_graphics = matches!(device, Device::Wgpu | Device::Cuda(_));
        Ok(Launches { log: is_graphics.then(log).transpose()? })
    }

    #[cfg(any(feature = "wgpu", feature = "cuda"))]
    pub(super) fn so_far(&self) -> Result<Option<u64>> {
        let so_far = self.log.as_ref().map(|(log, _)| log.so_far()).transpose();
        so_far.context("cannot read the log of kernel launches")
    }

    #[cfg(not(any(feature = "wgpu", feature = "cuda")))]
    #[expect(clippy::unnecessary_wraps, reason = "with graphics cards it can fail")]
    pub(super) fn of(_: Device) -> Result<Self> {
        Ok(Launches {})
    }

    #[cfg(not(any(feature = "wgpu", feature = "cuda")))]
    #[expect(clippy::unnecessary_wraps, reason = "with graphics cards it can fail")]
    pub(super) fn so_far(&self) -> Result<Option<u64>> {
        Ok(None)
    }
}
