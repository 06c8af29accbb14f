//! Networks, and what goes with them.

use std::path::PathBuf;

use kinepath_onnx::{Graph, Inspection, PromptTokenizer, Signature, read_prompts};

use super::{BASE, PLAIN};
use crate::{Target, scratch};

/// The declarations of an ONNX file.
pub static GRAPH: Target = Target::new("graph", PLAIN, BASE, |input| {
    Graph::read(write("graph.onnx", input)).is_ok_and(|graph| Signature::of(&graph).is_ok())
});

/// An ONNX file through rten, which is not run.
pub static ENGINE: Target = Target::new("engine", PLAIN, 64 << 20, |input| {
    let Ok(inspection) = Inspection::read(write("engine.onnx", input)) else { return false };
    let _ = inspection.to_string();
    inspection.runs()
});

/// A tokenizer, and a prompt that it cuts.
pub static TOKENIZER: Target = Target::new("tokenizer", 64 * PLAIN, 4 << 20, |input| {
    let tokenizer = PromptTokenizer::load(write("tokenizer.json", input));
    tokenizer.is_ok_and(|tokenizer| tokenizer.tokens(&["a red dress".to_owned()], Some(8)).is_ok())
});

/// Prompts, one a line.
pub static PROMPTS: Target =
    Target::new("prompts", PLAIN, BASE, |input| read_prompts(write("prompts.txt", input)).is_ok());

fn write(name: &str, input: &[u8]) -> PathBuf {
    scratch::with(|scratch| scratch.write(name, input))
}
