//! From a picture as kinepath holds it to the picture an encoder was trained on.

mod preset;
mod resize;

use rayon::prelude::*;

use ndarray::{Array2, ArrayView1, ArrayView2, Axis};

use crate::Problem;

pub use preset::{EncoderSpec, Preset, SpecError};
pub use resize::Filter;

use resize::{Plane, round};

/// Steps from pictures with values in [−1, 1], one or three channels and any size to the RGB
/// pictures of one size that an encoder takes.
///
/// In this order: the levels `127.5 (x + 1)`; rounded, if `eight_bits`; resized; and each channel
/// as `(level/255 − mean)/deviation`. A grey picture goes into all three channels.
///
/// The ranges in use are `mean` and `deviation` too: [0, 1] is 0 and 1, [0, 255] is 0 and 1/255,
/// [−1, 1] is ½ and ½.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Preprocess {
    /// Whether to start from the 8-bit picture that would be saved: levels rounded to the nearest
    /// (halves upwards) within 0 and 255. Resizing with Pillow's filters then rounds as it does on
    /// 8-bit pictures, after each direction.
    pub eight_bits: bool,
    /// How pictures are resampled.
    pub filter: Filter,
    /// What becomes of a picture that is not square.
    pub fit: Fit,
    /// Height and width of the result.
    pub size: usize,
    /// Mean of each channel of the training data, in units of white.
    pub mean: [f64; 3],
    /// Standard deviation of each channel of the training data, in units of white.
    pub deviation: [f64; 3],
}

/// What becomes of a picture that is not square.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// It is stretched to a square.
    Stretch,
    /// Its shorter side gets the size, and the centre is cut out of the longer one:
    /// `torchvision.transforms.Resize` with `CenterCrop`.
    Cover,
}

impl Preprocess {
    /// The shape of its results, `[3, size, size]`.
    pub fn shape(&self) -> [usize; 3] {
        [3, self.size, self.size]
    }

    /// Pictures `[N, C·H·W]` of the given `shape`, `[C, H, W]` with 1 or 3 channels, as rows
    /// `[N, 3·size·size]`.
    ///
    /// # Errors
    /// [`Problem::NotPictures`] for another kind of shape, and [`Problem::RowLength`] if the rows
    /// do not have it.
    pub fn apply(
        &self,
        pictures: ArrayView2<'_, f32>,
        shape: &[usize],
    ) -> Result<Array2<f32>, Problem> {
        let picture_shape = picture_shape(shape)?;
        let (actual, expected) = (pictures.ncols(), shape.iter().product());
        if actual != expected {
            return Err(Problem::RowLength { actual, expected, shape: shape.to_vec() });
        }
        let mut out = Array2::zeros((pictures.nrows(), self.shape().iter().product()));
        let rows = out.axis_iter_mut(Axis(0)).into_par_iter();
        rows.zip(pictures.axis_iter(Axis(0)).into_par_iter()).for_each(|(mut out, picture)| {
            for (out, value) in out.iter_mut().zip(self.picture(picture, picture_shape)) {
                *out = value;
            }
        });
        Ok(out)
    }

    fn picture(
        &self,
        picture: ArrayView1<'_, f32>,
        [channels, height, width]: [usize; 3],
    ) -> Vec<f32> {
        let planes: Vec<_> = (0..channels)
            .map(|channel| {
                let values = picture.iter().skip(channel * height * width).take(height * width);
                let level = |&value: &f32| {
                    let level = 127.5 * (f64::from(value) + 1.0);
                    if self.eight_bits { round(level) } else { level as f32 }
                };
                self.fitted(&Plane { height, width, levels: values.map(level).collect() })
            })
            .collect();
        let standardised = |channel: usize| {
            let plane = &planes[channel.min(channels - 1)];
            let (mean, deviation) = (self.mean[channel], self.deviation[channel]);
            plane
                .levels
                .iter()
                .map(move |&level| ((f64::from(level) / 255.0 - mean) / deviation) as f32)
        };
        (0..3).flat_map(standardised).collect()
    }

    fn fitted(&self, plane: &Plane) -> Plane {
        let shorter = plane.height.min(plane.width);
        let (height, width) = match self.fit {
            Fit::Stretch => (self.size, self.size),
            Fit::Cover => (self.size * plane.height / shorter, self.size * plane.width / shorter),
        };
        let resized = plane.resized(height, width, self.filter, self.eight_bits);
        resized.centre(self.size, self.size)
    }
}

/// The shape as channels, height and width.
pub(crate) fn picture_shape(shape: &[usize]) -> Result<[usize; 3], Problem> {
    match *shape {
        [channels @ (1 | 3), height, width] if height > 0 && width > 0 => {
            Ok([channels, height, width])
        }
        _ => Err(Problem::NotPictures { shape: shape.to_vec() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    const RAW: Preprocess = Preprocess {
        eight_bits: true,
        filter: Filter::Bicubic,
        fit: Fit::Stretch,
        size: 16,
        mean: [0.0; 3],
        deviation: [1.0 / 255.0; 3],
    };

    #[test]
    fn every_grey_level_survives_the_way_through_the_unit_range() {
        let levels = Array2::from_shape_fn((1, 256), |(_, level)| level as f32);
        let picture = levels.mapv(|level| level / 127.5 - 1.0);
        let rgb = RAW.apply(picture.view(), &[1, 16, 16]).unwrap();
        for channel in rgb.row(0).exact_chunks(256) {
            for (actual, expected) in channel.iter().zip(&levels) {
                assert!((actual - expected).abs() < 1.0e-4, "{actual} for {expected}");
            }
        }
    }

    #[test]
    fn eight_bits_round_halves_upwards_and_clamp() {
        let one = Preprocess { size: 1, ..RAW };
        let level = |value: f32| one.apply(array![[value]].view(), &[1, 1, 1]).unwrap()[[0, 0]];
        assert_eq!([level(-2.0), level(0.0), level(1.5)], [0.0, 128.0, 255.0]);
        let exact = Preprocess { eight_bits: false, ..one };
        let exact = exact.apply(array![[0.0f32]].view(), &[1, 1, 1]).unwrap();
        assert_eq!(exact, array![[127.5, 127.5, 127.5]]);
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        let apply = |shape: &[usize]| RAW.apply(Array2::zeros((1, 12)).view(), shape).unwrap_err();
        assert_eq!(apply(&[12]), Problem::NotPictures { shape: vec![12] });
        assert_eq!(apply(&[4, 3, 1]), Problem::NotPictures { shape: vec![4, 3, 1] });
        let expected = Problem::RowLength { actual: 12, expected: 27, shape: vec![3, 3, 3] };
        assert_eq!(apply(&[3, 3, 3]), expected);
    }
}
