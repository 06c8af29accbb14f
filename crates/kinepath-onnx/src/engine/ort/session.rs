//! Sessions of one network.

use std::collections::HashMap;
use std::path::PathBuf;

use ort::ep::{CUDA, ExecutionProviderDispatch, TensorRT, cuda::ConvAlgorithmSearch};
use ort::logging::LogLevel;
use ort::session::Session;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};

use super::cuda;
use super::problem::{of_loading, unbuildable, words};
use super::runtime::Runtime;
use crate::engine::{EngineError, Provider, Source};
use crate::{Graph, Problem};

/// What sessions of one network are made from.
pub(super) struct Sessions {
    environment: ort::environment::Environment,
    /// The library, for messages.
    library: PathBuf,
    source: Source,
    pub(super) provider: Provider,
    /// The operators at named nodes, for messages.
    nodes: HashMap<String, String>,
}

impl Sessions {
    pub(super) fn new(
        runtime: &Runtime,
        graph: &Graph,
        source: Source,
        provider: Provider,
    ) -> Self {
        if provider != Provider::Cpu {
            cuda::preload(&runtime.path);
        }
        let environment = runtime.environment.clone();
        let library = runtime.path.clone();
        Self { environment, library, source, provider, nodes: graph.nodes.clone() }
    }

    /// A session that computes with `threads` threads.
    pub(super) fn start(&self, threads: usize) -> Result<Session, Problem> {
        let builder = self.builder(threads).map_err(unbuildable)?;
        let mut builder = builder.with_execution_providers(self.providers()).map_err(|error| {
            let reason = format!("{} (by {})", words(&error), self.library.display());
            EngineError::Provider { provider: self.provider, reason }
        })?;
        let session = match &self.source {
            Source::File(path) => builder.commit_from_file(path),
            Source::Bytes(bytes) => builder.commit_from_memory(bytes),
        };
        session.map_err(|error| of_loading(&error, &self.nodes, self.provider))
    }

    fn builder(&self, threads: usize) -> ort::Result<SessionBuilder> {
        let builder = Session::builder(&self.environment)?
            // Failures come back as errors; the log would repeat them on the terminal.
            .with_log_level(LogLevel::Fatal)?
            .with_optimization_level(GraphOptimizationLevel::All)?
            .with_deterministic_compute(true)?
            .with_intra_threads(threads)?
            // Threads that wait would take the processor from slices that run.
            .with_intra_op_spinning(false)?;
        Ok(builder)
    }

    /// Without one that is asked for, there is no session: the processor is no substitute.
    fn providers(&self) -> Vec<ExecutionProviderDispatch> {
        // Searching for the fastest convolution by trial, and TF32, change the last digits.
        let cuda = || {
            let cuda = CUDA::default().with_tf32(false);
            let cuda = cuda.with_conv_algorithm_search(ConvAlgorithmSearch::Heuristic);
            cuda.build().error_on_failure()
        };
        match self.provider {
            Provider::Cpu => Vec::new(),
            Provider::Cuda => vec![cuda()],
            Provider::TensorRt => vec![TensorRT::default().build().error_on_failure(), cuda()],
        }
    }
}
