//! Why an engine is not to be had.

use crate::engine::Provider;

/// An engine that there is no such thing as.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no engine; use auto, rten, ort, ort:cuda or ort:tensorrt")]
pub struct ParseEngineError(
    /// What was given.
    pub String,
);

/// An engine that is not to be had here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// This crate was built without the feature `ort`.
    #[error(
        "ONNX Runtime is left out of this build; build it with the Cargo feature `ort`, or use the engine rten"
    )]
    NotBuilt,
    /// No library was found.
    #[error(
        "no ONNX Runtime library can be used ({tried}); get one with `pip install onnxruntime`, or set ORT_DYLIB_PATH to that of version 1.17 or later"
    )]
    NoLibrary {
        /// Where it was looked for, and what was wrong with what was found.
        tried: String,
    },
    /// The library that `ORT_DYLIB_PATH` names cannot be used.
    #[error(
        "ORT_DYLIB_PATH is {path}, which cannot be used: {reason}; set it to the library of ONNX Runtime 1.17 or later, such as libonnxruntime.so"
    )]
    Library {
        /// The path it names.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The library does not start.
    #[error("ONNX Runtime does not start: {0}")]
    Start(String),
    /// The library cannot compute on what was asked for.
    #[error(
        "ONNX Runtime cannot use {provider} here: {reason}; it needs a library that is built for it, as `pip install onnxruntime-gpu[cuda,cudnn]` brings, and the driver of an NVIDIA GPU"
    )]
    Provider {
        /// What was asked for.
        provider: Provider,
        /// What the library says.
        reason: String,
    },
}
