//! Where the numbers come from: data, false alarms, settings.

use maud::{Markup, html};

use crate::format::{self, Unit};
use crate::report::{ReportError, parts};
use crate::study::StudyResults;
use crate::study::results::{Calibration, DataResults};

/// Data sets with their hashes, the false-alarm rate, and the settings as TOML.
///
/// # Errors
/// [`ReportError::Settings`] if the settings have no form in TOML.
pub(super) fn section(results: &StudyResults) -> Result<Markup, ReportError> {
    let settings = toml::to_string_pretty(&results.settings)?;
    Ok(html! {
        section id="provenance" aria-labelledby="provenance-title" {
            h2 id="provenance-title" { "Settings and data" }
            @if let (Some(calibration), Some(reference)) =
                (&results.calibration, &results.reference)
            {
                (false_alarms(results, calibration, reference))
            }
            h3 { "Data" }
            (data(&results.training, results.reference.as_ref()))
            h3 { "Settings" }
            p {
                "What was judged, and how closely. The settings of each run are in the "
                code { "run.toml" } " of its folder."
            }
            pre tabindex="0" { code { (settings) } }
        }
    })
}

fn false_alarms(
    results: &StudyResults,
    calibration: &Calibration,
    reference: &DataResults,
) -> Markup {
    html! {
        h3 { "How often the memorization test cries wolf" }
        p {
            "The same criterion, gap ratio below 1/3 in " (results.settings.data.copies_in)
            ", applied to real records that the model has not seen: "
            b { (parts::lone_interval(&calibration.false_alarm, Unit::Percent)) }
            " of " (format::count(reference.count))
            " reference records count as copies. It is what F_mem would be for a model whose \
             samples are new real records. "
            @match calibration.threshold {
                Some(threshold) => {
                    "A threshold of " (format::fixed(threshold, 3))
                    " instead of 1/3 would call at most " (percent(calibration.level))
                    " of unseen records memorized."
                },
                None => {
                    "There are too few reference records for a threshold that calls at most "
                    (percent(calibration.level)) " of unseen ones memorized."
                },
            }
        }
    }
}

/// The data sets and their hashes.
pub(in crate::report) fn data(training: &DataResults, reference: Option<&DataResults>) -> Markup {
    let caption = html! {
        "The data sets, as they were used. SHA-256 is of their content."
    };
    let rows = html! {
        thead { tr {
            th scope="col" { "role" } th scope="col" { "data" } th scope="col" { "records" }
            th scope="col" { "different" } th scope="col" { "shape" } th scope="col" { "values" }
            th scope="col" { "SHA-256" }
        } }
        tbody {
            (row("training", training))
            @if let Some(reference) = reference { (row("reference", reference)) }
        }
    };
    parts::table(&caption, &rows)
}

fn row(role: &str, data: &DataResults) -> Markup {
    html! {
        tr {
            th scope="row" { (role) }
            td { code { (data.name) } }
            td.number { (format::count(data.count)) }
            td.number { (format::count(data.distinct)) }
            td { (format::shape(&data.shape)) }
            td { (data.scaling) }
            td { code.hash { (data.sha256) } }
        }
    }
}

/// A level as a percentage, without superfluous digits.
pub(in crate::report) fn percent(share: f64) -> String {
    let text = format::fixed(100.0 * share, 2);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text} %")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_short() {
        assert_eq!(percent(0.05), "5 %");
        assert_eq!(percent(0.1), "10 %");
        assert_eq!(percent(0.001), "0.1 %");
    }
}
