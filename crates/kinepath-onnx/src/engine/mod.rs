//! What runs a network.

mod departures;
mod error;
mod model;
#[cfg(feature = "ort")]
mod ort;
mod rten;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

pub(crate) use departures::departure;
pub use error::{EngineError, ParseEngineError};
pub(crate) use model::{Feed, Floats, Model, Seat, Source, Values};
#[cfg(feature = "ort")]
pub use ort::look_for_library_in;

/// What runs a network.
///
/// Its text form, which [`FromStr`] reads and [`Display`](fmt::Display) writes, is `auto`, `rten`,
/// `ort`, `ort:cuda` or `ort:tensorrt`.
///
/// Each engine gives the same bytes for the same batch; two of them agree to rounding alone. So
/// [`Engine::Auto`] goes by the file and never by what is installed: a missing library makes a
/// file fail, not differ.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Engine {
    /// rten for every file that it can run, ONNX Runtime on the processor for others.
    #[default]
    Auto,
    /// [rten](https://docs.rs/rten): pure Rust, part of this crate.
    Rten,
    /// [ONNX Runtime](https://onnxruntime.ai), with the Cargo feature `ort`. Its library is looked
    /// for when a network is loaded: `ORT_DYLIB_PATH` if that is set, otherwise where systems keep
    /// libraries and in the `onnxruntime` package of the active Python environment.
    Ort(Provider),
}

/// What ONNX Runtime computes on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Provider {
    /// The processor.
    #[default]
    Cpu,
    /// An NVIDIA GPU through CUDA and cuDNN.
    Cuda,
    /// An NVIDIA GPU through TensorRT, and through CUDA what TensorRT does not have.
    TensorRt,
}

/// The names of engines, for messages and help.
const NAMES: [(&str, Engine); 5] = [
    ("auto", Engine::Auto),
    ("rten", Engine::Rten),
    ("ort", Engine::Ort(Provider::Cpu)),
    ("ort:cuda", Engine::Ort(Provider::Cuda)),
    ("ort:tensorrt", Engine::Ort(Provider::TensorRt)),
];

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = NAMES.iter().find(|(_, engine)| engine == self).map_or("", |(name, _)| name);
        f.pad(name)
    }
}

impl FromStr for Engine {
    type Err = ParseEngineError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = NAMES.iter().find(|(name, _)| *name == text);
        found.map(|(_, engine)| *engine).ok_or_else(|| ParseEngineError(text.to_owned()))
    }
}

impl Serialize for Engine {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Engine {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cpu => "processor",
            Self::Cuda => "CUDA",
            Self::TensorRt => "TensorRT",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for (name, engine) in NAMES {
            assert_eq!(engine.to_string(), name);
            assert_eq!(name.parse(), Ok(engine));
        }
        assert_eq!("auto".parse(), Ok(Engine::default()));
    }

    #[test]
    fn other_names_are_told_the_right_ones() {
        for name in ["", "onnxruntime", "ORT", "ort:", "ort:cpu", "ort:rocm", "rten "] {
            let error = name.parse::<Engine>().unwrap_err().to_string();
            assert!(error.contains("auto, rten, ort, ort:cuda or ort:tensorrt"), "{error}");
        }
    }
}
