//! Time limits, alone and nested.

mod toys;

use softmoe_env::{DynEnvironment, Environment, SaveState, TimeLimit};
use toys::Counter;

/// The step in which each of the next two episodes ends, and whether it is terminal and truncated.
fn ends(environment: &mut impl Environment) -> [(u32, bool, bool); 2] {
    [(); 2].map(|()| {
        let end = (1..100).find_map(|t| {
            let step = environment.step(0);
            step.ends_episode().then_some((t, step.terminal, step.truncated))
        });
        environment.reset();
        end.expect("an episode ends within 100 steps")
    })
}

#[test]
fn the_last_step_allowed_is_truncated_unless_it_is_terminal() {
    for (limit, expected) in
        [(1, (1, false, true)), (6, (6, false, true)), (7, (7, true, false)), (99, (7, true, false))]
    {
        let mut environment = TimeLimit::new(Counter::new(7, 1), limit);
        assert_eq!(ends(&mut environment), [expected; 2], "limit {limit}");
    }
}

#[test]
fn the_smaller_of_two_nested_limits_truncates() {
    for (inner, outer) in [(5, 10), (10, 5)] {
        let mut environment = TimeLimit::new(TimeLimit::new(Counter::new(50, 1), inner), outer);
        assert_eq!(ends(&mut environment), [(5, false, true); 2], "{inner} in {outer}");
    }
}

#[test]
fn a_restored_limit_goes_on_counting() {
    let mut environment = TimeLimit::new(Counter::new(50, 1), 5);
    for _ in 0..3 {
        Environment::step(&mut environment, 0);
    }
    let saved = DynEnvironment::save(&environment);
    let mut restored = TimeLimit::new(Counter::new(9, 1), 5);
    DynEnvironment::restore(&mut restored, &saved).expect("its own state");
    assert_eq!(ends(&mut restored)[0], (2, false, true));
    assert_eq!(SaveState::save(restored.inner()), Counter::new(50, 1));
}

#[test]
#[should_panic(expected = "an episode has at least one step")]
fn a_limit_of_no_steps_is_refused() {
    TimeLimit::new(Counter::new(5, 1), 0);
}
