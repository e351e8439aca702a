//! Signals to the worker.

use anyhow::Context;
use softmoe_config::protocol::INTERRUPTED;
use softmoe_console::signals::{self, Request};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

/// The requests of the signals so far.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    stop: AtomicBool,
    save: AtomicBool,
    saving: AtomicBool,
}

impl Requests {
    /// Listens from now on. The first signal that asks to stop stops the run at a checkpoint. Ctrl-C pressed again ends the process at
    /// once, unless it is saving.
    pub(crate) fn listen() -> anyhow::Result<Arc<Requests>> {
        let requests = Arc::new(Requests::default());
        let heard = Arc::clone(&requests);
        let react = move |request| match request {
            Request::Save => heard.save.store(true, SeqCst),
            Request::Terminate | Request::Interrupt(1) => heard.stop.store(true, SeqCst),
            // The run stops right after a save.
            Request::Interrupt(_) if heard.saving.load(SeqCst) => heard.stop.store(true, SeqCst),
            Request::Interrupt(_) => std::process::exit(i32::from(INTERRUPTED)),
        };
        signals::listen(react).context("cannot listen for signals")?;
        Ok(requests)
    }

    /// Whether the run is to stop.
    pub(crate) fn stop(&self) -> bool {
        self.stop.load(SeqCst)
    }

    /// Whether a checkpoint was asked for since the last call.
    pub(crate) fn take_save(&self) -> bool {
        self.save.swap(false, SeqCst)
    }

    /// Says whether the run is saving.
    pub(crate) fn set_saving(&self, saving: bool) {
        self.saving.store(saving, SeqCst);
    }
}
