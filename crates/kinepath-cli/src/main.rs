//! The program `kinepath`: measures and shapes the kinetic energy of flow-matching sampling.
//!
//! It reads arguments, calls the libraries and prints what they answer.

mod cli;
mod commands;
mod console;
mod exit;
mod progress;
mod signal;
mod tables;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let console = cli.console();
    exit::code(commands::run(cli, &console))
}
