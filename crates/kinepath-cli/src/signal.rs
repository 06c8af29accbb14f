//! Ctrl-C and SIGTERM: the first asks the run to stop once the batch at hand is written, the second to
//! stop at the next step, the third ends the program.

use std::io;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU8, Ordering};

use anyhow::{Context, Result};
use kinepath_study::{Answer, Stop};

use crate::console::to_stderr;

/// The exit code after Ctrl-C, as shells report a program that SIGINT ended.
const INTERRUPTED: u8 = 130;
/// The exit code that the user asked for by the first signal; 0 before that.
static ASKED: AtomicU8 = AtomicU8::new(0);
/// How many signals came.
static SIGNALS: AtomicU8 = AtomicU8::new(0);

/// The ear for signals.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signals(());

impl Signals {
    /// Listens from now on.
    pub(crate) fn listen() -> Result<Self> {
        on_signal(|code| {
            // Before the count, which lets the program end with it.
            let _ = ASKED.compare_exchange(0, code, Ordering::SeqCst, Ordering::SeqCst);
            match SIGNALS.fetch_add(1, Ordering::SeqCst) {
                0 => to_stderr(
                    "stopping once the batch at hand is written; once more stops at the next step",
                ),
                1 => to_stderr("stopping at the next step; once more ends at once"),
                _ => std::process::exit(code.into()),
            }
        })
        .context("cannot listen to interrupts")?;
        Ok(Self(()))
    }

    /// Go on, or stop if the user asked to.
    pub(crate) fn answer(self) -> Answer {
        match SIGNALS.load(Ordering::SeqCst) {
            0 => ControlFlow::Continue(()),
            1 => ControlFlow::Break(Stop::AfterBatch),
            _ => ControlFlow::Break(Stop::AtOnce),
        }
    }
}

/// The exit code of a run that was asked to stop: 128 and the number of the signal, as shells count.
pub(crate) fn code() -> u8 {
    match ASKED.load(Ordering::SeqCst) {
        0 => INTERRUPTED,
        code => code,
    }
}

/// Calls `act` with the exit code of each signal that arrives. SIGHUP is left to the system: whoever
/// has it ignored, as nohup does, wants the run to go on, and elsewhere it ends the program, which
/// loses a batch.
#[cfg(unix)]
fn on_signal(act: impl Fn(u8) + Send + 'static) -> io::Result<()> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])?;
    let listen = move || {
        for signal in signals.forever() {
            act(if signal == SIGINT { INTERRUPTED } else { 128 + SIGTERM as u8 });
        }
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(listen).map(drop)
}

/// Calls `act` with the exit code of Ctrl-C.
#[cfg(not(unix))]
fn on_signal(act: impl Fn(u8) + Send + 'static) -> io::Result<()> {
    ctrlc::set_handler(move || act(INTERRUPTED)).map_err(io::Error::other)
}
