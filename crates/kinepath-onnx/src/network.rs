//! A loaded network.

use std::fmt;
use std::path::Path;

use crate::engine::{Model, Source};
use crate::{Engine, Graph, NetworkError, Problem, Signature};

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
    pub fn load(path: impl AsRef<Path>) -> Result<Self, NetworkError> {
        Self::load_with(path, None, Engine::Auto)
    }

    /// As [`Network::load`], to run on `engine`. With a `shape` of samples, axes of a sample that the
    /// file leaves free, as exporters often do with height and width, are as long as there. Lengths
    /// that the file fixes stay as they are; [`Signature::state`] tells.
    ///
    /// # Errors
    /// As [`Network::load`]; [`Problem::Engine`] where the engine is not to be had.
    pub fn load_with(
        path: impl AsRef<Path>,
        shape: Option<&[usize]>,
        engine: Engine,
    ) -> Result<Self, NetworkError> {
        let path = path.as_ref();
        let name = path.display().to_string();
        Self::build(&name, Graph::read_file(path), shape, &Source::File(path.into()), engine)
    }

    /// Loads a network from the bytes of an ONNX file, to run on `engine`; `name` stands for it in
    /// messages.
    ///
    /// # Errors
    /// As [`Network::load_with`].
    pub fn from_bytes(name: &str, bytes: &[u8], engine: Engine) -> Result<Self, NetworkError> {
        Self::build(name, Graph::parse(bytes), None, &Source::Bytes(bytes.into()), engine)
    }

    fn build(
        name: &str,
        graph: Result<Graph, Problem>,
        shape: Option<&[usize]>,
        source: &Source,
        engine: Engine,
    ) -> Result<Self, NetworkError> {
        let assemble = || {
            let graph = graph?;
            let signature = Signature::sized(&graph, shape)?;
            let model = Model::load(&graph, source, engine)?;
            Ok(Self { name: name.into(), graph, signature, model })
        };
        assemble().map_err(|problem: Problem| problem.of(name))
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
