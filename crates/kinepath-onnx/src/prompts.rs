//! Prompts, and their features.

use std::path::Path;

use ndarray::Array2;

use crate::NetworkError;

/// Why there are no prompts, or no features of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PromptError {
    /// A file that cannot be read.
    #[error("{path}: cannot be read: {reason}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system says.
        reason: String,
    },
    /// A prompt file without prompts.
    #[error("{path}: holds no prompts; write one a line")]
    Empty {
        /// The file.
        path: String,
    },
    /// A file that is no tokenizer.
    #[error(
        "{path}: is no tokenizer ({reason}); give the `tokenizer.json` that belongs to the text encoder"
    )]
    NotTokenizer {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A tokenizer that does not say what to fill short prompts up with.
    #[error("{path}: names no padding and has none of the tokens {tokens}; set `padding` in it")]
    NoPadding {
        /// The tokenizer.
        path: String,
        /// The tokens looked for.
        tokens: String,
    },
    /// A length that has room for nothing but the tokens around a prompt.
    #[error("prompts of {length} tokens have no room beside the {special} special tokens")]
    NoRoom {
        /// The length.
        length: usize,
        /// How many special tokens the tokenizer adds.
        special: usize,
    },
    /// A prompt that cannot be cut into tokens.
    #[error("prompt {prompt} (`{text}`) cannot be cut into tokens: {reason}")]
    Untokenizable {
        /// Its number, from 0.
        prompt: usize,
        /// The prompt.
        text: String,
        /// What the tokenizer says.
        reason: String,
    },
    /// The text encoder cannot be used.
    #[error(transparent)]
    Network(#[from] NetworkError),
}

/// Features of a list of prompts, in its order.
#[derive(Debug, Clone, PartialEq)]
pub struct PromptFeatures {
    /// One row a prompt, `[P, F]`.
    pub features: Array2<f32>,
    /// The prompts, unless the features came without them.
    pub prompts: Option<Vec<String>>,
    /// Prompts that were longer than the text encoder takes and lost their last tokens.
    pub truncated: Vec<usize>,
}

impl PromptFeatures {
    /// Features that were computed elsewhere, `[P, F]`.
    pub fn ready(features: Array2<f32>) -> Self {
        Self { features, prompts: None, truncated: Vec::new() }
    }

    /// Encodes prompts.
    ///
    /// # Errors
    /// As [`PromptTokenizer::tokens`](crate::PromptTokenizer::tokens) and
    /// [`TextEncoder::features`](crate::TextEncoder::features).
    #[cfg(feature = "text")]
    pub fn encode(
        prompts: Vec<String>,
        tokenizer: &crate::PromptTokenizer,
        encoder: &crate::TextEncoder,
    ) -> Result<Self, PromptError> {
        let tokens = tokenizer.tokens(&prompts, encoder.length())?;
        let features = encoder.features(&tokens)?;
        Ok(Self { features, prompts: Some(prompts), truncated: tokens.truncated })
    }
}

/// Reads a list of prompts: one a line, without the white space around it. Empty lines are left
/// out; any other line is a prompt, whatever it starts with.
///
/// # Errors
/// [`PromptError::Unreadable`] and [`PromptError::Empty`].
pub fn read_prompts(path: impl AsRef<Path>) -> Result<Vec<String>, PromptError> {
    let path = path.as_ref();
    let text = read(path)?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let prompts: Vec<_> = lines.map(str::to_owned).collect();
    if prompts.is_empty() {
        return Err(PromptError::Empty { path: path.display().to_string() });
    }
    Ok(prompts)
}

pub(crate) fn read(path: &Path) -> Result<String, PromptError> {
    std::fs::read_to_string(path).map_err(|error| PromptError::Unreadable {
        path: path.display().to_string(),
        reason: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompts(bytes: &[u8]) -> Result<Vec<String>, PromptError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        read_prompts(file.path())
    }

    #[test]
    fn one_prompt_a_line() {
        let list = prompts("a dress\r\n\n  # of bags \n\tein schöner Schuh".as_bytes());
        assert_eq!(list.unwrap(), ["a dress", "# of bags", "ein schöner Schuh"]);
    }

    #[test]
    fn no_file_no_prompts_and_no_text() {
        assert!(matches!(prompts(b" \n\n"), Err(PromptError::Empty { .. })));
        assert!(matches!(prompts(b"\xff\xfe"), Err(PromptError::Unreadable { .. })));
        let missing = read_prompts("no/such/prompts.txt").unwrap_err();
        assert!(missing.to_string().starts_with("no/such/prompts.txt: cannot be read"));
    }
}
