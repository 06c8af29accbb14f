//! Pareto fronts of two objectives, both to be minimised.

use std::cmp::Ordering;

use super::results::Knee;

/// The objectives of one choice: how much worse than the baseline it is in the metric that must
/// not get worse, and in the one to improve; better is negative.
pub(super) type Point = [f64; 2];

/// Whether `a` is at least as good as `b` in both objectives and better in one.
fn dominates(a: Point, b: Point) -> bool {
    a[0] <= b[0] && a[1] <= b[1] && a != b
}

/// Non-dominated sorting: indices of the points by front, the best front first, in index order
/// within a front (Deb et al. 2002, "A fast and elitist multiobjective genetic algorithm: NSGA-II",
/// § III-A).
///
/// In the order of the first objective, ties by the second, a point is dominated by a point of a
/// front exactly if it is by the last one placed there, so that each is compared with one point a
/// front.
pub(super) fn fronts(points: &[Point]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_by(|&a, &b| by(points, 0, a, b).then(by(points, 1, a, b)));
    let mut fronts: Vec<Vec<usize>> = Vec::new();
    for index in order {
        let free = |front: &Vec<usize>| {
            front.last().is_none_or(|&last| !dominates(points[last], points[index]))
        };
        match fronts.iter().position(free) {
            Some(front) => fronts[front].push(index),
            None => fronts.push(vec![index]),
        }
    }
    for front in &mut fronts {
        front.sort_unstable();
    }
    fronts
}

/// The `count` best points, in index order: whole fronts, and of the front that does not fit the
/// points with the largest crowding distance (Deb et al. 2002, § III-B), which keeps its ends and
/// thins where points are close. Points at equal distance come in index order.
///
/// Selecting survivors of successive halving so is one of the methods compared by Schmucker et al.
/// (2021), "Multi-objective asynchronous successive halving", arXiv 2106.12639.
pub(super) fn best(points: &[Point], count: usize) -> Vec<usize> {
    let mut chosen = Vec::with_capacity(count);
    for front in fronts(points) {
        let room = count - chosen.len();
        if front.len() <= room {
            chosen.extend(front);
            continue;
        }
        let mut crowded: Vec<(usize, f64)> =
            front.iter().copied().zip(crowding(points, &front)).collect();
        crowded.sort_by(|a, b| b.1.total_cmp(&a.1));
        chosen.extend(crowded.into_iter().take(room).map(|(index, _)| index));
        break;
    }
    chosen.sort_unstable();
    chosen
}

/// The crowding distance of each point of a front: the sides of the box between its neighbours,
/// each in units of the front's range; infinite at the ends.
fn crowding(points: &[Point], front: &[usize]) -> Vec<f64> {
    let mut distance = vec![0.0; front.len()];
    for objective in 0..2 {
        let value = |place: usize| points[front[place]][objective];
        let mut order: Vec<usize> = (0..front.len()).collect();
        order.sort_by(|&a, &b| by(points, objective, front[a], front[b]));
        let (Some(&first), Some(&last)) = (order.first(), order.last()) else { break };
        let range = value(last) - value(first);
        distance[first] = f64::INFINITY;
        distance[last] = f64::INFINITY;
        if range > 0.0 {
            for three in order.windows(3) {
                distance[three[1]] += (value(three[2]) - value(three[0])) / range;
            }
        }
    }
    distance
}

fn by(points: &[Point], objective: usize, a: usize, b: usize) -> Ordering {
    // −0 and 0 are equal objectives, but not to `total_cmp`.
    let value = |index: usize| points[index][objective] + 0.0;
    value(a).total_cmp(&value(b))
}

