//! Class labels of samples.

use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::str::FromStr;

use crate::StudyError;
use crate::data::{read_labels, sha256_hex};
use crate::memory;
use crate::run::LabelSettings;

/// Bytes of a label while it is digested: itself, as it is read, and its bytes.
const A_LABEL: u64 = 24;

/// One class label per sample, and how they were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels {
    /// The words they were asked for in; `given` where they are numbers from elsewhere.
    pub asked: String,
    /// The labels.
    pub values: Vec<i64>,
    /// SHA-256 of all labels asked for, of which these may be a part, as i64, little-endian, in
    /// hexadecimal.
    pub sha256: String,
}

/// Class labels in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LabelSpec {
    /// One for all samples: `3`.
    One(i64),
    /// One for each sample: `3,1,4`.
    List(Vec<i64>),
    /// The classes 0 to K − 1 in turn: `cycle:K`.
    Cycle(i64),
    /// A file of one for each sample: a text of numbers, an NPY array of integers, or the tensor
    /// `labels`, `label` or `y` of a safetensors file.
    File(String),
}

impl Labels {
    /// Labels that are numbers from elsewhere.
    pub(crate) fn given(values: Vec<i64>) -> Self {
        Self { asked: "given".to_owned(), sha256: digest(&values), values }
    }

    pub(super) fn settings(&self) -> LabelSettings {
        LabelSettings { asked: self.asked.clone(), sha256: self.sha256.clone() }
    }
}

fn digest(labels: &[i64]) -> String {
    sha256_hex(&labels.iter().flat_map(|label| label.to_le_bytes()).collect::<Vec<u8>>())
}

impl LabelSpec {
    /// How many samples it is for, where it says so itself.
    ///
    /// # Errors
    /// [`StudyError::Data`] for a file that cannot be read.
    pub fn count(&self) -> Result<Option<usize>, StudyError> {
        Ok(match self {
            Self::One(_) | Self::Cycle(_) => None,
            Self::List(labels) => Some(labels.len()),
            Self::File(path) => Some(read_labels(Path::new(path))?.len()),
        })
    }

    /// The labels of the samples `range` of the `total` that the words are for.
    ///
    /// # Errors
    /// [`StudyError::Spec`] for a list or file of fewer or more than `total`;
    /// [`StudyError::Data`] for a file that cannot be read; [`StudyError::Memory`] for more labels than
    /// there is memory for.
    pub fn labels(&self, range: Range<usize>, total: usize) -> Result<Labels, StudyError> {
        let what = || format!("a label for each of {total} samples");
        let needed = (total as u64).saturating_mul(A_LABEL);
        memory::require(what, needed, "sample fewer, in several runs")?;
        let all = match self {
            Self::One(label) => vec![*label; total],
            Self::List(labels) => labels.clone(),
            Self::Cycle(classes) => (0..*classes).cycle().take(total).collect(),
            Self::File(path) => read_labels(Path::new(path))?,
        };
        if all.len() != total || range.end > total {
            return Err(StudyError::Spec {
                what: "labels",
                text: self.to_string(),
                reason: format!(
                    "there are {} labels for {} samples",
                    all.len(),
                    total.max(range.end)
                ),
            });
        }
        let sha256 = digest(&all);
        Ok(Labels { asked: self.to_string(), values: all[range].to_vec(), sha256 })
    }
}

impl FromStr for LabelSpec {
    type Err = String;

    /// A number, a list of numbers, `cycle:K`, or else a file.
    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(classes) = text.strip_prefix("cycle:") {
            return match classes.parse() {
                Ok(classes) if classes > 0 => Ok(Self::Cycle(classes)),
                _ => Err(format!("`{text}` needs a number of classes, such as cycle:10")),
            };
        }
        let numbers: Option<Vec<i64>> = text.split(',').map(|n| n.trim().parse().ok()).collect();
        match numbers.as_deref() {
            Some(&[label]) => Ok(Self::One(label)),
            Some(labels) => Ok(Self::List(labels.to_vec())),
            None if text.is_empty() => Err("use a label, a list, cycle:K or a file".to_owned()),
            None => Ok(Self::File(text.to_owned())),
        }
    }
}

impl fmt::Display for LabelSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(label) => write!(f, "{label}"),
            Self::List(labels) => {
                let labels: Vec<_> = labels.iter().map(ToString::to_string).collect();
                f.write_str(&labels.join(","))
            }
            Self::Cycle(classes) => write!(f, "cycle:{classes}"),
            Self::File(path) => f.write_str(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(text: &str, range: Range<usize>) -> Result<Vec<i64>, StudyError> {
        let spec: LabelSpec = text.parse().unwrap();
        assert_eq!(spec.to_string(), text);
        spec.labels(range.clone(), range.end).map(|labels| labels.values)
    }

    #[test]
    fn words_become_a_label_a_sample() {
        assert_eq!(labels("-3", 0..2).unwrap(), [-3, -3]);
        assert_eq!(labels("3,1,4", 0..3).unwrap(), [3, 1, 4]);
        assert_eq!(labels("cycle:3", 4..8).unwrap(), [1, 2, 0, 1]);
        let refusal = labels("3,1,4", 0..4).unwrap_err().to_string();
        assert!(refusal.contains("3 labels for 4 samples"), "{refusal}");
        for text in ["", "cycle:0", "cycle:x", "cycle:-1"] {
            assert!(text.parse::<LabelSpec>().is_err(), "{text}");
        }
    }

    #[test]
    fn parts_of_the_same_labels_have_one_digest() {
        let spec = LabelSpec::Cycle(3);
        let whole = spec.labels(0..5, 5).unwrap();
        let part = spec.labels(3..5, 5).unwrap();
        assert_eq!((part.values.as_slice(), &part.sha256), (&[0, 1][..], &whole.sha256));
        assert_ne!(spec.labels(3..5, 6).unwrap().sha256, whole.sha256);
        assert!(spec.labels(3..6, 5).is_err());
    }

    #[test]
    fn a_file_is_read_in_every_form() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(path("labels.txt"), "3 1\n4\n").unwrap();
        assert_eq!(labels(&path("labels.txt"), 0..3).unwrap(), [3, 1, 4]);
        let spec: LabelSpec = path("labels.txt").parse().unwrap();
        assert_eq!(spec.count().unwrap(), Some(3));
        let bytes: Vec<u8> = [7i32, 9].iter().flat_map(|label| label.to_le_bytes()).collect();
        let view = safetensors::tensor::TensorView::new(safetensors::Dtype::I32, vec![2], &bytes);
        let file = safetensors::serialize([("labels", view.unwrap())], None).unwrap();
        std::fs::write(path("labels.safetensors"), file).unwrap();
        assert_eq!(labels(&path("labels.safetensors"), 1..2).unwrap(), [9]);
        std::fs::write(path("words.txt"), "3 one").unwrap();
        let refusal = labels(&path("words.txt"), 0..2).unwrap_err().to_string();
        assert!(refusal.contains("`one`"), "{refusal}");
        let missing = labels(&path("none.txt"), 0..2).unwrap_err().to_string();
        assert!(missing.contains("cannot be read"), "{missing}");
    }
}
