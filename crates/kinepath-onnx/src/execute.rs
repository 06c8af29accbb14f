//! Running a network on a batch.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use ndarray::{Array2, ArrayView2};

use crate::engine::{Feed, Seat, Values};
use crate::given::Given;
use crate::slices::cut;
use crate::{Axis, Network, Problem, Rows};

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
        let Network { signature, model, .. } = self.network;
        let (rows, dim) = state.dim();
        let state = state.as_standard_layout();
        let state = state.as_slice().unwrap_or_default();
        let together = |i, j| {
            let shared = self.given.iter().filter(|given| given.rows == Rows::Shared);
            shared.into_iter().all(|given| given.same(i, j))
        };
        let slicing = model.slicing();
        let slices = cut(rows, signature.batch, slicing, together);
        let run = |slice: &Range<usize>, seat: Seat| {
            self.run_slice(&state[slice.start * dim..slice.end * dim], slice, seat)
        };
        let parts = match &slices[..] {
            [] => return Ok(Array2::zeros((0, self.declared_width()))),
            [whole] => vec![run(whole, Seat::All)],
            _ => side_by_side(&slices, slicing.0, run)?,
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

    fn run_slice(&self, state: &[f32], slice: &Range<usize>, seat: Seat) -> Part {
        let Network { signature, model, .. } = self.network;
        let rows = slice.len();
        let fed = signature.batch.fed(rows);
        let mut shape = vec![fed];
        shape.extend(&signature.state.sample_shape);
        let state = Values::Float(filled_up(state, rows, fed));
        let mut feeds = vec![Feed { name: &signature.state.name, shape, values: state }];
        for given in &self.given {
            let (shape, values) = given.slice(slice, signature.batch);
            feeds.push(Feed { name: given.name, shape, values });
        }
        let mut data = model.run(seat, feeds, self.output, fed)?.data;
        data.truncate(data.len() / fed * rows);
        Ok(data)
    }
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

/// Runs every slice, each at one of so many seats, and gives the results in the order of the slices.
fn side_by_side(
    slices: &[Range<usize>],
    seats: usize,
    run: impl Fn(&Range<usize>, Seat) -> Part + Sync,
) -> Result<Vec<Part>, Problem> {
    let next = AtomicUsize::new(0);
    let work = |seat: Seat| {
        let mut done = Vec::new();
        while let Some((at, slice)) = {
            let at = next.fetch_add(1, Ordering::Relaxed);
            slices.get(at).map(|slice| (at, slice))
        } {
            done.push((at, run(slice, seat)));
        }
        done
    };
    let mut parts = thread::scope(|scope| {
        let work = &work;
        // This thread has the first seat: starting one costs more than a small network.
        let threads: Result<Vec<_>, _> = (1..seats.min(slices.len()))
            .map(|at| thread::Builder::new().spawn_scoped(scope, move || work(Seat::One(at))))
            .collect();
        let threads = threads.map_err(|error| Problem::Run(error.to_string()))?;
        let mut parts = work(Seat::One(0));
        for thread in threads {
            parts.extend(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        Ok::<_, Problem>(parts)
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
        let parts = side_by_side(&slices, 3, |s, _| Ok(vec![s.start as f32]));
        let flat: Vec<f32> = parts.unwrap().into_iter().flat_map(Result::unwrap).collect();
        assert_eq!(flat, (0..20).map(|i| i as f32).collect::<Vec<_>>());
    }
}
