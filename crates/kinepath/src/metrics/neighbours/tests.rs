use ndarray::{Array2, array};
use proptest::prelude::*;

use super::{chunk::Method, method::MOST_BOXED, *};
use crate::noise::noise;

fn ramp(rows: usize, columns: usize, salt: f64) -> Array2<f32> {
    Array2::from_shape_fn((rows, columns), |(i, j)| {
        ((i * 29 + j * 13) as f64 * 0.377 + salt * (1 + i % 5) as f64).sin() as f32
    })
}

/// All pairs, sorted by (squared distance, row).
fn brute_force(points: &Array2<f32>, queries: &Array2<f32>, k: usize) -> Neighbours {
    let mut indices = Array2::zeros((queries.nrows(), k));
    let mut distances = Array2::zeros((queries.nrows(), k));
    for (i, query) in queries.rows().into_iter().enumerate() {
        let mut all: Vec<(f64, usize)> = points
            .rows()
            .into_iter()
            .enumerate()
            .map(|(j, row)| (squared_distance(query, row), j))
            .collect();
        all.sort_by(|a, b| a.partial_cmp(b).unwrap());
        for rank in 0..k {
            distances[[i, rank]] = all[rank].0.sqrt();
            indices[[i, rank]] = all[rank].1;
        }
    }
    Neighbours { indices, distances }
}

#[test]
fn equals_brute_force_across_block_boundaries() {
    for (count, dimension, queries) in [(1, 1, 1), (63, 5, 65), (2100, 3, 130), (90, 1100, 7)] {
        let (points, queries) = (ramp(count, dimension, 0.2), ramp(queries, dimension, 0.5));
        let k = count.min(6);
        let index = NeighbourIndex::over_rows(points.view()).unwrap();
        assert_eq!(index.search(queries.view(), k).unwrap(), brute_force(&points, &queries, k));
    }
}

#[test]
fn squares_are_those_of_all_points_where_more_are_asked_for() {
    let (points, queries) = (ramp(40, 7, 0.2), ramp(9, 7, 0.5));
    let index = NeighbourIndex::over_rows(points.view()).unwrap();
    let found = index.search_squares(queries.view(), 100).unwrap();
    assert_eq!(found.clone().rooted(), brute_force(&points, &queries, 40));
    for ((query, rank), &square) in found.distances.indexed_iter() {
        let row = found.indices[[query, rank]];
        assert_eq!(square, squared_distance(queries.row(query), points.row(row)));
    }
    assert_eq!(index.search_squares(queries.view(), 0).unwrap_err(), MetricsError::ZeroNeighbours);
}

/// A tight cluster at a large offset, where an f32 product alone cannot tell points apart.
#[test]
fn rounding_cannot_change_the_order() {
    let points = Array2::from_shape_fn((300, 40), |(i, j)| {
        1000.0 + 1.0e-3 * ((i * 40 + j) as f32 * 0.7).sin() + if i == 0 { 1.0e5 } else { 0.0 }
    });
    let queries = points.mapv(|value| value + 2.0e-4);
    let index = NeighbourIndex::over_rows(points.view()).unwrap();
    assert_eq!(index.search(queries.view(), 5).unwrap(), brute_force(&points, &queries, 5));
}

#[test]
fn extreme_scales_neither_overflow_nor_underflow() {
    for scale in [1.0e-38f32, 1.0e-20, 1.0e20, 1.0e38] {
        let (points, queries) = (ramp(50, 6, 0.1) * scale, ramp(20, 6, 0.8) * scale);
        let index = NeighbourIndex::over_rows(points.view()).unwrap();
        assert_eq!(index.search(queries.view(), 3).unwrap(), brute_force(&points, &queries, 3));
    }
    let far = array![[3.0e38f32, -3.0e38]];
    let index = NeighbourIndex::over_rows(array![[1.0e-30f32, 0.0], [0.0, 1.0e-30]]).unwrap();
    assert!(index.search(far.view(), 2).unwrap().distances.iter().all(|d| d.is_finite()));
}

