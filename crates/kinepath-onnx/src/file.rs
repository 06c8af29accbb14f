//! A file that holds a network, before anything that runs is built of it.

use std::path::PathBuf;

use crate::engine::Source;
use crate::{Engine, Graph, Network, NetworkError};

/// An ONNX file whose declarations have been read: what a network will take is known before it is
/// loaded.
///
/// ```no_run
/// # fn main() -> Result<(), kinepath_onnx::NetworkError> {
/// use kinepath_onnx::{Engine, NetworkFile};
///
/// let file = NetworkFile::read("transformer/model.onnx")?;
/// println!("{} MiB of weights", file.weight_bytes() >> 20);
/// let network = file.load(None, Engine::Auto)?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct NetworkFile {
    path: PathBuf,
    pub(crate) graph: Graph,
}

impl NetworkFile {
    /// Reads what the file at `path` declares. Weights inside it are read and dropped, those in files
    /// beside it left where they are.
    ///
    /// # Errors
    /// As [`Graph::read`].
    pub fn read(path: impl Into<PathBuf>) -> Result<Self, NetworkError> {
        let path = path.into();
        Ok(Self { graph: Graph::read(&path)?, path })
    }

    /// Bytes that its weights take at least once they are loaded: as many as they have in the files, or
    /// those of as many floats if that is more. ONNX Runtime may hold several copies of them, of 4 GiB in all
    /// at most, for slices of a batch side by side.
    pub fn weight_bytes(&self) -> u64 {
        self.graph.weight_bytes(&self.source())
    }

    /// As [`Network::load_with`].
    ///
    /// # Errors
    /// As there, but for those of [`NetworkFile::read`].
    pub fn load(self, shape: Option<&[usize]>, engine: Engine) -> Result<Network, NetworkError> {
        let name = self.name();
        Network::build(name, self.graph, shape, &Source::File(self.path), engine)
    }

    pub(crate) fn name(&self) -> String {
        self.path.display().to_string()
    }

    pub(crate) fn source(&self) -> Source {
        Source::File(self.path.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    fn model(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/models").join(name)
    }

    #[test]
    fn weights_count_wherever_they_are_and_as_floats() {
        let length = |name: &str| fs::metadata(model(name)).unwrap().len();
        let weights = |name: &str| NetworkFile::read(model(name)).unwrap().weight_bytes();
        assert_eq!(weights("linear.onnx"), length("linear.onnx"));
        let both = length("external.onnx") + length("external.onnx.data");
        assert_eq!(weights("external.onnx"), both);
        // Half floats in the file, floats in an engine.
        let graph = Graph { parameters: 1000, ..Graph::default() };
        assert_eq!(graph.weight_bytes(&Source::Bytes([0; 2100].into())), 4000);
    }
}
