//! The priorities of the available transitions.

use crate::sum_tree::SumTree;

/// A priority for each slot, and the largest ever given.
pub(crate) struct Priorities {
    tree: SumTree,
    largest: f64,
}

impl Priorities {
    /// Priorities without any slot taken. The largest priority so far counts as 1.
    /// `None` if there is no memory for them.
    pub(crate) fn new(slots: usize) -> Option<Self> {
        Some(Self { tree: SumTree::try_new(slots)?, largest: 1.0 })
    }

    /// Whether a value is a valid priority. The bound keeps every sum finite.
    pub(crate) fn allows(priority: f64) -> bool {
        (0.0..=f64::from(f32::MAX)).contains(&priority)
    }

    /// Takes a slot for a new transition, with the largest priority so far.
    pub(crate) fn insert(&mut self, slot: usize) {
        self.tree.set(slot, self.largest);
    }

    /// Frees a slot.
    pub(crate) fn remove(&mut self, slot: usize) {
        self.tree.set(slot, 0.0);
    }

    /// Changes the priority of a taken slot.
    pub(crate) fn set(&mut self, slot: usize, priority: f64) {
        self.tree.set(slot, priority);
        self.largest = self.largest.max(priority);
    }

    pub(crate) fn get(&self, slot: usize) -> f64 {
        self.tree.get(slot)
    }

    pub(crate) fn total(&self) -> f64 {
        self.tree.total()
    }

    /// The slot at a share of the total, in [0, 1); `None` if all priorities are 0.
    pub(crate) fn find(&self, share: f64) -> Option<usize> {
        (self.total() > 0.0).then(|| self.tree.find(share * self.total()))
    }

    /// The largest priority ever given, at least 1. Duplicates and priorities that changed later count as well.
    pub(crate) fn largest(&self) -> f64 {
        self.largest
    }

    pub(crate) fn set_largest(&mut self, largest: f64) {
        self.largest = largest;
    }
}
