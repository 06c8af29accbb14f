//! Prompts as the tokens of a text encoder.

use std::panic::catch_unwind;
use std::path::Path;
use std::str::FromStr;

use ndarray::Array2;
use tokenizers::{
    PaddingDirection, PaddingParams, PaddingStrategy, PostProcessor, Tokenizer, TruncationParams,
};

use crate::prompts::read;
use crate::{PromptError, Tokens};

/// Tokens a prompt, where neither the network nor the tokenizer's file says: those of CLIP.
const CLIP_LENGTH: usize = 77;

/// What padding is usually called. CLIP has no token for it and pads with the one that ends texts.
const PADDING: [&str; 4] = ["[PAD]", "<pad>", "<|pad|>", "<|endoftext|>"];

/// The tokenizer of a text encoder, from the `tokenizer.json` that is published beside it.
///
/// Tokens are those of the library [`tokenizers`].
#[derive(Debug)]
pub struct PromptTokenizer {
    path: String,
    tokenizer: Tokenizer,
}

impl PromptTokenizer {
    /// Loads a `tokenizer.json`.
    ///
    /// # Errors
    /// [`PromptError::Unreadable`] and [`PromptError::NotTokenizer`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self, PromptError> {
        let text = read(path.as_ref())?;
        let path = path.as_ref().display().to_string();
        // The library panics on some damaged files (as of 0.23.2), which is one more way for a file to
        // be none.
        match catch_unwind(|| Tokenizer::from_str(&text)) {
            Ok(Ok(tokenizer)) => Ok(Self { path, tokenizer }),
            Ok(Err(error)) => Err(PromptError::NotTokenizer { path, reason: error.to_string() }),
            Err(_) => {
                let reason = "its parts contradict each other".to_owned();
                Err(PromptError::NotTokenizer { path, reason })
            }
        }
    }

    /// Prompts as rows of `length` tokens, special tokens included: longer ones lose their last
    /// words but keep the special tokens, shorter ones are filled up at the end.
    ///
    /// Without a `length`, that of the padding or truncation in the file counts, and otherwise
    /// CLIP's 77. The padding is the one of the file, or the first token it has of `[PAD]`,
    /// `<pad>`, `<|pad|>` and CLIP's `<|endoftext|>`.
    ///
    /// # Errors
    /// [`PromptError::NoPadding`], [`PromptError::NoRoom`] and [`PromptError::Untokenizable`].
    pub fn tokens(&self, prompts: &[String], length: Option<usize>) -> Result<Tokens, PromptError> {
        let length = length.unwrap_or_else(|| self.own_length());
        let special = self.tokenizer.get_post_processor().map_or(0, |p| p.added_tokens(false));
        if length <= special {
            return Err(PromptError::NoRoom { length, special });
        }
        let not_fit = |error: tokenizers::Error| PromptError::NotTokenizer {
            path: self.path.clone(),
            reason: error.to_string(),
        };
        let mut tokenizer = self.tokenizer.clone();
        tokenizer.with_padding(Some(PaddingParams {
            strategy: PaddingStrategy::Fixed(length),
            direction: PaddingDirection::Right,
            pad_to_multiple_of: None,
            ..self.padding()?
        }));
        let truncation = TruncationParams { max_length: length, ..TruncationParams::default() };
        tokenizer.with_truncation(Some(truncation)).map_err(not_fit)?;

        let shape = (prompts.len(), length);
        let (mut ids, mut mask) = (Array2::zeros(shape), Array2::zeros(shape));
        let mut truncated = Vec::new();
        for (prompt, text) in prompts.iter().enumerate() {
            let refused =
                |reason: String| PromptError::Untokenizable { prompt, text: text.clone(), reason };
            let encoding =
                tokenizer.encode(text.as_str(), true).map_err(|e| refused(e.to_string()))?;
            if encoding.len() != length {
                return Err(refused(format!("{} tokens, not {length}", encoding.len())));
            }
            for (target, &id) in ids.row_mut(prompt).iter_mut().zip(encoding.get_ids()) {
                *target =
                    i32::try_from(id).map_err(|_| refused(format!("token {id} is too large")))?;
            }
            let used = encoding.get_attention_mask().iter().map(|&used| i32::from(used != 0));
            mask.row_mut(prompt).iter_mut().zip(used).for_each(|(target, used)| *target = used);
            if !encoding.get_overflowing().is_empty() {
                truncated.push(prompt);
            }
        }
        Ok(Tokens { ids, mask, truncated })
    }

    fn own_length(&self) -> usize {
        let padded = self.tokenizer.get_padding().and_then(|padding| match padding.strategy {
            PaddingStrategy::Fixed(length) => Some(length),
            PaddingStrategy::BatchLongest => None,
        });
        let truncated = || self.tokenizer.get_truncation().map(|truncation| truncation.max_length);
        padded.or_else(truncated).unwrap_or(CLIP_LENGTH)
    }

    fn padding(&self) -> Result<PaddingParams, PromptError> {
        if let Some(padding) = self.tokenizer.get_padding() {
            return Ok(padding.clone());
        }
        let usual = |token| {
            let pad_id = self.tokenizer.token_to_id(token)?;
            Some(PaddingParams { pad_id, pad_token: token.to_owned(), ..PaddingParams::default() })
        };
        PADDING.into_iter().find_map(usual).ok_or_else(|| PromptError::NoPadding {
            path: self.path.clone(),
            tokens: PADDING.join(", "),
        })
    }
}
