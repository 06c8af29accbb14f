//! Folders of diffusers pipelines, as Optimum exports them: the network, and what its scheduler's
//! configuration says of its conventions.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::StudyError;
use crate::conventions::{ConventionWords, STRAIGHT};

mod python_json;

/// Where the network of a pipeline lies in its folder.
const NETWORKS: [&str; 2] = ["transformer/model.onnx", "unet/model.onnx"];
const SCHEDULER: &str = "scheduler/scheduler_config.json";
const PIPELINE: &str = "model_index.json";

/// A network found by its name, and what the pipeline around it says.
#[derive(Debug, Clone, PartialEq)]
pub struct Located {
    /// The ONNX file.
    pub model: PathBuf,
    /// What the scheduler's configuration says of its conventions, nothing outside a pipeline; or why
    /// that is not known.
    words: Result<ConventionWords, Unknown>,
    /// The shape of one sample, where the network's configuration tells it.
    pub shape: Option<Vec<usize>>,
}

/// Conventions that a pipeline does not tell.
#[derive(Debug, Clone, PartialEq)]
struct Unknown {
    reason: String,
    /// Whether it is a flow model of the straight path, so that only its time is missing.
    straight: bool,
}

/// Finds the network that `source` names: a file, or the folder of a pipeline.
///
/// # Errors
/// [`StudyError::Mismatch`] for a folder without a network; [`StudyError::File`] for configurations
/// that cannot be read.
pub fn locate(source: &Path) -> Result<Located, StudyError> {
    let bare = |model| Located { model, words: Ok(ConventionWords::default()), shape: None };
    if !source.is_dir() {
        return Ok(bare(source.to_owned()));
    }
    let models = NETWORKS.map(|network| source.join(network));
    let Some(model) = models.into_iter().find(|model| model.is_file()) else {
        return Err(StudyError::Mismatch(format!(
            "{} is a folder without {}; name an ONNX file, or export the pipeline with Optimum",
            source.display(),
            NETWORKS.join(" or ")
        )));
    };
    let shape = shape(&model.with_file_name("config.json"))?;
    let scheduler = source.join(SCHEDULER);
    if !scheduler.is_file() {
        let reason = format!("{} is missing", scheduler.display());
        return Ok(Located { words: Err(Unknown { reason, straight: false }), shape, model });
    }
    let pipeline = source.join(PIPELINE);
    let pipeline: Option<Pipeline> =
        pipeline.is_file().then(|| read_config(&pipeline)).transpose()?;
    let class = pipeline.map(|pipeline| pipeline.class);
    let words = read_config::<Scheduler>(&scheduler)?.words(class.as_deref());
    let words = words.map_err(|unknown| {
        let reason = format!("{}: {}", scheduler.display(), unknown.reason);
        Unknown { reason, ..unknown }
    });
    Ok(Located { words, shape, model })
}

impl Located {
    /// What is `told` of the conventions, and what the scheduler says where that is silent.
    ///
    /// # Errors
    /// [`StudyError::Mismatch`] where the scheduler's conventions are not known, and the path, for a
    /// flow model the time, is not told either.
    pub fn words(&self, told: ConventionWords) -> Result<ConventionWords, StudyError> {
        match &self.words {
            Ok(words) => Ok(told.or(words.clone())),
            Err(unknown) if told.path.is_some() || (unknown.straight && told.time.is_some()) => {
                Ok(told)
            }
            Err(Unknown { reason, .. }) => Err(StudyError::Mismatch(format!(
                "{reason}; tell the conventions of {} (--path, --predicts, --time)",
                self.model.display()
            ))),
        }
    }
}

/// A configuration that diffusers wrote.
fn read_config<T: DeserializeOwned>(path: &Path) -> Result<T, StudyError> {
    let text = fs::read_to_string(path).map_err(|error| StudyError::file("read", path, &error))?;
    serde_json::from_str(&python_json::without_infinities(&text))
        .map_err(|error| StudyError::file("understand", path, &error))
}

/// `[C, H, W]` of a network's configuration that has them.
fn shape(config: &Path) -> Result<Option<Vec<usize>>, StudyError> {
    if !config.is_file() {
        return Ok(None);
    }
    let Network { in_channels, sample_size } = read_config(config)?;
    let (Some(channels), Some(size)) = (in_channels, sample_size) else { return Ok(None) };
    let (height, width) = match size {
        Size::Square(side) => (side, side),
        Size::Sides(height, width) => (height, width),
    };
    Ok(Some(vec![channels, height, width]))
}

#[derive(Deserialize)]
struct Pipeline {
    #[serde(rename = "_class_name")]
    class: String,
}

