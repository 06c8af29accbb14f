//! `kinepath inspect`: what an ONNX file holds.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use kinepath_onnx::Inspection;

use crate::console::Console;

const EXAMPLES: &str = "\
Examples:
  kinepath inspect model.onnx
  kinepath inspect model.onnx --json

The exit code is 1 when no engine can run the network.";

/// Show what an ONNX network takes and gives, and how it would be used
///
/// Inputs are recognised by name (`x` or `sample`, `t` or `timestep`, `y` or `label`), and by rank
/// and type where the names say nothing. For each engine, it is said whether it can run the network,
/// and why not. Look here before trusting a run of your own model.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct InspectArgs {
    /// The network
    #[arg(value_name = "M.onnx")]
    network: PathBuf,
}

pub(crate) fn run(args: &InspectArgs, console: &Console) -> Result<()> {
    let inspection = Inspection::read(&args.network)?;
    if console.json {
        console.print_json(&inspection)?;
    } else {
        console.print(&inspection)?;
    }
    if !inspection.runs() {
        bail!("{}: no engine can run it", args.network.display());
    }
    Ok(())
}
