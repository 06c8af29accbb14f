//! A loaded network.

use std::fmt;
use std::path::Path;

use rten::{LoadError, LoadErrorKind, Model, ModelOptions};

use crate::execute::Workers;
use crate::{Graph, NetworkError, Problem, Signature};

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
    pub(crate) workers: Workers,
}

impl Network {
    /// Loads the file at `path`. Weights stored in files of their own are found beside it.
    ///
    /// # Errors
    /// A file that cannot be read, is empty, cut short or no ONNX model; an operator that cannot
    /// be run; inputs that [`Signature`] cannot tell apart. See [`Problem`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self, NetworkError> {
        Self::load_sized(path.as_ref(), None)
    }

    /// As [`Network::load`], for samples of `shape`: axes of a sample that the file leaves free, as
    /// exporters often do with height and width, are that long. Lengths that the file fixes stay
    /// as they are; [`Signature::state`] tells.
    ///
    /// # Errors
    /// As [`Network::load`].
    pub fn load_for(path: impl AsRef<Path>, shape: &[usize]) -> Result<Self, NetworkError> {
        Self::load_sized(path.as_ref(), Some(shape))
    }

    fn load_sized(path: &Path, shape: Option<&[usize]>) -> Result<Self, NetworkError> {
        let name = path.display().to_string();
        Self::build(&name, Graph::read_file(path), shape, |o| o.load_file(path))
    }

    /// Loads a network from the bytes of an ONNX file; `name` stands for it in messages.
    ///
    /// # Errors
    /// As [`Network::load`].
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<Self, NetworkError> {
        Self::build(name, Graph::parse(bytes), None, |o| o.load(bytes.to_vec()))
    }

    fn build(
        name: &str,
        graph: Result<Graph, Problem>,
        shape: Option<&[usize]>,
        load: impl FnOnce(&ModelOptions) -> Result<Model, LoadError>,
    ) -> Result<Self, NetworkError> {
        let assemble = || {
            let graph = graph?;
            let signature = Signature::sized(&graph, shape)?;
            let model = load_model(&graph, load)?;
            let workers = Workers::new();
            Ok(Self { name: name.into(), graph, signature, model, workers })
        };
        assemble().map_err(|problem: Problem| problem.of(name))
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

/// Builds the model, its weights laid out for the kernels once instead of at every run.
pub(crate) fn load_model(
    graph: &Graph,
    load: impl FnOnce(&ModelOptions) -> Result<Model, LoadError>,
) -> Result<Model, Problem> {
    let mut options = ModelOptions::with_all_ops();
    options.prepack_weights(true);
    load(&options).map_err(|error| {
        let reason = error.to_string();
        match error.kind() {
            LoadErrorKind::UnknownFileType => Problem::Extension,
            LoadErrorKind::ParseError => Problem::NotOnnx(reason),
            LoadErrorKind::OperatorInvalid => {
                let node = error.node().unwrap_or("without a name");
                Problem::Operator { operator: graph.operator_of(node), node: node.into(), reason }
            }
            _ => Problem::Unloadable(reason),
        }
    })
}
