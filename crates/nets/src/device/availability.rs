//! Checks for a device before burn uses it, since burn panics without one.

#[cfg(feature = "cuda")]
use burn_cuda::CudaDevice;
#[cfg(feature = "wgpu")]
use burn_wgpu::WgpuDevice;

/// An error: a device is missing. It says what is missing, and what to install or to set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing(pub String);

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Missing {}

/// The best adapter that graphics drivers offer; `CUBECL_WGPU_DEFAULT_DEVICE`, e.g. `DiscreteGpu(1)`, names another.
///
/// # Errors
/// If there is no adapter.
#[cfg(feature = "wgpu")]
pub fn wgpu() -> Result<WgpuDevice, Missing> {
    use burn_wgpu::WgpuRuntime;
    use burn_wgpu::graphics::{AutoGraphicsApi, GraphicsApi};
    use cubecl::Runtime;

    let api = AutoGraphicsApi::backend();
    if WgpuRuntime::enumerate_all_devices(&api).is_empty() {
        return Err(Missing(format!(
            "no {api:?} adapter was found; install the graphics card's driver, or Mesa's software one (Debian: \
             `apt-get install mesa-vulkan-drivers`)"
        )));
    }
    Ok(WgpuDevice::DefaultDevice)
}

/// The NVIDIA card with this number, counted from 0.
///
/// # Errors
/// If the driver, the card, the compiler of kernels (NVRTC) or its headers are missing.
#[cfg(feature = "cuda")]
pub fn cuda(index: usize) -> Result<CudaDevice, Missing> {
    use cudarc::driver::CudaContext;

    // cudarc panics if it finds a library in none of the usual places.
    let count = quietly(CudaContext::device_count)
        .ok_or_else(|| Missing("the library libcuda.so was not found; install the NVIDIA driver".into()))?;
    let count = count.map_err(|error| {
        Missing(format!("the NVIDIA driver found no card ({error}); `nvidia-smi` should list one"))
    })?;
    if index >= usize::try_from(count).unwrap_or(0) {
        return Err(Missing(format!(
            "there are {count} NVIDIA cards, counted from 0; `nvidia-smi` lists them"
        )));
    }
    if quietly(|| cudarc::nvrtc::result::create_program(c"", None).is_ok()) != Some(true) {
        return Err(Missing(
            "the library libnvrtc.so was not found, which compiles the kernels; install the CUDA toolkit (Debian: \
             `apt-get install nvidia-cuda-toolkit`) or add its lib64 to LD_LIBRARY_PATH"
                .into(),
        ));
    }
    let headers = cubecl::cuda::install::cuda_path().map(|path| path.join("include").join("cuda_fp16.h"));
    if !headers.as_ref().is_some_and(|path| path.exists()) {
        let looked = headers.map_or_else(|| "/usr/local/cuda".into(), |path| path.display().to_string());
        return Err(Missing(format!(
            "CUDA's headers were not found ({looked}); set CUDA_PATH to the directory of the toolkit, the one that \
             has include/cuda_fp16.h"
        )));
    }
    Ok(CudaDevice::new(index))
}

/// The name of the NVIDIA card with this number, e.g. `NVIDIA A100-SXM4-40GB`; none if there is no such card.
#[cfg(feature = "cuda")]
pub fn cuda_name(index: usize) -> Option<String> {
    quietly(|| cudarc::driver::CudaContext::new(index).ok()?.name().ok())?
}

/// The result of `f`, or `None` if it panics. The panic prints nothing.
#[cfg(feature = "cuda")]
fn quietly<T>(f: impl FnOnce() -> T + std::panic::UnwindSafe) -> Option<T> {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let result = std::panic::catch_unwind(f);
    std::panic::set_hook(hook);
    result.ok()
}
