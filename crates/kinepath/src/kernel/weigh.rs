//! From products to posterior weights, one state in each lane.

use pulp::{Arch, Simd, WithSimd};

use super::lanes::{LANES, Lanes};

/// What turns the product `p` of a state with a point of squared norm `n` into a relative score:
/// `slope·p − curvature·n − shift`.
pub(crate) struct Scoring {
    pub(crate) slope: Lanes,
    pub(crate) curvature: Lanes,
    pub(crate) shift: Lanes,
}

/// The best score of every state, and where it was found.
#[derive(Clone)]
pub(crate) struct Best {
    pub(crate) score: Lanes,
    pub(crate) position: Lanes<u32>,
}

/// What is known of some points: `live[r]` has a bit for every state that still counts point `r`.
pub(crate) struct Points<'a> {
    pub(crate) squared_norms: &'a [f32],
    /// How many training points each stands for.
    pub(crate) counts: &'a [f32],
    pub(crate) live: &'a mut [u32],
    pub(crate) positions: &'a [u32],
    /// Set to a bit for every state whose score of the point is too high for rounded weights.
    pub(crate) heavy: &'a mut [u32],
}

/// What becomes of a point by its score.
pub(crate) struct Limits {
    /// Below it, a point is dropped.
    pub(crate) cut: Lanes,
    /// From it on, a point is heavy: it stays, but without a weight.
    pub(crate) heavy: Lanes,
}

/// Sums over points, state by state, of the weight `w = count · e^score`.
#[derive(Clone)]
pub(crate) struct WeightSums {
    /// Σ w
    pub(crate) total: Lanes,
    /// Σ w · score
    pub(crate) score: Lanes,
    /// Σ w · squared norm
    pub(crate) squared_norm: Lanes,
    /// Σ w²/count
    pub(crate) squares: Lanes,
    /// Σ w of the points dropped
    pub(crate) dropped: Lanes,
    /// Points that are left.
    pub(crate) points: Lanes,
    /// The training points they stand for.
    pub(crate) rows: Lanes,
}

impl WeightSums {
    pub(crate) fn zero() -> Self {
        let zero = Lanes::all(0.0);
        Self {
            total: zero,
            score: zero,
            squared_norm: zero,
            squares: zero,
            dropped: zero,
            points: zero,
            rows: zero,
        }
    }
}

/// Bit and power of two of every lane.
const BITS: Lanes<u32> = {
    let mut bits = [0; LANES];
    let mut lane = 0;
    while lane < LANES {
        bits[lane] = 1 << lane;
        lane += 1;
    }
    Lanes(bits)
};

/// Turns products into relative scores, those of dropped points into `−∞`, and notes the best.
pub(crate) fn score(
    products: &mut [Lanes],
    points: &Points<'_>,
    scoring: &Scoring,
    best: &mut Best,
) {
    struct Score<'a>(&'a mut [Lanes], &'a Points<'a>, &'a Scoring, &'a mut Best);
    impl WithSimd for Score<'_> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            score_in(simd, self.0, self.1, self.2, self.3);
        }
    }
    Arch::new().dispatch(Score(products, points, scoring, best));
}

/// Turns relative scores into weights, those of points beyond the limits into 0. A point that is
/// dropped for a state loses its bit; a heavy one is marked.
///
/// Scores are at most 20, so that no square of a weight overflows; weights of scores below −87 are not
/// distinguished.
pub(crate) fn weigh(
    scores: &mut [Lanes],
    points: &mut Points<'_>,
    limits: &Limits,
    sums: &mut WeightSums,
) {
    struct Weigh<'a, 'b>(&'a mut [Lanes], &'a mut Points<'b>, &'a Limits, &'a mut WeightSums);
    impl WithSimd for Weigh<'_, '_> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            weigh_in(simd, self.0, self.1, self.2, self.3);
        }
    }
    Arch::new().dispatch(Weigh(scores, points, limits, sums));
}

