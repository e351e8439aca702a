//! The sizes of the encoders' feature maps, as types.

use softmoe_nets::Size;
use softmoe_nets::shapes::Const;

/// The sizes of an encoder's feature map, and those of the tokens that are made of it.
pub(super) trait FeatureMap {
    /// Height, and width.
    type Side: Size + Default;
    /// Channels.
    type Channels: Size;
    /// Side x Side.
    type Positions: Size + Default;
    /// Side x Side x Channels.
    type Features: Size;
    /// Side / 3, rounded down: patches along a side.
    type PatchSide: Size + Default;
    /// PatchSide x PatchSide.
    type Patches: Size + Default;
    /// Patches x Channels.
    type PatchFeatures: Size;

    fn channels(&self) -> Self::Channels;
    fn features(&self) -> Self::Features;
    fn patch_features(&self) -> Self::PatchFeatures;
}

/// Names the sizes of a feature map that is known whole.
macro_rules! feature_map {
    ($map:ident, $side:literal x $side_again:literal x $channels:literal) => {
        #[doc = concat!($side, "x", $side, "x", $channels)]
        pub(super) struct $map;

        impl FeatureMap for $map {
            type Side = Const<$side>;
            type Channels = Const<$channels>;
            type Positions = Const<{ $side * $side }>;
            type Features = Const<{ $side * $side * $channels }>;
            type PatchSide = Const<{ $side / 3 }>;
            type Patches = Const<{ ($side / 3) * ($side / 3) }>;
            type PatchFeatures = Const<{ ($side / 3) * ($side / 3) * $channels }>;

            fn channels(&self) -> Self::Channels {
                Const
            }

            fn features(&self) -> Self::Features {
                Const
            }

            fn patch_features(&self) -> Self::PatchFeatures {
                Const
            }
        }
    };
}

feature_map!(MinAtarMap, 8 x 8 x 16);
feature_map!(NatureMap, 11 x 11 x 64);
feature_map!(ImpalaMap, 11 x 11 x 32);

/// That of an Impala encoder of other than the usual width: how many channels it has is known at run time.
pub(super) struct WideImpalaMap {
    /// Factor on the channels.
    pub(super) width: usize,
}

impl FeatureMap for WideImpalaMap {
    type Side = Const<11>;
    type Channels = usize;
    type Positions = Const<121>;
    type Features = usize;
    type PatchSide = Const<3>;
    type Patches = Const<9>;
    type PatchFeatures = usize;

    fn channels(&self) -> usize {
        32 * self.width
    }

    fn features(&self) -> usize {
        121 * self.channels()
    }

    fn patch_features(&self) -> usize {
        9 * self.channels()
    }
}
