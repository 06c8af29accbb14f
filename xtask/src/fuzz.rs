//! `cargo xtask fuzz`: every reader is fed damaged files by libFuzzer; `fuzz/README.md` says what is
//! checked.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;
use tempfile::TempDir;

use crate::step::{Step, run};

/// The workspace of the targets, from the repository's root.
const FUZZ: &str = "fuzz";
/// Where small whole files are put for the targets to start from.
const SEEDS: &str = "fuzz/seeds";
/// The version that is known to work.
const INSTALL: &str = "cargo install cargo-fuzz --version 0.13.2 --locked";
/// Seconds on the clock after which an input is given up. What counts is a second of processor time,
/// which the targets measure themselves; this ends those that never come back.
const GIVE_UP: &str = "-timeout=30";
/// Inputs that are read fast are changed more often: without it, a few that hold millions of pixels or
/// compile an expression take most of the time.
const PREFER_FAST: &str = "-entropic_scale_per_exec_time=1";

/// How long, and which.
#[derive(Debug, Args)]
pub(crate) struct Fuzz {
    /// Seconds for each target
    seconds: u64,
    /// This target alone, or these; the names are those of the files in fuzz/fuzz_targets/
    #[arg(long = "target", value_name = "NAME")]
    wanted: Vec<String>,
    /// Go on to the next target after so many executions
    #[arg(long, value_name = "N")]
    executions: Option<u64>,
}

/// What became of a target.
#[derive(Debug, Default)]
struct Outcome {
    executions: u64,
    /// Places in the code that were reached.
    coverage: u64,
    /// The most of the allowed memory that an input took, in words.
    memory: String,
    /// The input that shows what was found.
    input: Option<PathBuf>,
    /// What was found, or why the target ended.
    found: Option<String>,
    elapsed: Duration,
}

/// Runs the targets one after the other and prints a table; the exit code is 1 if one found
/// something.
pub(crate) fn fuzz(options: &Fuzz) -> Result<ExitCode> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let targets = chosen(&root, &options.wanted)?;
    let prepared = run(preparation())?;
    if prepared != ExitCode::SUCCESS {
        return Ok(prepared);
    }
    let programs = copies(&root, &targets)?;
    println!("{}", heading());
    let mut code = ExitCode::SUCCESS;
    for target in &targets {
        let outcome = run_target(&root, &programs.path().join(target), target, options)?;
        println!("{}", outcome.row(target));
        if let Some(found) = &outcome.found {
            code = ExitCode::FAILURE;
            println!("  {found}");
            if let Some(input) = &outcome.input {
                let input = input.display();
                println!("  input: {input}");
                println!("  again: cargo +nightly fuzz run --sanitizer none {target} {input}");
            }
        }
    }
    Ok(code)
}

/// What has to be there, and is made, before a target runs.
fn preparation() -> Vec<Step> {
    let nightly = "rustup toolchain install nightly";
    vec![
        Step::new("nightly toolchain", "rustup", &["run", "nightly", "rustc", "--version"])
            .with_hint(nightly),
        Step::new("cargo-fuzz", "cargo-fuzz", &["--version"]).with_hint(INSTALL),
        Step::cargo("seeds", &["run", "--quiet", "--package", "kinepath-fuzz", "--", SEEDS]),
        Step::new("targets", "rustup", &BUILD),
    ]
}

/// The build by cargo-fuzz, which wants the nightly toolchain. Safe Rust needs no sanitizer, and is
/// several times faster without.
const BUILD: [&str; 8] =
    ["run", "nightly", "cargo", "fuzz", "build", "--fuzz-dir", FUZZ, "--sanitizer=none"];

/// Copies of the programs of targets, which no other build replaces in the middle.
fn copies(root: &Path, targets: &[String]) -> Result<TempDir> {
    let version = Command::new("rustup").args(["run", "nightly", "rustc", "-vV"]).output();
    let version = version.context("cannot run rustup")?.stdout;
    let version = String::from_utf8_lossy(&version).into_owned();
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.context("rustc does not say what machine it is for")?;
    let built = root.join(FUZZ).join("target").join(host).join("release");
    let copies = tempfile::tempdir_in(root.join(FUZZ).join("target"))?;
    for target in targets {
        let program = built.join(target);
        fs::copy(&program, copies.path().join(target))
            .with_context(|| format!("cannot copy {}", program.display()))?;
    }
    Ok(copies)
}

/// The targets there are, or those that are wanted, in their order.
fn chosen(root: &Path, wanted: &[String]) -> Result<Vec<String>> {
    let folder = root.join(FUZZ).join("fuzz_targets");
    let files = fs::read_dir(&folder).with_context(|| format!("no {}", folder.display()))?;
    let name = |path: PathBuf| Some(path.file_stem()?.to_string_lossy().into_owned());
    let mut targets: Vec<_> = files.flatten().filter_map(|file| name(file.path())).collect();
    targets.sort();
    let known = targets.join(", ");
    if let Some(name) = wanted.iter().find(|name| !targets.contains(name)) {
        bail!("there is no target `{name}`; there are {known}");
    }
    Ok(if wanted.is_empty() { targets } else { wanted.to_vec() })
}