#[inline(always)]
fn score_in<S: Simd>(
    simd: S,
    products: &mut [Lanes],
    points: &Points<'_>,
    scoring: &Scoring,
    best: &mut Best,
) {
    let nothing = simd.splat_f32s(f32::NEG_INFINITY);
    for v in 0..vectors::<S>() {
        let (slope, curvature, shift) = (
            get::<S>(&scoring.slope, v),
            get::<S>(&scoring.curvature, v),
            get::<S>(&scoring.shift, v),
        );
        let bits = S::as_simd_u32s(&BITS.0).0[v];
        let mut top = get::<S>(&best.score, v);
        let mut position = S::as_simd_u32s(&best.position.0).0[v];
        let rows = products.iter_mut().zip(points.squared_norms).zip(&*points.live);
        for (((products, &norm), &live), &at) in rows.zip(points.positions) {
            let constant = simd.mul_add_e_f32s(curvature, simd.splat_f32s(norm), shift);
            let score = simd.sub_f32s(simd.mul_f32s(slope, get::<S>(products, v)), constant);
            let live = simd.equal_u32s(simd.and_u32s(simd.splat_u32s(live), bits), bits);
            let score = simd.select_f32s(live, score, nothing);
            let better = simd.greater_than_f32s(score, top);
            top = simd.select_f32s(better, score, top);
            position = simd.select_u32s(better, simd.splat_u32s(at), position);
            set::<S>(products, v, score);
        }
        set::<S>(&mut best.score, v, top);
        S::as_mut_simd_u32s(&mut best.position.0).0[v] = position;
    }
}

#[inline(always)]
fn weigh_in<S: Simd>(
    simd: S,
    scores: &mut [Lanes],
    points: &mut Points<'_>,
    limits: &Limits,
    sums: &mut WeightSums,
) {
    let zero = simd.splat_f32s(0.0);
    let one = simd.splat_f32s(1.0);
    for v in 0..vectors::<S>() {
        let bits = S::as_simd_u32s(&BITS.0).0[v];
        let powers: [f32; LANES] = BITS.0.map(|bit| bit as f32);
        let powers = S::as_simd_f32s(&powers).0[v];
        let first = v * S::F32_LANES;
        let window = (((1u64 << S::F32_LANES) - 1) << first) as u32;
        let (cut, too_high) = (get::<S>(&limits.cut, v), get::<S>(&limits.heavy, v));
        let mut total = get::<S>(&sums.total, v);
        let mut weighted_score = get::<S>(&sums.score, v);
        let mut squared_norm = get::<S>(&sums.squared_norm, v);
        let mut squares = get::<S>(&sums.squares, v);
        let mut dropped = get::<S>(&sums.dropped, v);
        let mut left = get::<S>(&sums.points, v);
        let mut rows_left = get::<S>(&sums.rows, v);
        let rows = scores.iter_mut().zip(points.squared_norms).zip(points.counts);
        let bits_of = points.live.iter_mut().zip(&mut *points.heavy);
        for (((scores, &norm), &count), (live, heavy)) in rows.zip(bits_of) {
            let score = get::<S>(scores, v);
            let was_live = simd.equal_u32s(simd.and_u32s(simd.splat_u32s(*live), bits), bits);
            let kept = simd.greater_than_or_equal_f32s(score, cut);
            let exponential = exp(simd, score);
            let all = simd.mul_f32s(simd.splat_f32s(count), exponential);
            let all = simd.select_f32s(was_live, all, zero);
            let kept_weight = simd.select_f32s(kept, all, zero);
            dropped = simd.add_f32s(dropped, simd.sub_f32s(all, kept_weight));
            let is_heavy = simd.greater_than_or_equal_f32s(score, too_high);
            let weight = simd.select_f32s(is_heavy, zero, kept_weight);
            total = simd.add_f32s(total, weight);
            // A dropped score may be −∞, which times 0 is no number.
            let finite = simd.select_f32s(kept, score, zero);
            weighted_score = simd.mul_add_e_f32s(weight, finite, weighted_score);
            squared_norm = simd.mul_add_e_f32s(weight, simd.splat_f32s(norm), squared_norm);
            squares = simd.mul_add_e_f32s(weight, exponential, squares);
            left = simd.add_f32s(left, simd.select_f32s(kept, one, zero));
            let stands_for = simd.select_f32s(kept, simd.splat_f32s(count), zero);
            rows_left = simd.add_f32s(rows_left, stands_for);
            // Distinct powers of two within one vector: their sum is exact.
            let stay = simd.reduce_sum_f32s(simd.select_f32s(kept, powers, zero)) as u32;
            *live = (*live & !window) | stay;
            let marked = simd.reduce_sum_f32s(simd.select_f32s(is_heavy, powers, zero)) as u32;
            *heavy = (*heavy & !window) | marked;
            set::<S>(scores, v, weight);
        }
        set::<S>(&mut sums.total, v, total);
        set::<S>(&mut sums.score, v, weighted_score);
        set::<S>(&mut sums.squared_norm, v, squared_norm);
        set::<S>(&mut sums.squares, v, squares);
        set::<S>(&mut sums.dropped, v, dropped);
        set::<S>(&mut sums.points, v, left);
        set::<S>(&mut sums.rows, v, rows_left);
    }
}

