//! Which instructions the kernels are made of: the best that the processor has, or those that were asked for.

use pulp::{Arch, WithSimd};
use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU8, Ordering};

/// A set of instructions that every kernel is compiled for.
///
/// All of them add in the same order. [`Avx2`](InstructionSet::Avx2) and [`Avx512`](InstructionSet::Avx512) give the same
/// digits; the portable set, which rounds each product before it is added, differs in the last ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstructionSet {
    /// `portable`: what every processor has that the program was compiled for.
    Portable,
    /// `avx2`: 256-bit vectors with fused multiply-add; x86-64-v3, from Intel's Haswell and AMD's Zen on.
    Avx2,
    /// `avx512`: 512-bit vectors; x86-64-v4, from Intel's Skylake-X and AMD's Zen 4 on.
    Avx512,
}

/// The processor does not have the instructions asked for, or they have no such name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("kernels of `{given}` cannot run on this processor; there are {}", names(.available))]
pub struct Unavailable {
    given: String,
    available: Vec<InstructionSet>,
}

fn names(sets: &[InstructionSet]) -> String {
    sets.iter().map(|set| format!("`{set}`")).collect::<Vec<_>>().join(", ")
}

impl InstructionSet {
    /// All there are.
    pub const ALL: [InstructionSet; 3] =
        [InstructionSet::Portable, InstructionSet::Avx2, InstructionSet::Avx512];

    /// Those that this processor has, the best one last.
    pub fn available() -> Vec<InstructionSet> {
        InstructionSet::ALL.into_iter().filter(|set| set.arch().is_some()).collect()
    }

    #[cfg(target_arch = "x86_64")]
    fn arch(self) -> Option<Arch> {
        match self {
            InstructionSet::Portable => Some(Arch::Scalar),
            InstructionSet::Avx2 => pulp::x86::V3::try_new().map(Arch::V3),
            InstructionSet::Avx512 => pulp::x86::V4::try_new().map(Arch::V4),
        }
    }

    /// Other processors have one set, the one that the compiler was told.
    #[cfg(not(target_arch = "x86_64"))]
    fn arch(self) -> Option<Arch> {
        (self == InstructionSet::Portable).then(Arch::new)
    }
}

impl fmt::Display for InstructionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            InstructionSet::Portable => "portable",
            InstructionSet::Avx2 => "avx2",
            InstructionSet::Avx512 => "avx512",
        })
    }
}

impl FromStr for InstructionSet {
    type Err = Unavailable;

    fn from_str(name: &str) -> Result<Self, Unavailable> {
        let known = InstructionSet::ALL.into_iter().find(|set| set.to_string() == name);
        known.ok_or_else(|| Unavailable { given: name.to_owned(), available: InstructionSet::available() })
    }
}

/// Nothing chosen, or 1 + the place in [`InstructionSet::ALL`].
static CHOSEN: AtomicU8 = AtomicU8::new(0);

/// What an environment variable asks for, for programs that do not choose: the tests of every crate, above all.
static BY_VARIABLE: LazyLock<Option<Arch>> = LazyLock::new(|| {
    let name = std::env::var("SOFTMOE_KERNELS").ok().filter(|name| !name.is_empty() && name != "auto")?;
    let arch = name.parse().ok().and_then(InstructionSet::arch);
    if arch.is_none() {
        let unavailable = Unavailable { given: name, available: InstructionSet::available() };
        eprintln!("SOFTMOE_KERNELS is ignored: {unavailable}");
    }
    arch
});

/// Makes all kernels of this process use `set` from now on; with `None`, what the environment variable
/// `SOFTMOE_KERNELS` names (`portable`, `avx2` or `avx512`), and without it the best that the processor has.
///
/// # Errors
/// [`Unavailable`] if the processor does not have them.
pub fn choose(set: Option<InstructionSet>) -> Result<(), Unavailable> {
    let chosen = match set {
        None => 0,
        Some(set) if set.arch().is_some() => 1 + set as u8,
        Some(set) => {
            return Err(Unavailable { given: set.to_string(), available: InstructionSet::available() });
        }
    };
    CHOSEN.store(chosen, Ordering::Relaxed);
    Ok(())
}

/// The instructions to use now.
#[inline]
fn arch() -> Arch {
    let chosen = usize::from(CHOSEN.load(Ordering::Relaxed));
    let chosen = chosen.checked_sub(1).and_then(|place| InstructionSet::ALL[place].arch());
    chosen.or(*BY_VARIABLE).unwrap_or_else(Arch::new)
}

/// The instructions that kernels use now.
pub fn instruction_set() -> InstructionSet {
    match arch() {
        #[cfg(target_arch = "x86_64")]
        Arch::V3(_) => InstructionSet::Avx2,
        #[cfg(target_arch = "x86_64")]
        Arch::V4(_) => InstructionSet::Avx512,
        _ => InstructionSet::Portable,
    }
}

/// Runs `kernel` with the instructions to use now.
#[inline(always)]
pub(super) fn dispatch<K: WithSimd>(kernel: K) -> K::Output {
    arch().dispatch(kernel)
}

/// Runs `body`, and what is inlined into it, compiled for the instructions to use now.
#[inline(always)]
pub fn vectorised<R>(body: impl FnOnce() -> R) -> R {
    dispatch(body)
}

#[cfg(test)]
mod tests {
    use super::InstructionSet;

    #[test]
    fn sets_are_read_as_they_are_written_and_others_are_refused() {
        for set in InstructionSet::ALL {
            assert_eq!(set.to_string().parse(), Ok(set));
        }
        let error = "sse9".parse::<InstructionSet>().unwrap_err().to_string();
        assert!(
            error.starts_with("kernels of `sse9` cannot run on this processor; there are `portable`"),
            "{error}"
        );
    }

    #[test]
    fn every_processor_has_the_portable_ones() {
        assert_eq!(InstructionSet::available()[0], InstructionSet::Portable);
    }
}
