//! An encoder together with the preprocessing it was trained with.

use std::sync::Arc;

use ndarray::{Array2, ArrayView2, Axis, concatenate, s};

use crate::preprocess::picture_shape;
use crate::{Encoder, Engine, Network, NetworkError, NetworkFile, Preprocess, Preset, Problem};

/// Images preprocessed at a time: enough to keep all threads busy, and 64 pictures of 299×299 are
/// 69 MB.
const BATCH: usize = 64;

/// An encoder that takes samples as kinepath holds them: flattened, of one shape, values in
/// [−1, 1] where it preprocesses.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use kinepath_onnx::{EncoderSpec, Engine, ImageEncoder, NetworkFile};
///
/// let spec: EncoderSpec = "inception.onnx:preprocess=inception".parse()?;
/// let file = NetworkFile::read(&spec.network)?;
/// let encoder = ImageEncoder::load(file, spec.preprocess, &[3, 32, 32], Engine::Auto)?;
/// let samples = ndarray::Array2::<f32>::zeros((10, 3 * 32 * 32));
/// let features = encoder.features(samples.view())?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct ImageEncoder {
    encoder: Encoder,
    image_shape: Vec<usize>,
    preset: Preset,
    steps: Option<Preprocess>,
}

impl ImageEncoder {
    /// Loads the network in `file` on `engine` for images of `image_shape`.
    ///
    /// # Errors
    /// As [`NetworkFile::load`] and [`ImageEncoder::new`].
    pub fn load(
        file: NetworkFile,
        preset: Preset,
        image_shape: &[usize],
        engine: Engine,
    ) -> Result<Self, NetworkError> {
        let shape = preset.encoder_shape(image_shape);
        Self::new(file.load(Some(&shape), engine)?, preset, image_shape)
    }

    /// Takes a network for an encoder of images of `image_shape`.
    ///
    /// # Errors
    /// As [`Encoder::new`]; with preprocessing also [`Problem::NotPictures`] for an `image_shape`
    /// other than `[1 or 3, H, W]`, and [`Problem::ImageShape`] when the network takes other images
    /// than come out of it.
    pub fn new(
        network: impl Into<Arc<Network>>,
        preset: Preset,
        image_shape: &[usize],
    ) -> Result<Self, NetworkError> {
        let encoder = Encoder::new(network)?;
        let expected = &encoder.network().signature().state.sample_shape;
        let steps = preset.steps_for(expected);
        if let Some(steps) = &steps {
            let check = picture_shape(image_shape).and_then(|_| {
                let (actual, expected) = (steps.shape().to_vec(), expected.clone());
                let fits = actual == expected;
                if fits { Ok(()) } else { Err(Problem::ImageShape { actual, expected }) }
            });
            check.map_err(|problem| problem.of(encoder.network().name()))?;
        }
        Ok(Self { encoder, image_shape: image_shape.to_vec(), preset, steps })
    }

    /// The network.
    pub fn network(&self) -> &Arc<Network> {
        self.encoder.network()
    }

    /// What is done to images first.
    pub fn preset(&self) -> Preset {
        self.preset
    }

    /// Features `[N, F]` of images `[N, D]`, each flattened row-major. Preprocessing goes in
    /// batches, so that all of the enlarged images are never held at once.
    ///
    /// # Errors
    /// [`Problem::RowLength`] when D is not that of the image shape, [`Problem::NotFinite`], and
    /// [`Problem::Run`].
    pub fn features(&self, images: ArrayView2<'_, f32>) -> Result<Array2<f32>, NetworkError> {
        let Some(steps) = &self.steps else { return self.encoder.features(images) };
        let encode = |images: ArrayView2<'_, f32>| {
            let pictures = steps.apply(images, &self.image_shape);
            self.encoder.features(pictures.map_err(|p| p.of(self.network().name()))?.view())
        };
        let count = images.nrows();
        // A single row may round differently, so none is left for the last batch.
        let batches = (count / BATCH + usize::from(count % BATCH > 1)).max(1);
        let end = |batch| if batch + 1 == batches { count } else { (batch + 1) * BATCH };
        let parts: Result<Vec<_>, _> = (0..batches)
            .map(|batch| {
                let encoded = encode(images.slice(s![batch * BATCH..end(batch), ..]));
                encoded.map_err(|error| error.beyond(batch * BATCH))
            })
            .collect();
        let parts = parts?;
        let views: Vec<_> = parts.iter().map(|part| part.view()).collect();
        concatenate(Axis(0), &views).map_err(|error| {
            Problem::Run(format!("batches do not fit together: {error}")).of(self.network().name())
        })
    }
}
