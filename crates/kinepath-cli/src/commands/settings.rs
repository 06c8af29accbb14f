//! Settings files of the commands that take one.

use std::path::Path;

use anyhow::{Context, Result};
use serde::de::DeserializeOwned;

use crate::exit::Usage;

/// Reads the settings of `command` from a TOML file.
pub(super) fn read<T: DeserializeOwned>(file: &Path, command: &str) -> Result<T> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("cannot read the settings {}", file.display()))?;
    toml::from_str(&text).map_err(|error| {
        Usage(format!(
            "{}: {error}\n`kinepath {command} --print-default` shows a whole file",
            file.display()
        ))
        .into()
    })
}
