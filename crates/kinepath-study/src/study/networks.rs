//! The networks that samples are judged by, opened from their specifications.

use std::path::Path;
use std::sync::Arc;

use kinepath_onnx::{
    Classifier, Decoder, EncoderSpec, ImageEncoder, Network, Preset, PromptFeatures, read_prompts,
};

use ndarray::Array2;

use super::settings::{ClipSettings, DataSettings, DecoderSettings};
use crate::StudyError;
use crate::data::{self, Dataset, Scaling, builtin};
use crate::source::{Engine, network_file, open_onnx_for};

/// The networks of a judge; each is absent where none is named.
pub(super) struct Networks {
    /// Makes pictures of samples that are latents.
    pub(super) decoder: Option<Decoder>,
    /// Gives the feature space.
    pub(super) encoder: Option<ImageEncoder>,
    /// Gives confidence and margin.
    pub(super) classifier: Option<Classifier>,
    /// Gives the fit of samples to prompts.
    pub(super) clip: Option<Clip>,
}

/// An image encoder and prompts in the same space.
pub(super) struct Clip {
    pub(super) images: ImageEncoder,
    pub(super) prompts: PromptFeatures,
}

impl Networks {
    /// Opens the networks that `settings` name, for records like those of `training` and latents of
    /// `shape`.
    ///
    /// # Errors
    /// [`StudyError::Network`], [`StudyError::Encoder`], [`StudyError::Prompts`] if one cannot be
    /// used; [`StudyError::Mismatch`] for preprocessing of records that are no 8-bit pictures, and a
    /// decoder whose pictures are not of the size of the records.
    pub(super) fn open(
        settings: &DataSettings,
        training: &Dataset,
        shape: &[usize],
    ) -> Result<Self, StudyError> {
        let engine = settings.engine;
        let decoder = settings.decoder.as_ref();
        let decoder =
            decoder.map(|decoder| open_decoder(decoder, training, shape, engine)).transpose()?;
        let encoder = settings.encoder.as_ref().map(|text| open_encoder(text, training, engine));
        let encoder = encoder.transpose()?;
        let classifier = match (&settings.classifier, &encoder) {
            (None, _) => None,
            // One network often is both, as the embedded one: it is then loaded once.
            (classifier, Some(encoder)) if *classifier == settings.encoder => {
                Some(Classifier::new(encoder.network().clone())?)
            }
            (Some(path), _) => Some(Classifier::new(open_onnx_for(path, None, engine)?.0)?),
        };
        let clip =
            settings.clip.as_ref().map(|clip| Clip::open(clip, training, engine)).transpose()?;
        Ok(Self { decoder, encoder, classifier, clip })
    }
}

impl Clip {
    fn open(
        settings: &ClipSettings,
        training: &Dataset,
        engine: Engine,
    ) -> Result<Self, StudyError> {
        let images = open_encoder(&settings.image, training, engine)?;
        let prompts = match (&settings.text, &settings.tokenizer) {
            (Some(text), Some(tokenizer)) => encode(&settings.prompts, text, tokenizer, engine)?,
            (None, None) => PromptFeatures::ready(data::load(&settings.prompts)?.values),
            _ => {
                return Err(StudyError::Mismatch(
                    "prompts in words need both a text encoder and its tokenizer.json; with \
                     neither, the prompts must be an array of their embeddings"
                        .to_owned(),
                ));
            }
        };
        Ok(Self { images, prompts })
    }
}

#[cfg(feature = "text")]
fn encode(
    prompts: &str,
    text: &str,
    tokenizer: &str,
    engine: Engine,
) -> Result<PromptFeatures, StudyError> {
    let tokenizer = kinepath_onnx::PromptTokenizer::load(tokenizer)?;
    let encoder = kinepath_onnx::TextEncoder::load(network_file(Path::new(text))?, engine)?;
    Ok(PromptFeatures::encode(read_prompts(prompts)?, &tokenizer, &encoder)?)
}

#[cfg(not(feature = "text"))]
fn encode(prompts: &str, _: &str, _: &str, _: Engine) -> Result<PromptFeatures, StudyError> {
    read_prompts(prompts)?;
    Err(StudyError::Mismatch(
        "this build has no tokenizer; build kinepath with the feature `text`, or give the prompts \
         as an array of their embeddings"
            .to_owned(),
    ))
}

/// Opens a decoder and tries it on one latent.
fn open_decoder(
    settings: &DecoderSettings,
    training: &Dataset,
    shape: &[usize],
    engine: Engine,
) -> Result<Decoder, StudyError> {
    let file = network_file(Path::new(&settings.network))?;
    let decoder = Decoder::load(file, shape, settings.scale, settings.shift, engine)?;
    let latent = Array2::zeros((1, decoder.latent_shape().iter().product()));
    let values = decoder.pictures(latent.view())?.ncols();
    if values != training.dim() {
        return Err(StudyError::Mismatch(format!(
            "{} makes pictures of {values} values of latents of shape {:?}, but {} has records of \
             shape {:?}",
            settings.network,
            decoder.latent_shape(),
            training.name,
            training.shape
        )));
    }
    Ok(decoder)
}

/// Opens an encoder: a path or `builtin:NAME`, with `:preprocess=PRESET` where samples are not what
/// the network takes.
fn open_encoder(
    text: &str,
    training: &Dataset,
    engine: Engine,
) -> Result<ImageEncoder, StudyError> {
    let spec: EncoderSpec = text.parse()?;
    if spec.preprocess != Preset::None && training.scaling != Scaling::Uint8ToSymmetric {
        return Err(StudyError::Mismatch(format!(
            "`{text}` prepares pictures of 8-bit values mapped to [-1, 1], but {} has {}",
            training.name, training.scaling
        )));
    }
    if spec.network.starts_with(builtin::PREFIX) {
        let network: Arc<Network> = Arc::new(open_onnx_for(&spec.network, None, engine)?.0);
        return Ok(ImageEncoder::new(network, spec.preprocess, &training.shape)?);
    }
    let file = network_file(Path::new(&spec.network))?;
    Ok(ImageEncoder::load(file, spec.preprocess, &training.shape, engine)?)
}
