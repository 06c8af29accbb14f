//! Development tasks: `cargo xtask test` is the one test command of this repository.

mod python;
mod step;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use step::{Step, run};

/// Development tasks of kinepath.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Check format, lints and documentation with warnings denied, and run all tests, those of the
    /// Python package with a wheel that was just built
    Test {
        /// Test the Python package together with PyTorch, diffusers and the like too, which are
        /// downloaded (6.4 GB installed)
        #[arg(long)]
        all: bool,
    },
}

fn main() -> Result<ExitCode> {
    match Cli::parse().task {
        Task::Test { all } => {
            let steps = std::iter::once(python::check()).chain(rust()).chain(python::steps(all));
            run(steps.collect())
        }
    }
}

/// The checks of the Rust crates.
fn rust() -> [Step; 4] {
    [
        Step::cargo("format", &["fmt", "--all", "--check"]),
        Step::cargo("lints", &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]),
        Step::cargo("documentation", &["doc", "--workspace", "--no-deps"])
            .with_env("RUSTDOCFLAGS", "-D warnings"),
        Step::cargo("tests", &["test", "--workspace"]),
    ]
}
