//! The body `attention`: on burn's CPU backend, since it has no other engine.
#![cfg(all(feature = "flex", feature = "minatar"))]

mod common;

use softmoe_config::{Device, RunDirectory};
use softmoe_runner::{Options, Outcome, train};

#[test]
fn attention_trains() {
    let directory = tempfile::tempdir().unwrap();
    let config = common::config("device_only(body: attention(layers: 2))".parse().unwrap());
    let mut watcher = common::Watcher::new(common::End::Never);
    let run = RunDirectory::new(directory.path());
    let outcome =
        train(&config, &run, &Options { device: Device::Flex, weights: None }, &mut watcher).unwrap();
    let Outcome::Finished(done) = outcome else { panic!("{outcome:?}") };
    assert_eq!(done.device, "flex");
}
