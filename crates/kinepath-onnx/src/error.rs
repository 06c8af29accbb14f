//! Why a network cannot be used.

use std::fmt::Display;

use crate::EngineError;

/// A network that cannot be used, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{network}: {problem}")]
pub struct NetworkError {
    /// The network: its path, or the name given with its bytes.
    pub network: String,
    /// What is wrong with it, or with what it was given.
    pub problem: Problem,
}

impl NetworkError {
    /// The same of rows that come after `rows` others.
    pub(crate) fn beyond(mut self, rows: usize) -> Self {
        if let Problem::NotFinite { row, .. } = &mut self.problem {
            *row += rows;
        }
        self
    }
}

/// What is wrong with a network, or with what it was given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(String),
    /// There are no bytes.
    #[error("is empty; export or download it again")]
    Empty,
    /// The bytes are not a whole ONNX model.
    #[error("is not an ONNX model, or was cut short ({0}); export or download it again")]
    NotOnnx(String),
    /// A file that is not called `….onnx`.
    #[error("has another extension than `.onnx`; rename it")]
    Extension,
    /// An operator that the runtime does not have, or not in this form.
    #[error("operator {operator} cannot be run ({reason}); export the network without it")]
    Operator {
        /// Its type, as `domain::Name` outside the standard set.
        operator: String,
        /// The node it occurs at.
        node: String,
        /// What the runtime says, or does otherwise.
        reason: String,
    },
    /// A network in training, whose velocities are no function of the sample.
    #[error(
        "{what}: operator {operator} at node `{node}`; export the network in evaluation mode, after model.eval()"
    )]
    Training {
        /// Its type, as `domain::Name` outside the standard set.
        operator: String,
        /// The node it occurs at.
        node: String,
        /// What it does, as a predicate.
        what: &'static str,
    },
    /// The runtime refuses the graph for another reason.
    #[error("cannot be loaded: {0}")]
    Unloadable(String),
    /// A file of weights that is not where the network says.
    #[error("keeps weights in a file `{file}` beside it, which cannot be used: {reason}")]
    External {
        /// Its path from the folder of the network.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Numbers that rten does not know.
    #[error(
        "computes with bfloat16, which rten cannot; run it on ONNX Runtime (the engine ort, or ort:cuda, as few operators have bfloat16 on a processor), or export it in float32 or float16"
    )]
    BrainFloats,
    /// The engine asked for is not to be had.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// No engine can run it.
    #[error("runs on no engine here; rten: {rten}; ONNX Runtime: {ort}")]
    NoEngine {
        /// Why rten cannot.
        rten: Box<Problem>,
        /// Why ONNX Runtime cannot.
        ort: Box<Problem>,
    },
    /// No input can be the state.
    #[error(
        "has no input that can be the state: one float input of shape [batch, …] is needed, it has {inputs}"
    )]
    NoState {
        /// The inputs, as declared.
        inputs: String,
    },
    /// Names and shapes leave it open which input has a role.
    #[error(
        "more than one input could be the {role}: {candidates}; name one of them {names} on export"
    )]
    Ambiguous {
        /// The role.
        role: &'static str,
        /// The inputs in question.
        candidates: String,
        /// The names that would settle it.
        names: String,
    },
    /// An input whose type or shape does not fit its role.
    #[error("input `{input}` is taken for the {role}, which has to be {expected}")]
    Unfit {
        /// The input, as declared.
        input: String,
        /// Its role.
        role: &'static str,
        /// What the role demands.
        expected: &'static str,
    },
    /// An input that nothing can be given for.
    #[error(
        "needs an input `{input}` for which nothing can be given; export the network with it fixed"
    )]
    Unused {
        /// The input, as declared.
        input: String,
    },
    /// A velocity field without a time input.
    #[error("has no time input, so it is no velocity field; its inputs are {inputs}")]
    NoTime {
        /// The inputs, as declared.
        inputs: String,
    },
    /// An encoder, decoder or classifier with more inputs than the image.
    #[error("needs `{input}` beside the image, so it is no encoder, decoder or classifier")]
    NotImageOnly {
        /// The other input, as declared.
        input: String,
    },
    /// Images and text in one graph, of which each is needed without the other.
    #[error(
        "takes images (`{image}`) and text (`{text}`) in one graph; export two networks, one from images to their embeddings (CLIPVisionModelWithProjection) and one from tokens to theirs (CLIPTextModelWithProjection)"
    )]
    Joint {
        /// The image input, as declared.
        image: String,
        /// The text input, as declared.
        text: String,
    },
    /// A text encoder without tokens to encode.
    #[error(
        "has no input that can be the tokens: one integer input of shape [batch, length] is needed, it has {inputs}"
    )]
    NoTokens {
        /// The inputs, as declared.
        inputs: String,
    },
    /// Rows of tokens of the wrong length, or without any.
    #[error("takes {expected} tokens a prompt, was given {actual}")]
    TokenLength {
        /// The length given.
        actual: usize,
        /// The length needed.
        expected: String,
    },
    /// A mask that does not belong to the tokens.
    #[error("was given tokens of shape {ids:?} with a mask of shape {mask:?}")]
    MaskShape {
        /// The shape of the tokens.
        ids: (usize, usize),
        /// The shape of the mask.
        mask: (usize, usize),
    },
    /// Samples that preprocessing cannot take for pictures.
    #[error(
        "samples of shape {shape:?} are no pictures [1 or 3, height, width]; use the network without preprocessing"
    )]
    NotPictures {
        /// The shape of one sample.
        shape: Vec<usize>,
    },
    /// Images of another shape than the network takes.
    #[error(
        "takes images of shape {expected:?}, would be given {actual:?}; export it for that shape, or choose another preprocessing"
    )]
    ImageShape {
        /// The shape it would be given.
        actual: Vec<usize>,
        /// The shape it takes.
        expected: Vec<usize>,
    },
    /// No output is named for what is wanted, and there are several.
    #[error(
        "gives several outputs ({outputs}) and none is named {names}; rename the {role} on export"
    )]
    NoOutput {
        /// What is wanted.
        role: &'static str,
        /// The outputs, as declared.
        outputs: String,
        /// The names that would settle it.
        names: String,
    },
    /// An output that does not have the shape of what it should be.
    #[error("output `{output}` has shape {actual}, expected {expected}")]
    Output {
        /// Its name.
        output: String,
        /// Its shape.
        actual: String,
        /// The shape it should have.
        expected: String,
    },
    /// NaN or infinity, as of float16 networks that overflow.
    #[error(
        "output `{output}` holds NaN or infinity for row {row} of what it was given; a network in float16 may have overflowed: export it in float32"
    )]
    NotFinite {
        /// Its name.
        output: String,
        /// The first such row.
        row: usize,
    },
    /// Rows of the wrong length.
    #[error(
        "takes rows of {expected} numbers (a sample of shape {shape:?}), was given rows of {actual}"
    )]
    RowLength {
        /// The length given.
        actual: usize,
        /// The length needed.
        expected: usize,
        /// The shape of one sample.
        shape: Vec<usize>,
    },
    /// Latents cannot be unscaled so.
    #[error(
        "decodes latents as z / scale + shift, which needs a finite scale other than 0 and a finite shift; got {scale} and {shift}"
    )]
    LatentScale {
        /// The scale.
        scale: String,
        /// The shift.
        shift: String,
    },
    /// Running it failed.
    #[error("failed while running: {0}")]
    Run(String),
}

impl Problem {
    /// Says which network has the problem.
    pub(crate) fn of(self, network: impl Display) -> NetworkError {
        NetworkError { network: network.to_string(), problem: self }
    }
}
