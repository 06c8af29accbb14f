//! Where the numbers come from: the model, the data, the settings.

use maud::{Markup, html};

use crate::report::ReportError;
use crate::report::sections::provenance;
use crate::tune::TuneResults;

/// The model and the data sets with their hashes, and the settings as TOML.
///
/// # Errors
/// [`ReportError::Settings`] if the settings have no form in TOML.
pub(super) fn section(results: &TuneResults) -> Result<Markup, ReportError> {
    let settings = toml::to_string_pretty(&results.settings)?;
    Ok(html! {
        section id="provenance" aria-labelledby="provenance-title" {
            h2 id="provenance-title" { "Settings and data" }
            h3 { "Model" }
            p {
                "Velocity field " code { (results.field.spec) } ", SHA-256 "
                code.hash { (results.field.sha256) } "."
            }
            h3 { "Data" }
            (provenance::data(&results.training, results.reference.as_ref()))
            h3 { "Settings" }
            p {
                "With them, " code { "kinepath tune" } " makes these results again. The settings \
                 of each run are in the " code { "run.toml" } " of its folder."
            }
            pre tabindex="0" { code { (settings) } }
        }
    })
}
