//! A loaded network, whatever runs it.

use std::path::PathBuf;
use std::sync::Arc;

use super::rten::RtenModel;
use super::{Engine, Provider};
use crate::finding::Finding;
use crate::{Graph, Problem};

/// Rows beyond which a slice of one thread gains nothing: the cost of a row is flat from about four
/// on, and small slices stay in the cache and share out evenly.
const ROWS: usize = 16;
/// The same of all threads, or of a GPU: a row of a large network can take a gigabyte.
#[cfg(feature = "ort")]
const SHARED_ROWS: usize = 32;

/// Where a network comes from.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    File(PathBuf),
    Bytes(Arc<[u8]>),
}

/// Numbers of an input.
pub(crate) enum Values {
    Float(Vec<f32>),
    Integer(Vec<i32>),
}

/// One input of a call.
pub(crate) struct Feed<'a> {
    pub(crate) name: &'a str,
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Values,
}

/// One output of a call.
#[derive(Debug)]
pub(crate) struct Floats {
    pub(crate) shape: Vec<usize>,
    pub(crate) data: Vec<f32>,
}

/// Who computes a slice of a batch.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Seat {
    /// One of those who work side by side.
    One(usize),
    /// All threads together, for a batch that is not worth cutting.
    All,
}

/// A loaded network.
pub(crate) enum Model {
    Rten(RtenModel),
    #[cfg(feature = "ort")]
    Ort(super::ort::OrtModel),
}

impl Model {
    /// Loads a network for as many threads as rayon uses, so that one setting governs both.
    pub(crate) fn load(graph: &Graph, source: &Source, engine: Engine) -> Result<Self, Problem> {
        if let Some(Finding { operator, node, what }) = graph.unsteady.clone() {
            return Err(Problem::Training { operator, node, what });
        }
        graph.check_external(source)?;
        let threads = rayon::current_num_threads();
        let rten = || RtenModel::load(graph, source, threads).map(Self::Rten);
        match engine {
            Engine::Rten => rten(),
            Engine::Ort(provider) => Self::load_ort(graph, source, provider, threads),
            Engine::Auto => match rten() {
                Err(
                    rten @ (Problem::Operator { .. }
                    | Problem::BrainFloats
                    | Problem::Unloadable(_)),
                ) => Self::load_ort(graph, source, Provider::Cpu, threads)
                    .map_err(|ort| Problem::NoEngine { rten: rten.into(), ort: ort.into() }),
                other => other,
            },
        }
    }

    #[cfg(feature = "ort")]
    fn load_ort(
        graph: &Graph,
        source: &Source,
        provider: Provider,
        threads: usize,
    ) -> Result<Self, Problem> {
        super::ort::OrtModel::load(graph, source, provider, threads).map(Self::Ort)
    }

    #[cfg(not(feature = "ort"))]
    fn load_ort(_: &Graph, _: &Source, _: Provider, _: usize) -> Result<Self, Problem> {
        Err(super::EngineError::NotBuilt.into())
    }

    /// What runs it: [`Engine::Auto`] no more.
    pub(crate) fn engine(&self) -> Engine {
        match self {
            Self::Rten(_) => Engine::Rten,
            #[cfg(feature = "ort")]
            Self::Ort(model) => Engine::Ort(model.provider()),
        }
    }

    /// The version of a library that is not part of this crate.
    pub(crate) fn library_version(&self) -> Option<&str> {
        match self {
            Self::Rten(_) => None,
            #[cfg(feature = "ort")]
            Self::Ort(model) => Some(model.version()),
        }
    }

    /// How many slices run side by side, and the most rows that one of them should have.
    pub(crate) fn slicing(&self) -> (usize, usize) {
        match self {
            Self::Rten(model) => (model.seats(), ROWS),
            #[cfg(feature = "ort")]
            Self::Ort(model) if model.shares_a_slice() => (model.seats(), SHARED_ROWS),
            #[cfg(feature = "ort")]
            Self::Ort(model) => (model.seats(), ROWS),
        }
    }

    /// Runs the network and gives the output of this name, which has to be floats, `fed` rows of
    /// them.
    pub(crate) fn run(
        &self,
        seat: Seat,
        feeds: Vec<Feed<'_>>,
        output: &str,
        fed: usize,
    ) -> Result<Floats, Problem> {
        let floats = match self {
            Self::Rten(model) => model.run(seat, feeds, output)?,
            #[cfg(feature = "ort")]
            Self::Ort(model) => model.run(seat, &feeds, output)?,
        };
        if floats.shape.first() == Some(&fed) && !floats.data.is_empty() {
            return Ok(floats);
        }
        Err(Problem::Output {
            output: output.into(),
            actual: format!("{:?}", floats.shape),
            expected: format!("float [{fed}, …]"),
        })
    }
}

impl Floats {
    /// What to say of an output that is no floats.
    pub(crate) fn missing(output: &str) -> Problem {
        Problem::Output {
            output: output.into(),
            actual: "not of floats".into(),
            expected: "float [batch, …]".into(),
        }
    }
}
