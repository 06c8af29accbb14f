//! Where copies of training records are sought.

use std::fmt::{self, Display};
use std::str::FromStr;

use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

use crate::StudyError;

/// The space whose distances say what is a copy: those of gap ratio, F_mem and its calibration,
/// authenticity, the copying test, the records copied most and the risk flags.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CopySpace {
    /// The samples' own space.
    #[default]
    Pixels,
    /// That of the encoder's features, which sees copies that pixels do not: shifted, recoloured,
    /// mirrored, as far as the encoder overlooks the change.
    Features,
}

impl CopySpace {
    /// Of samples and their features, row by row, those whose distances count.
    pub(super) fn of<'v>(
        self,
        samples: ArrayView2<'v, f32>,
        features: ArrayView2<'v, f32>,
    ) -> ArrayView2<'v, f32> {
        match self {
            Self::Pixels => samples,
            Self::Features => features,
        }
    }
}

impl Display for CopySpace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pixels => "pixels",
            Self::Features => "features",
        })
    }
}

impl FromStr for CopySpace {
    type Err = StudyError;

    /// `pixels` or `features`.
    fn from_str(text: &str) -> Result<Self, StudyError> {
        [Self::Pixels, Self::Features]
            .into_iter()
            .find(|space| space.to_string() == text)
            .ok_or_else(|| StudyError::Spec {
                what: "the space of copies",
                text: text.to_owned(),
                reason: "it is pixels or features".to_owned(),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::{DataSettings, StudySettings};

    #[test]
    fn words_files_and_results_name_it_alike() {
        for space in [CopySpace::Pixels, CopySpace::Features] {
            assert_eq!(space.to_string().parse::<CopySpace>().unwrap(), space);
            let data = DataSettings { copies_in: space, ..StudySettings::default().data };
            let text = toml::to_string(&data).unwrap();
            assert!(text.contains(&format!("copies_in = \"{space}\"")), "{text}");
            assert_eq!(toml::from_str::<DataSettings>(&text).unwrap(), data);
            let json = serde_json::to_string(&data).unwrap();
            assert_eq!(serde_json::from_str::<DataSettings>(&json).unwrap(), data);
        }
        let silent: DataSettings = toml::from_str("train = \"x\"").unwrap();
        assert_eq!(silent.copies_in, CopySpace::Pixels);
        let error = "latents".parse::<CopySpace>().unwrap_err().to_string();
        assert!(error.contains("`latents`") && error.contains("pixels or features"), "{error}");
    }

    #[test]
    fn features_without_an_encoder_are_refused() {
        let mut data = StudySettings::default().data;
        data.copies_in = CopySpace::Features;
        assert!(data.check().is_ok());
        data.encoder = None;
        let error = data.check().unwrap_err();
        assert!(matches!(error, StudyError::Spec { .. }), "{error:?}");
        assert!(error.to_string().contains("there is no encoder"), "{error}");
    }
}