fn run_target(root: &Path, program: &Path, target: &str, options: &Fuzz) -> Result<Outcome> {
    let (corpus, found) =
        (format!("{FUZZ}/corpus/{target}"), format!("{FUZZ}/artifacts/{target}/"));
    for folder in [&corpus, &found] {
        fs::create_dir_all(root.join(folder))?;
    }
    let scratch = Scratch::new(target)?;
    let mut command = Command::new(program.canonicalize()?);
    command.current_dir(root).args([&corpus, &format!("{SEEDS}/{target}")]);
    command
        .args([GIVE_UP, PREFER_FAST, "-print_final_stats=1"])
        .arg(format!("-artifact_prefix={found}"));
    command.arg(format!("-max_total_time={}", options.seconds));
    if let Some(executions) = options.executions {
        command.arg(format!("-runs={executions}"));
    }
    // One thread: libFuzzer, and the measure of memory, see one input at a time.
    command.env("TMPDIR", &scratch.0).env("RAYON_NUM_THREADS", "1");
    let since = Instant::now();
    let mut child =
        command.stderr(Stdio::piped()).spawn().with_context(|| format!("cannot run {target}"))?;
    let mut outcome = Outcome::default();
    let log = child.stderr.take().context("the target has no output")?;
    for line in BufReader::new(log).split(b'\n') {
        outcome.take(&String::from_utf8_lossy(&line?));
    }
    let status = child.wait()?;
    outcome.elapsed = since.elapsed();
    if !status.success() && outcome.found.is_none() {
        outcome.found = Some(format!("the target ended with {status}"));
    }
    Ok(outcome)
}

/// A folder for the files that readers are fed, in memory where the system has such a place.
struct Scratch(PathBuf);

impl Scratch {
    fn new(target: &str) -> Result<Self> {
        let memory = Path::new("/dev/shm");
        let place = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let folder = place.join(format!("kinepath-fuzz-{target}-{}", std::process::id()));
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(Self(folder))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A folder that stays is in nobody's way.
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Outcome {
    /// Takes what a line of libFuzzer or of the target says.
    fn take(&mut self, line: &str) {
        let number = |text: &str| text.trim().parse().unwrap_or(0);
        if let Some(count) = line.strip_prefix("stat::number_of_executed_units:") {
            self.executions = number(count);
        } else if let Some(share) = line.strip_prefix("memory: ") {
            self.memory = share.split(" of").next().unwrap_or_default().to_owned();
        } else if let Some(found) = line.strip_prefix("found: ") {
            self.found = Some(found.to_owned());
        } else if let Some((_, path)) = line.split_once("Test unit written to ") {
            self.input = Some(path.trim().into());
        } else if let Some((_, summary)) = line.split_once("SUMMARY: libFuzzer: ") {
            self.found.get_or_insert_with(|| summary.to_owned());
        } else if let Some(status) = line.strip_prefix('#') {
            self.executions = number(status.split(['\t', ':', ' ']).next().unwrap_or_default());
            if let Some((_, rest)) = line.split_once("cov: ") {
                self.coverage = number(rest.split(' ').next().unwrap_or_default());
            }
        }
    }

    fn row(&self, target: &str) -> String {
        let Self { executions, coverage, memory, input, elapsed, found } = self;
        let rate = *executions as f64 / elapsed.as_secs_f64();
        let crashes = usize::from(input.is_some() || found.is_some());
        format!(
            "{target:<12} {executions:>12} {rate:>9.0} {coverage:>9} {memory:>9} {crashes:>6} \
             {:>6.0} s",
            elapsed.as_secs_f64()
        )
    }
}

fn heading() -> String {
    format!(
        "{:<12} {:>12} {:>9} {:>9} {:>9} {:>6} {:>8}",
        "target", "executions", "exec/s", "coverage", "memory", "found", "time"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_libfuzzer_are_understood() {
        let mut outcome = Outcome::default();
        for line in [
            "#2\tINITED cov: 311 ft: 312 corp: 1/1b exec/s: 0 rss: 44Mb",
            "memory: 0.3 % of the allowance",
            "#524288\tpulse  cov: 1204 ft: 3521 corp: 210/9Kb lim: 4096 exec/s: 26214 rss: 61Mb",
        ] {
            outcome.take(line);
        }
        assert_eq!((outcome.executions, outcome.coverage), (524_288, 1204));
        assert_eq!((outcome.memory.as_str(), &outcome.found), ("0.3 %", &None));
        for line in [
            "found: npy, 12 bytes of input: it took 2 s",
            "SUMMARY: libFuzzer: deadly signal",
            "artifact_prefix='/fuzz/artifacts/npy/'; Test unit written to /fuzz/artifacts/npy/crash-1",
            "stat::number_of_executed_units: 600000",
        ] {
            outcome.take(line);
        }
        assert_eq!(outcome.executions, 600_000);
        assert_eq!(outcome.found.as_deref(), Some("npy, 12 bytes of input: it took 2 s"));
        assert_eq!(outcome.input, Some("/fuzz/artifacts/npy/crash-1".into()));
    }
}
