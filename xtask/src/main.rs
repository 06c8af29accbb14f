//! Development tasks: `cargo xtask test` is the one test command of this repository.

use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

/// Development tasks of kinepath.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Check format, lints and documentation with warnings denied, and run all tests
    Test,
}

/// A call of cargo: what it is for, its arguments, its environment.
struct Step {
    purpose: &'static str,
    arguments: &'static [&'static str],
    environment: &'static [(&'static str, &'static str)],
}

const TEST: [Step; 4] = [
    Step { purpose: "format", arguments: &["fmt", "--all", "--check"], environment: &[] },
    Step {
        purpose: "lints",
        arguments: &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"],
        environment: &[],
    },
    Step {
        purpose: "documentation",
        arguments: &["doc", "--workspace", "--no-deps"],
        environment: &[("RUSTDOCFLAGS", "-D warnings")],
    },
    Step { purpose: "tests", arguments: &["test", "--workspace"], environment: &[] },
];

fn main() -> Result<ExitCode> {
    match Cli::parse().task {
        Task::Test => run(&TEST),
    }
}

/// Runs the steps in order; the first that fails ends it with its exit code.
fn run(steps: &[Step]) -> Result<ExitCode> {
    let begun = Instant::now();
    for (index, step) in steps.iter().enumerate() {
        let command = format!("cargo {}", step.arguments.join(" "));
        eprintln!("\n[{}/{}] {}: {command}", index + 1, steps.len(), step.purpose);
        let since = Instant::now();
        let status = Command::new(env!("CARGO"))
            .args(step.arguments)
            .envs(step.environment.iter().copied())
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
            .status()
            .with_context(|| format!("cannot run `{command}`"))?;
        let seconds = since.elapsed().as_secs_f64();
        if !status.success() {
            let total = begun.elapsed().as_secs_f64();
            eprintln!("\nfailed: {} ({command}) after {total:.1} s", step.purpose);
            let code = status.code().and_then(|code| u8::try_from(code).ok());
            return Ok(ExitCode::from(code.unwrap_or(1)));
        }
        eprintln!("[{}/{}] {}: {seconds:.1} s", index + 1, steps.len(), step.purpose);
    }
    eprintln!("\nall passed in {:.1} s", begun.elapsed().as_secs_f64());
    Ok(ExitCode::SUCCESS)
}
