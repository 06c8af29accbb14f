//! `kinepath report`: the report, drawn again from its results.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use kinepath_study::StudyError;
use kinepath_study::report::{ReportError, render, render_tune};
use kinepath_study::run::{EVALUATION_FILE, FolderLock, REPORT_FILE};
use kinepath_study::study::{RESULTS_FILE, StudyResults, write_whole};
use kinepath_study::tune::{self, TuneResults};
use serde_json::json;

use super::compare::COMPARISON_FILE;
use crate::console::Console;
use crate::exit::{Told, Usage, tell};

const EXAMPLES: &str = "\
Examples:
  kinepath report kinepath-study
  kinepath report runs/baseline runs/kts
  kinepath report kinepath-comparison/comparison.json
  kinepath report kinepath-tune";

/// Draw report.html again from the results in study, run, comparison or tune folders
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ReportArgs {
    /// Folders that hold study.json, evaluation.json, comparison.json or tune.json, or one of these
    /// files
    #[arg(value_name = "STUDY|RUN|TUNE", required = true)]
    places: Vec<PathBuf>,
}

pub(crate) fn run(args: &ReportArgs, console: &Console) -> Result<()> {
    let mut written = Vec::new();
    let mut failed = None;
    for place in &args.places {
        match draw(place) {
            Ok(report) => written.push(report),
            // The others are drawn all the same; the exit code tells.
            Err(error) if args.places.len() > 1 => {
                tell(&error);
                failed = Some(Told);
            }
            Err(error) => return Err(error),
        }
    }
    if console.json {
        console.print_json(&json!({ "reports": written }))?;
    } else {
        for report in &written {
            console.print(report.display())?;
        }
    }
    failed.map_or(Ok(()), |told| Err(told.into()))
}

fn draw(place: &Path) -> Result<PathBuf> {
    let file = if place.is_dir() { results_in(place)? } else { place.to_owned() };
    let folder = file.parent().unwrap_or(Path::new(""));
    let _lock = FolderLock::take(folder).map_err(StudyError::from)?;
    if file.file_name().is_some_and(|name| name == tune::RESULTS_FILE) {
        return write_tune_report(&TuneResults::read(&file)?, folder);
    }
    // Under another name it may be either.
    match StudyResults::read(&file) {
        Ok(results) => write_report(&results, folder),
        Err(error) => write_tune_report(&TuneResults::read(&file).map_err(|_| error)?, folder),
    }
}

/// The one results file in `folder`.
fn results_in(folder: &Path) -> Result<PathBuf> {
    let names = [RESULTS_FILE, EVALUATION_FILE, COMPARISON_FILE, tune::RESULTS_FILE];
    let found: Vec<&str> = names.into_iter().filter(|name| folder.join(name).is_file()).collect();
    match found.as_slice() {
        [name] => Ok(folder.join(name)),
        [] => Err(Usage(format!(
            "{} holds none of {}; run `kinepath study`, `kinepath evaluate`, `kinepath compare` or \
             `kinepath tune` first",
            folder.display(),
            names.join(", ")
        ))
        .into()),
        several => Err(Usage(format!(
            "{} holds {}: name the file to draw",
            folder.display(),
            several.join(" and ")
        ))
        .into()),
    }
}

/// Draws `results` into `folder`; returns the file.
pub(super) fn write_report(results: &StudyResults, folder: &Path) -> Result<PathBuf> {
    write_page(render(results), folder)
}

/// Draws the results of a search into `folder`; returns the file.
pub(super) fn write_tune_report(results: &TuneResults, folder: &Path) -> Result<PathBuf> {
    write_page(render_tune(results), folder)
}

fn write_page(page: Result<String, ReportError>, folder: &Path) -> Result<PathBuf> {
    let file = folder.join(REPORT_FILE);
    let html = page.with_context(|| format!("cannot draw {}", file.display()))?;
    write_whole(&file, html.as_bytes())?;
    Ok(file)
}
