//! Rows written as columns.

/// Rows that are transposed at a time.
pub(crate) const FOUR: usize = 4;

/// Writes `(row − centre) · factor` of four rows into columns `lane` to `lane + 3` of `out`.
///
/// # Panics
/// If a row, the centre and `out` do not have one length, or the columns are not there.
pub(crate) fn transpose_four<const WIDTH: usize>(
    rows: [&[f32]; FOUR],
    (centre, factor): (&[f32], f32),
    out: &mut [[f32; WIDTH]],
    lane: usize,
) {
    let length = out.len();
    assert!(rows.iter().all(|row| row.len() == length), "rows to transpose");
    assert_eq!(centre.len(), length, "centre of rows to transpose");
    assert!(lane + FOUR <= WIDTH, "columns to transpose into");
    #[cfg(target_arch = "x86_64")]
    let done = {
        use std::arch::x86_64::{
            _MM_TRANSPOSE4_PS, _mm_loadu_ps, _mm_mul_ps, _mm_set1_ps, _mm_storeu_ps, _mm_sub_ps,
        };
        let whole = length / FOUR * FOUR;
        // SAFETY: SSE is part of x86-64. Loads end at `whole`, at most the length of the rows and
        // of the centre, and stores at column `lane + 3`, which `out` has in all of its rows.
        unsafe {
            let factors = _mm_set1_ps(factor);
            for first in (0..whole).step_by(FOUR) {
                let centre = _mm_loadu_ps(centre.as_ptr().add(first));
                let read = |row: &[f32]| {
                    let values = _mm_loadu_ps(row.as_ptr().add(first));
                    _mm_mul_ps(_mm_sub_ps(values, centre), factors)
                };
                let [mut a, mut b, mut c, mut d] = rows.map(read);
                _MM_TRANSPOSE4_PS(&mut a, &mut b, &mut c, &mut d);
                for (number, column) in [a, b, c, d].into_iter().enumerate() {
                    _mm_storeu_ps(
                        out.as_mut_ptr().add(first + number).cast::<f32>().add(lane),
                        column,
                    );
                }
            }
        }
        whole
    };
    #[cfg(not(target_arch = "x86_64"))]
    let done = 0;
    for (place, row) in rows.into_iter().enumerate() {
        for coordinate in done..length {
            out[coordinate][lane + place] = (row[coordinate] - centre[coordinate]) * factor;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_every_value_where_it_belongs() {
        for length in [1, 3, 4, 9, 16, 33] {
            let row = |i: usize| -> Vec<f32> {
                (0..length).map(|j| ((i * 37 + j) as f32 * 0.3).sin()).collect()
            };
            let rows: Vec<Vec<f32>> = (0..4).map(row).collect();
            let centre = row(9);
            let mut out = vec![[7.0f32; 12]; length];
            transpose_four(std::array::from_fn(|i| &rows[i][..]), (&centre, 0.5), &mut out, 8);
            for (j, out) in out.iter().enumerate() {
                assert_eq!(out[..8], [7.0; 8]);
                for i in 0..4 {
                    assert_eq!(out[8 + i], (rows[i][j] - centre[j]) * 0.5);
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "columns to transpose into")]
    fn columns_are_checked() {
        transpose_four([&[1.0]; 4], (&[0.0], 1.0), &mut [[0.0f32; 12]], 9);
    }
}
