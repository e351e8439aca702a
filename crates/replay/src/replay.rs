//! The replay: the queue of available transitions, sampling, and the assembly of a transition.

use crate::batch::{Batch, TransitionId};
use crate::error::ReplayError;
use crate::layout::{Layout, Sampling, Storage};
use crate::priorities::Priorities;
use crate::rows::{EpisodeEnd, Row, Rows};
use rand::{Rng, RngExt};
use std::collections::VecDeque;
use std::fmt;
use std::ops::Range;

/// Experience replay of single frames.
///
/// A transition becomes available with the row that completes it: the n-th row after it, or its episode's terminal row. It
/// leaves when a new row overwrites the oldest frame of its stack. The available transitions therefore form a queue,
/// numbered in the order of arrival, and a draw is a position in it.
///
/// `push`, `sample` and `update_priorities` allocate nothing, except that `push` sometimes allocates a chunk with
/// [`Storage::Compressed`].
pub struct Replay {
    pub(crate) layout: Layout,
    pub(crate) rows: Rows,
    /// Number of the first row of the current episode.
    pub(crate) episode_start: u64,
    /// Row of each available transition, oldest first.
    pub(crate) available: VecDeque<u64>,
    /// Number of the oldest available transition, and count of transitions that have left.
    pub(crate) first_id: u64,
    pub(crate) sampler: Sampler,
    /// Discount of the k-th reward, gamma^k.
    discounts: Vec<f64>,
    /// Discount of the next state's value, gamma^n.
    bootstrap_discount: f32,
}

/// Transition `id` has the slot `id % capacity` among the priorities.
pub(crate) enum Sampler {
    Uniform,
    Prioritized(Priorities),
}

impl Replay {
    /// An empty replay. Memory is reserved at once and becomes resident as rows are pushed.
    ///
    /// # Errors
    ///
    /// [`ReplayError::Layout`] if a field of the layout is out of bounds, [`ReplayError::Memory`] if there is no
    /// room for the frames.
    pub fn new(layout: Layout, sampling: Sampling) -> Result<Self, ReplayError> {
        Self::with_storage(layout, sampling, Storage::Plain)
    }

    /// The same, with a choice of [`Storage`].
    ///
    /// # Errors
    ///
    /// As [`Replay::new`].
    pub fn with_storage(layout: Layout, sampling: Sampling, storage: Storage) -> Result<Self, ReplayError> {
        Self::starting_at(layout, sampling, storage, 0)
    }

    /// An empty replay whose first row has the number `first_row`.
    pub(crate) fn starting_at(
        layout: Layout,
        sampling: Sampling,
        storage: Storage,
        first_row: u64,
    ) -> Result<Self, ReplayError> {
        layout.validate()?;
        let rows = Rows::new(&layout, storage, first_row)?;
        let mut available = VecDeque::new();
        let mut discounts = Vec::new();
        if available.try_reserve_exact(layout.capacity).is_err()
            || discounts.try_reserve_exact(layout.n_step).is_err()
        {
            return Err(layout.out_of_memory());
        }
        discounts.extend((0..layout.n_step).map(|k| layout.discount.powf(k as f64)));
        let sampler = match sampling {
            Sampling::Uniform => Sampler::Uniform,
            Sampling::Prioritized => {
                let priorities = Priorities::new(layout.capacity).ok_or_else(|| layout.out_of_memory())?;
                Sampler::Prioritized(priorities)
            }
        };
        let bootstrap_discount = layout.discount.powf(layout.n_step as f64) as f32;
        let first_id = 0;
        Ok(Self {
            layout,
            rows,
            episode_start: first_row,
            available,
            first_id,
            sampler,
            discounts,
            bootstrap_discount,
        })
    }

    /// The layout of the replay.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The distribution of samples.
    pub fn sampling(&self) -> Sampling {
        match &self.sampler {
            Sampler::Uniform => Sampling::Uniform,
            Sampler::Prioritized(_) => Sampling::Prioritized,
        }
    }

    /// The form of frames in memory.
    pub fn storage(&self) -> Storage {
        self.rows.storage()
    }

    /// Bytes of the frames now, plus [`Layout::bytes_beside_frames`].
    pub fn bytes(&self) -> u64 {
        self.rows.frame_bytes() + self.layout.bytes_beside_frames()
    }

