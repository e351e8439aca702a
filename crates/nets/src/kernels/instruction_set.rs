//! The vector instructions that kernels compute with.
//!
//! Every kernel is compiled for each set. Which one runs is the choice of its caller: [`InstructionSet::run`] sets it
//! for the calls of a closure, on this thread and on the threads that share their work. Nothing is chosen for the whole
//! process, so that two learners may compute side by side with different sets.

use pulp::{Arch, WithSimd};
use std::cell::Cell;
use std::fmt;
use std::io::Write;
use std::str::FromStr;
use std::sync::LazyLock;

/// A set of vector instructions that this processor has.
///
/// All sets add in the same order. `avx2` and `avx512` give the same bits. `portable` rounds a product before it is
/// added, so its results differ in the last digits.
///
/// The default is the set that the environment variable `SOFTMOE_INSTRUCTION_SET` names, or else the best available.
///
/// ```
/// use softmoe_nets::kernels::{InstructionSet, add};
///
/// let portable: InstructionSet = "portable".parse()?;
/// let mut y = [1.0_f32, 2.0];
/// portable.run(|| add(&mut y, &[3.0, 4.0]));
/// assert_eq!(y, [4.0, 6.0]);
/// # Ok::<(), softmoe_nets::kernels::Unavailable>(())
/// ```
#[derive(Clone, Copy)]
pub struct InstructionSet(Arch);

/// An instruction set that this processor does not have, or that has no such name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the instruction set `{given}` is not available on this processor; available: {}", names(available))]
pub struct Unavailable {
    given: String,
    available: Vec<InstructionSet>,
}

fn names(sets: &[InstructionSet]) -> String {
    sets.iter().map(|set| format!("`{set}`")).collect::<Vec<_>>().join(", ")
}

thread_local! {
    /// The set that [`InstructionSet::run`] chose for this thread.
    static CHOSEN: Cell<Option<InstructionSet>> = const { Cell::new(None) };
}

/// The default of threads for which nothing was chosen; the environment is read once.
static DEFAULT: LazyLock<InstructionSet> = LazyLock::new(|| {
    let best = InstructionSet(Arch::new());
    let Some(name) = std::env::var("SOFTMOE_INSTRUCTION_SET").ok().filter(|name| !name.is_empty()) else {
        return best;
    };
    match name.as_str() {
        "auto" => best,
        name => name.parse().unwrap_or_else(|unavailable| {
            // `eprintln!` would panic where nobody reads it.
            let _ = writeln!(std::io::stderr(), "SOFTMOE_INSTRUCTION_SET is ignored: {unavailable}");
            best
        }),
    }
});

impl InstructionSet {
    /// All names, from the narrowest vectors to the widest:
    /// - `portable`: the instructions that the program was compiled for;
    /// - `avx2`: 256-bit vectors with fused multiply-add (x86-64-v3: Intel Haswell, AMD Zen and later);
    /// - `avx512`: 512-bit vectors (x86-64-v4: Intel Skylake-X, AMD Zen 4 and later).
    pub const NAMES: [&str; 3] = ["portable", "avx2", "avx512"];

    /// The sets that this processor has, the best one last.
    pub fn available() -> Vec<InstructionSet> {
        InstructionSet::NAMES.into_iter().filter_map(InstructionSet::find).collect()
    }

    #[cfg(target_arch = "x86_64")]
    fn find(name: &str) -> Option<InstructionSet> {
        let arch = match name {
            "portable" => Arch::Scalar,
            "avx2" => Arch::V3(pulp::x86::V3::try_new()?),
            "avx512" => Arch::V4(pulp::x86::V4::try_new()?),
            _ => return None,
        };
        Some(InstructionSet(arch))
    }

    /// Other processors have one set: the instructions that the program was compiled for.
    #[cfg(not(target_arch = "x86_64"))]
    fn find(name: &str) -> Option<InstructionSet> {
        (name == "portable").then(|| InstructionSet(Arch::new()))
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Arch::V3(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Arch::V4(_) => "avx512",
            _ => "portable",
        }
    }

    /// The set that kernels use on this thread now.
    #[inline]
    pub fn current() -> InstructionSet {
        CHOSEN.get().unwrap_or_default()
    }

    /// Calls `body`; the kernels that it calls use this set, also on the threads of rayon's pool that compute parts of
    /// them.
    ///
    /// Calls nest: the innermost decides. A closure that `body` itself gives to another thread chooses for itself.
    pub fn run<R>(self, body: impl FnOnce() -> R) -> R {
        /// Takes the choice back, after a panic too.
        struct Restore(Option<InstructionSet>);
        impl Drop for Restore {
            fn drop(&mut self) {
                CHOSEN.set(self.0);
            }
        }
        let _restore = Restore(CHOSEN.replace(Some(self)));
        body()
    }
}

impl Default for InstructionSet {
    fn default() -> Self {
        *DEFAULT
    }
}

impl PartialEq for InstructionSet {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for InstructionSet {}

impl fmt::Debug for InstructionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for InstructionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for InstructionSet {
    type Err = Unavailable;

    fn from_str(name: &str) -> Result<Self, Unavailable> {
        InstructionSet::find(name)
            .ok_or_else(|| Unavailable { given: name.to_owned(), available: InstructionSet::available() })
    }
}

/// Runs `kernel` with the current instruction set.
#[inline(always)]
pub(super) fn dispatch<K: WithSimd>(kernel: K) -> K::Output {
    InstructionSet::current().0.dispatch(kernel)
}

/// Runs `body`, and what is inlined into it, compiled for the current instruction set.
#[inline(always)]
pub fn vectorised<R>(body: impl FnOnce() -> R) -> R {
    dispatch(body)
}

#[cfg(test)]
mod tests {
    use super::InstructionSet;

    #[test]
    fn available_sets_have_names_and_others_are_refused() {
        for set in InstructionSet::available() {
            assert_eq!(set.to_string().parse(), Ok(set));
        }
        let error = "sse9".parse::<InstructionSet>().unwrap_err().to_string();
        let start = "the instruction set `sse9` is not available on this processor; available: `portable`";
        assert!(error.starts_with(start), "{error}");
    }

    #[test]
    fn every_processor_has_the_portable_set() {
        assert_eq!(InstructionSet::available()[0].name(), "portable");
    }

    #[test]
    fn the_innermost_choice_decides_and_a_panic_takes_it_back() {
        let before = InstructionSet::current();
        let (first, last) = (InstructionSet::available()[0], *InstructionSet::available().last().unwrap());
        first.run(|| {
            assert_eq!(InstructionSet::current(), first);
            let panicked = std::panic::catch_unwind(|| last.run(|| panic!("on purpose")));
            assert!(panicked.is_err());
            assert_eq!(InstructionSet::current(), first);
        });
        assert_eq!(InstructionSet::current(), before);
    }
}
