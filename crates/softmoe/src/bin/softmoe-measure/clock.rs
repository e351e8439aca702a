//! Clocks.

use clap::ValueEnum;
use cpu_time::ProcessTime;
pub(crate) use softmoe_config::protocol::Figure;
use std::sync::LazyLock;
use std::time::Instant;

/// The kind of time that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Clock {
    /// Wall time.
    Wall,
    /// Processor time of this process.
    Cpu,
}

/// Calls are timed together until they take this many seconds: reading the processor-time clock is not free.
const SHORTEST: f64 = 50e-6;

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

impl Clock {
    /// Seconds since an arbitrary moment.
    pub(crate) fn now(self) -> f64 {
        match self {
            Clock::Wall => START.elapsed().as_secs_f64(),
            Clock::Cpu => on_cores(),
        }
    }

    /// Seconds that `work` takes.
    pub(crate) fn time(self, work: impl FnOnce()) -> f64 {
        let start = self.now();
        work();
        self.now() - start
    }

    /// Seconds of a `call`, `samples` times, after a warm-up.
    pub(crate) fn times(self, samples: usize, mut call: impl FnMut()) -> Vec<f64> {
        let mut calls = 1;
        while self.time(|| (0..calls).for_each(|_| call())) < SHORTEST {
            calls *= 2;
        }
        (0..samples).map(|_| self.time(|| (0..calls).for_each(|_| call())) / calls as f64).collect()
    }
}

/// Wall time where the system does not tell the processor's.
fn on_cores() -> f64 {
    ProcessTime::try_now().map_or_else(|_| Clock::Wall.now(), |time| time.as_duration().as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_is_part_of_some_sample() {
        for clock in [Clock::Wall, Clock::Cpu] {
            let mut calls = 0;
            let samples = clock.times(5, || {
                calls += 1;
                std::hint::black_box((0..1_000).map(std::hint::black_box).sum::<u64>());
            });
            assert_eq!(samples.len(), 5);
            assert!(calls >= 6 && samples.iter().all(|seconds| *seconds >= 0.0));
        }
    }
}
