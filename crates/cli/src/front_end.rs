//! Which of the two front ends this process is.

use std::sync::OnceLock;

/// A front end. Both have the same tasks, but different names, and they find their programs in different places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrontEnd {
    /// `cargo xtask` in a clone: builds the programs that it starts, and has the tasks of the maintainers.
    Workspace,
    /// `softmoe`: starts the programs installed beside it, and contains the experiments.
    Installed,
}

static FRONT_END: OnceLock<FrontEnd> = OnceLock::new();

impl FrontEnd {
    /// Makes this process the front end `self`. Later calls change nothing.
    pub(crate) fn set(self) {
        let _ = FRONT_END.set(self);
    }

    /// The front end that this process is; `Workspace` where none was set, as in tests.
    pub(crate) fn this() -> FrontEnd {
        FRONT_END.get().copied().unwrap_or(FrontEnd::Workspace)
    }

    /// The words of its command.
    pub(crate) fn words(self) -> &'static [&'static str] {
        match self {
            FrontEnd::Workspace => &["cargo", "xtask"],
            FrontEnd::Installed => &["softmoe"],
        }
    }

    /// The name of its command.
    pub(crate) fn name(self) -> &'static str {
        match self {
            FrontEnd::Workspace => "cargo xtask",
            FrontEnd::Installed => "softmoe",
        }
    }
}

/// The name of the command of this process, `cargo xtask` or `softmoe`.
pub(crate) fn name() -> &'static str {
    FrontEnd::this().name()
}
