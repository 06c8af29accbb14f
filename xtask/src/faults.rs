//! The campaign of faults: `cargo xtask faults`.
//!
//! Every fault of `kinepath-faults` is tried on every command, the faults of clusters are left to the
//! tests of the Python package, and the outcome is printed as a table.

mod namespace;
mod ray;
mod row;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use kinepath_faults::{FAULTS, Fault, Size, Subject, Workload, chance};

use row::{Outcome, Row};

/// Where the commands are run, from the repository's root; what failed is kept there.
const PLACE: &str = "target/faults";
/// How often a fault is tried on a command that is no kill at a random moment.
const TIMES: usize = 2;
/// Kills placed by system calls, for each command.
const PLACED_KILLS: usize = 24;
/// The same, and kills for each command, when little time is to be spent.
const QUICK_TIMES: usize = 1;

/// Arguments of the campaign.
#[derive(Debug, Args)]
pub(crate) struct FaultArgs {
    /// Kills at random moments, over all commands
    #[arg(long, value_name = "N", default_value_t = 250, conflicts_with = "quick")]
    kills: usize,
    /// Smaller commands and a try of each fault, in a minute or two
    #[arg(long)]
    quick: bool,
    /// Only the fault or the command of that name; repeatable
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Seed of the moments
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
}

/// Tries the faults and prints the table; the exit code is 1 if a command did not survive one.
pub(crate) fn run(args: &FaultArgs) -> Result<ExitCode> {
    args.check()?;
    if let Some(code) = namespace::enter()? {
        return Ok(code);
    }
    let begun = Instant::now();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let place = root.join(PLACE);
    fs::create_dir_all(&place).with_context(|| format!("cannot create {}", place.display()))?;
    // A copy, which no other build replaces in the middle.
    let programs = tempfile::tempdir_in(&place).context("cannot make a folder for the program")?;
    let program = build(&root, programs.path())?;
    let mut rows = Vec::new();
    for (number, &workload) in Workload::ALL.iter().enumerate() {
        let faults = args.faults_on(workload);
        if !faults.is_empty() {
            rows.extend(disturb(workload, number, &faults, args, &program, &place)?);
        }
    }
    for fault in ray::FAULTS.iter().filter(|fault| args.wants(fault.name, ray::COMMAND)) {
        let row = fault.attempt(&root)?;
        eprintln!("{}: {}", fault.name, row.outcome);
        rows.push(row);
    }
    println!("{}", row::table(&rows));
    let failures = rows.iter().filter(|row| matches!(row.outcome, Outcome::Failed(_))).count();
    println!("\n{}", row::summary(&rows, begun.elapsed()));
    Ok(if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Tries faults on one command.
fn disturb(
    workload: Workload,
    number: usize,
    faults: &[&Fault],
    args: &FaultArgs,
    program: &Path,
    place: &Path,
) -> Result<Vec<Row>> {
    let size = if args.quick { Size::Small } else { Size::Full };
    let subject = Subject::new(workload, size, program, place)
        .with_context(|| format!("{} cannot be run undisturbed", workload.name()))?;
    let seconds = subject.duration().as_secs_f64();
    eprintln!("{}: {seconds:.1} s undisturbed", workload.name());
    let mut rows = Vec::new();
    for fault in faults {
        let begun = Instant::now();
        let mut chance = chance(args.seed);
        let tried = fault.attempt(&subject, &mut chance, args.times(fault, number));
        let row = Row::new(fault, workload, tried);
        eprintln!("  {}: {} ({:.0} s)", fault.name, row.outcome, begun.elapsed().as_secs_f64());
        rows.push(row);
    }
    Ok(rows)
}

impl FaultArgs {
    /// Refuses names that there are not.
    fn check(&self) -> Result<()> {
        let known: Vec<&str> = fault_names().chain(command_names()).collect();
        match self.only.iter().find(|only| !known.contains(&only.as_str())) {
            None => Ok(()),
            Some(only) => {
                bail!("there is no fault or command `{only}`; there are {}", known.join(", "))
            }
        }
    }

    /// The faults to be tried on a command.
    fn faults_on(&self, workload: Workload) -> Vec<&'static Fault> {
        FAULTS.iter().filter(|fault| self.wants(fault.name, workload.name())).collect()
    }

    /// Whether a fault is to be tried on a command: faults are those that are named, or all if none
    /// is, and so are commands.
    fn wants(&self, fault: &str, command: &str) -> bool {
        let named = |name: &str| self.only.iter().any(|only| only == name);
        (named(fault) || !fault_names().any(named))
            && (named(command) || !command_names().any(named))
    }

    /// How often a fault is tried on command number `number`.
    fn times(&self, fault: &Fault, number: usize) -> usize {
        let commands = Workload::ALL.len();
        match fault.name {
            _ if self.quick => QUICK_TIMES,
            "kill" => self.kills / commands + usize::from(number < self.kills % commands),
            "kill-call" => PLACED_KILLS,
            _ => TIMES,
        }
    }
}

/// Builds the program; returns a copy of it in `folder`.
fn build(root: &Path, folder: &Path) -> Result<PathBuf> {
    let built = Command::new(env!("CARGO"))
        .args(["build", "--release", "--package", "kinepath-cli"])
        .current_dir(root)
        .status()
        .context("cannot run cargo")?;
    ensure!(built.success(), "the program cannot be built");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), PathBuf::from);
    let name = format!("kinepath{}", std::env::consts::EXE_SUFFIX);
    let (built, copy) = (target.join("release").join(&name), folder.join(&name));
    fs::copy(&built, &copy).with_context(|| format!("cannot copy {}", built.display()))?;
    Ok(copy)
}

fn fault_names() -> impl Iterator<Item = &'static str> {
    let clusters = ray::FAULTS.iter().map(|fault| fault.name);
    FAULTS.iter().map(|fault| fault.name).chain(clusters)
}

fn command_names() -> impl Iterator<Item = &'static str> {
    Workload::ALL.into_iter().map(Workload::name).chain([ray::COMMAND])
}
