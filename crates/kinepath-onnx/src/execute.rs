//! Running a network on a batch.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use ndarray::{Array2, ArrayView2};
use rten::{Model, NodeId, RunOptions, ThreadPool, Value, ValueOrView};
use rten_tensor::{Layout, Tensor};

use crate::given::Given;
use crate::slices::cut;
use crate::{Axis, Network, Problem, Rows};

/// The threads a network runs on: as many as rayon uses, so that one setting governs both.
pub(crate) struct Workers {
    /// One thread each, for slices side by side.
    single: Vec<Arc<ThreadPool>>,
    /// All threads, for a batch that is not worth cutting.
    all: Arc<ThreadPool>,
}

impl Workers {
    pub(crate) fn new() -> Self {
        let threads = rayon::current_num_threads();
        let pool = |threads| Arc::new(ThreadPool::with_num_threads(threads));
        Self { single: (0..threads).map(|_| pool(1)).collect(), all: pool(threads) }
    }
}

/// The numbers of one input.
pub(crate) enum Values {
    Float(Vec<f32>),
    Integer(Vec<i32>),
}

/// What goes in beside the state, and which output is wanted.
pub(crate) struct Call<'a> {
    pub(crate) network: &'a Network,
    pub(crate) given: Vec<Given<'a>>,
    pub(crate) output: &'a str,
}

/// One slice, computed: its rows one after the other.
type Part = Result<Vec<f32>, Problem>;

impl Call<'_> {
    /// Runs the batch `state`, shape `[B, D]`, and gives the output flattened to `[B, F]`.
    pub(crate) fn run(&self, state: ArrayView2<'_, f32>) -> Result<Array2<f32>, Problem> {
        let Network { signature, workers, .. } = self.network;
        let (rows, dim) = state.dim();
        let state = state.as_standard_layout();
        let state = state.as_slice().unwrap_or_default();
        let together = |i, j| {
            let shared = self.given.iter().filter(|given| given.rows == Rows::Shared);
            shared.into_iter().all(|given| given.same(i, j))
        };
        let slices = cut(rows, signature.batch, workers.single.len(), together);
        let run = |slice: &Range<usize>, pool: &Arc<ThreadPool>| {
            self.run_slice(&state[slice.start * dim..slice.end * dim], slice, pool)
        };
        let parts = match &slices[..] {
            [] => return Ok(Array2::zeros((0, self.declared_width()))),
            [whole] => vec![run(whole, &workers.all)],
            _ => side_by_side(&slices, &workers.single, run)?,
        };
        let mut joined = Vec::new();
        for part in parts {
            joined.extend(part?);
        }
        let width = joined.len() / rows;
        Array2::from_shape_vec((rows, width), joined).map_err(|_| Problem::Output {
            output: self.output.into(),
            actual: "of varying width".into(),
            expected: "the same for every row".into(),
        })
    }

    /// The length of an output row as far as the graph declares it, for a batch of no rows.
    fn declared_width(&self) -> usize {
        let output = self.network.graph.outputs.iter().find(|port| port.name == self.output);
        let axes = output.and_then(|port| port.shape.as_deref()?.get(1..)).unwrap_or_default();
        axes.iter().map(|axis| if let Axis::Fixed(length) = axis { *length } else { 0 }).product()
    }

    fn run_slice(&self, state: &[f32], slice: &Range<usize>, pool: &Arc<ThreadPool>) -> Part {
        let Network { signature, model, .. } = self.network;
        let rows = slice.len();
        let fed = signature.batch.fed(rows);
        let mut shape = vec![fed];
        shape.extend(&signature.state.sample_shape);
        let state = filled_up(state, rows, fed);
        let mut inputs = vec![input(model, &signature.state.name, &shape, state)?];
        for given in &self.given {
            let (shape, values) = given.slice(slice, signature.batch);
            inputs.push(match values {
                Values::Float(values) => input(model, given.name, &shape, values)?,
                Values::Integer(values) => input(model, given.name, &shape, values)?,
            });
        }
        let tensor = run(model, inputs, self.output, pool, fed)?;
        let width = tensor.len() / fed;
        let mut data = tensor.into_data();
        data.truncate(rows * width);
        Ok(data)
    }
}

