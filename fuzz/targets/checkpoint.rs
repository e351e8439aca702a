//! A checkpoint: the file as it is, or, with the checksum put right, what is in its LZ4 stream. Its state is given to an
//! agent.
#![no_main]

mod common;

use common::{SMALL, load, with_header};
use libfuzzer_sys::fuzz_target;
use lz4_flex::frame::FrameEncoder;
use softmoe_agents::Agent;
use softmoe_agents::seeds::Seeds;
use std::io::Write;

fuzz_target!(|bytes: &[u8]| {
    let Some((&kind, bytes)) = bytes.split_first() else { return };
    let file = match kind % 3 {
        0 => bytes.to_vec(),
        1 => with_header(bytes),
        _ => {
            let mut stream = FrameEncoder::new(Vec::new());
            stream.write_all(bytes).expect("memory");
            with_header(&stream.finish().expect("memory"))
        }
    };
    let Ok(Some((state, replay))) = load(&file, &SMALL.rows.1) else { return };
    let architecture = SMALL.config.architecture(0).expect("an agent that learns");
    let mut agent = Agent::new(&SMALL.config.agent, &architecture, Seeds::new(0)).expect("an agent");
    let mut environment = SMALL.config.environment.make(0);
    let _ = environment.restore(&state.environment);
    let _ = agent.restore(state.agent, replay);
});