#[derive(Deserialize)]
struct Network {
    in_channels: Option<usize>,
    sample_size: Option<Size>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Size {
    Square(usize),
    Sides(usize, usize),
}

/// What a scheduler's configuration says of the network; the rest of it says how to sample.
#[derive(Deserialize)]
struct Scheduler {
    #[serde(rename = "_class_name")]
    class: String,
    num_train_timesteps: Option<usize>,
    beta_schedule: Option<String>,
    beta_start: Option<f64>,
    beta_end: Option<f64>,
    trained_betas: Option<Vec<f64>>,
    snr_shift_scale: Option<f64>,
    prediction_type: Option<String>,
    timestep_type: Option<String>,
    rescale_betas_zero_snr: Option<bool>,
    invert_sigmas: Option<bool>,
    sigma_data: Option<f64>,
    sigma_min: Option<f64>,
    sigma_max: Option<f64>,
}

impl Scheduler {
    /// The network's conventions, or why they are not known.
    fn words(&self, pipeline: Option<&str>) -> Result<ConventionWords, Unknown> {
        let of_flow = self.class.contains("FlowMatch")
            || self.prediction_type.as_deref() == Some("flow_prediction");
        let words = if of_flow { self.flow(pipeline) } else { self.diffusion() };
        let straight = of_flow && self.invert_sigmas != Some(true);
        words.map_err(|reason| Unknown { reason, straight })
    }

    /// Those of a diffusion network.
    fn diffusion(&self) -> Result<ConventionWords, String> {
        let predicts = self.prediction_type.as_deref();
        if self.class.starts_with("EDM") {
            let predicts = match predicts.unwrap_or("epsilon") {
                "epsilon" => "residual",
                "v_prediction" => "v",
                other => return Err(format!("EDM networks do not predict `{other}`")),
            };
            let range = (self.sigma_min.unwrap_or(0.002), self.sigma_max.unwrap_or(80.0));
            let sigma_data = self.sigma_data.unwrap_or(0.5);
            let path = format!("edm:{sigma_data},min={},max={}", range.0, range.1);
            return Ok(told(predicts, "c-noise", &path));
        }
        let Some(schedule) = &self.beta_schedule else {
            return Err(format!("the conventions of {} are not known", self.class));
        };
        let predicts = match predicts.unwrap_or("epsilon") {
            "epsilon" => "noise",
            "v_prediction" => "v",
            "sample" => "data",
            other => return Err(format!("the prediction `{other}` is not known")),
        };
        if self.trained_betas.as_ref().is_some_and(|betas| !betas.is_empty()) {
            return Err("it has betas of its own, whose alphas_cumprod belong into a file, \
                        vp:FILE"
                .to_owned());
        }
        if let Some(scale) = self.snr_shift_scale.filter(|&scale| scale != 1.0) {
            return Err(format!(
                "it shifts the noise levels of its schedule (snr_shift_scale {scale}), whose \
                 alphas_cumprod belong into a file, vp:FILE"
            ));
        }
        let continuous = self.timestep_type.as_deref() == Some("continuous");
        if let (true, "v", Some(least), Some(most)) =
            (continuous, predicts, self.sigma_min, self.sigma_max)
        {
            // Trained on levels of its own, not on the schedule's: Stable Video Diffusion.
            return Ok(told(predicts, "c-noise", &format!("edm:1,min={least},max={most}")));
        }
        let steps = self.num_train_timesteps.unwrap_or(1000);
        let ends = || {
            let (start, end) = (self.beta_start.unwrap_or(1e-4), self.beta_end.unwrap_or(0.02));
            format!(",start={start},end={end}")
        };
        let path = match schedule.as_str() {
            "linear" => format!("vp:linear,steps={steps}{}", ends()),
            "scaled_linear" => format!("vp:scaled-linear,steps={steps}{}", ends()),
            "squaredcos_cap_v2" => format!("vp:cosine,steps={steps}"),
            other => {
                return Err(format!(
                    "the schedule `{other}` is not known; its alphas_cumprod belong into a file, \
                     vp:FILE"
                ));
            }
        };
        let terminal =
            if self.rescale_betas_zero_snr == Some(true) { ",terminal=zero" } else { "" };
        let time = if continuous { "c-noise" } else { "step" };
        Ok(told(predicts, time, &format!("{path}{terminal}")))
    }

    /// Those of a flow model, whose pipeline decides what number the network gets for σ.
    fn flow(&self, pipeline: Option<&str>) -> Result<ConventionWords, String> {
        if self.invert_sigmas == Some(true) {
            return Err("it inverts its sigmas, as for Mochi, which is not known".to_owned());
        }
        let pipeline = pipeline.unwrap_or_default();
        let begins = |names: &[&str]| names.iter().any(|name| pipeline.starts_with(name));
        let steps = self.num_train_timesteps.unwrap_or(1000);
        let time = if begins(&["Flux", "QwenImage"]) {
            "reversed".to_owned()
        } else if begins(&["StableDiffusion3"]) {
            format!("reversed+scaled:{steps}")
        } else {
            return Err(format!(
                "how the pipeline `{pipeline}` tells its network the time is not known: σ \
                 (--time reversed) or {steps} σ (--time reversed+scaled:{steps})"
            ));
        };
        Ok(told("velocity", &time, STRAIGHT))
    }
}

fn told(predicts: &str, time: &str, path: &str) -> ConventionWords {
    ConventionWords {
        predicts: Some(predicts.to_owned()),
        time: Some(time.to_owned()),
        path: Some(path.to_owned()),
    }
}

#[cfg(test)]
mod tests;
