//! The scores of one method: an axis of tasks and an axis of runs, with types that tell them apart.

use thiserror::Error;

/// One value per run (a run is one seed).
#[derive(Clone, Debug, PartialEq)]
pub struct Runs<T>(pub Vec<T>);

/// One value per task (a task is one game).
#[derive(Clone, Debug, PartialEq)]
pub struct Tasks<T>(pub Vec<T>);

/// The scores of one method, normalised or raw, on every task of a benchmark.
///
/// Tasks may have different numbers of runs, e.g. if some runs are missing. No task is empty, and every score is
/// finite.
///
/// # Shapes
///
/// `tasks() -> T` slices, the t-th of `R_t` scores.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    tasks: Vec<Vec<f64>>,
}

/// An error in scores that are to be aggregated.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ScoresError {
    /// No task at all.
    #[error("there are no tasks; at least one is needed")]
    NoTasks,
    /// A task without a run.
    #[error("task {task} (counted from 0) has no runs; leave the task out, or give it at least one")]
    NoRuns {
        /// The task's position.
        task: usize,
    },
    /// A score that is infinite or not a number.
    #[error("the score of run {run} on task {task} (both counted from 0) is not finite; leave that run out")]
    NotFinite {
        /// The task's position.
        task: usize,
        /// The run's position.
        run: usize,
    },
    /// A run whose number of tasks differs from the first run's.
    #[error(
        "run {run} (counted from 0) has {found} tasks, the first run has {expected}; \
         where runs are missing, give the scores by task"
    )]
    Ragged {
        /// The run's position.
        run: usize,
        /// Tasks of the first run.
        expected: usize,
        /// Tasks of this run.
        found: usize,
    },
    /// Two methods that were not scored on the same tasks.
    #[error("the methods have {left} and {right} tasks; compare them on the same tasks, in the same order")]
    DifferentTasks {
        /// Tasks of the first method.
        left: usize,
        /// Tasks of the second.
        right: usize,
    },
    /// A task without a scale for normalised scores.
    #[error(
        "task {task} (counted from 0) has no scale: the mean that should be 1 is not above the mean that should be 0; \
         leave the task out"
    )]
    NoScale {
        /// The task's position.
        task: usize,
    },
}

impl Scores {
    /// Scores listed task by task, each with its own number of runs.
    ///
    /// # Errors
    ///
    /// No task, a task without runs, or a score that is not finite.
    pub fn by_task(scores: Tasks<Runs<f64>>) -> Result<Self, ScoresError> {
        let tasks: Vec<Vec<f64>> = scores.0.into_iter().map(|runs| runs.0).collect();
        if tasks.is_empty() {
            return Err(ScoresError::NoTasks);
        }
        for (task, runs) in tasks.iter().enumerate() {
            if runs.is_empty() {
                return Err(ScoresError::NoRuns { task });
            }
            if let Some(run) = runs.iter().position(|score| !score.is_finite()) {
                return Err(ScoresError::NotFinite { task, run });
            }
        }
        Ok(Scores { tasks })
    }

    /// Scores listed run by run, every run on all tasks.
    ///
    /// # Errors
    ///
    /// As [`Scores::by_task`], and runs of different lengths.
    pub fn by_run(scores: Runs<Tasks<f64>>) -> Result<Self, ScoresError> {
        let expected = scores.0.first().map_or(0, |tasks| tasks.0.len());
        let mut by_task = vec![Runs(Vec::with_capacity(scores.0.len())); expected];
        for (run, tasks) in scores.0.into_iter().enumerate() {
            if tasks.0.len() != expected {
                return Err(ScoresError::Ragged { run, expected, found: tasks.0.len() });
            }
            for (runs, score) in by_task.iter_mut().zip(tasks.0) {
                runs.0.push(score);
            }
        }
        Self::by_task(Tasks(by_task))
    }

    /// The scores that `change` makes from a task's position and a score.
    ///
    /// # Errors
    ///
    /// A changed score is not finite.
    pub fn map(&self, change: impl Fn(usize, f64) -> f64) -> Result<Self, ScoresError> {
        let changed =
            |(task, runs): (usize, &[f64])| Runs(runs.iter().map(|&run| change(task, run)).collect());
        Self::by_task(Tasks(self.tasks().enumerate().map(changed).collect()))
    }

    /// The scores of each task, one per run.
    pub fn tasks(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.tasks.iter().map(Vec::as_slice)
    }

    /// Every score, task after task.
    pub fn pooled(&self) -> Vec<f64> {
        self.tasks.concat()
    }

    /// The number of runs of the task with the fewest.
    pub fn fewest_runs(&self) -> usize {
        self.tasks.iter().map(Vec::len).min().unwrap_or(0)
    }

    /// Overwrites the t-th task's scores with values that `draw` makes from those of the task `tasks[t]` of `from`. A task
    /// beyond those of `from`, which the other methods of a comparison have, is counted from its first again.
    pub(crate) fn redraw(&mut self, from: &Scores, tasks: &[usize], mut draw: impl FnMut(&[f64]) -> f64) {
        for (to, &task) in self.tasks.iter_mut().zip(tasks) {
            let from = &from.tasks[task % from.tasks.len()];
            to.clear();
            to.extend((0..from.len()).map(|_| draw(from)));
        }
    }
}
