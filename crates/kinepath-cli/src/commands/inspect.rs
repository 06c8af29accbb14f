//! `kinepath inspect`: what an ONNX file holds, and the file beside it that keeps its conventions.

use std::fmt;
use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use kinepath_onnx::{Inspection, Kind};
use kinepath_study::conventions::{ConventionWords, STRAIGHT, Sidecar};
use kinepath_study::source::{builtin_network, describe, locate};
use serde::Serialize;

use super::conventions::{CONVENTIONS, ConventionArgs};
use crate::cli::at_least_one;
use crate::console::Console;
use crate::exit::Usage;

const EXAMPLES: &str = "\
Examples:
  kinepath inspect model.onnx
  kinepath inspect model.onnx --json
  kinepath inspect builtin:velocity
  kinepath inspect unet.onnx --write --path vp:scaled-linear --predicts v --shape 4,64,64
      Keep the conventions of a network beside it, in unet.kinepath.toml: every command that opens
      the network reads them there, and options of the command line go before them

The exit code is 1 when no engine can run the network.";

/// Show what an ONNX network takes and gives, and how it would be used
///
/// Inputs are recognised by name (`x` or `sample`, `t` or `timestep`, `y` or `label`), and by rank
/// and type where the names say nothing. For each engine, it is said whether it can run the network,
/// and why not. What the graph does not show, the network's conventions, is kept beside it by --write.
/// Look here before trusting a run of your own model.
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{CONVENTIONS}"))]
pub(crate) struct InspectArgs {
    /// The network, or the folder of a diffusers pipeline exported by Optimum
    #[arg(value_name = "M.onnx")]
    network: PathBuf,
    /// Write M.kinepath.toml: what the graph shows, and the conventions given here
    #[arg(long)]
    write: bool,
    /// Replace the file if there is one
    #[arg(long, requires = "write")]
    force: bool,
    #[command(flatten)]
    conventions: ConventionArgs,
    /// The shape of one sample, for a graph that leaves axes free
    #[arg(long, value_name = "C,H,W", value_delimiter = ',', value_parser = at_least_one)]
    #[arg(requires = "write", help_heading = "Model")]
    shape: Option<Vec<usize>>,
    /// The label that stands for "no class" in classifier-free guidance
    #[arg(long, value_name = "L", allow_negative_numbers = true, requires = "write")]
    #[arg(help_heading = "Model")]
    null_label: Option<i64>,
}

pub(crate) fn run(args: &InspectArgs, console: &Console) -> Result<()> {
    if !args.write && !args.conventions.words().is_empty() {
        bail!(Usage(
            "conventions would have no effect: they are kept by --write; leave them out".to_owned()
        ));
    }
    let name = args.network.display().to_string();
    if let Some(bytes) = builtin_network(&name) {
        if args.write {
            bail!(Usage(format!("{name} is part of the program, and nothing is kept beside it")));
        }
        let inspection = Inspection::from_bytes(&name, bytes?)?;
        return tell(&Found { inspection, kept: None, told: None, unknown: None }, console);
    }
    let located = locate(&args.network)?;
    let model = &located.model;
    if args.write {
        let before = Sidecar::read(model)?.filter(|_| args.force);
        let kept = before.as_ref().map(|before| before.words(model)).unwrap_or_default();
        let null_label = args.null_label.or(before.as_ref().and_then(|before| before.null_label));
        let shape = args.shape.as_deref().or(located.shape.as_deref());
        let words = located.words(args.conventions.words().or(kept))?;
        describe(model, &words, shape, null_label)?.write(model, args.force)?;
    }
    let kept = Sidecar::read(model)?;
    let shape = kept.as_ref().and_then(|kept| kept.shape.as_deref()).or(located.shape.as_deref());
    let (told, unknown) = match located.words(ConventionWords::default()) {
        Ok(words) => (Some(words).filter(|words| !words.is_empty()), None),
        Err(reason) => (None, Some(reason.to_string())),
    };
    tell(&Found { inspection: Inspection::sized(model, shape)?, kept, told, unknown }, console)
}

fn tell(found: &Found, console: &Console) -> Result<()> {
    if console.json {
        console.print_json(found)?;
    } else {
        console.print(found)?;
    }
    if !found.inspection.runs() {
        bail!("{}: no engine can run it", found.inspection.path);
    }
    Ok(())
}

/// What the file holds, and what is kept beside it.
#[derive(Serialize)]
struct Found {
    #[serde(flatten)]
    inspection: Inspection,
    /// What is kept beside it.
    #[serde(rename = "conventions")]
    kept: Option<Sidecar>,
    /// What the pipeline around it tells, which what is kept goes before.
    #[serde(rename = "pipeline_conventions")]
    told: Option<ConventionWords>,
    /// Why the pipeline around it does not tell them, if it does not.
    #[serde(rename = "pipeline_conventions_unknown")]
    unknown: Option<String>,
}

impl Found {
    /// Whether the network takes an integer for its time.
    fn takes_steps(&self) -> bool {
        let signature = self.inspection.signature.as_ref().ok();
        signature.and_then(|signature| signature.time.as_ref()).is_some_and(|time| time.integer)
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.inspection)?;
        let Some(kept) = &self.kept else {
            return match (&self.told, &self.unknown, &self.inspection.kind) {
                (_, Some(unknown), _) => write!(f, "\n  conventions not known: {unknown}"),
                (Some(told), ..) => {
                    write_conventions(f, &told.path, &told.predicts, &told.time)?;
                    write!(f, "\n  told by     the pipeline's configuration; --write keeps others")
                }
                (None, None, Ok(Kind::VelocityField)) if self.takes_steps() => write!(
                    f,
                    "\n  conventions not told, and its time is an integer: tell it, as --time step or \
                     --time discrete:1000; --write keeps it"
                ),
                (None, None, Ok(Kind::VelocityField)) => write!(
                    f,
                    "\n  conventions not told: taken for a velocity in unit time; --write keeps others"
                ),
                _ => Ok(()),
            };
        };
        write_conventions(f, &kept.path, &kept.predicts, &kept.time)?;
        if let Some(shape) = &kept.shape {
            write!(f, ", shape {shape:?}")?;
        }
        if let Some(label) = kept.null_label {
            write!(f, ", null label {label}")?;
        }
        write!(f, "\n  kept in     {}", Sidecar::place(self.inspection.path.as_ref()).display())
    }
}

fn write_conventions(
    f: &mut fmt::Formatter<'_>,
    path: &Option<String>,
    predicts: &Option<String>,
    time: &Option<String>,
) -> fmt::Result {
    let usual = "as usual";
    write!(
        f,
        "\n  conventions path {}, predicts {}, time {}",
        path.as_deref().unwrap_or(STRAIGHT),
        predicts.as_deref().unwrap_or(usual),
        time.as_deref().unwrap_or(usual)
    )
}
