//! Resizing pictures as the libraries do whose numbers are to be met.

/// How a picture is resampled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// Two neighbours a side, from the top left corner, without smoothing before shrinking:
    /// `tf.image.resize_bilinear` of TensorFlow 1 with `align_corners=False`, as in the original
    /// Inception graph and in `torch_fidelity.interpolate_bilinear_2d_like_tensorflow1x`. Computed
    /// in f32, in the order of the latter.
    TensorFlow1,
    /// A triangle, widened when shrinking: `Image.Resampling.BILINEAR` of Pillow.
    Bilinear,
    /// A cubic with a = −½, widened when shrinking: `Image.Resampling.BICUBIC` of Pillow.
    Bicubic,
}

/// One channel of a picture: grey levels from 0 to 255, row by row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Plane {
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) levels: Vec<f32>,
}

impl Plane {
    /// Resamples to `height × width`. With `whole` levels the result is that of an 8-bit picture;
    /// it matters to Pillow's filters, which round after each direction.
    pub(crate) fn resized(&self, height: usize, width: usize, filter: Filter, whole: bool) -> Self {
        match filter {
            Filter::TensorFlow1 => self.between_neighbours(height, width),
            Filter::Bilinear => self.filtered(height, width, whole, 1.0, triangle),
            Filter::Bicubic => self.filtered(height, width, whole, 2.0, cubic),
        }
    }

    /// The part `height × width` around the centre, its corner rounded as in
    /// `torchvision.transforms.CenterCrop`. It must not be larger than the picture.
    pub(crate) fn centre(&self, height: usize, width: usize) -> Self {
        let margin = |whole: usize, part: usize| (whole - part) as f64 / 2.0;
        let top = margin(self.height, height).round_ties_even() as usize;
        let left = margin(self.width, width).round_ties_even() as usize;
        let rows = self.levels.chunks_exact(self.width).skip(top).take(height);
        let levels = rows.flat_map(|row| &row[left..left + width]).copied().collect();
        Self { height, width, levels }
    }

    fn between_neighbours(&self, height: usize, width: usize) -> Self {
        let (rows, columns) = (neighbours(self.height, height), neighbours(self.width, width));
        let mix = |a: f32, b: f32, share: f32| a + (b - a) * share;
        let mut levels = Vec::with_capacity(height * width);
        for &(top, bottom, down) in &rows {
            let row = |at: usize| &self.levels[at * self.width..(at + 1) * self.width];
            let (top, bottom) = (row(top), row(bottom));
            levels.extend(columns.iter().map(|&(left, right, across)| {
                let upper = mix(top[left], top[right], across);
                let lower = mix(bottom[left], bottom[right], across);
                mix(upper, lower, down)
            }));
        }
        Self { height, width, levels }
    }

    fn filtered(
        &self,
        height: usize,
        width: usize,
        whole: bool,
        support: f64,
        filter: fn(f64) -> f64,
    ) -> Self {
        let taps = |from, to| taps(from, to, whole, support, filter);
        // As Pillow does: across first (from version 13 on down first where a picture shrinks down
        // and grows across), and a direction that keeps its length is left alone.
        let mut plane = self.clone();
        if width != plane.width {
            plane = plane.across(&taps(plane.width, width), whole);
        }
        if height != plane.height {
            plane = plane.transposed().across(&taps(plane.height, height), whole).transposed();
        }
        plane
    }

    /// Resamples every row.
    fn across(&self, taps: &[Taps], whole: bool) -> Self {
        let value = |row: &[f32], taps: &Taps| {
            let terms = row[taps.first..].iter().zip(&taps.weights);
            let sum: f64 = terms.map(|(&level, weight)| f64::from(level) * weight).sum();
            if whole { round(sum) } else { sum as f32 }
        };
        let rows = self.levels.chunks_exact(self.width);
        let levels = rows.flat_map(|row| taps.iter().map(move |taps| value(row, taps))).collect();
        Self { height: self.height, width: taps.len(), levels }
    }