/// `e^x` for `x ≤ 88` to 2 units in the last place, and `e^−87` below −87.
///
/// `x = k ln 2 + r`; `e^r` by its series to the seventh power, good to 5·10⁻⁹ for `|r| ≤ ½ ln 2`.
#[inline(always)]
fn exp<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    // Adding it leaves the nearest whole number in the last bits.
    const ROUND: f32 = 12_582_912.0;
    // ln 2 in two parts, of which the first has trailing zeros.
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let x = simd.max_f32s(x, simd.splat_f32s(-87.0));
    let rounded =
        simd.mul_add_e_f32s(x, simd.splat_f32s(std::f32::consts::LOG2_E), simd.splat_f32s(ROUND));
    let k = simd.sub_f32s(rounded, simd.splat_f32s(ROUND));
    let r = simd.mul_add_e_f32s(k, simd.splat_f32s(-LN2_HIGH), x);
    let r = simd.mul_add_e_f32s(k, simd.splat_f32s(-LN2_LOW), r);
    let mut series = simd.splat_f32s(1.0 / 5040.0);
    for coefficient in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        series = simd.mul_add_e_f32s(series, r, simd.splat_f32s(coefficient));
    }
    let exponent =
        simd.wrapping_dyn_shl_u32s(simd.transmute_u32s_f32s(rounded), simd.splat_u32s(23));
    simd.transmute_f32s_u32s(simd.add_u32s(simd.transmute_u32s_f32s(series), exponent))
}

const fn vectors<S: Simd>() -> usize {
    LANES / S::F32_LANES
}

#[inline(always)]
fn get<S: Simd>(lanes: &Lanes, v: usize) -> S::f32s {
    S::as_simd_f32s(&lanes.0).0[v]
}

