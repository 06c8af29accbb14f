//! The preprocessing of well-known encoders, and how a person asks for it.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use super::{Filter, Fit, Preprocess};

/// The preprocessing of a well-known kind of encoder.
///
/// A network file does not say what it expects, so nothing is assumed: the default is
/// [`Preset::None`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// Samples go in as they are.
    #[default]
    None,
    /// That of the Fréchet Inception distance: 8 bits, RGB, stretched to 299×299 as TensorFlow 1
    /// does ([`Filter::TensorFlow1`]), `(level − 128)/128`: the original graph's steps, and those of
    /// `torch-fidelity` 0.4.0. Other packages resize otherwise, with half-pixel centres
    /// (`pytorch-fid`) or Pillow's bicubic (`clean-fid`), and give other distances. For a network
    /// that begins at the first convolution: export one that resizes or scales by itself without
    /// that part.
    Inception,
    /// That of OpenAI's CLIP: 8 bits, RGB, the shorter side by Pillow's antialiased bicubic to the
    /// size that the network takes, 224 where it leaves that open, the centre square, means and
    /// deviations of CLIP's training data.
    Clip,
}

impl Preset {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::None, Self::Inception, Self::Clip];

    /// Its steps, CLIP's for its usual size; `None` for [`Preset::None`].
    pub fn steps(self) -> Option<Preprocess> {
        match self {
            Self::None => None,
            Self::Inception => Some(Preprocess {
                eight_bits: true,
                filter: Filter::TensorFlow1,
                fit: Fit::Stretch,
                size: 299,
                mean: [128.0 / 255.0; 3],
                deviation: [128.0 / 255.0; 3],
            }),
            Self::Clip => Some(Preprocess {
                eight_bits: true,
                filter: Filter::Bicubic,
                fit: Fit::Cover,
                size: 224,
                mean: [0.481_454_66, 0.457_827_5, 0.408_210_73],
                deviation: [0.268_629_54, 0.261_302_58, 0.275_777_11],
            }),
        }
    }

    /// Its steps for a network that takes images of `network_shape`: CLIP has versions of several
    /// sizes.
    pub(crate) fn steps_for(self, network_shape: &[usize]) -> Option<Preprocess> {
        let steps = self.steps()?;
        Some(match (self, network_shape) {
            (Self::Clip, &[3, height, width]) if height == width => {
                Preprocess { size: height, ..steps }
            }
            _ => steps,
        })
    }

    /// The shape an encoder that leaves it open is given for images of `image_shape`.
    pub fn encoder_shape(self, image_shape: &[usize]) -> Vec<usize> {
        self.steps().map_or_else(|| image_shape.to_vec(), |steps| steps.shape().to_vec())
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Inception => "inception",
            Self::Clip => "clip",
        })
    }
}

impl FromStr for Preset {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let found = Self::ALL.into_iter().find(|preset| preset.to_string() == text);
        found.ok_or_else(|| SpecError::UnknownPreset { preset: text.to_owned() })
    }
}

/// An image encoder and its preprocessing, as a person writes it: `encoder.onnx` or
/// `encoder.onnx:preprocess=inception`.
///
/// ```
/// use kinepath_onnx::{EncoderSpec, Preset};
/// let spec: EncoderSpec = "models/clip-image.onnx:preprocess=clip".parse()?;
/// assert_eq!(spec.network, "models/clip-image.onnx");
/// assert_eq!(spec.preprocess, Preset::Clip);
/// # Ok::<(), kinepath_onnx::SpecError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EncoderSpec {
    /// The network: a path, or another name that the caller resolves.
    pub network: String,
    /// What is done to a sample first.
    pub preprocess: Preset,
}

/// Why a text is no [`EncoderSpec`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// A preset that does not exist.
    #[error("there is no preprocessing `{preset}`; choose one of {}", names())]
    UnknownPreset {
        /// The name given.
        preset: String,
    },
    /// An option other than `preprocess`.
    #[error(
        "an encoder has no option `{option}`; write NETWORK or NETWORK:preprocess=NAME with one of {}",
        names()
    )]
    UnknownOption {
        /// The option given.
        option: String,
    },
    /// No network.
    #[error("`{text}` names no network; write NETWORK or NETWORK:preprocess=NAME")]
    NoNetwork {
        /// The text given.
        text: String,
    },
}

impl FromStr for EncoderSpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        // A path may hold colons and equals signs too, but an option holds no separator.
        let option = text.rsplit_once(':').and_then(|(network, option)| {
            let (name, value) = option.split_once('=')?;
            (!option.contains(['/', '\\'])).then_some((network, name, value))
        });
        let (network, preprocess) = match option {
            None => (text, Preset::None),
            Some((network, "preprocess", value)) => (network, value.parse()?),
            Some((_, name, _)) => {
                return Err(SpecError::UnknownOption { option: name.to_owned() });
            }
        };
        if network.is_empty() {
            return Err(SpecError::NoNetwork { text: text.to_owned() });
        }
        Ok(Self { network: network.to_owned(), preprocess })
    }
}

impl fmt::Display for EncoderSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.preprocess {
            Preset::None => f.write_str(&self.network),
            preset => write!(f, "{}:preprocess={preset}", self.network),
        }
    }
}

fn names() -> String {
    Preset::ALL.map(|preset| preset.to_string()).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (String, Preset) {
        let spec: EncoderSpec = text.parse().unwrap();
        (spec.network, spec.preprocess)
    }

    #[test]
    fn a_network_with_and_without_preprocessing() {
        for preset in Preset::ALL {
            let text = format!("builtin:encoder:preprocess={preset}");
            assert_eq!(parsed(&text), ("builtin:encoder".into(), preset));
        }
        for path in ["encoder.onnx", r"C:\models\encoder.onnx", "builtin:classifier", "a:b=c/d"] {
            assert_eq!(parsed(path), (path.into(), Preset::None));
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        for text in ["encoder.onnx", "encoder.onnx:preprocess=clip"] {
            assert_eq!(text.parse::<EncoderSpec>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn refusals_list_what_there_is() {
        let refused = |text: &str| text.parse::<EncoderSpec>().unwrap_err();
        let unknown = refused("e.onnx:preprocess=Inception");
        assert_eq!(unknown, SpecError::UnknownPreset { preset: "Inception".into() });
        assert!(unknown.to_string().ends_with("one of none, inception, clip"), "{unknown}");
        let option = SpecError::UnknownOption { option: "size".into() };
        assert_eq!(refused("e.onnx:size=3"), option);
        let text = ":preprocess=clip";
        assert_eq!(refused(text), SpecError::NoNetwork { text: text.into() });
        assert_eq!(refused(""), SpecError::NoNetwork { text: String::new() });
    }
}