#[test]
fn ties_go_to_the_lower_row_and_duplicates_count_once() {
    let points = array![[1.0f32], [-1.0], [1.0], [3.0]];
    let rows = NeighbourIndex::over_rows(points.view()).unwrap();
    assert_eq!(rows.search(array![[0.0f32]].view(), 3).unwrap().indices, array![[0, 1, 2]]);
    let distinct = NeighbourIndex::new(DistinctPoints::new(points.view()).unwrap());
    assert_eq!(distinct.search(array![[0.0f32]].view(), 3).unwrap().indices, array![[0, 1, 3]]);

    assert_eq!(rows.search_self(1).unwrap().distances, array![[0.0], [2.0], [0.0], [2.0]]);
    let own = distinct.search_self(1).unwrap();
    assert_eq!(distinct.rows(), [0, 1, 3]);
    assert_eq!(own.distances, array![[2.0], [2.0], [2.0]]);
    assert_eq!(own.indices, array![[1], [0], [0]]);
}

fn normal(rows: usize, columns: usize, seed: u64) -> Array2<f32> {
    noise(seed, 0..rows as u64, columns)
}

/// Neighbours by one method, whether or not it pays.
fn by(
    index: &NeighbourIndex<'_>,
    method: Method<'_>,
    queries: &Array2<f32>,
    k: usize,
) -> Neighbours {
    let chunk = |rows| (queries.slice(s![rows, ..]).into(), None);
    index.nearest(queries.nrows(), k, method, chunk).rooted()
}

/// Blocks that images decide, blocks they do not, and queries too far away for images.
#[test]
fn a_projection_changes_no_neighbour() {
    let dimension = 96;
    let shape = |rows, seed| normal(rows, dimension, seed);
    let mut low_rank = normal(2500, 5, 1).dot(&shape(5, 2));
    low_rank += &(1.0e-3 * &shape(2500, 3));
    let mut clustered = 0.1 * &shape(2500, 4);
    let centres = shape(30, 5);
    for (i, mut row) in clustered.rows_mut().into_iter().enumerate() {
        row += &centres.row(i % 30);
    }
    let duplicated = clustered.select(Axis(0), &(0..2500).map(|i| i % 250).collect::<Vec<_>>());
    let far = 1.0e5 + &low_rank * 1.0e-2;
    for points in [shape(2500, 6), low_rank, clustered, duplicated, far] {
        let index = NeighbourIndex::over_rows(points.view()).unwrap();
        let mut queries = points.select(Axis(0), &(0..70).map(|i| i * 31).collect::<Vec<_>>());
        queries += &(0.05 * &shape(70, 7));
        queries.row_mut(69).fill(3.0e38);
        for k in [1, 7, 100] {
            let plain = brute_force(&points, &queries, k);
            let (space, prepared) = (index.space(), index.prepared());
            assert_eq!(by(&index, Method::Direct, &queries, k), plain);
            assert_eq!(by(&index, Method::Passing(space), &queries, k), plain);
            assert_eq!(by(&index, Method::Keys(prepared), &queries, k), plain);
            for components in [8, 32] {
                let projections = Projections::any(&index, space, components);
                let method = Method::Images(space, &projections);
                assert_eq!(by(&index, method, &queries, k), plain);
            }
        }
    }
}

/// Long enough for the index to make a projection by itself.
#[test]
fn long_searches_use_a_projection() {
    let mixed = normal(4000, 4, 8).dot(&normal(4, 96, 9));
    let points = mixed + &(0.05 * &normal(4000, 96, 10));
    let index = NeighbourIndex::over_rows(points.view()).unwrap();
    let found = index.search_self(3).unwrap();
    assert!(index.projections.get().is_some_and(Option::is_some));
    let own = index.nearest(4000, 3, Method::Keys(index.prepared()), |rows| {
        let first = rows.start;
        (index.points(rows).into(), Some(first))
    });
    let own = own.rooted();
    assert_eq!(found, own);
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| NeighbourIndex::over_rows(points.view()).unwrap().search_self(3).unwrap())
    };
    assert_eq!(run(3), found);
}

#[test]
fn does_not_depend_on_the_thread_count() {
    let (points, queries) = (ramp(1500, 9, 0.4), ramp(300, 9, 0.6));
    let index = NeighbourIndex::over_rows(points.view()).unwrap();
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| index.search(queries.view(), 4).unwrap())
    };
    assert_eq!(run(1), run(5));
}

