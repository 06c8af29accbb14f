//! Settings, sidecars, configurations of pipelines, columns of numbers and kept results.

use std::path::Path;

use kinepath_study::conventions::{ConventionWords, Sidecar};
use kinepath_study::data::read_labels;
use kinepath_study::report::{render, render_tune};
use kinepath_study::schedule::{ScheduleSpec, read_gain};
use kinepath_study::source::{FieldSource, FieldSpec, locate};
use kinepath_study::study::{StudyResults, StudySettings};
use kinepath_study::tune::{TuneResults, TuneSettings};

use super::{BASE, PLAIN, TREE};
use crate::{Target, scratch, wrap};

/// The settings of a study and of a search.
pub static STUDY: Target = Target::new("study", TREE, BASE, |input| {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    if let Ok(settings) = toml::from_str::<StudySettings>(text) {
        let checked = settings.sampler.check(&settings.fields).is_ok();
        return settings.data.with_implied().check().is_ok() && checked;
    }
    toml::from_str::<TuneSettings>(text).is_ok()
});

/// A Gaussian mixture.
pub static MIXTURE: Target = Target::new("mixture", TREE, BASE, |input| {
    scratch::with(|scratch| {
        let file = scratch.write("mixture.toml", input);
        let spec = format!("mixture:{}", file.display());
        FieldSource::open(&FieldSpec { spec, ..FieldSpec::default() }).is_ok()
    })
});

/// What is kept beside a network.
pub static SIDECAR: Target = Target::new("sidecar", TREE, BASE, |input| {
    scratch::with(|scratch| {
        scratch.write("network.kinepath.toml", input);
        let network = scratch.path("network.onnx");
        let Ok(Some(sidecar)) = Sidecar::read(&network) else { return false };
        let _ = sidecar.words(&network);
        true
    })
});

/// The configurations in the folder of a pipeline: those of the pipeline, the scheduler and the
/// network.
pub static PIPELINE: Target = Target::new("pipeline", PLAIN, BASE, |input| {
    let [pipeline, scheduler, network] = wrap::split(input);
    scratch::with(|scratch| {
        scratch.write("pipeline/model_index.json", pipeline);
        scratch.write("pipeline/scheduler/scheduler_config.json", scheduler);
        scratch.write("pipeline/unet/config.json", network);
        scratch.write("pipeline/unet/model.onnx", b"");
        let located = locate(&scratch.path("pipeline"));
        located.is_ok_and(|located| located.words(ConventionWords::default()).is_ok())
    })
});

/// Texts of numbers: a grid, a gain with and without TOML, noise levels, labels, and the schedule of
/// a path.
pub static NUMBERS: Target = Target::new("numbers", TREE, BASE, |input| {
    scratch::with(|scratch| {
        let file = scratch.write("numbers/levels.txt", input);
        let text = |path: &Path| path.display().to_string();
        let grids = [text(&file), format!("sigmas:{}", file.display())];
        let compiled =
            grids.map(|grid| ScheduleSpec { grid, ..ScheduleSpec::default() }.compile().is_ok());
        let _ = read_gain(&text(&file), None);
        let _ = read_gain(&text(&scratch.write("numbers/gain.toml", input)), None);
        let _ = read_labels(&file);
        let sidecar = "version = 1\npath = \"vp:levels.txt\"\npredicts = \"noise\"\n";
        let network = scratch.path("numbers/network.onnx");
        if !Sidecar::place(&network).exists() {
            scratch.write("numbers/network.kinepath.toml", sidecar.as_bytes());
        }
        let _ = Sidecar::read(&network);
        compiled.contains(&true)
    })
});

/// The kept results of a study or a search, and the report of them. The page itself has a megabyte,
/// whatever it shows.
pub static REPORT: Target = Target::new("report", PLAIN, 64 << 20, |input| {
    scratch::with(|scratch| {
        let file = scratch.write("results.json", input);
        if let Ok(results) = StudyResults::read(&file) {
            return render(&results).is_ok();
        }
        TuneResults::read(&file).is_ok_and(|results| render_tune(&results).is_ok())
    })
});
