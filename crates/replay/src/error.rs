//! Errors of a replay.

/// An error in making, sampling, updating or restoring a replay.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// A field of a [`Layout`](crate::Layout) has an invalid value.
    #[error("{field} of the replay is {given}, but {allowed}")]
    Layout {
        /// The field's name.
        field: &'static str,
        /// Its value.
        given: String,
        /// The rule that it breaks, and a valid choice.
        allowed: String,
    },
    /// The memory for the replay could not be reserved.
    #[error(
        "a replay of {capacity} frames of {frame_len} bytes needs {:.1} GB of memory, which this machine does \
         not give: choose a smaller capacity",
        *.bytes as f64 / 1e9
    )]
    Memory {
        /// Frames asked for.
        capacity: usize,
        /// Bytes per frame.
        frame_len: usize,
        /// Bytes of the whole replay.
        bytes: u64,
    },
    /// There is no transition to sample yet.
    #[error(
        "the replay has no complete transition yet ({pushed} rows pushed): sample once `available()` is above 0"
    )]
    Empty {
        /// Rows pushed so far.
        pushed: u64,
    },
    /// The batch was made for another layout, or one of its vectors was resized.
    #[error(
        "{field} of the batch has {given} elements, the replay writes {expected}: make it with `Batch::new`"
    )]
    Batch {
        /// The vector's name.
        field: &'static str,
        /// Its length.
        given: usize,
        /// The required length.
        expected: usize,
    },
    /// A priority is negative, infinite or not a number.
    #[error("priority number {position} is {given}, but a priority must be between 0 and {}", f32::MAX)]
    Priority {
        /// Its position among the given priorities.
        position: usize,
        /// The priority.
        given: f64,
    },
    /// The numbers of priorities and of transitions differ.
    #[error("{priorities} priorities were given for {ids} transitions: each needs one")]
    PriorityCount {
        /// Transitions given.
        ids: usize,
        /// Priorities given.
        priorities: usize,
    },
    /// No replay can have written the saved state.
    #[error("the saved replay is damaged: {0}")]
    Damaged(String),
    /// The saved replay has other sizes or settings.
    #[error(
        "the saved replay has {field} {saved}, not {expected}: restore it with the layout and sampling that it was saved with"
    )]
    Mismatch {
        /// The field's name.
        field: &'static str,
        /// Its value in the saved state.
        saved: String,
        /// The value asked for.
        expected: String,
    },
    /// The saved state could not be read or written.
    #[error("the replay's state could not be read or written")]
    Io(#[from] std::io::Error),
}
