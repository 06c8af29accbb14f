//! What following paths through a training set needs to know of it.

use ndarray::{Array2, ArrayView2, Axis};
use rayon::prelude::*;

use super::EmpiricalField;
use super::latest::Live;
use crate::kernel::{add_point, squared_deviation};
use crate::metrics::DistinctPoints;
use crate::rows::values;

/// Points that are summed by one task.
const CHUNK: usize = 1024;

/// The distinct training points and their geometry.
#[derive(Debug, Clone)]
pub(super) struct Prepared {
    /// The distinct points, copied only where some are duplicates.
    copied: Option<Array2<f32>>,
    /// For each distinct point the row of the training set it was first met in.
    pub(super) first_rows: Vec<usize>,
    /// For each row of the training set the distinct point it is.
    pub(super) point_of_row: Vec<usize>,
    /// How many points there are.
    pub(super) all: Live,
    /// For each distinct point the number of rows it stands for.
    pub(super) counts: Vec<f32>,
    /// The mean of the training set.
    pub(super) centre: Vec<f64>,
    /// For each distinct point the squared distance to the centre.
    pub(super) squared_norms: Vec<f64>,
    /// The same, rounded.
    pub(super) rounded_norms: Vec<f32>,
    /// The mean of those over the training set.
    pub(super) mean_squared_norm: f64,
    /// The largest distance of a point to the centre.
    pub(super) radius: f64,
    /// The smallest and the largest squared distance of a point to the origin.
    pub(super) squared_lengths: [f64; 2],
}

impl Prepared {
    pub(super) fn new(field: &EmpiricalField) -> Self {
        let rows = field.points.nrows();
        // The field holds at least one point, and finite ones only: nothing is left to refuse.
        let (first_rows, point_of_row, counts) = DistinctPoints::new(field.points.view())
            .map_or_else(
                |_| ((0..rows).collect(), (0..rows).collect(), vec![1; rows]),
                |distinct| {
                    let (first, group) = (distinct.first_rows(), distinct.group_of_rows());
                    (first.to_vec(), group.to_vec(), distinct.multiplicities().to_vec())
                },
            );
        let counts: Vec<f32> = counts.into_iter().map(|count| count as f32).collect();
        let copied = (first_rows.len() < rows).then(|| field.points.select(Axis(0), &first_rows));
        let sums: Vec<Vec<f64>> = (field.points.axis_chunks_iter(Axis(0), CHUNK).into_par_iter())
            .map(|points| {
                let mut sum = vec![0.0; points.ncols()];
                for point in points.outer_iter() {
                    add_point(&mut sum, 1.0, values(point));
                }
                sum
            })
            .collect();
        let mut centre = vec![0.0; field.points.ncols()];
        for sum in sums {
            centre.iter_mut().zip(sum).for_each(|(centre, sum)| *centre += sum);
        }
        centre.iter_mut().for_each(|sum| *sum /= rows as f64);
        let squared_norms: Vec<f64> = (first_rows.par_iter())
            .map(|&row| {
                let point = field.points.row(row);
                squared_deviation(&centre, 1.0, values(point))
            })
            .collect();
        let weighted =
            squared_norms.iter().zip(&counts).map(|(norm, &count)| norm * f64::from(count));
        let lengths = field.squared_norms.iter().copied();
        Self {
            mean_squared_norm: weighted.sum::<f64>() / rows as f64,
            radius: squared_norms.iter().copied().fold(0.0, f64::max).sqrt(),
            squared_lengths: [
                lengths.clone().fold(f64::INFINITY, f64::min),
                lengths.fold(0.0, f64::max),
            ],
            rounded_norms: squared_norms.iter().map(|&norm| norm as f32).collect(),
            squared_norms,
            all: Live { points: first_rows.len(), rows: rows as f64 },
            copied,
            first_rows,
            point_of_row,
            counts,
            centre,
        }
    }

    /// The distinct points, `[M, D]`.
    pub(super) fn points<'a>(&'a self, field: &'a EmpiricalField) -> ArrayView2<'a, f32> {
        self.copied.as_ref().unwrap_or(&field.points).view()
    }
}