#[inline(always)]
fn set<S: Simd>(lanes: &mut Lanes, v: usize, value: S::f32s) {
    S::as_mut_simd_f32s(&mut lanes.0).0[v] = value;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f32, b: f64) {
        assert!((f64::from(a) - b).abs() <= 1e-5 * (1.0 + b.abs()), "{a} {b}");
    }

    /// Against the definition in f64, with some points dropped before and some now.
    fn check(
        score: impl Fn(&mut [Lanes], &Points<'_>, &Scoring, &mut Best),
        weigh: impl Fn(&mut [Lanes], &mut Points<'_>, &Limits, &mut WeightSums),
    ) {
        let count = 41;
        let products: Vec<Lanes> = (0..count)
            .map(|p| Lanes(std::array::from_fn(|s| ((p * 37 + s * 11) as f32 * 0.61).sin() * 9.0)))
            .collect();
        let norms: Vec<f32> = (0..count).map(|p| 3.0 + (p as f32).cos()).collect();
        let counts: Vec<f32> = (0..count).map(|p| 1.0 + (p % 3) as f32).collect();
        let before: Vec<u32> = (0..count as u32).map(|p| !(p.wrapping_mul(0x9E37_79B9))).collect();
        let positions: Vec<u32> = (100..100 + count as u32).collect();
        let scoring = Scoring {
            slope: Lanes(std::array::from_fn(|s| 1.0 + 0.1 * s as f32)),
            curvature: Lanes(std::array::from_fn(|s| 0.5 + 0.01 * s as f32)),
            shift: Lanes(std::array::from_fn(|s| s as f32 * 0.2)),
        };
        let cut = Lanes(std::array::from_fn(|s| -12.0 + s as f32 * 0.3));
        let limits = Limits { cut, heavy: Lanes(std::array::from_fn(|s| 4.0 + s as f32 * 0.2)) };
        let mut live = before.clone();
        let mut heavy = vec![7; count];
        let mut tile = products.clone();
        let mut best =
            Best { score: Lanes::all(f32::NEG_INFINITY), position: Lanes::all(u32::MAX) };
        let mut sums = WeightSums::zero();
        let mut points = Points {
            squared_norms: &norms,
            counts: &counts,
            live: &mut live,
            positions: &positions,
            heavy: &mut heavy,
        };
        score(&mut tile, &points, &scoring, &mut best);
        let scores = tile.clone();
        weigh(&mut tile, &mut points, &limits, &mut sums);
        for s in 0..LANES {
            let mut expected = [0.0f64; 7];
            let mut top = (f64::NEG_INFINITY, 0);
            for p in 0..count {
                let was_live = before[p] >> s & 1 == 1;
                let (n, c) = (f64::from(norms[p]), f64::from(counts[p]));
                let r = f64::from(scoring.slope.0[s]) * f64::from(products[p].0[s])
                    - f64::from(scoring.curvature.0[s]) * n
                    - f64::from(scoring.shift.0[s]);
                if was_live {
                    close(scores[p].0[s], r);
                    if r > top.0 {
                        top = (r, p);
                    }
                } else {
                    assert_eq!(scores[p].0[s], f32::NEG_INFINITY);
                }
                let kept = was_live && scores[p].0[s] >= limits.cut.0[s];
                let marked = was_live && scores[p].0[s] >= limits.heavy.0[s];
                assert_eq!(heavy[p] >> s & 1 == 1, marked);
                assert_eq!(live[p] >> s & 1 == 1, kept);
                let w = c * r.exp();
                close(tile[p].0[s], if kept && !marked { w } else { 0.0 });
                if kept {
                    let w = if marked { 0.0 } else { w };
                    let terms = [w, w * r, w * n, w * w / c, 0.0, 1.0, c];
                    expected.iter_mut().zip(terms).for_each(|(sum, term)| *sum += term);
                } else if was_live {
                    expected[4] += w;
                }
            }
            let found = [
                &sums.total,
                &sums.score,
                &sums.squared_norm,
                &sums.squares,
                &sums.dropped,
                &sums.points,
                &sums.rows,
            ];
            found.into_iter().zip(expected).for_each(|(sum, expected)| close(sum.0[s], expected));
            assert_eq!(best.position.0[s], positions[top.1]);
        }
    }

    #[test]
    fn this_processor_agrees_with_the_definition() {
        check(score, weigh);
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn avx2_agrees_with_the_definition() {
        if let Some(simd) = pulp::x86::V3::try_new() {
            check(|a, b, c, d| score_in(simd, a, b, c, d), |a, b, c, d| weigh_in(simd, a, b, c, d));
        }
    }

    #[test]
    fn the_fallback_agrees_with_the_definition() {
        check(
            |a, b, c, d| score_in(pulp::Scalar::new(), a, b, c, d),
            |a, b, c, d| weigh_in(pulp::Scalar::new(), a, b, c, d),
        );
    }

    #[test]
    fn exponential_is_accurate() {
        for i in -870..=800 {
            let x = i as f32 * 0.1 + 0.013;
            let e = exp(pulp::Scalar::new(), x.max(-87.0));
            let exact = f64::from(x.max(-87.0)).exp();
            assert!((f64::from(e) / exact - 1.0).abs() < 3e-7, "{x}: {e} {exact}");
        }
        assert!(exp(pulp::Scalar::new(), f32::NEG_INFINITY) < 2e-38);
    }
}
