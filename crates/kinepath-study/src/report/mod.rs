//! The reports: the results of a study or of a search for a gain as one HTML file that works
//! offline.
//!
//! Everything is inside the file: style, script, plotting library, data and pictures. Its content
//! security policy forbids loading anything else. Numbers and sentences come from
//! [`StudyResults`] and [`TuneResults`]; this module only arranges them.
//!
//! | part | what it does |
//! |---|---|
//! | `page` | the document around the sections |
//! | `sections` | one file per part of a study's page, results in, markup out |
//! | `tune` | the same for a search |
//! | `figures` | plots: the data that the page's script draws, and their frames |
//! | `forest`, `parts` | intervals as marks, recurring markup |

mod figures;
mod forest;
mod page;
mod parts;
mod sections;
mod tune;

use thiserror::Error;

use crate::study::StudyResults;
use crate::tune::TuneResults;

/// A report that cannot be drawn.
#[derive(Debug, Error)]
pub enum ReportError {
    /// The settings have no form in TOML.
    #[error("the settings cannot be written as TOML: {0}")]
    Settings(#[from] toml::ser::Error),
    /// The data of the plots cannot be written as JSON.
    #[error("the data of the plots cannot be written as JSON: {0}")]
    Plots(#[from] serde_json::Error),
}

/// Draws a study as a self-contained HTML page of about 1.2 MB and its pictures.
///
/// Pieces that the results lack (pictures, comparisons, an energy profile, a defined correlation)
/// are left out or named as missing. All text of the results is escaped.
///
/// # Errors
/// [`ReportError`] if settings or plots cannot be serialized.
pub fn render(results: &StudyResults) -> Result<String, ReportError> {
    let mut figures = figures::Figures::default();
    let body = sections::all(results, &mut figures)?;
    Ok(page::document(&results.settings.title, body, &figures.to_json()?).into_string())
}

/// Draws a search for a gain as a self-contained HTML page of about 1.1 MB.
///
/// Pieces that the results lack (a confirmation) are left out or named as missing. All text of the
/// results is escaped.
///
/// # Errors
/// [`ReportError`] if settings or plots cannot be serialized.
pub fn render_tune(results: &TuneResults) -> Result<String, ReportError> {
    let mut figures = figures::Figures::default();
    let body = tune::all(results, &mut figures)?;
    Ok(page::document(&tune::title(results), body, &figures.to_json()?).into_string())
}