#[test]
fn refuses_bad_queries_and_counts() {
    let index = NeighbourIndex::over_rows(ramp(3, 2, 0.1)).unwrap();
    let query = array![[0.0f32, 0.0]];
    assert_eq!(index.search(query.view(), 0).unwrap_err(), MetricsError::ZeroNeighbours);
    assert_eq!(
        index.search(query.view(), 4).unwrap_err(),
        MetricsError::TooFewPoints { what: "nearest neighbours", needed: 4, actual: 3 }
    );
    assert_eq!(
        index.search_self(3).unwrap_err(),
        MetricsError::TooFewPoints { what: "nearest neighbours", needed: 4, actual: 3 }
    );
    assert_eq!(
        index.search(array![[0.0f32]].view(), 1).unwrap_err(),
        MetricsError::DimensionMismatch { what: "queries", expected: 2, actual: 1 }
    );
    assert_eq!(
        index.search(array![[0.0f32, f32::INFINITY]].view(), 1).unwrap_err(),
        MetricsError::NotFinite { what: "queries", row: 0, column: 1 }
    );
    assert_eq!(
        index.search(Array2::zeros((0, 2)).view(), 1).unwrap_err(),
        MetricsError::Empty { what: "queries", rows: 0, columns: 2 }
    );
}

#[test]
fn a_query_that_is_not_finite_is_named_however_it_is_searched_for() {
    for (count, dimension, queries, k) in [
        (10, 40, 300, 1),
        (10, 3, 300, 2),
        (200, 3, 900, 1),
        (5000, 2, 3000, 1),
        (500, 50, 300, 3),
        (500, 50, 5000, 3),
        (4000, 100, 5000, 1),
        (4000, 100, 3, 1),
    ] {
        let points = points_of_kind(0, count, dimension, 1);
        let index = NeighbourIndex::over_rows(points.view()).unwrap();
        let mut asked = points_of_kind(0, queries, dimension, 2);
        for row in [queries - 1, queries / 2, 0] {
            asked[[row, dimension - 1]] = f32::NAN;
            let column = dimension - 1;
            assert_eq!(
                index.search(asked.view(), k).unwrap_err(),
                MetricsError::NotFinite { what: "queries", row, column },
                "{count} points"
            );
        }
    }
}

proptest! {
    /// Small integers: many exact ties.
    #[test]
    fn equals_brute_force_with_ties(
        values in proptest::collection::vec(-3i8..4, 20..200), dimension in 1usize..5, k in 1usize..5,
    ) {
        let count = values.len() / dimension;
        let all = Array2::from_shape_fn((count, dimension), |(i, j)| f32::from(values[i * dimension + j]));
        let index = NeighbourIndex::over_rows(all.view()).unwrap();
        prop_assert_eq!(index.search(all.view(), k).unwrap(), brute_force(&all, &all, k));
    }
}

