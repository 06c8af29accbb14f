//! `tune.toml`: the gain worth using, as a file for `kinepath sample --gain`.

use std::fmt::Write;

use serde::Serialize;

use super::results::TuneResults;
use super::words::difference;
use crate::StudyError;

/// The keys of the file.
#[derive(Serialize)]
struct GainFile<'a> {
    gain: &'a str,
}

/// The text of the file: the gain, under comments that say what it was tuned for and the evidence.
///
/// # Errors
/// [`StudyError::Mismatch`] if TOML cannot hold the gain.
pub(super) fn text(results: &TuneResults) -> Result<String, StudyError> {
    let sampler = &results.settings.sampler;
    let found = match results.recommendation() {
        Some(_) => "The gain that `kinepath tune` found worth using",
        None => "`kinepath tune` found no gain worth using",
    };
    let mut text = String::new();
    for line in [
        format!("{found}, for"),
        format!("  {} (sha256 {}),", results.field.spec, results.field.sha256),
        format!("  {}, {} steps, {} grid.", sampler.solver, sampler.steps, sampler.grid),
        "Use it with `kinepath sample --gain FILE`, FILE being this file.".to_owned(),
        String::new(),
    ] {
        comment(&mut text, &line);
    }
    comment(&mut text, &results.sentence);
    if let (Some(confirmation), Some(finalist)) = (&results.confirmation, results.recommendation())
    {
        for promise in &finalist.promises {
            let line = format!(
                "{}, difference to no gain: search {}, {} fresh samples {}",
                promise.name,
                difference(&promise.metric, &promise.search),
                confirmation.samples,
                difference(&promise.metric, &promise.confirmed)
            );
            comment(&mut text, &line);
        }
    }
    text.push('\n');
    text += &toml::to_string(&GainFile { gain: &results.gain })
        .map_err(|error| StudyError::Mismatch(error.to_string()))?;
    Ok(text)
}

/// Adds a line of comment, whatever the metric names and paths in it.
fn comment(text: &mut String, line: &str) {
    let line = format!("# {}", line.replace(['\n', '\r'], " "));
    let _ = writeln!(text, "{}", line.trim_end());
}