    fn transposed(&self) -> Self {
        let column = |x| (0..self.height).map(move |y| self.levels[y * self.width + x]);
        let levels = (0..self.width).flat_map(column).collect();
        Self { height: self.width, width: self.height, levels }
    }
}

/// The nearest whole level, halves upwards, within 0 and 255.
pub(crate) fn round(level: f64) -> f32 {
    (level + 0.5).floor().clamp(0.0, 255.0) as f32
}

/// For every target position the source positions on both sides, and the share of the second.
fn neighbours(from: usize, to: usize) -> Vec<(usize, usize, f32)> {
    let scale = (from as f64 / to as f64) as f32;
    let place = |i| {
        let at = i as f32 * scale;
        let before = (at as usize).min(from - 1);
        (before, (before + 1).min(from - 1), at - before as f32)
    };
    (0..to).map(place).collect()
}

/// What one target position is a weighted sum of.
struct Taps {
    first: usize,
    weights: Vec<f64>,
}

/// The taps of Pillow's `precompute_coeffs`; for `whole` levels rounded to 22 fractional bits as
/// in its `normalize_coeffs_8bpc`, whose integer sums are exact in f64.
fn taps(from: usize, to: usize, whole: bool, support: f64, filter: fn(f64) -> f64) -> Vec<Taps> {
    const FRACTION: f64 = (1 << 22) as f64;
    let scale = from as f64 / to as f64;
    let widening = scale.max(1.0);
    let support = support * widening;
    let target = |i| {
        let centre = (i as f64 + 0.5) * scale;
        // A negative float becomes 0.
        let first = (centre - support + 0.5) as usize;
        let end = ((centre + support + 0.5) as usize).min(from);
        let weight = |x| filter((x as f64 - centre + 0.5) * (1.0 / widening));
        let mut weights: Vec<f64> = (first..end).map(weight).collect();
        let total: f64 = weights.iter().sum();
        for weight in &mut weights {
            *weight /= total;
            if whole {
                *weight = (*weight * FRACTION).round() / FRACTION;
            }
        }
        Taps { first, weights }
    };
    (0..to).map(target).collect()
}

fn triangle(x: f64) -> f64 {
    (1.0 - x.abs()).max(0.0)
}

fn cubic(x: f64) -> f64 {
    const A: f64 = -0.5;
    let x = x.abs();
    if x < 1.0 {
        ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        (((x - 5.0) * x + 8.0) * x - 4.0) * A
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(height: usize, width: usize) -> Plane {
        let levels = (0..height * width).map(|i| (i * 37 % 256) as f32).collect();
        Plane { height, width, levels }
    }

    #[test]
    fn the_same_size_is_the_same_picture() {
        for filter in [Filter::TensorFlow1, Filter::Bilinear, Filter::Bicubic] {
            let plane = ramp(5, 7);
            assert_eq!(plane.resized(5, 7, filter, true), plane, "{filter:?}");
        }
    }

    #[test]
    fn a_flat_picture_stays_flat() {
        let flat = Plane { height: 3, width: 5, levels: vec![77.0; 15] };
        for filter in [Filter::TensorFlow1, Filter::Bilinear, Filter::Bicubic] {
            for whole in [false, true] {
                let resized = flat.resized(8, 2, filter, whole);
                assert!(resized.levels.iter().all(|l| (l - 77.0).abs() < 1.0e-4), "{filter:?}");
            }
        }
    }

    #[test]
    fn the_centre_is_cut_where_torchvision_cuts_it() {
        let rows = Plane { height: 7, width: 1, levels: (0..7).map(|i| i as f32).collect() };
        // Margins of 5 and 3: 2.5 and 1.5 both round to 2.
        assert_eq!(rows.centre(2, 1).levels, [2.0, 3.0]);
        assert_eq!(rows.centre(4, 1).levels, [2.0, 3.0, 4.0, 5.0]);
        assert_eq!(rows.transposed().centre(1, 3).levels, [2.0, 3.0, 4.0]);
    }
}
