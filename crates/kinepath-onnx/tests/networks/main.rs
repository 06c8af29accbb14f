//! `kinepath-onnx` on real files: tiny networks of every supported form, broken ones, and the
//! shipped assets.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper that fails is a test that fails")]

mod against_onnxruntime;
mod assets;
mod conditional;
mod encoders;
mod engines;
mod inspection;
mod preprocessing;
mod refusals;
mod support;
#[cfg(feature = "text")]
mod text;
