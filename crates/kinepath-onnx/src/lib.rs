//! ONNX networks as velocity fields, encoders and classifiers.
//!
//! Networks run on the processor through [rten](https://docs.rs/rten), which is pure Rust and
//! loads `.onnx` files directly: nothing to install, nothing to convert. With the Cargo feature
//! `ort` they also run on ONNX Runtime, which is faster, knows more operators and has GPUs, but is a
//! library to be installed; [`Engine`] is the choice.
//!
//! | Type | What it is |
//! |---|---|
//! | [`Network`] | a loaded file and the [`Signature`] that was found in its graph |
//! | [`OnnxField`] | a network with a time input, as a [`VelocityField`](kinepath::field::VelocityField) |
//! | [`Encoder`], [`Classifier`] | a network of images alone, giving features or logits |
//! | [`Decoder`] | a network from latents to the pictures they stand for |
//! | [`ImageEncoder`] | an encoder with the preprocessing it was trained with, [`Preset`] |
//! | [`TextEncoder`], [`PromptFeatures`] | the text half of a pair such as CLIP, and what it gives |
//! | [`Inspection`] | what a file holds and how it would be used, without running it |
//!
//! A network's inputs are recognised by name, and by rank and type where the names say nothing;
//! [`Signature`] has the rules. What a network computes is passed on as it is: data or noise
//! prediction, reversed and discrete time are conventions that the wrappers in
//! [`kinepath::field`] convert.
//!
//! Prompts become tokens with the Cargo feature `text`, which adds `PromptTokenizer`; without it
//! their features come ready-made, or from tokens that the caller has.
//!
//! # Threads and repeatability
//! Each network owns one thread per core. A batch is cut into slices of a few rows that run side
//! by side, one thread each, which measured faster than several threads inside every operator, on
//! either engine. The same batch gives the same bytes on the same engine, whatever the number of
//! threads, except that a batch of one row may differ from the same row within a larger batch in the
//! last bits. ONNX Runtime promises no such thing of its GPU kernels, though it is asked for the
//! deterministic ones.

mod conditions;
mod decoder;
mod element;
mod embedding;
mod encoder;
mod engine;
mod error;
mod execute;
mod field;
mod file;
mod finding;
mod frame;
mod given;
mod graph;
mod image_encoder;
mod inspect;
mod known;
mod network;
mod nodes;
mod preprocess;
mod prompts;
mod roles;
mod signature;
mod slices;
mod text;
#[cfg(feature = "text")]
mod tokenizer;
mod training;

pub use conditions::ConditionInput;
pub use decoder::Decoder;
pub use element::Element;
pub use encoder::{Classifier, Encoder};
#[cfg(feature = "ort")]
pub use engine::look_for_library_in;
pub use engine::{Engine, EngineError, ParseEngineError, Provider};
pub use error::{NetworkError, Problem};
pub use field::OnnxField;
pub use file::NetworkFile;
pub use graph::{Axis, Graph, Port};
pub use image_encoder::ImageEncoder;
pub use inspect::{Inspection, Kind, Verdict};
pub use network::Network;
pub use preprocess::{EncoderSpec, Filter, Fit, Preprocess, Preset, SpecError};
pub use prompts::{PromptError, PromptFeatures, read_prompts};
pub use roles::Reason;
pub use signature::{Batch, RowInput, Rows, Signature, StateInput};
pub use text::{TextEncoder, Tokens};
#[cfg(feature = "text")]
pub use tokenizer::PromptTokenizer;
