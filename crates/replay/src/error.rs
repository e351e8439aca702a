//! What can go wrong with a replay.

/// Why a replay could not be made, sampled, updated or restored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// A field of a [`Layout`](crate::Layout) has a value that no replay can have.
    #[error("{field} of the replay is {given}, but {allowed}")]
    Layout {
        /// The field's name.
        field: &'static str,
        /// Its value.
        given: String,
        /// The rule it breaks, and what would satisfy it.
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
        /// Bytes a frame.
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
        /// The length it must have.
        expected: usize,
    },
    /// A priority is negative, infinite or not a number.
    #[error("priority number {position} is {given}, but a priority must be between 0 and {}", f32::MAX)]
    Priority {
        /// Its position among the priorities given.
        position: usize,
        /// The priority.
        given: f64,
    },
    /// Not as many priorities as transitions.
    #[error("{priorities} priorities were given for {ids} transitions: each needs one")]
    PriorityCount {
        /// Transitions given.
        ids: usize,
        /// Priorities given.
        priorities: usize,
    },
    /// A saved state cannot be a replay's.
    #[error("the saved replay is damaged: {0}")]
    Damaged(String),
    /// A saved state is that of a replay with other sizes or settings.
    #[error(
        "the saved replay has {field} {saved}, but {expected} was asked for: restore it with what it was saved with"
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
