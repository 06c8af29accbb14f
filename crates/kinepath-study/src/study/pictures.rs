//! Samples, their nearest training images and their energy maps as PNG data URIs.

use std::io::Cursor;

use base64::Engine;
use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
use kinepath::stats::terciles;
use ndarray::{Array2, ArrayD, ArrayView1, Axis};

use super::judge::{Judge, Judged};
use super::results::Picture;
use crate::StudyError;
use crate::data::Scaling;

/// The group of samples of unknown energy.
pub(crate) const ANY: &str = "any";
/// Pictures per group.
const PER_GROUP: usize = 6;

/// Samples spread evenly over the low, middle and high third of KPE, or over all where it is not
/// known; none if samples, or what latents are decoded to, are no pictures of one or three channels.
///
/// # Errors
/// [`StudyError::Stats`] for fewer than three samples, [`StudyError::Network`] if latents cannot be
/// decoded.
pub(super) fn pictures(
    judge: &Judge,
    kpe: Option<&[f64]>,
    judged: &Judged,
    samples: &Array2<f32>,
    energy_map: Option<&ArrayD<f32>>,
) -> Result<Vec<Picture>, StudyError> {
    let training = judge.training();
    let Some(layout) = Layout::of(&training.shape) else { return Ok(Vec::new()) };
    let range = value_range(training.scaling, &training.values);
    let groups: Vec<(&str, Vec<usize>)> = match kpe {
        Some(kpe) => ["low", "middle", "high"].into_iter().zip(terciles(kpe)?).collect(),
        None => vec![(ANY, (0..samples.nrows()).collect())],
    };
    let chosen: Vec<(&str, usize)> = groups
        .iter()
        .flat_map(|(group, rows)| spread(rows, PER_GROUP).map(|&index| (*group, index)))
        .collect();
    let indices: Vec<usize> = chosen.iter().map(|&(_, index)| index).collect();
    let chosen_samples = samples.select(Axis(0), &indices);
    let shown = judge.decode(chosen_samples.view())?;
    let picture = |(&(group, index), shown): (&(&str, usize), ArrayView1<'_, f32>)| {
        let nearest_index = judged.gaps.nearest[index];
        Picture {
            group: group.to_owned(),
            index,
            kpe: kpe.map(|kpe| kpe[index]),
            gap_ratio: judged.gaps.ratio[index],
            memorized: judged.memorized[index],
            nearest_index,
            sample: layout.picture(shown, range),
            nearest: layout.picture(training.values.row(nearest_index), range),
            energy_map: energy_map.map(|map| heat(map, index, layout)).unwrap_or_default(),
        }
    };
    Ok(chosen.iter().zip(shown.outer_iter()).map(picture).collect())
}

/// The energies of a sample, summed over channels, white where most was spent; the square root keeps
/// the weaker places visible. Latents have their own height, width and number of channels; what was
/// flattened has those of `layout`.
fn heat(map: &ArrayD<f32>, index: usize, layout: Layout) -> String {
    let (height, width) = match *map.shape() {
        [_, _, height, width] => (height, width),
        _ => (layout.height, layout.width),
    };
    let area = height * width;
    let values: Vec<f32> = map.index_axis(Axis(0), index).iter().copied().collect();
    let energy: Vec<f32> =
        (0..area).map(|pixel| values.iter().skip(pixel).step_by(area).sum()).collect();
    let most = energy.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
    let pixels: Vec<u8> = energy.iter().map(|e| shade((e / most).sqrt())).collect();
    Layout { channels: 1, height, width }.png(&pixels, ExtendedColorType::L8)
}

/// `count` of `rows`, evenly spread.
fn spread(rows: &[usize], count: usize) -> impl Iterator<Item = &usize> {
    let count = count.min(rows.len());
    (0..count).map(move |i| &rows[(2 * i + 1) * rows.len() / (2 * count)])
}

/// The values that become black and white.
fn value_range(scaling: Scaling, values: &Array2<f32>) -> (f32, f32) {
    match scaling {
        Scaling::Uint8ToSymmetric => (-1.0, 1.0),
        Scaling::AsStored => values
            .iter()
            .fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), &v| (low.min(v), high.max(v))),
    }
}

/// How a flattened sample is a picture.
#[derive(Clone, Copy)]
struct Layout {
    channels: usize,
    height: usize,
    width: usize,
}

impl Layout {
    fn of(shape: &[usize]) -> Option<Self> {
        match *shape {
            [channels @ (1 | 3), height, width] => Some(Self { channels, height, width }),
            _ => None,
        }
    }

    /// Channel-major values as pixels between the ends of `range`.
    fn picture(self, values: ArrayView1<'_, f32>, (low, high): (f32, f32)) -> String {
        let area = self.height * self.width;
        let mut pixels = Vec::with_capacity(values.len());
        for pixel in 0..area {
            for channel in 0..self.channels {
                pixels.push(shade((values[channel * area + pixel] - low) / (high - low)));
            }
        }
        let colour =
            if self.channels == 1 { ExtendedColorType::L8 } else { ExtendedColorType::Rgb8 };
        self.png(&pixels, colour)
    }

    fn png(self, pixels: &[u8], colour: ExtendedColorType) -> String {
        let mut bytes = Cursor::new(Vec::new());
        let written = PngEncoder::new(&mut bytes).write_image(
            pixels,
            self.width as u32,
            self.height as u32,
            colour,
        );
        match written {
            Ok(()) => {
                let text = base64::engine::general_purpose::STANDARD.encode(bytes.into_inner());
                format!("data:image/png;base64,{text}")
            }
            // The buffer has the size of the picture and writing to memory does not fail.
            Err(_) => String::new(),
        }
    }
}

fn shade(value: f32) -> u8 {
    (value.clamp(0.0, 1.0) * 255.0).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn a_picture_decodes_to_its_pixels() {
        let layout = Layout::of(&[3, 1, 2]).unwrap();
        let uri = layout.picture(array![-1.0, 1.0, 0.0, 2.0, -5.0, 1.0].view(), (-1.0, 1.0));
        let text = uri.strip_prefix("data:image/png;base64,").unwrap();
        let bytes = base64::engine::general_purpose::STANDARD.decode(text).unwrap();
        let decoded = image::load_from_memory(&bytes).unwrap().to_rgb8();
        assert_eq!(decoded.into_raw(), [0, 128, 0, 255, 255, 255]);
        assert!(Layout::of(&[2, 4, 4]).is_none());
        assert!(Layout::of(&[16]).is_none());
    }

    #[test]
    fn spread_rows_are_distinct_and_cover_the_range() {
        let rows: Vec<usize> = (0..100).collect();
        let chosen: Vec<usize> = spread(&rows, 6).copied().collect();
        assert_eq!(chosen, [8, 25, 41, 58, 75, 91]);
        assert_eq!(spread(&rows[..2], 6).count(), 2);
    }
}
