//! Studies of run folders.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use kinepath_study::report::render;
use kinepath_study::run::{FolderLock, REPORT_FILE};
use kinepath_study::study::{
    self, ClipSettings, CopySpace, DataSettings, DecoderSettings, RESULTS_FILE, StudyResults,
    evaluate_named_runs, write_whole,
};
use kinepath_study::{Stop, StudyError};
use pyo3::prelude::*;

use crate::errors::{self, invalid};
use crate::parallel;

/// An image encoder, prompts, and a text encoder with its tokenizer if the prompts are words.
type Clip = (String, String, Option<String>, Option<String>);

/// Refuses numbers of resamples whose intervals would not hold what they say.
#[pyfunction]
pub(crate) fn check_resamples(resamples: usize) -> PyResult<()> {
    study::check_resamples(resamples).map_err(errors::study)
}

/// Judges runs, the first being the baseline, into `study.json` and `report.html` in folder `out`.
/// `observe` is told what is done and how much of it.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "the Python side passes them by name")]
#[pyo3(signature = (
    runs, out, *, train, reference, decoder, encoder, copies_in, classifier, clip, engine,
    resamples, observe
))]
pub(crate) fn evaluate(
    py: Python<'_>,
    runs: Vec<(String, PathBuf)>,
    out: PathBuf,
    train: String,
    reference: Option<String>,
    decoder: Option<(String, f64, f64)>,
    encoder: Option<String>,
    copies_in: &str,
    classifier: Option<String>,
    clip: Option<Clip>,
    engine: &str,
    resamples: usize,
    observe: Py<PyAny>,
) -> PyResult<()> {
    let copies_in: CopySpace = copies_in.parse().map_err(invalid)?;
    let clip = clip.map(|(image, prompts, text, tokenizer)| ClipSettings {
        image,
        prompts,
        text,
        tokenizer,
    });
    let decoder = decoder.map(|(network, scale, shift)| DecoderSettings { network, scale, shift });
    let data = DataSettings {
        train,
        reference,
        decoder,
        encoder,
        copies_in,
        classifier,
        clip,
        engine: engine.parse().map_err(invalid)?,
    }
    .with_implied();
    let lock = || FolderLock::take_runs(runs.iter().map(|(_, run)| run.as_path()), Some(&out));
    let _locks = parallel::detach(py, lock).map_err(|error| errors::study(error.into()))?;
    // A key press is Python's to notice, and only while it holds the interpreter.
    let tell = |py: Python<'_>, stage: &str, done: f64| {
        py.check_signals()?;
        observe.call1(py, (stage, done)).map(drop)
    };
    // Large ones take a while, in which the crate has nothing to tell.
    tell(py, "reading data and networks", 0.0)?;
    let mut raised = None;
    let judged = parallel::detach(py, || {
        evaluate_named_runs(&runs, &data, resamples, &mut |stage, done| match Python::attach(|py| {
            tell(py, stage, done)
        }) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                raised = Some(error);
                ControlFlow::Break(Stop::AtOnce)
            }
        })
    });
    let results = judged.map_err(|error| raised.unwrap_or_else(|| errors::study(error)))?;
    let report = render(&results).map_err(invalid)?;
    parallel::detach(py, || write(&results, &report, &out)).map_err(errors::study)
}

fn write(results: &StudyResults, report: &str, out: &Path) -> Result<(), StudyError> {
    results.write(&out.join(RESULTS_FILE))?;
    write_whole(&out.join(REPORT_FILE), report.as_bytes())
}
