//! Memory of a run that is resumed: that of one replay.

mod common;

use common::{End, FLAT, agent, config_of, run};
use softmoe_agents::ReplayConfig;
use softmoe_config::LearningConfig;

#[test]
fn a_resumed_run_reserves_memory_for_one_replay() {
    let config = config_of(LearningConfig { replay_capacity: 200_000, ..agent() }.into(), FLAT);
    let replay = ReplayConfig::new(&config.agent, &config.environment.spec()).unwrap();
    let bytes = replay.layout.bytes();
    assert!(bytes > 80_000_000);
    let directory = tempfile::tempdir().unwrap();
    assert!(run(&config, directory.path(), End::Die(150)).is_none());
    let allocated = allocation_counter::measure(|| {
        run(&config, directory.path(), End::Stop(1)).unwrap().unwrap();
    });
    assert!(allocated.bytes_max < bytes + bytes / 4, "{} bytes for a replay of {bytes}", allocated.bytes_max);
}