/// An input of a model, as the runtime takes it.
pub(crate) type Input = (NodeId, ValueOrView<'static>);

/// The input `name` with `data` of `shape`.
pub(crate) fn input<T>(
    model: &Model,
    name: &str,
    shape: &[usize],
    data: Vec<T>,
) -> Result<Input, Problem>
where
    Value: From<Tensor<T>>,
{
    let value = Value::from_shape(shape, data);
    let value = value.map_err(|error| Problem::Run(format!("input `{name}`: {error}")))?;
    Ok((node(model, name)?, value.into()))
}

/// Runs a model and gives the output of this name, which has to be floats, `fed` rows of them.
pub(crate) fn run(
    model: &Model,
    inputs: Vec<Input>,
    output: &str,
    pool: &Arc<ThreadPool>,
    fed: usize,
) -> Result<Tensor<f32>, Problem> {
    let options = RunOptions::default().with_thread_pool(Some(pool.clone()));
    let outputs = model.run(inputs, &[node(model, output)?], Some(options));
    let mut outputs = outputs.map_err(|error| Problem::Run(error.to_string()))?;
    let wrong = |actual: String| Problem::Output {
        output: output.into(),
        actual,
        expected: format!("float [{fed}, …]"),
    };
    let tensor = outputs.pop().and_then(Value::into_tensor::<f32>);
    let tensor = tensor.ok_or_else(|| wrong("not of floats".into()))?;
    if tensor.shape().first() != Some(&fed) || tensor.is_empty() {
        return Err(wrong(format!("{:?}", tensor.shape())));
    }
    Ok(tensor)
}

fn node(model: &Model, name: &str) -> Result<NodeId, Problem> {
    model.node_id(name).map_err(|error| Problem::Unloadable(error.to_string()))
}

/// `values`, which are `rows` rows, with copies of the last row up to `fed` rows.
pub(crate) fn filled_up<T: Copy>(values: &[T], rows: usize, fed: usize) -> Vec<T> {
    let mut filled = values.to_vec();
    let last = &values[values.len() - values.len() / rows..];
    for _ in rows..fed {
        filled.extend_from_slice(last);
    }
    filled
}

/// Runs every slice, each on one of the pools, and gives the results in the order of the slices.
fn side_by_side(
    slices: &[Range<usize>],
    pools: &[Arc<ThreadPool>],
    run: impl Fn(&Range<usize>, &Arc<ThreadPool>) -> Part + Sync,
) -> Result<Vec<Part>, Problem> {
    let next = AtomicUsize::new(0);
    let work = |pool: &Arc<ThreadPool>| {
        let mut done = Vec::new();
        while let Some((at, slice)) = {
            let at = next.fetch_add(1, Ordering::Relaxed);
            slices.get(at).map(|slice| (at, slice))
        } {
            done.push((at, run(slice, pool)));
        }
        done
    };
    let mut parts = thread::scope(|scope| {
        let work = &work;
        let threads: Result<Vec<_>, _> = pools
            .iter()
            .take(slices.len())
            .map(|pool| thread::Builder::new().spawn_scoped(scope, move || work(pool)))
            .collect();
        let threads = threads.map_err(|error| Problem::Run(error.to_string()))?;
        let mut parts = Vec::with_capacity(slices.len());
        for thread in threads {
            parts.extend(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        Ok(parts)
    })?;
    parts.sort_by_key(|(at, _)| *at);
    Ok(parts.into_iter().map(|(_, part)| part).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_batch_is_filled_with_its_last_row() {
        assert_eq!(filled_up(&[1, 2, 3, 4], 2, 4), [1, 2, 3, 4, 3, 4, 3, 4]);
        assert_eq!(filled_up(&[1, 2], 2, 2), [1, 2]);
    }

    #[test]
    fn slices_keep_their_order() {
        let slices: Vec<_> = (0..20).map(|i| i..i + 1).collect();
        let workers = Workers::new();
        let parts = side_by_side(&slices, &workers.single, |s, _| Ok(vec![s.start as f32]));
        let flat: Vec<f32> = parts.unwrap().into_iter().flat_map(Result::unwrap).collect();
        assert_eq!(flat, (0..20).map(|i| i as f32).collect::<Vec<_>>());
    }
}
