//! What settings do not agree on.

use std::path::Path;

use toml::{Table, Value};

use super::{RunError, RunSettings, table_of};

/// A key and its values on both sides, as TOML or `absent`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Difference {
    /// The key, dotted.
    pub(crate) key: String,
    /// Its value on the left.
    pub(crate) found: String,
    /// Its value on the right.
    pub(crate) wanted: String,
}

impl Difference {
    /// The first one between two runs, results included, of which `path` has the left one.
    pub(crate) fn between(
        left: &RunSettings,
        right: &RunSettings,
        path: &Path,
    ) -> Result<Option<Self>, RunError> {
        let table = |settings: &RunSettings| table_of(&settings.to_toml(path)?, path);
        Ok(Self::first(&table(left)?, &table(right)?))
    }

    /// The first one in alphabetical order of the keys, if any.
    pub(crate) fn first(left: &Table, right: &Table) -> Option<Self> {
        first_below("", left, right).map(|(key, found, wanted)| {
            let words = |value: Option<&Value>| value.map_or("absent".to_owned(), shorten);
            Self { key, found: words(found), wanted: words(wanted) }
        })
    }
}

/// A dotted key and its values on both sides.
type Pair<'a> = (String, Option<&'a Value>, Option<&'a Value>);

fn first_below<'a>(prefix: &str, left: &'a Table, right: &'a Table) -> Option<Pair<'a>> {
    let mut keys: Vec<_> = left.keys().chain(right.keys()).collect();
    keys.sort();
    keys.dedup();
    keys.into_iter().find_map(|key| {
        let path = format!("{prefix}{key}");
        match (left.get(key), right.get(key)) {
            (Some(Value::Table(left)), Some(Value::Table(right))) => {
                first_below(&format!("{path}."), left, right)
            }
            (left, right) => (left != right).then_some((path, left, right)),
        }
    })
}

/// A value as TOML; a long list of times is cut, so that the message stays readable.
fn shorten(value: &Value) -> String {
    const LONGEST: usize = 60;
    let text = value.to_string();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
