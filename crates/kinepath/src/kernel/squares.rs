//! Exact squared distances, several at a time so that sums do not wait for each other.

use super::level::{Instructions, Level};

/// Independent partial sums of one distance.
pub(crate) const SUMS: usize = 8;
/// Points, and queries, whose distances are best computed at a time.
pub(crate) const MANY: usize = 4;

/// `Σ (q − x)²` of each of `Q` queries and each of `N` points in f64, differences taken in f64 too.
///
/// Coordinate j goes to partial sum j mod [`SUMS`] in a fused multiplication and addition, and these
/// are added in order: the same bits on every processor, and however many are computed together.
///
/// # Panics
/// Unless all have the same length.
pub(crate) fn squared_distances<const Q: usize, const N: usize>(
    queries: [&[f32]; Q],
    points: [&[f32]; N],
) -> [[f64; N]; Q] {
    let Some(length) = queries.first().map(|query| query.len()) else { return [[0.0; N]; Q] };
    assert!(queries.iter().chain(&points).all(|row| row.len() == length), "lengths of rows");
    if length < SUMS {
        // The same sums, as each has one term or none: fused with 0, a product is only rounded.
        return queries.map(|query| {
            points.map(|point| {
                query.iter().zip(point).fold(0.0, |sum, (&q, &x)| {
                    let difference = f64::from(q) - f64::from(x);
                    sum + difference * difference
                })
            })
        });
    }
    partial_sums(Level::detect(), queries, points).map(|sums| sums.map(|sums| sums.iter().sum()))
}

/// Adds the coordinates to the first partial sums.
#[inline(always)]
fn add(sums: &mut [f64; SUMS], query: &[f32], point: &[f32]) {
    for ((sum, &q), &x) in sums.iter_mut().zip(query).zip(point) {
        let difference = f64::from(q) - f64::from(x);
        *sum = difference.mul_add(difference, *sum);
    }
}

/// Partial sums of queries and points of one length.
fn partial_sums<const Q: usize, const N: usize>(
    level: Level,
    queries: [&[f32]; Q],
    points: [&[f32]; N],
) -> [[[f64; SUMS]; N]; Q] {
    match level.instructions() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the processor has them, as a level is proof of, and all have one length.
        Instructions::Avx512 => unsafe { with_avx512(queries, points) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the processor has them, as a level is proof of, and all have one length.
        Instructions::Avx2 => queries.map(|query| unsafe { with_avx2(query, points) }),
        Instructions::Portable => queries.map(|query| portable(query, points)),
    }
}

fn portable<const N: usize>(query: &[f32], points: [&[f32]; N]) -> [[f64; SUMS]; N] {
    points.map(|point| {
        let mut sums = [0.0f64; SUMS];
        for (query, point) in query.chunks(SUMS).zip(point.chunks(SUMS)) {
            add(&mut sums, query, point);
        }
        sums
    })
}

/// # Safety
/// All queries and points must have the same length.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,fma")]
unsafe fn with_avx512<const Q: usize, const N: usize>(
    queries: [&[f32]; Q],
    points: [&[f32]; N],
) -> [[[f64; SUMS]; N]; Q] {
    use std::arch::x86_64::{
        _mm256_loadu_ps, _mm512_cvtps_pd, _mm512_fmadd_pd, _mm512_setzero_pd, _mm512_storeu_pd,
        _mm512_sub_pd,
    };
    let length = queries.first().map_or(0, |query| query.len());
    let whole = length / SUMS * SUMS;
    let mut sums = [[_mm512_setzero_pd(); N]; Q];
    let mut out = [[[0.0; SUMS]; N]; Q];
    // SAFETY: reads end at `whole`, and each write fills one row of `out`.
    unsafe {
        for first in (0..whole).step_by(SUMS) {
            let q = queries.map(|row| _mm512_cvtps_pd(_mm256_loadu_ps(row.as_ptr().add(first))));
            for (place, point) in points.iter().enumerate() {
                let x = _mm512_cvtps_pd(_mm256_loadu_ps(point.as_ptr().add(first)));
                for (sums, q) in sums.iter_mut().zip(q) {
                    let difference = _mm512_sub_pd(q, x);
                    sums[place] = _mm512_fmadd_pd(difference, difference, sums[place]);
                }
            }
        }
        for (out, sum) in out.iter_mut().flatten().zip(sums.iter().flatten()) {
            _mm512_storeu_pd(out.as_mut_ptr(), *sum);
        }
    }
    for (out, query) in out.iter_mut().zip(queries) {
        for (out, point) in out.iter_mut().zip(points) {
            add(out, &query[whole..], &point[whole..]);
        }
    }
    out
}

/// # Safety
/// All points must be as long as the query.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn with_avx2<const N: usize>(query: &[f32], points: [&[f32]; N]) -> [[f64; SUMS]; N] {
    use std::arch::x86_64::{
        _mm_loadu_ps, _mm256_cvtps_pd, _mm256_fmadd_pd, _mm256_setzero_pd, _mm256_storeu_pd,
        _mm256_sub_pd,
    };
    let whole = query.len() / SUMS * SUMS;
    let mut sums = [[_mm256_setzero_pd(); 2]; N];
    let mut out = [[0.0; SUMS]; N];
    // SAFETY: reads end at `whole`, and each pair of writes fills one row of `out`.
    unsafe {
        for first in (0..whole).step_by(SUMS) {
            for half in 0..2 {
                let place = first + half * SUMS / 2;
                let q = _mm256_cvtps_pd(_mm_loadu_ps(query.as_ptr().add(place)));
                for (sum, point) in sums.iter_mut().zip(points) {
                    let x = _mm256_cvtps_pd(_mm_loadu_ps(point.as_ptr().add(place)));
                    let difference = _mm256_sub_pd(q, x);
                    sum[half] = _mm256_fmadd_pd(difference, difference, sum[half]);
                }
            }
        }
        for (out, sum) in out.iter_mut().zip(sums) {
            _mm256_storeu_pd(out.as_mut_ptr(), sum[0]);
            _mm256_storeu_pd(out.as_mut_ptr().add(SUMS / 2), sum[1]);
        }
    }
    for (out, point) in out.iter_mut().zip(points) {
        add(out, &query[whole..], &point[whole..]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every instruction set gives the bits that the definition does.
    #[test]
    fn change_no_bit() {
        for length in [1, 2, 7, 8, 9, 16, 31, 200] {
            let row = |i: usize| -> Vec<f32> {
                (0..length).map(|j| ((i * 53 + j * j) as f32 * 0.37).sin() * 1.0e3).collect()
            };
            let query = row(9);
            let rows: Vec<Vec<f32>> = (0..MANY).map(row).collect();
            let points: [&[f32]; MANY] = std::array::from_fn(|i| &rows[i][..]);
            let queries = [&query[..], points[1], points[3]];
            let found = squared_distances(queries, points);
            for (found, query) in found.iter().zip(queries) {
                for (found, point) in found.iter().zip(points) {
                    let mut sums = [0.0f64; SUMS];
                    for j in 0..length {
                        let difference = f64::from(query[j]) - f64::from(point[j]);
                        sums[j % SUMS] = difference.mul_add(difference, sums[j % SUMS]);
                    }
                    assert_eq!(found.to_bits(), sums.iter().sum::<f64>().to_bits());
                }
            }
            let expected = queries.map(|query| portable(query, points));
            for level in Level::available() {
                assert_eq!(partial_sums(level, queries, points), expected, "{level:?}");
            }
        }
    }
}
