//! The layers on burn's tensors against the CPU engine: values and gradients, in single precision.
#![cfg(any(feature = "flex", feature = "wgpu"))]

mod support;

/// A test of each part of the layers, on the device that `$find` may find.
macro_rules! tests_on {
    ($backend:ident, $find:expr) => {
        use super::support::device::found;
        use super::support::device_layers;

        #[test]
        fn layers_equal_the_cpu_engine() {
            tests_on!(@on $backend, $find, check_layers);
        }

        #[test]
        fn encoders_equal_the_cpu_engine() {
            tests_on!(@on $backend, $find, check_encoders);
        }

        #[test]
        fn bodies_equal_the_cpu_engine() {
            tests_on!(@on $backend, $find, check_bodies);
        }

        #[test]
        fn routers_equal_the_cpu_engine() {
            tests_on!(@on $backend, $find, check_routers);
        }

        #[test]
        fn networks_equal_the_cpu_engine() {
            tests_on!(@on $backend, $find, check_networks);
        }
    };
    (@on $backend:ident, $find:expr, $check:ident) => {
        if let Some(device) = found($find) {
            device_layers::$check::<$backend>(&device);
        }
    };
}

#[cfg(feature = "flex")]
mod flex {
    use softmoe_nets::device::{Flex, FlexDevice, Missing};

    tests_on!(Flex, Ok::<_, Missing>(FlexDevice));
}

#[cfg(feature = "wgpu")]
mod wgpu {
    use softmoe_nets::device::{Wgpu, wgpu};

    tests_on!(Wgpu, wgpu());
}
