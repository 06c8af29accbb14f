//! Ctrl-C: the first asks the run to stop, the second ends the program.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};

use crate::console::to_stderr;
use crate::exit::INTERRUPTED;

/// Whether the user asked to stop.
#[derive(Debug, Clone)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Listens to SIGINT and SIGTERM from now on.
    pub(crate) fn listen() -> Result<Self> {
        let stop = Self(Arc::new(AtomicBool::new(false)));
        let asked = stop.clone();
        ctrlc::set_handler(move || {
            if asked.0.swap(true, Ordering::SeqCst) {
                std::process::exit(INTERRUPTED.into());
            }
            to_stderr("stopping at the next step; once more ends at once");
        })
        .context("cannot listen to interrupts")?;
        Ok(stop)
    }

    /// Go on, or stop if the user asked to.
    pub(crate) fn flow(&self) -> ControlFlow<()> {
        match self.0.load(Ordering::SeqCst) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }
}
