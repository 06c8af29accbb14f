//! What goes to standard output and what to standard error.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use anyhow::Result;
use serde::Serialize;

/// Prints results on standard output and remarks on standard error, as the user asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Console {
    /// Results as JSON.
    pub(crate) json: bool,
    /// No progress, no remarks.
    pub(crate) quiet: bool,
    /// More remarks and tables.
    pub(crate) verbose: bool,
}

impl Console {
    /// Prints a result for people.
    pub(crate) fn print(&self, text: impl Display) -> Result<()> {
        let mut out = io::stdout().lock();
        writeln!(out, "{text}").and_then(|()| out.flush()).map_err(stdout_error)
    }

    /// Prints bytes as they are.
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(bytes).and_then(|()| out.flush()).map_err(stdout_error)
    }

    /// Prints a result for programs.
    pub(crate) fn print_json(&self, value: &impl Serialize) -> Result<()> {
        self.print(serde_json::to_string_pretty(value)?)
    }

    /// A remark, unless the user wants none.
    pub(crate) fn note(&self, text: impl Display) {
        if !self.quiet {
            to_stderr(text);
        }
    }

    /// A remark for those who want to know more.
    pub(crate) fn detail(&self, text: impl Display) {
        if self.verbose {
            to_stderr(text);
        }
    }

    /// Whether progress can and may be shown.
    pub(crate) fn shows_progress(&self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }
}

/// Writes a line to standard error; nothing can be done if that fails.
pub(crate) fn to_stderr(text: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// The reader of standard output went away: no failure of ours.
#[derive(Debug)]
pub(crate) struct ClosedPipe;

impl Display for ClosedPipe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the reader of standard output went away")
    }
}

impl std::error::Error for ClosedPipe {}

fn stdout_error(error: io::Error) -> anyhow::Error {
    match error.kind() {
        io::ErrorKind::BrokenPipe => ClosedPipe.into(),
        _ => anyhow::Error::new(error).context("cannot write to standard output"),
    }
}
