//! Encoded pictures, decoded into records of one shape.

use std::io::{self, BufRead, Seek};

use image::{DynamicImage, ImageDecoder, ImageError, ImageReader, Limits};
use rayon::prelude::*;

use super::elements::{Elements, RawArray};
use super::error::DataError;

/// The most memory a decoder may use for each encoded byte; a flat JPEG stays below it.
const EXPANSION_LIMIT: u64 = 4096;
/// Memory any decoder may use, so that a tiny picture can have its tables.
const BASE_LIMIT: u64 = 1 << 20;
/// Pictures that are decoded before they are put to the others.
const AT_A_TIME: usize = 64;

/// Bytes that pictures of so many encoded bytes may take.
pub(super) fn allowance(encoded: u64) -> u64 {
    encoded.saturating_mul(EXPANSION_LIMIT).saturating_add(BASE_LIMIT)
}

/// A decoded picture.
#[derive(Debug)]
pub(super) struct Picture {
    /// Where it comes from, for messages.
    place: String,
    /// [channels, height, width]; grey has one channel, RGB three.
    shape: [usize; 3],
    /// Channel-major.
    pub(super) pixels: Vec<u8>,
}

impl Picture {
    /// Decodes the `bytes` bytes of `encoded`, of whatever format they turn out to be. One of another size
    /// than the `first` of its data set is refused before that.
    pub(super) fn decode(
        place: String,
        encoded: impl BufRead + Seek,
        bytes: u64,
        first: Option<&Picture>,
    ) -> Result<Self, DataError> {
        if bytes == 0 {
            return Err(DataError::Empty { place });
        }
        let malformed = |error: ImageError| DataError::Malformed {
            place: place.clone(),
            format: "picture",
            detail: error.to_string(),
        };
        let mut decoder = reader(encoded, &place, bytes)?.into_decoder().map_err(malformed)?;
        if let Some(first) = first {
            let ((width, height), [channels, ..]) = (decoder.dimensions(), first.shape);
            first.accept(&place, [channels, height as usize, width as usize])?;
        }
        let mut limits = limits(bytes);
        let picture = (limits.reserve(decoder.total_bytes()))
            .and_then(|()| decoder.set_limits(limits))
            .and_then(|()| DynamicImage::from_decoder(decoder))
            .map_err(malformed)?;
        let (height, width) = (picture.height() as usize, picture.width() as usize);
        let (channels, interleaved) = match opaque(picture) {
            DynamicImage::ImageLuma8(grey) => (1, grey.into_raw()),
            DynamicImage::ImageRgb8(colour) => (3, colour.into_raw()),
            other => {
                return Err(DataError::ElementType {
                    place,
                    what: "the picture".to_owned(),
                    dtype: format!("{:?}", other.color()),
                    supported: "8-bit grey or RGB without transparency",
                });
            }
        };
        let mut pixels = Vec::with_capacity(interleaved.len());
        for channel in 0..channels {
            pixels.extend(interleaved.iter().skip(channel).step_by(channels));
        }
        Ok(Self { place, shape: [channels, height, width], pixels })
    }

    /// Refuses a picture of another shape than this one, the first.
    fn accept(&self, place: &str, shape: [usize; 3]) -> Result<(), DataError> {
        if shape == self.shape {
            return Ok(());
        }
        Err(DataError::ImageSize {
            place: place.to_owned(),
            actual: shape.to_vec(),
            first: self.place.clone(),
            expected: self.shape.to_vec(),
        })
    }
}

/// A reader of whatever format `encoded` turns out to be, which takes no more memory than its bytes allow.
fn reader<R: BufRead + Seek>(
    encoded: R,
    place: &str,
    bytes: u64,
) -> Result<ImageReader<R>, DataError> {
    let io = |error: io::Error| DataError::io(place, &error);
    let mut reader = ImageReader::new(encoded).with_guessed_format().map_err(io)?;
    reader.limits(limits(bytes));
    Ok(reader)
}

fn limits(encoded: u64) -> Limits {
    let mut limits = Limits::default();
    limits.max_alloc = Some(allowance(encoded));
    limits
}

/// Drops an alpha channel that hides nothing; many programs write one into every PNG.
fn opaque(picture: DynamicImage) -> DynamicImage {
    match &picture {
        DynamicImage::ImageLumaA8(grey) if grey.pixels().all(|pixel| pixel.0[1] == u8::MAX) => {
            DynamicImage::ImageLuma8(picture.to_luma8())
        }
        DynamicImage::ImageRgba8(colour) if colour.pixels().all(|pixel| pixel.0[3] == u8::MAX) => {
            DynamicImage::ImageRgb8(picture.to_rgb8())
        }
        _ => picture,
    }
}

/// Pictures of one shape.
#[derive(Debug, Default)]
pub(super) struct Pictures {
    /// The first one, without its pixels.
    first: Option<Picture>,
    count: usize,
    pixels: Vec<u8>,
}

impl Pictures {
    /// Appends what `decode` makes of `encoded`, in this order, side by side on all threads. It gets the
    /// first picture, whose size all others have.
    ///
    /// # Errors
    /// That of the first one that cannot be decoded.
    pub(super) fn extend<T: Sync>(
        &mut self,
        encoded: &[T],
        decode: impl Fn(&T, Option<&Picture>) -> Result<Picture, DataError> + Send + Sync,
    ) -> Result<(), DataError> {
        let mut rest = encoded;
        while !rest.is_empty() {
            let count = if self.first.is_none() { 1 } else { rest.len().min(AT_A_TIME) };
            let (next, after) = rest.split_at(count);
            let first = self.first.as_ref();
            let decoded: Vec<_> = next.par_iter().map(|one| decode(one, first)).collect();
            decoded.into_iter().try_for_each(|picture| self.push(picture?))?;
            rest = after;
        }
        Ok(())
    }

    fn push(&mut self, picture: Picture) -> Result<(), DataError> {
        let Picture { place, shape, pixels } = picture;
        self.pixels.extend(pixels);
        self.count += 1;
        match &self.first {
            // Its channels are known only now.
            Some(first) => first.accept(&place, shape),
            None => {
                self.first = Some(Picture { place, shape, pixels: Vec::new() });
                Ok(())
            }
        }
    }

    /// All of them as `[N, channels, height, width]`; nothing if there are none.
    pub(super) fn into_array(self) -> Option<RawArray> {
        let [channels, height, width] = self.first?.shape;
        let shape = vec![self.count, channels, height, width];
        Some(RawArray { shape, elements: Elements::U8(self.pixels) })
    }
}
