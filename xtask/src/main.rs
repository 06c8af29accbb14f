//! Development tasks: `cargo xtask test` is the one test command of this repository.

mod faults;
mod fuzz;
mod python;
mod step;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use python::PythonTests;
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
    /// Kill, starve and disturb the program in every way that is known, and compare what it ends with
    Faults(faults::FaultArgs),
    /// Feed damaged files to every reader with libFuzzer, which needs a nightly toolchain and
    /// cargo-fuzz
    Fuzz(fuzz::Fuzz),
}

fn main() -> Result<ExitCode> {
    match Cli::parse().task {
        Task::Test { all } => {
            let python = PythonTests::new(all);
            let mut steps = vec![python::check()];
            steps.extend(checks());
            steps.extend(python.environment());
            steps.push(tests(&python));
            steps.extend(python.package());
            run(steps)
        }
        Task::Faults(args) => faults::run(&args),
        Task::Fuzz(options) => fuzz::fuzz(&options),
    }
}

/// The checks of the Rust crates.
fn checks() -> [Step; 3] {
    [
        Step::cargo("format", &["fmt", "--all", "--check"]),
        Step::cargo("lints", &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]),
        Step::cargo("documentation", &["doc", "--workspace", "--no-deps"])
            .with_env("RUSTDOCFLAGS", "-D warnings"),
    ]
}

/// The tests of the Rust crates, networks on ONNX Runtime among them: its library comes with the
/// Python environment.
fn tests(python: &PythonTests) -> Step {
    let python = python.clone();
    Step::cargo("tests", &["test", "--workspace"])
        .with_file("ORT_DYLIB_PATH", move || python.onnx_runtime())
}
