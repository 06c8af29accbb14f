//! A loaded network.

use std::fmt;
use std::path::PathBuf;

use crate::engine::{Model, Source};
use crate::{Engine, Graph, NetworkError, NetworkFile, Problem, Signature};

/// An ONNX network, ready to run, and how it is called.
///
/// ```no_run
/// # fn main() -> Result<(), kinepath_onnx::NetworkError> {
/// let network = kinepath_onnx::Network::load("unet.onnx")?;
/// println!("samples of shape {:?}", network.signature().state.sample_shape);
/// # Ok(()) }
/// ```
pub struct Network {
    pub(crate) name: String,
    pub(crate) graph: Graph,
    pub(crate) signature: Signature,
    pub(crate) model: Model,
}

impl Network {
    /// Loads the file at `path` for [`Engine::Auto`]. Weights stored in files of their own are found
    /// beside it.
    ///
    /// # Errors
    /// A file that cannot be read, is empty, cut short or no ONNX model; an operator that cannot
    /// be run; inputs that [`Signature`] cannot tell apart. See [`Problem`].
    pub fn load(path: impl Into<PathBuf>) -> Result<Self, NetworkError> {
        Self::load_with(path, None, Engine::Auto)
    }

    /// As [`Network::load`], to run on `engine`. With a `shape` of samples, axes of a sample that the
    /// file leaves free, as exporters often do with height and width, are as long as there. Lengths
    /// that the file fixes stay as they are; [`Signature::state`] tells.
    ///
    /// # Errors
    /// As [`Network::load`]; [`Problem::Engine`] where the engine is not to be had.
    pub fn load_with(
        path: impl Into<PathBuf>,
        shape: Option<&[usize]>,
        engine: Engine,
    ) -> Result<Self, NetworkError> {
        NetworkFile::read(path)?.load(shape, engine)
    }

    /// Loads a network from the bytes of an ONNX file, to run on `engine`; `name` stands for it in
    /// messages.
    ///
    /// # Errors
    /// As [`Network::load_with`].
    pub fn from_bytes(name: &str, bytes: &[u8], engine: Engine) -> Result<Self, NetworkError> {
        let graph = Graph::parse(bytes).map_err(|problem| problem.of(name))?;
        Self::build(name.to_owned(), graph, None, &Source::Bytes(bytes.into()), engine)
    }

    pub(crate) fn build(
        name: String,
        graph: Graph,
        shape: Option<&[usize]>,
        source: &Source,
        engine: Engine,
    ) -> Result<Self, NetworkError> {
        let load = || {
            let signature = Signature::sized(&graph, shape)?;
            Ok((signature, Model::load(&graph, source, engine)?))
        };
        let (signature, model) = load().map_err(|problem: Problem| problem.of(&name))?;
        Ok(Self { name, graph, signature, model })
    }

    /// What runs it; never [`Engine::Auto`].
    pub fn engine(&self) -> Engine {
        self.model.engine()
    }

    /// The version of the engine's library, for an engine that is not part of this crate.
    pub fn library_version(&self) -> Option<&str> {
        self.model.library_version()
    }

    /// Its path, or the name given with its bytes.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it is called.
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// What its file declares.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = f.debug_struct("Network");
        fields.field("name", &self.name).field("signature", &self.signature).finish_non_exhaustive()
    }
}