/// Points of many kinds: a few values, so that distances tie, clusters far from the origin, or all
/// the same.
fn points_of_kind(kind: usize, rows: usize, dimension: usize, seed: u64) -> Array2<f32> {
    let values = normal(rows, dimension, seed);
    match kind {
        0 => values,
        1 => values.mapv(|value| value.round()),
        2 => Array2::from_shape_fn((rows, dimension), |(i, j)| {
            (i % 3) as f32 * 50.0 + 1000.0 + 0.1 * values[[i, j]]
        }),
        3 => {
            let copies: Vec<usize> = (0..rows).map(|i| i * i % (1 + rows / 7)).collect();
            values.select(Axis(0), &copies)
        }
        _ => Array2::from_elem((rows, dimension), 0.3),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Every method finds what sorting all distances finds, whatever the sizes, duplicates and
    /// scales: squares of the largest overflow f32, those of the smallest vanish in it.
    #[test]
    fn every_method_equals_brute_force(
        seed in 0u64..10_000,
        kind in 0usize..5,
        count in 1usize..700,
        dimension in prop::sample::select(vec![1usize, 2, 3, 7, 8, 9, 16, 17, 33, 96, 120]),
        queries in prop::sample::select(vec![1usize, 2, 11, 13, 100]),
        share in 0.0f64..=1.0,
        exponent in prop::sample::select(vec![-40i32, -20, -19, 0, 3, 19, 20, 34]),
        few in any::<bool>(),
    ) {
        let scale = 10.0f64.powi(exponent);
        let scaled = |values: Array2<f32>| values.mapv(|value| (f64::from(value) * scale) as f32);
        let points = scaled(points_of_kind(kind, count, dimension, seed));
        let mut asked = scaled(points_of_kind(kind, queries, dimension, seed + 1));
        asked.row_mut(0).assign(&points.row(count / 2));
        let all = 1 + ((count - 1) as f64 * share) as usize;
        let k = if few { all.min(3) } else { all };
        let expected = brute_force(&points, &asked, k);
        let index = NeighbourIndex::over_rows(points.view()).unwrap();
        prop_assert_eq!(&index.search(asked.view(), k).unwrap(), &expected);
        prop_assert_eq!(&index.search(asked.view(), k).unwrap(), &expected);
        let mut methods = vec![
            Method::Direct,
            Method::Passing(index.space()),
            Method::Keys(index.prepared()),
        ];
        let (small, tree, projections);
        if dimension <= Small::MOST_DIMENSION {
            small = Small::new(&index);
            methods.push(Method::Small(&small));
            methods.push(Method::Groups(index.prepared(), &small));
        }
        if dimension <= MOST_BOXED {
            tree = Tree::new(&index);
            methods.push(Method::Tree(&tree));
        }
        if dimension >= 17 {
            projections = Projections::any(&index, index.space(), 12);
            methods.push(Method::Images(index.space(), &projections));
        }
        for method in methods {
            prop_assert_eq!(&by(&index, method, &asked, k), &expected, "{:?}", method);
        }
    }

    /// The one nearest point is found in ways of its own, at most sizes: the first of many that are
    /// equally near, the nearest to a query that is too far away for keys, one not the query itself.
    #[test]
    fn every_method_finds_the_one_nearest(
        seed in 0u64..10_000,
        kind in 0usize..5,
        count in 2usize..700,
        dimension in 1usize..=Small::MOST_DIMENSION,
        queries in prop::sample::select(vec![1usize, 13, 97, 400]),
        exponent in prop::sample::select(vec![-40i32, -20, 0, 3, 19, 34]),
    ) {
        let scale = 10.0f64.powi(exponent);
        let scaled = |values: Array2<f32>| values.mapv(|value| (f64::from(value) * scale) as f32);
        let points = scaled(points_of_kind(kind, count, dimension, seed));
        let mut asked = scaled(points_of_kind(kind, queries, dimension, seed + 1));
        asked.row_mut(queries / 2).assign(&points.row(count / 2));
        asked[[queries - 1, 0]] = 3.0e38;
        let expected = brute_force(&points, &asked, 1);
        let index = NeighbourIndex::over_rows(points.view()).unwrap();
        let (small, tree) = (Small::new(&index), Tree::new(&index));
        let own = index.search_self(1).unwrap();
        let keys = Method::Keys(index.prepared());
        let groups = Method::Groups(index.prepared(), &small);
        for method in [keys, groups, Method::Small(&small), Method::Tree(&tree)] {
            prop_assert_eq!(&by(&index, method, &asked, 1), &expected, "{:?}", method);
            let found = index.nearest(count, 1, method, |rows| {
                let first = rows.start;
                (index.points(rows).into(), Some(first))
            });
            prop_assert_eq!(&found.rooted(), &own, "{:?}", method);
        }
        prop_assert_eq!(&index.search(asked.view(), 1).unwrap(), &expected);
    }

    /// The same for points that are queries themselves.
    #[test]
    fn every_method_leaves_out_the_point_itself(
        seed in 0u64..10_000,
        kind in 0usize..5,
        count in 2usize..300,
        dimension in prop::sample::select(vec![1usize, 3, 9, 20]),
        share in 0.0f64..1.0,
    ) {
        let points = points_of_kind(kind, count, dimension, seed);
        let k = 1 + ((count - 2) as f64 * share) as usize;
        let index = NeighbourIndex::over_rows(points.view()).unwrap();
        let found = index.search_self(k).unwrap();
        for (own, row) in points.rows().into_iter().enumerate() {
            let mut others: Vec<(f64, usize)> = (0..count)
                .filter(|&other| other != own)
                .map(|other| (squared_distance(row, points.row(other)), other))
                .collect();
            others.sort_by(|a, b| a.partial_cmp(b).unwrap());
            for (rank, (squared, other)) in others.into_iter().take(k).enumerate() {
                prop_assert_eq!(found.indices[[own, rank]], other);
                prop_assert_eq!(found.distances[[own, rank]], squared.sqrt());
            }
        }
    }
}