/// The knee of a front: the point furthest from the chord between its ends, on the side of the
/// better values, and its distance (Das 1999, "On characterizing the 'knee' of the Pareto curve").
///
/// Each objective is scaled to [0, 1] over the front, so the chord runs from (0, 1) to (1, 0) and a
/// distance is at most 1/√2. Which point is the knee does not depend on the scaling: it stretches
/// all distances alike. Where no point lies on the better side of the chord (a front of one or two
/// points, or one that bulges the other way), the ends tie at distance 0 and the end that is better
/// in the second objective is taken. `None` for no points.
pub(super) fn knee(points: &[Point]) -> Option<Knee> {
    let extent = |objective: usize| {
        let values = points.iter().map(|point| point[objective]);
        let (low, high) = values
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), value| (l.min(value), h.max(value)));
        (low, high - low)
    };
    let extents = [extent(0), extent(1)];
    let distance = |point: &Point| {
        if extents.iter().any(|&(_, range)| range == 0.0) {
            return 0.0;
        }
        let [x, y] = [0, 1].map(|o: usize| (point[o] - extents[o].0) / extents[o].1);
        // Rounding must not tell the ends apart.
        if x.min(y) == 0.0 && x.max(y) == 1.0 { 0.0 } else { (1.0 - x - y) / 2f64.sqrt() }
    };
    let distances: Vec<f64> = points.iter().map(distance).collect();
    (0..points.len())
        .min_by(|&a, &b| distances[b].total_cmp(&distances[a]).then(by(points, 1, a, b)))
        .map(|place| Knee { place, distance: distances[place] })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Few distinct values, so that ties are met.
    fn points() -> impl Strategy<Value = Vec<Point>> {
        proptest::collection::vec((-4i8..4, -4i8..4), 0..40).prop_map(|pairs| {
            pairs.into_iter().map(|(a, b)| [f64::from(a), f64::from(b) / 3.0]).collect()
        })
    }

    proptest! {
        #[test]
        fn fronts_are_those_of_the_definition(points in points()) {
            let found = fronts(&points);
            let mut left: Vec<usize> = (0..points.len()).collect();
            for front in &found {
                // The definition: what nothing that is left dominates.
                let expected: Vec<usize> = left
                    .iter()
                    .copied()
                    .filter(|&i| !left.iter().any(|&j| dominates(points[j], points[i])))
                    .collect();
                prop_assert_eq!(front, &expected);
                left.retain(|index| !front.contains(index));
            }
            prop_assert!(left.is_empty());
        }

        #[test]
        fn the_best_are_never_dominated_by_what_is_left_out(points in points(), count in 0usize..40) {
            let chosen = best(&points, count);
            prop_assert_eq!(chosen.len(), count.min(points.len()));
            prop_assert!(chosen.windows(2).all(|pair| pair[0] < pair[1]));
            let left_out = (0..points.len()).filter(|index| !chosen.contains(index));
            for out in left_out {
                for &kept in &chosen {
                    prop_assert!(!dominates(points[out], points[kept]));
                }
            }
        }

        #[test]
        fn the_knee_does_not_depend_on_units(
            points in proptest::collection::vec((0.0f64..1.0, 0.0f64..1.0), 3..30),
            units in (0.01f64..100.0, 0.01f64..100.0), shift in (-5.0f64..5.0, -5.0f64..5.0),
        ) {
            let points: Vec<Point> = points.into_iter().map(|(a, b)| [a, b]).collect();
            let front: Vec<Point> = fronts(&points)[0].iter().map(|&i| points[i]).collect();
            let moved: Vec<Point> = front
                .iter()
                .map(|[a, b]| [a * units.0 + shift.0, b * units.1 + shift.1])
                .collect();
            let (knee, moved_knee) = (knee(&front).unwrap(), knee(&moved).unwrap());
            prop_assert!((knee.distance - moved_knee.distance).abs() < 1e-9);
            let same = knee.place == moved_knee.place || knee.distance < 1e-9;
            prop_assert!(same, "{knee:?} {moved_knee:?}");
        }
    }

    #[test]
    fn the_knee_of_known_curves() {
        // y = 1/x on [1/4, 4]: the chord has slope −1 and touches a parallel tangent at x = 1.
        let hyperbola: Vec<Point> =
            (0..=15).map(|i| 0.25 + f64::from(i) * 0.25).map(|x| [x, 1.0 / x]).collect();
        let Knee { place: index, distance } = knee(&hyperbola).unwrap();
        assert_eq!(hyperbola[index], [1.0, 1.0]);
        // Scaled, (1, 1) is (0.2, 0.2).
        assert!((distance - 0.6 / 2f64.sqrt()).abs() < 1e-12);
        // A quarter circle around (1, 1), in other units and order: the knee is on the diagonal.
        let circle: Vec<Point> = (0..=20)
            .map(|i| std::f64::consts::FRAC_PI_2 * f64::from((i * 13) % 21) / 20.0)
            .map(|angle| [100.0 * (1.0 - angle.cos()), 1.0 - angle.sin()])
            .collect();
        let Knee { place: index, distance } = knee(&circle).unwrap();
        assert!((circle[index][1] - (1.0 - 0.5f64.sqrt())).abs() < 1e-12);
        assert!((distance - (1.0 - 0.5f64.sqrt())).abs() < 1e-12);
    }

    #[test]
    fn without_a_bulge_the_end_that_is_better_in_the_second_objective_is_taken() {
        assert_eq!(knee(&[]), None);
        let end = |points: &[Point]| {
            let Knee { place, distance } = knee(points).unwrap();
            assert_eq!(distance, 0.0);
            place
        };
        assert_eq!(end(&[[3.0, 4.0]]), 0);
        assert_eq!(end(&[[0.0, 0.0], [0.3, -0.1]]), 1);
        assert_eq!(end(&[[0.3, -0.1], [0.0, 0.0]]), 0);
        assert_eq!(end(&[[0.0, 1.0], [0.9, 0.9], [1.0, 0.0]]), 2);
        assert_eq!(end(&[[2.0, 2.0], [2.0, 2.0]]), 0);
    }

    #[test]
    fn crowding_keeps_the_ends_and_thins_the_middle() {
        // On one front: two close neighbours at 0.5 and 0.52.
        let points = [[0.0, 1.0], [0.25, 0.75], [0.5, 0.5], [0.52, 0.48], [0.75, 0.25], [1.0, 0.0]];
        assert_eq!(best(&points, 4), [0, 1, 4, 5]);
        assert_eq!(best(&points, 2), [0, 5]);
        // By hand for point 1: (0.5 − 0) + (1 − 0.5).
        assert_eq!(crowding(&points, &[0, 1, 2, 3, 4, 5])[1], 1.0);
    }
}
