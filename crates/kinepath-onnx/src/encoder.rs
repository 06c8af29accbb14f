//! Networks of images alone: encoders and classifiers.

use std::sync::Arc;

use ndarray::{Array2, ArrayView2};

use crate::execute::Call;
use crate::roles::{FEATURES, LOGITS, OutputRole};
use crate::{Graph, Network, NetworkError, Problem, Signature};

/// A network that turns images into feature vectors.
#[derive(Debug)]
pub struct Encoder(ImageNetwork);

/// A network that turns images into class logits.
#[derive(Debug)]
pub struct Classifier(ImageNetwork);

impl Encoder {
    /// Takes a network for an encoder. Its features are the output named `features`, `embedding`,
    /// …, or its only one.
    ///
    /// # Errors
    /// [`Problem::NotImageOnly`] for a network with a time or label input, and
    /// [`Problem::NoOutput`] when it is open which output has the features.
    pub fn new(network: impl Into<Arc<Network>>) -> Result<Self, NetworkError> {
        ImageNetwork::new(network.into(), &FEATURES).map(Self)
    }

    /// The network.
    pub fn network(&self) -> &Arc<Network> {
        &self.0.network
    }

    /// Features `[N, F]` of images `[N, D]`, each flattened row-major. Further axes of the output
    /// are flattened as well.
    ///
    /// # Errors
    /// [`Problem::RowLength`] when D is not that of the network, [`Problem::NotFinite`], and
    /// [`Problem::Run`].
    pub fn features(&self, images: ArrayView2<'_, f32>) -> Result<Array2<f32>, NetworkError> {
        self.0.run(images)
    }
}

impl Classifier {
    /// Takes a network for a classifier. Its logits are the output named `logits`, or its only
    /// one.
    ///
    /// # Errors
    /// [`Problem::NotImageOnly`] for a network with a time or label input, and
    /// [`Problem::NoOutput`] when it is open which output has the logits.
    pub fn new(network: impl Into<Arc<Network>>) -> Result<Self, NetworkError> {
        ImageNetwork::new(network.into(), &LOGITS).map(Self)
    }

    /// The network.
    pub fn network(&self) -> &Arc<Network> {
        &self.0.network
    }

    /// Logits `[N, classes]` of images `[N, D]`, each flattened row-major.
    ///
    /// # Errors
    /// [`Problem::RowLength`] when D is not that of the network, [`Problem::NotFinite`], and
    /// [`Problem::Run`].
    pub fn logits(&self, images: ArrayView2<'_, f32>) -> Result<Array2<f32>, NetworkError> {
        self.0.run(images)
    }
}

/// A network of images alone and the output that is wanted of it.
#[derive(Debug)]
pub(crate) struct ImageNetwork {
    network: Arc<Network>,
    output: String,
}

impl ImageNetwork {
    pub(crate) fn new(network: Arc<Network>, role: &OutputRole) -> Result<Self, NetworkError> {
        match interface(&network.graph, &network.signature, role) {
            Ok(output) => Ok(Self { network, output }),
            Err(problem) => Err(problem.of(&network.name)),
        }
    }

    pub(crate) fn network(&self) -> &Arc<Network> {
        &self.network
    }

    pub(crate) fn run(&self, images: ArrayView2<'_, f32>) -> Result<Array2<f32>, NetworkError> {
        let signature = &self.network.signature;
        let (actual, expected) = (images.ncols(), signature.dim());
        let result = if actual == expected {
            Call { network: &self.network, given: Vec::new(), output: &self.output }.run(images)
        } else {
            let shape = signature.state.sample_shape.clone();
            Err(Problem::RowLength { actual, expected, shape })
        };
        let finite = |numbers: Array2<f32>| {
            let row = numbers.outer_iter().position(|row| row.iter().any(|x| !x.is_finite()));
            match row {
                None => Ok(numbers),
                Some(row) => Err(Problem::NotFinite { output: self.output.clone(), row }),
            }
        };
        result.and_then(finite).map_err(|problem| problem.of(&self.network.name))
    }
}

/// The name of the output in `role`, of a network that needs nothing but images.
fn interface(graph: &Graph, signature: &Signature, role: &OutputRole) -> Result<String, Problem> {
    match signature.time.as_ref().or(signature.label.as_ref()) {
        Some(other) => Err(Problem::NotImageOnly { input: other.name.clone() }),
        None => Ok(graph.outputs[role.find(&graph.outputs)?.0].name.clone()),
    }
}
