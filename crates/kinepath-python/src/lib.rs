//! The Rust core of the Python package `kinepath`.
//!
//! Everything here is a conversion: arguments into the types of the crates `kinepath` and
//! `kinepath-study`, and results into NumPy arrays. Names, defaults and documentation for people are
//! in `python/kinepath/`.

mod arrays;
mod callable;
mod data;
mod errors;
mod fields;
mod gain;
mod given;
mod grid;
mod metrics;
mod parallel;
mod plan;
mod run_parts;
mod runs;
mod sample;
mod stats;
mod study;

use pyo3::prelude::*;

/// The extension module `kinepath._kinepath`.
#[pymodule]
fn _kinepath(module: &Bound<'_, PyModule>) -> PyResult<()> {
    parallel::note_process();
    let py = module.py();
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("KinepathError", py.get_type::<errors::KinepathError>())?;
    module.add("SamplingError", py.get_type::<errors::SamplingError>())?;
    module.add("ModelError", py.get_type::<errors::ModelError>())?;
    module.add_class::<grid::Grid>()?;
    module.add_class::<gain::Gain>()?;
    module.add_class::<plan::Plan>()?;
    module.add_class::<plan::Step>()?;
    module.add_class::<plan::Stage>()?;
    module.add_class::<fields::Field>()?;
    module.add_class::<fields::EmpiricalField>()?;
    module.add_class::<fields::MixtureField>()?;
    module.add_class::<fields::OnnxField>()?;
    module.add_function(wrap_pyfunction!(sample::noise, module)?)?;
    module.add_function(wrap_pyfunction!(sample::sample, module)?)?;
    module.add_class::<runs::Run>()?;
    module.add_function(wrap_pyfunction!(given::write_run, module)?)?;
    module.add_class::<run_parts::RunParts>()?;
    module.add_function(wrap_pyfunction!(run_parts::run_settings, module)?)?;
    module.add_function(wrap_pyfunction!(data::load_data, module)?)?;
    module.add_function(wrap_pyfunction!(study::check_resamples, module)?)?;
    module.add_function(wrap_pyfunction!(study::evaluate, module)?)?;
    metrics::register(module)?;
    stats::register(module)
}
