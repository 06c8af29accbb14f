//! A progress bar on standard error.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};

use crate::console::Console;
use crate::signal::Stop;

/// Positions of a whole bar.
const WHOLE: u64 = 1000;

/// Shows how far a long command has come, and passes on the wish to stop.
pub(crate) struct Progress {
    bar: ProgressBar,
    stop: Stop,
    console: Console,
    stage: String,
    since: Instant,
}

impl Progress {
    /// A bar that begins with `stage`; it stays away from a standard error that is no terminal.
    pub(crate) fn start(console: &Console, stage: &str) -> Result<Self> {
        let bar = if console.shows_progress() {
            let style = ProgressStyle::with_template(
                "{spinner} {msg} {wide_bar} {percent:>3} %, {eta} left",
            )?;
            let bar = ProgressBar::new(WHOLE).with_style(style);
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        } else {
            ProgressBar::hidden()
        };
        let mut progress = Self {
            bar,
            stop: Stop::listen()?,
            console: *console,
            stage: String::new(),
            since: Instant::now(),
        };
        progress.enter(stage);
        Ok(progress)
    }

    /// The fraction in `[0, 1]` of `stage` that is done; answers whether to go on.
    pub(crate) fn observe(&mut self, stage: &str, fraction: f64) -> ControlFlow<()> {
        if stage != self.stage {
            self.enter(stage);
        }
        self.bar.set_position((fraction.clamp(0.0, 1.0) * WHOLE as f64) as u64);
        self.stop.flow()
    }

    /// The fraction of the stage under way.
    pub(crate) fn advance(&mut self, fraction: f64) -> ControlFlow<()> {
        let stage = self.stage.clone();
        self.observe(&stage, fraction)
    }

    fn enter(&mut self, stage: &str) {
        self.leave();
        stage.clone_into(&mut self.stage);
        self.since = Instant::now();
        self.bar.reset();
        self.bar.set_message(stage.to_owned());
    }

    fn leave(&self) {
        if !self.stage.is_empty() {
            let seconds = self.since.elapsed().as_secs_f64();
            self.bar.suspend(|| {
                self.console.detail(format_args!("{}: {seconds:.1} s", self.stage));
            });
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.leave();
        self.bar.finish_and_clear();
    }
}
