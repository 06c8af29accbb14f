use proptest::prelude::*;

use super::*;

/// Scores, their log-sum, entropy, mean and variance, by definition.
fn posterior(
    points: &[Vec<f64>],
    live: &[bool],
    x: &[f64],
    t: f64,
) -> (Vec<f64>, Vec<f64>, Spread) {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let scores: Vec<f64> = points
        .iter()
        .map(|p| (t * dot(x, p) - 0.5 * t * t * dot(p, p)) / (1.0 - t).powi(2))
        .collect();
    let kept = || (0..points.len()).filter(|&i| live[i]);
    let largest = kept().map(|i| scores[i]).fold(f64::NEG_INFINITY, f64::max);
    let total = kept().map(|i| (scores[i] - largest).exp()).sum::<f64>().ln() + largest;
    let weight = |i: usize| (scores[i] - total).exp();
    let mean: Vec<f64> =
        (0..x.len()).map(|d| kept().map(|i| weight(i) * points[i][d]).sum()).collect();
    let lengths: Vec<f64> = points.iter().map(|p| dot(p, p)).collect();
    let squared_length: f64 = kept().map(|i| weight(i) * lengths[i]).sum();
    let spread = Spread {
        entropy: total - kept().map(|i| weight(i) * scores[i]).sum::<f64>(),
        variance: squared_length - dot(&mean, &mean),
        squared_length,
        squared_lengths: [
            lengths.iter().copied().fold(f64::INFINITY, f64::min),
            lengths.iter().copied().fold(0.0, f64::max),
        ],
    };
    (scores.iter().map(|s| total - s).collect(), mean, spread)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// The theorem, in f64: no dropped point's gap ever falls below its guarantee, and all of them
    /// together never weigh more than theirs.
    #[test]
    fn no_dropped_point_comes_back(
        seed in any::<u64>(),
        count in 2usize..40,
        dim in 1usize..6,
        scale in 0.1f64..5.0,
        steps in 3usize..60,
        margin in 0.5f64..10.0,
        gains in proptest::collection::vec(0.0f64..2.5, 4),
    ) {
        let tau = (count as f64).ln() + margin;
        let mut state = seed;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 33) as f64 / f64::from(1u32 << 31) - 0.5) * 3.4
        };
        let points: Vec<Vec<f64>> = (0..count).map(|_| (0..dim).map(|_| scale * random()).collect()).collect();
        let mut x: Vec<f64> = (0..dim).map(|_| random()).collect();
        let mut live = vec![true; count];
        let mut guarantee = Guarantee::NONE;
        for i in 0..steps {
            if guarantee.gap.is_nan() || guarantee.gap < 0.0 {
                // Nothing is certain any more: all points are looked at again.
                (live, guarantee) = (vec![true; count], Guarantee::NONE);
            }
            let (t, end) = (i as f64 / steps as f64, (i + 1) as f64 / steps as f64);
            let (gaps, mean, spread) = posterior(&points, &live, &x, t);
            let dropped = || (0..count).filter(|&i| !live[i]);
            let mass: f64 = dropped().map(|i| (-gaps[i]).exp()).sum();
            prop_assert!(mass <= guarantee.mass * (1.0 + 1e-6) + 1e-12, "mass {mass} of {guarantee:?}");
            for i in dropped() {
                prop_assert!(gaps[i] >= guarantee.gap - 1e-6 * (1.0 + guarantee.gap.abs()), "gap {} of {guarantee:?}", gaps[i]);
            }
            let far: Vec<usize> = (0..count).filter(|&i| live[i] && gaps[i] >= tau).collect();
            let weight: f64 = far.iter().map(|&i| (-gaps[i]).exp()).sum();
            far.iter().for_each(|&i| live[i] = false);
            if !far.is_empty() {
                guarantee.drop(tau, far.len() as f64, weight / (1.0 - weight));
                // From here on the mean is that of the points that stay.
                let (gaps, ..) = posterior(&points, &live, &x, t);
                for i in (0..count).filter(|&i| !live[i]) {
                    prop_assert!(gaps[i] >= guarantee.gap - 1e-6 * (1.0 + guarantee.gap.abs()));
                }
            }
            let (_, mean, spread) = if far.is_empty() { (gaps, mean, spread) } else { posterior(&points, &live, &x, t) };
            let eta = gains[i % gains.len()];
            for (x, m) in x.iter_mut().zip(&mean) {
                *x += (end - t) * eta * (m - *x) / (1.0 - t);
            }
            if end == 1.0 {
                break;
            }
            if t > 0.0 && guarantee.dropped > 0.0 {
                guarantee.step(GapBound::new(EulerStep { start: t, end, eta }, spread, 0.0));
            }
        }
    }
}

#[test]
fn a_collapsed_path_never_looks_back() {
    // One point left: no entropy, no variance. Gaps grow with u'/u.
    let spread =
        Spread { entropy: 0.0, variance: 0.0, squared_length: 4.0, squared_lengths: [1.0, 9.0] };
    let step = EulerStep { start: 0.5, end: 0.6, eta: 1.0 };
    let bound = GapBound::new(step, spread, 0.0);
    assert!((bound.slope - 1.5).abs() < 1e-12 && bound.offset.abs() < 1e-12);
    let mut guarantee = Guarantee { gap: 20.0, mass: 1e-6, dropped: 1e9 };
    guarantee.step(bound);
    assert!((guarantee.gap - 30.0).abs() < 1e-9);
    assert!((guarantee.mass / (1e-6 * (-10.0f64).exp()) - 1.0).abs() < 1e-9);
}
