//! Which array of an archive is the data, and which the labels.

use super::error::DataError;

/// Names of the data in an archive, in order of preference.
pub(crate) const DATA: &[&str] = &["x", "images", "samples", "data", "arr_0"];
/// Names of the labels in an archive, in order of preference.
pub(crate) const LABELS: &[&str] = &["y", "labels", "label"];
/// Names of pictures in a Parquet file, in order of preference.
pub(crate) const PICTURES: &[&str] = &["image", "img", "images", "x"];
/// Names of the classes of pictures in a Parquet file, in order of preference.
pub(crate) const CLASSES: &[&str] = &["label", "labels", "fine_label", "y"];
/// Names of starting noise in an archive, in order of preference.
pub(crate) const NOISE: &[&str] = &["noise", "x0", "x"];

/// The first of `wanted` that is among `found`.
pub(crate) fn pick(wanted: &[&'static str], found: &[String]) -> Option<&'static str> {
    wanted.iter().copied().find(|key| found.iter().any(|name| name == key))
}

/// Like [`pick`], but an archive without any of the names is an error that lists what it holds.
pub(crate) fn require(
    wanted: &[&'static str],
    found: &[String],
    place: &str,
) -> Result<&'static str, DataError> {
    pick(wanted, found).ok_or_else(|| {
        let mut names: Vec<_> = found.iter().map(|name| format!("'{name}'")).collect();
        names.sort();
        DataError::MissingKey {
            place: place.to_owned(),
            wanted: wanted.iter().map(|key| format!("'{key}'")).collect::<Vec<_>>().join(", "),
            found: if names.is_empty() { "no arrays".to_owned() } else { names.join(", ") },
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_preference_decides() {
        let found = ["data", "x"].map(str::to_owned);
        assert_eq!(pick(DATA, &found), Some("x"));
        assert_eq!(pick(LABELS, &found), None);
    }

    #[test]
    fn a_missing_key_lists_what_there_is() {
        let found = ["weights", "bias"].map(str::to_owned);
        let error = require(DATA, &found, "m.npz").unwrap_err().to_string();
        assert!(error.contains("'bias', 'weights'") && error.contains("'images'"), "{error}");
    }
}
