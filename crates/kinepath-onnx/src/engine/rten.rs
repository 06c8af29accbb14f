//! Networks on rten.

use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rten::{LoadErrorKind, ModelOptions, NodeId, RunOptions, ThreadPool, Value, ValueOrView};
use rten_tensor::{Layout, Tensor};

use super::{Feed, Floats, Seat, Source, Values};
use crate::finding::Finding;
use crate::{Graph, Problem};

/// A network that rten runs.
pub(crate) struct RtenModel {
    model: rten::Model,
    /// One thread each, for slices side by side.
    single: Vec<Arc<ThreadPool>>,
    /// All threads, for a batch that is not worth cutting.
    all: Arc<ThreadPool>,
}

impl RtenModel {
    /// Loads a network for `threads` threads, its weights laid out for the kernels once instead of
    /// at every run.
    pub(crate) fn load(graph: &Graph, source: &Source, threads: usize) -> Result<Self, Problem> {
        if graph.brain_floats {
            return Err(Problem::BrainFloats);
        }
        if let Some(Finding { operator, node, what }) = graph.departure.clone() {
            return Err(Problem::Operator { operator, node, reason: what.to_owned() });
        }
        let mut options = ModelOptions::with_all_ops();
        options.prepack_weights(true);
        let load = || match source {
            Source::File(path) => options.load_file(path),
            Source::Bytes(bytes) => options.load(bytes.to_vec()),
        };
        // The arithmetic with lengths of axes can panic on damaged graphs (as of 0.27.0), which is
        // one more way for a graph not to be run.
        let contradiction = |_| Problem::Unloadable("its shapes contradict each other".into());
        let model = catch_unwind(AssertUnwindSafe(load)).map_err(contradiction)?;
        let model = model.map_err(|error| {
            let reason = error.to_string();
            match error.kind() {
                LoadErrorKind::UnknownFileType => Problem::Extension,
                LoadErrorKind::ParseError => Problem::NotOnnx(reason),
                LoadErrorKind::OperatorInvalid => {
                    let node = error.node().unwrap_or("without a name");
                    let operator = graph.operator_of(node);
                    Problem::Operator { operator, node: node.into(), reason }
                }
                _ => Problem::Unloadable(reason),
            }
        })?;
        let pool = |threads| Arc::new(ThreadPool::with_num_threads(threads));
        Ok(Self { model, single: (0..threads).map(|_| pool(1)).collect(), all: pool(threads) })
    }

    /// How many slices run side by side.
    pub(crate) fn seats(&self) -> usize {
        self.single.len()
    }

    /// Runs the network on `feeds` and gives the output of this name.
    pub(crate) fn run(
        &self,
        seat: Seat,
        feeds: Vec<Feed<'_>>,
        output: &str,
    ) -> Result<Floats, Problem> {
        let pool = match seat {
            Seat::One(at) => &self.single[at],
            Seat::All => &self.all,
        };
        let inputs = feeds.into_iter().map(|feed| {
            let shape = &feed.shape;
            let unfit =
                |error: &dyn Display| Problem::Run(format!("input `{}`: {error}", feed.name));
            let value = match feed.values {
                Values::Float(values) => Value::from_shape(shape, values).map_err(|e| unfit(&e)),
                Values::Integer(values) => Value::from_shape(shape, values).map_err(|e| unfit(&e)),
            }?;
            Ok((self.node(feed.name)?, value.into()))
        });
        let inputs: Vec<(NodeId, ValueOrView<'static>)> = inputs.collect::<Result<_, Problem>>()?;
        let options = RunOptions::default().with_thread_pool(Some(pool.clone()));
        let outputs = self.model.run(inputs, &[self.node(output)?], Some(options));
        let mut outputs = outputs.map_err(|error| Problem::Run(error.to_string()))?;
        let tensor: Option<Tensor<f32>> = outputs.pop().and_then(Value::into_tensor);
        let tensor = tensor.ok_or_else(|| Floats::missing(output))?;
        Ok(Floats { shape: tensor.shape().to_vec(), data: tensor.into_data() })
    }

    fn node(&self, name: &str) -> Result<NodeId, Problem> {
        self.model.node_id(name).map_err(|error| Problem::Unloadable(error.to_string()))
    }
}
