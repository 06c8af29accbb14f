use ndarray::Axis;
use proptest::prelude::*;

use super::*;
use crate::{
    kernel::lanes_of,
    metrics::neighbours::{key_space::KeySpace, principal::principal_directions, squared_distance},
    noise::noise,
};

fn normal(rows: usize, columns: usize, seed: u64) -> Array2<f32> {
    noise(seed, 0..rows as u64, columns)
}

/// How many pairs are refused for a distance of `factor` times their own, and how many there are.
fn refused(
    projection: &Projection,
    space: &KeySpace,
    points: &Array2<f32>,
    queries: &Array2<f32>,
    factor: f64,
) -> (usize, usize) {
    let projected = projection.queries(&space.queries(queries.view())).unwrap();
    let (mut refused, mut pairs) = (0, 0);
    for block in projection.blocks(0..points.nrows()) {
        let mut limits = vec![f32::MAX; queries.nrows().next_multiple_of(GROUP)];
        projection.below(&projected, &block, &mut limits, |query, first, mask, keys, _| {
            for lane in lanes_of(mask) {
                let squared = squared_distance(queries.row(query), points.row(first + lane));
                let limit = projection.limit(&projected, query, factor * factor * squared);
                refused += usize::from(keys[lane] > limit);
                // Pair by pair the same, up to what the limit leaves room for.
                let key = projection.key(&projected, query, first + lane);
                if factor == 1.0 {
                    assert!(key <= limit);
                }
                pairs += 1;
            }
        });
    }
    (refused, pairs)
}

fn space_of(points: &Array2<f32>) -> KeySpace {
    KeySpace::new(&points.view(), points.nrows(), |row| row)
}

fn directions(space: &KeySpace, points: &Array2<f32>, count: usize) -> Array2<f64> {
    let rows = |rows: &[usize]| space.rows(&points.view(), rows.iter().copied());
    principal_directions(points.nrows(), rows, count).0
}

fn project(space: &KeySpace, points: &Array2<f32>, basis: Array2<f64>) -> Projection {
    let rows = |rows| space.rows(&points.view(), rows);
    Projection::on(basis, (points.nrows(), space.scale()), rows)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// No pair is refused for its own distance: far from the origin, duplicated, in a subspace, at
    /// extreme scales, fewer than components; by directions found, and by no directions at all.
    #[test]
    fn no_pair_is_further_apart_than_its_images(
        seed in 0u64..1000,
        count in 3usize..1200,
        dimension in 20usize..90,
        rank in 1usize..20,
        components in 1usize..20,
        offset in prop::sample::select(vec![0.0f32, 1.0, 1.0e4]),
        outlier in prop::sample::select(vec![1.0f32, 1.0e4]),
        scale in prop::sample::select(vec![1.0e-30f32, 1.0e-20, 1.0, 1.0e20, 1.0e30]),
        full in any::<bool>(),
        orthonormal in any::<bool>(),
    ) {
        let mut points = if full {
            normal(count, dimension, seed)
        } else {
            normal(count, rank, seed).dot(&normal(rank, dimension, seed + 1))
        };
        points.row_mut(1).mapv_inplace(|value| value * outlier);
        let first = points.row(0).to_owned();
        points.row_mut(2).assign(&first);
        points.mapv_inplace(|value| scale * (offset + value));
        let mut queries = points.select(Axis(0), &[0, 1, count - 1]);
        let near = normal(1, dimension, seed + 2) * (scale * 1.0e-3);
        queries.row_mut(2).scaled_add(1.0, &near.row(0));
        let space = space_of(&points);
        let basis = if orthonormal {
            directions(&space, &points, components)
        } else {
            normal(components, dimension, seed + 3).mapv(|value| 0.1 * f64::from(value))
        };
        let projection = project(&space, &points, basis);
        prop_assert_eq!(refused(&projection, &space, &points, &queries, 1.0).0, 0);
    }
}

/// Where components hold all of the variance, images are as far apart as points.
#[test]
fn images_of_points_in_a_subspace_are_hardly_nearer() {
    let mixing = normal(8, 100, 1);
    let points = normal(1500, 8, 2).dot(&mixing) + 5.0;
    let queries = normal(40, 8, 3).dot(&mixing) + 5.0;
    let space = space_of(&points);
    let projection = project(&space, &points, directions(&space, &points, 16));
    assert!(projection.stretch < 1.0 + 1.0e-12);
    let (refused, pairs) = refused(&projection, &space, &points, &queries, 0.999);
    assert_eq!(refused, pairs);
}

#[test]
fn queries_out_of_range_have_no_images() {
    let points = normal(50, 40, 5) * 1.0e-10;
    let space = space_of(&points);
    let projection = project(&space, &points, directions(&space, &points, 4));
    let far = Array2::from_elem((1, 40), 1.0e20);
    assert!(projection.queries(&space.queries(far.view())).is_none());
}
