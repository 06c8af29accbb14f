//! From latents to the pictures they stand for.

use std::sync::Arc;

use ndarray::{Array2, ArrayView2};

use crate::encoder::ImageNetwork;
use crate::roles::PICTURE;
use crate::{Engine, Network, NetworkError, NetworkFile, Problem};

/// The decoder of a latent model's autoencoder: latents `z` become pictures `decode(z / scale + shift)`.
///
/// Latent models are trained on latents that were moved and scaled to about unit variance,
/// `z = (latent − shift) · scale`. The two numbers are `scaling_factor` and `shift_factor` in the
/// configuration of a diffusers `AutoencoderKL`: 0.18215 and 0 for Stable Diffusion 1 and 2, 0.13025
/// and 0 for SDXL, 1.5305 and 0.0609 for Stable Diffusion 3, 0.3611 and 0.1159 for FLUX.1.
///
/// ```no_run
/// # fn main() -> Result<(), kinepath_onnx::NetworkError> {
/// use kinepath_onnx::{Decoder, Engine, NetworkFile};
///
/// let file = NetworkFile::read("vae_decoder.onnx")?;
/// let decoder = Decoder::load(file, &[4, 32, 32], 0.18215, 0.0, Engine::Auto)?;
/// let latents = ndarray::Array2::<f32>::zeros((2, 4 * 32 * 32));
/// let pictures = decoder.pictures(latents.view())?; // [2, 3 · 256 · 256]
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Decoder {
    network: ImageNetwork,
    scale: f32,
    shift: f32,
}

impl Decoder {
    /// Loads the network in `file` on `engine` for latents of `shape`, `[C, h, w]`: lengths that the file
    /// leaves free are taken from there.
    ///
    /// # Errors
    /// As [`NetworkFile::load`] and [`Decoder::new`].
    pub fn load(
        file: NetworkFile,
        shape: &[usize],
        scale: f64,
        shift: f64,
        engine: Engine,
    ) -> Result<Self, NetworkError> {
        Self::new(file.load(Some(shape), engine)?, scale, shift)
    }

    /// Takes a network for a decoder. Its pictures are the output named `sample`, `image`, …, or its
    /// only one.
    ///
    /// # Errors
    /// [`Problem::NotImageOnly`] for a network with a time or label input, [`Problem::NoOutput`] when
    /// it is open which output has the pictures, and [`Problem::LatentScale`] for a scale that is 0 or
    /// a number that is not finite.
    pub fn new(
        network: impl Into<Arc<Network>>,
        scale: f64,
        shift: f64,
    ) -> Result<Self, NetworkError> {
        let network = ImageNetwork::new(network.into(), &PICTURE)?;
        let (narrow, offset) = (scale as f32, shift as f32);
        if narrow == 0.0 || !narrow.is_finite() || !offset.is_finite() {
            let problem =
                Problem::LatentScale { scale: scale.to_string(), shift: shift.to_string() };
            return Err(problem.of(network.network().name()));
        }
        Ok(Self { network, scale: narrow, shift: offset })
    }

    /// The network.
    pub fn network(&self) -> &Arc<Network> {
        self.network.network()
    }

    /// The shape of one latent sample.
    pub fn latent_shape(&self) -> &[usize] {
        &self.network().signature().state.sample_shape
    }

    /// Pictures `[N, P]` of latents `[N, D]`, each flattened row-major.
    ///
    /// # Errors
    /// [`Problem::RowLength`] when D is not that of the network, [`Problem::NotFinite`], and
    /// [`Problem::Run`].
    pub fn pictures(&self, latents: ArrayView2<'_, f32>) -> Result<Array2<f32>, NetworkError> {
        let latents = latents.mapv(|z| z / self.scale + self.shift);
        self.network.run(latents.view())
    }
}