    /// Numbers of the kept rows. Rows are numbered from 0 in the order of their pushes.
    pub fn rows(&self) -> Range<u64> {
        self.rows.oldest()..self.rows.next()
    }

    /// Number of transitions that can be sampled.
    pub fn available(&self) -> usize {
        self.available.len()
    }

    /// Number of rows ever pushed, including overwritten ones.
    pub fn pushed(&self) -> u64 {
        self.rows.next()
    }

    /// The largest action of the kept rows, e.g. to check them against a game; `None` without rows.
    pub fn largest_action(&self) -> Option<u8> {
        self.rows().map(|number| self.rows.row(number).action).max()
    }

    /// The available transitions, oldest first.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = TransitionId> + ExactSizeIterator + use<> {
        let first = self.first_id;
        (0..self.available.len()).map(move |place| TransitionId(first + place as u64))
    }

    /// The priority of a transition; `None` if it is no longer available, or if sampling is uniform.
    pub fn priority(&self, id: TransitionId) -> Option<f64> {
        match &self.sampler {
            Sampler::Prioritized(priorities) if self.is_available(id) => {
                Some(priorities.get(slot(&self.layout, id)))
            }
            _ => None,
        }
    }

    /// Adds a row: the newest frame of the state that the agent acted on, its action, the reward of that action, and the
    /// end of the episode, if it ended. The next row is the following frame of the episode, or the first of a new one.
    ///
    /// # Shapes
    ///
    /// `frame`: `[frame_len]`.
    ///
    /// # Panics
    ///
    /// If the frame does not have the layout's length.
    pub fn push(&mut self, frame: &[u8], action: u8, reward: f32, end: EpisodeEnd) {
        assert_eq!(frame.len(), self.layout.frame_len, "bytes of a frame pushed into the replay");
        if self.rows.is_full() {
            self.forget_transitions_with(self.rows.oldest());
        }
        let number = self.rows.next();
        // Below the stack, which fits u16.
        let preceding = (number - self.episode_start).min(self.layout.stack as u64 - 1) as u16;
        self.rows.push(frame, Row { reward, action, end, preceding });

        let n = self.layout.n_step as u64;
        if number - self.episode_start >= n {
            self.offer(number - n);
        }
        if end == EpisodeEnd::Terminal {
            let first_short = (number + 1).saturating_sub(n).max(self.episode_start);
            (first_short..=number).for_each(|row| self.offer(row));
        }
        if end != EpisodeEnd::Continues {
            self.episode_start = number + 1;
        }
    }

    /// Draws a batch, with replacement.
    ///
    /// The generator gives one number per transition, in the order of the batch. If all priorities are 0, draws are
    /// uniform.
    ///
    /// # Errors
    ///
    /// [`ReplayError::Empty`] if no transition is available, [`ReplayError::Batch`] if the batch was made for another
    /// layout. In both cases nothing is drawn.
    pub fn sample<R: Rng + ?Sized>(&self, rng: &mut R, batch: &mut Batch) -> Result<(), ReplayError> {
        batch.check(&self.layout)?;
        if self.available.is_empty() {
            return Err(ReplayError::Empty { pushed: self.pushed() });
        }
        let size = batch.len() as f64;
        for item in 0..batch.len() {
            let (id, probability) = self.draw(rng.random(), item as f64, size);
            batch.ids[item] = id;
            batch.probabilities[item] = probability;
        }
        for item in 0..batch.len() {
            self.assemble(item, batch);
        }
        Ok(())
    }

    /// Sets the priorities of transitions.
    ///
    /// A transition that is no longer available is ignored. A transition that occurs twice keeps the first of its
    /// priorities. A new transition gets the largest priority so far, but at least 1. With uniform sampling nothing
    /// changes.
    ///
    /// # Shapes
    ///
    /// `ids`, `priorities`: `[B]`.
    ///
    /// # Errors
    ///
    /// [`ReplayError::PriorityCount`] if the lengths differ, [`ReplayError::Priority`] if a priority is negative, not
    /// finite or above the largest f32. No priority is changed then.
    pub fn update_priorities<P: Copy + Into<f64>>(
        &mut self,
        ids: &[TransitionId],
        priorities: &[P],
    ) -> Result<(), ReplayError> {
        if ids.len() != priorities.len() {
            return Err(ReplayError::PriorityCount { ids: ids.len(), priorities: priorities.len() });
        }
        for (position, &priority) in priorities.iter().enumerate() {
            let given = priority.into();
            if !Priorities::allows(given) {
                return Err(ReplayError::Priority { position, given });
            }
        }
        // In reverse, so that the first of several priorities stays.
        for (&id, &priority) in ids.iter().zip(priorities).rev() {
            let available = self.is_available(id);
            if let Sampler::Prioritized(priorities) = &mut self.sampler
                && available
            {
                priorities.set(slot(&self.layout, id), priority.into());
            }
        }
        Ok(())
    }

    fn is_available(&self, id: TransitionId) -> bool {
        (self.first_id..self.first_id + self.available.len() as u64).contains(&id.0)
    }

    /// Makes the transition that starts at a row available, if its stack is still there.
    fn offer(&mut self, row: u64) {
        let oldest = self.rows.oldest();
        if row < oldest || row - u64::from(self.rows.row(row).preceding) < oldest {
            return; // Only while a state is restored: a capacity is never so small.
        }
        let id = TransitionId(self.first_id + self.available.len() as u64);
        self.available.push_back(row);
        if let Sampler::Prioritized(priorities) = &mut self.sampler {
            priorities.insert(slot(&self.layout, id));
        }
    }

    /// Removes every transition whose stack begins with the oldest row.
    fn forget_transitions_with(&mut self, oldest: u64) {
        while let Some(&row) = self.available.front()
            && row - u64::from(self.rows.row(row).preceding) <= oldest
        {
            self.available.pop_front();
            if let Sampler::Prioritized(priorities) = &mut self.sampler {
                priorities.remove(slot(&self.layout, TransitionId(self.first_id)));
            }
            self.first_id += 1;
        }
    }

    /// The transition at `uniform`, in [0, 1), and its probability. `item` is its position in a batch of `size`.
    fn draw(&self, uniform: f64, item: f64, size: f64) -> (TransitionId, f64) {
        let by_priority = match &self.sampler {
            Sampler::Uniform => None,
            Sampler::Prioritized(priorities) => {
                let slot = priorities.find((item + uniform) / size);
                slot.map(|slot| (self.id_in(slot), priorities.get(slot) / priorities.total()))
            }
        };
        by_priority.unwrap_or_else(|| {
            let count = self.available.len();
            // The product can round up to the count.
            let place = ((uniform * count as f64) as usize).min(count - 1);
            (TransitionId(self.first_id + place as u64), 1.0 / count as f64)
        })
    }

    /// Number of the available transition in a slot.
    fn id_in(&self, slot: usize) -> TransitionId {
        let capacity = self.layout.capacity as u64;
        let first_slot = self.first_id % capacity;
        let ahead = (slot as u64 + capacity - first_slot) % capacity;
        TransitionId(self.first_id + ahead)
    }

    /// Writes the transition `batch.ids[item]`.
    fn assemble(&self, item: usize, batch: &mut Batch) {
        let t = self.available[(batch.ids[item].0 - self.first_id) as usize];
        let (mut reward, mut terminal) = (0.0, false);
        for (row, discount) in (t..).map(|number| self.rows.row(number)).zip(&self.discounts) {
            reward += discount * f64::from(row.reward);
            terminal = row.end == EpisodeEnd::Terminal;
            if terminal {
                break;
            }
        }
        batch.actions[item] = self.rows.row(t).action;
        batch.rewards[item] = reward as f32;
        batch.discounts[item] = if terminal { 0.0 } else { self.bootstrap_discount };

        let state_len = self.layout.state_len();
        let state = item * state_len..(item + 1) * state_len;
        self.rows.copy_state(t, &mut batch.states[state.clone()], &mut batch.frames);
        let next_state = &mut batch.next_states[state];
        if terminal {
            next_state.fill(0);
        } else {
            self.rows.copy_state(t + self.layout.n_step as u64, next_state, &mut batch.frames);
        }
    }
}

/// Slot of a transition's priority. Fewer transitions than frames are available at once, so that no two share a slot.
pub(crate) fn slot(layout: &Layout, id: TransitionId) -> usize {
    (id.0 % layout.capacity as u64) as usize
}

impl fmt::Debug for Replay {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Replay")
            .field("layout", &self.layout)
            .field("sampling", &self.sampling())
            .field("available", &self.available())
            .field("pushed", &self.pushed())
            .finish_non_exhaustive()
    }
}
