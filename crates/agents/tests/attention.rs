//! The body `attention`: on burn's CPU backend, since it has no other engine.
#![cfg(feature = "flex")]

mod common;

use softmoe_agents::run::{Outcome, train_on};
use softmoe_config::{Device, RunDirectory};

#[test]
fn attention_trains() {
    let directory = tempfile::tempdir().unwrap();
    let config = common::config("device_only(body: attention(layers: 2))".parse().unwrap());
    let mut watcher = common::Watcher::new(common::End::Never);
    let run = RunDirectory::new(directory.path());
    let outcome = train_on(Device::Flex, &config, &run, None, &mut watcher).unwrap();
    let Outcome::Finished(done) = outcome else { panic!("{outcome:?}") };
    assert_eq!(done.device, "flex");
}
