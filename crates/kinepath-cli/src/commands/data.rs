//! What samples are judged by, as `evaluate` and `compare` take it.

use clap::Args;
use kinepath_study::source::Engine;
use kinepath_study::study::{
    ClipSettings, CopySpace, DataSettings, DecoderSettings, check_resamples,
};

use crate::cli::at_least_one;

/// What samples are judged by.
#[derive(Debug, Args)]
#[command(next_help_heading = "Judged by")]
pub(crate) struct DataArgs {
    /// Training set of the model: IDX, NPY, NPZ, safetensors, CIFAR, Parquet with a column of pictures, a
    /// folder of pictures, or builtin:fashion-mnist
    #[arg(long, value_name = "DATA")]
    train: String,
    /// Real data the model has not seen, for distances between distributions, precision, recall and
    /// the copying test, which are left out without it [default for builtin:fashion-mnist:
    /// builtin:fashion-mnist-reference]
    #[arg(long, value_name = "DATA")]
    reference: Option<String>,
    /// Network that makes pictures of samples that are latents, such as vae_decoder.onnx: everything
    /// but energies is then of pictures, like those of --train
    #[arg(long, value_name = "V.onnx")]
    decode: Option<String>,
    /// What latents were multiplied by for training, scaling_factor of a diffusers autoencoder:
    /// pictures are decode(z / S + B) [default: 1]
    #[arg(long, value_name = "S", requires = "decode", allow_negative_numbers = true)]
    latent_scale: Option<f64>,
    /// What was subtracted from latents before, shift_factor of a diffusers autoencoder [default: 0]
    #[arg(long, value_name = "B", requires = "decode", allow_negative_numbers = true)]
    latent_shift: Option<f64>,
    /// Network whose features are the feature space, which is that of pixels without one;
    /// FILE:preprocess=inception prepares samples for FID proper [default for
    /// builtin:fashion-mnist: builtin:classifier]
    #[arg(long, value_name = "E.onnx")]
    encoder: Option<String>,
    /// Space in which copies of training records are sought: pixels, or features, those of --encoder,
    /// which show copies that are shifted, recoloured or mirrored
    #[arg(long, value_name = "SPACE", default_value = "pixels")]
    copies_in: CopySpace,
    /// Network whose logits give confidence and margin, which are left out without one [default for
    /// builtin:fashion-mnist: builtin:classifier]
    #[arg(long, value_name = "C.onnx")]
    classifier: Option<String>,
    /// Network for pictures whose features share a space with those of prompts, usually
    /// FILE:preprocess=clip; scores how well samples fit --prompts
    #[arg(long, value_name = "I.onnx", requires = "prompts")]
    clip_image: Option<String>,
    /// Prompts, one a line, or an array of their embeddings; samples with a class should show the
    /// prompt of that number
    #[arg(long, value_name = "FILE", requires = "clip_image")]
    prompts: Option<String>,
    /// Network for prompts in words
    #[arg(long, value_name = "T.onnx", requires_all = ["prompts", "tokenizer"])]
    clip_text: Option<String>,
    /// The tokenizer.json of --clip-text
    #[arg(long, value_name = "FILE", requires = "clip_text")]
    tokenizer: Option<String>,
    /// What runs these networks, as for `sample`: auto, rten, ort, ort:cuda or ort:tensorrt
    #[arg(long, value_name = "ENGINE", default_value_t)]
    engine: Engine,
    /// Bootstrap resamples and permutations of every figure, at least 40
    #[arg(long, value_name = "N", default_value = "2000", value_parser = resamples)]
    pub(crate) resamples: usize,
}

fn resamples(text: &str) -> Result<usize, String> {
    let number = at_least_one(text)?;
    check_resamples(number).map(|()| number).map_err(|error| error.to_string())
}

impl DataArgs {
    /// Fills in what the embedded data set implies.
    pub(crate) fn settings(&self) -> DataSettings {
        DataSettings {
            train: self.train.clone(),
            reference: self.reference.clone(),
            decoder: self.decode.clone().map(|network| DecoderSettings {
                network,
                scale: self.latent_scale.unwrap_or(1.0),
                shift: self.latent_shift.unwrap_or(0.0),
            }),
            encoder: self.encoder.clone(),
            copies_in: self.copies_in,
            classifier: self.classifier.clone(),
            clip: self.clip_image.clone().zip(self.prompts.clone()).map(|(image, prompts)| {
                let (text, tokenizer) = (self.clip_text.clone(), self.tokenizer.clone());
                ClipSettings { image, prompts, text, tokenizer }
            }),
            engine: self.engine,
        }
        .with_implied()
    }
}
