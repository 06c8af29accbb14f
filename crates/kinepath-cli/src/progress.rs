//! Progress on standard error: a bar, or a line a minute where there is no terminal.

use std::time::{Duration, Instant};

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use kinepath_study::Answer;

use crate::console::Console;
use crate::signal::Signals;

/// Positions of a whole bar.
const WHOLE: u64 = 1000;
/// How often a log is told.
const LOG_EVERY: Duration = Duration::from_secs(60);

/// Shows how far a long command has come, and passes on the wish to stop.
pub(crate) struct Progress {
    bar: ProgressBar,
    signals: Signals,
    console: Console,
    stage: String,
    since: Instant,
    /// When a log was last told, or the first stage began.
    told: Instant,
}

impl Progress {
    /// Begins with `stage`. A standard error that is no terminal, such as the log of a job, has a line a
    /// minute.
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
            signals: Signals::listen()?,
            console: *console,
            stage: String::new(),
            since: Instant::now(),
            told: Instant::now(),
        };
        progress.enter(stage);
        Ok(progress)
    }

    /// The fraction in `[0, 1]` of `stage` that is done; answers whether to go on.
    pub(crate) fn observe(&mut self, stage: &str, fraction: f64) -> Answer {
        if stage != self.stage {
            self.enter(stage);
        }
        self.bar.set_position((fraction.clamp(0.0, 1.0) * WHOLE as f64) as u64);
        if !self.console.shows_progress() && self.told.elapsed() >= LOG_EVERY {
            self.told = Instant::now();
            self.console.note(line(stage, fraction, self.since.elapsed()));
        }
        self.signals.answer()
    }

    /// The fraction of the stage under way.
    pub(crate) fn advance(&mut self, fraction: f64) -> Answer {
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

/// What a log is told of a stage.
fn line(stage: &str, fraction: f64, since: Duration) -> String {
    let minutes = since.as_secs_f64() / 60.0;
    let ahead = match fraction > 0.0 {
        true => format!(", {:.0} min left", minutes * (1.0 - fraction) / fraction),
        false => String::new(),
    };
    format!("{stage}: {:.1} % after {minutes:.0} min{ahead}", 100.0 * fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_long_it_will_take() {
        let line = |fraction| line("sampling", fraction, Duration::from_secs(600));
        assert_eq!(line(0.25), "sampling: 25.0 % after 10 min, 30 min left");
        assert_eq!(line(0.0), "sampling: 0.0 % after 10 min");
        assert_eq!(line(1.0), "sampling: 100.0 % after 10 min, 0 min left");
    }
}
