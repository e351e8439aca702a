//! Layers that are one of several, chosen at run time.

use crate::shapes::Shape;

/// Makes an enum of layers a [`Layer`](crate::Layer), and a `DeviceLayer` with the feature `burn`.
///
/// A configuration chooses one variant when it is read. The compiler makes the code of every variant once: a network of
/// three enums with k variants each costs 3 k layers, where a type for each combination costs k^3. A pass costs one
/// branch for each enum.
///
/// All variants take the shape that is named first and give the shape that is named second. Both should have run-time
/// sizes (`usize`). A variant whose own output has constant sizes is fine: its shape becomes the named one.
///
/// Its workspace is an enum too, and gets the name after `workspace`.
///
/// ```
/// use softmoe_nets::layers::{Linear, Relu};
/// use softmoe_nets::{BoxedNetwork, Builder, Network, one_of};
///
/// type Row = (usize, usize);
/// one_of! {
///     /// A dense layer, with or without an activation.
///     pub enum Hidden: Row => Row, workspace HiddenWorkspace {
///         Linear(Linear<usize, usize>),
///         Rectified((Linear<usize, usize>, Relu)),
///     }
/// }
///
/// let mut builder = Builder::new();
/// let dense = Linear::new(&mut builder, "hidden", 4, 8);
/// let rectified = true;
/// let hidden = if rectified { Hidden::Rectified((dense, Relu)) } else { Hidden::Linear(dense) };
/// let network = BoxedNetwork::new(builder, hidden, |batch| (batch, 4));
/// assert_eq!(network.output_shape(), [8]);
/// ```
///
/// # Panics
/// The layer's methods panic if the workspace is another variant's.
#[macro_export]
macro_rules! one_of {
    (
        $(#[$meta:meta])*
        $visibility:vis enum $name:ident: $in:ty => $out:ty, workspace $workspace:ident {
            $($(#[$doc:meta])* $variant:ident($layer:ty),)+
        }
    ) => {
        $(#[$meta])*
        $visibility enum $name {
            $($(#[$doc])* $variant($layer),)+
        }

        #[doc = concat!("The workspace of a [`", stringify!($name), "`].")]
        $visibility enum $workspace<E: $crate::Scalar> {
            $(
                #[doc = concat!("Of its `", stringify!($variant), "`.")]
                $variant(<$layer as $crate::Layer<$in>>::Workspace<E>),
            )+
        }

        impl $crate::Layer<$in> for $name {
            type Out = $out;
            type Workspace<E: $crate::Scalar> = $workspace<E>;

            fn output_shape(&self, input: $in) -> $out {
                match self {
                    $($name::$variant(layer) => {
                        $crate::at_run_time($crate::Layer::<$in>::output_shape(layer, input))
                    })+
                }
            }

            fn describe(&self, input: $in) -> Vec<$crate::LayerDescription> {
                match self {
                    $($name::$variant(layer) => $crate::Layer::<$in>::describe(layer, input),)+
                }
            }

            fn workspace<E: $crate::Scalar>(&self, input: $in) -> $workspace<E> {
                match self {
                    $($name::$variant(layer) => $workspace::$variant($crate::Layer::<$in>::workspace::<E>(layer, input)),)+
                }
            }

            fn forward_into<E: $crate::Scalar>(&self, weights: $crate::Weights<E>, x: &[E], workspace: &mut $workspace<E>) {
                match (self, workspace) {
                    $(($name::$variant(layer), $workspace::$variant(workspace)) => {
                        $crate::Layer::<$in>::forward_into(layer, weights, x, workspace)
                    })+
                    #[allow(unreachable_patterns, reason = "there may be a single variant")]
                    _ => panic!("the workspace of another layer"),
                }
            }

            fn output<'t, E: $crate::Scalar>(&self, x: &'t [E], workspace: &'t $workspace<E>) -> &'t [E] {
                match (self, workspace) {
                    $(($name::$variant(layer), $workspace::$variant(workspace)) => {
                        $crate::Layer::<$in>::output(layer, x, workspace)
                    })+
                    #[allow(unreachable_patterns, reason = "there may be a single variant")]
                    _ => panic!("the workspace of another layer"),
                }
            }

            fn backward_into<E: $crate::Scalar>(&self, pass: $crate::Backward<E>, workspace: &mut $workspace<E>) {
                match (self, workspace) {
                    $(($name::$variant(layer), $workspace::$variant(workspace)) => {
                        $crate::Layer::<$in>::backward_into(layer, pass, workspace)
                    })+
                    #[allow(unreachable_patterns, reason = "there may be a single variant")]
                    _ => panic!("the workspace of another layer"),
                }
            }

            fn d_input<'t, E: $crate::Scalar>(&self, dy: &'t [E], workspace: &'t $workspace<E>) -> &'t [E] {
                match (self, workspace) {
                    $(($name::$variant(layer), $workspace::$variant(workspace)) => {
                        $crate::Layer::<$in>::d_input(layer, dy, workspace)
                    })+
                    #[allow(unreachable_patterns, reason = "there may be a single variant")]
                    _ => panic!("the workspace of another layer"),
                }
            }

            fn inspect<E: $crate::Scalar>(&self, x: &[E], workspace: &$workspace<E>, inspection: &mut $crate::Inspection) {
                match (self, workspace) {
                    $(($name::$variant(layer), $workspace::$variant(workspace)) => {
                        $crate::Layer::<$in>::inspect(layer, x, workspace, inspection)
                    })+
                    #[allow(unreachable_patterns, reason = "there may be a single variant")]
                    _ => panic!("the workspace of another layer"),
                }
            }
        }

        $crate::one_of_on_devices!($name: $in => $out { $($variant),+ });
    };
}

/// The part of [`one_of`] for the device engine.
#[cfg(feature = "burn")]
#[doc(hidden)]
#[macro_export]
macro_rules! one_of_on_devices {
    ($name:ident: $in:ty => $out:ty { $($variant:ident),+ }) => {
        impl $crate::device::DeviceLayer<$in> for $name {
            type Out = $out;

            fn output_shape_on(&self, input: $in) -> $out {
                $crate::Layer::output_shape(self, input)
            }

            fn forward_on<B: $crate::device::Backend>(
                &self,
                weights: &$crate::device::DeviceWeights<B>,
                x: <$in as $crate::device::DeviceShape>::Tensor<B>,
            ) -> <$out as $crate::device::DeviceShape>::Tensor<B> {
                match self {
                    $($name::$variant(layer) => {
                        $crate::device::DeviceLayer::<$in>::forward_on(layer, weights, x)
                    })+
                }
            }
        }
    };
}

/// There is no device engine in this build.
#[cfg(not(feature = "burn"))]
#[doc(hidden)]
#[macro_export]
macro_rules! one_of_on_devices {
    ($($anything:tt)*) => {};
}

/// The shape `from`, whose sizes may be constants, as a shape of sizes that are known at run time.
///
/// # Panics
/// If a constant size of `To` differs.
#[doc(hidden)]
pub fn at_run_time<From: Shape, To: Shape<Concrete = From::Concrete>>(from: From) -> To {
    To::from_concrete(&from.concrete()).expect("the shape that the enum names")
}
