//! Small whole inputs for every target to start from.
//!
//! Where the tests of another crate have such a file, it is that one.

/// The made-up results that the reports are tested with.
#[path = "../../../kinepath-study/tests/report"]
mod report {
    #[allow(clippy::unwrap_used, reason = "a helper of tests")]
    pub(super) mod fixture;
}
mod run;
mod texts;

use std::fs;
use std::path::{Path, PathBuf};

use safetensors::Dtype;
use safetensors::tensor::TensorView;

use report::fixture;
pub(crate) use run::{PART, RunFiles};

use crate::wrap;

/// The seeds of a target, by name.
///
/// # Panics
/// If a file of the repository is missing.
#[must_use]
pub fn of(target: &str) -> Vec<Vec<u8>> {
    let run = RunFiles::sampled;
    match target {
        "idx" => files(DATA, &["idx", "images-idx3-ubyte"]),
        "idx_gz" => packed(files(DATA, &["gz"]), files(DATA, &["idx", "images-idx3-ubyte"])),
        "npy" => files(DATA, &["npy"]),
        "npz" => {
            let labels = npy("<i8", "(2,)", &[0; 16]);
            let data = files(DATA, &["npy"]);
            packed(
                files(DATA, &["npz"]),
                data.iter().map(|data| wrap::join(&[&labels, data])).collect(),
            )
        }
        "safetensors" => files(DATA, &["safetensors"]),
        "inputs" => vec![inputs()],
        "cifar" => files(DATA, &["bin"]),
        "images" => pictures(),
        "parquet" => files(DATA, &["parquet"]),
        "table" => vec![run().table],
        "run_toml" => vec![run().settings],
        "run" => vec![run().joined()],
        "part" => vec![run().unfinished()],
        "graph" | "engine" => small(files(MODELS, &["onnx"])),
        "tokenizer" => files("kinepath-onnx/tests/fixtures", &["json"]),
        "prompts" => vec!["a dress\r\n\n  # of bags \n\tein schöner Schuh".into()],
        "study" => texts::settings(),
        "mixture" => vec![run::MIXTURE.into(), texts::DIAGONAL_MIXTURE.into()],
        "sidecar" => vec![texts::SIDECAR.into(), texts::SIDECAR_OF_NOISE.into()],
        "pipeline" => texts::pipelines(),
        "numbers" => texts::NUMBERS.map(Into::into).into(),
        "report" => kept_results(),
        "words" => texts::WORDS.map(Into::into).into(),
        _ => Vec::new(),
    }
}

const DATA: &str = "kinepath-study/tests/fixtures/data";
const MODELS: &str = "kinepath-onnx/tests/fixtures/models";

/// A file below `crates/`.
pub(crate) fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// The files of a folder whose names end so, in order.
#[expect(clippy::expect_used, reason = "the files are part of the repository")]
fn files(folder: &str, ends: &[&str]) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(file(folder)).expect("a folder of the repository");
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| {
        let name = path.to_string_lossy();
        path.is_file() && ends.iter().any(|end| name.ends_with(end))
    });
    paths.sort();
    paths.iter().map(|path| fs::read(path).expect("a file of the repository")).collect()
}

/// Those that a fuzzer gets through often.
fn small(mut files: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    files.retain(|file| file.len() <= 4096);
    files
}

/// Whole packed files, and contents to be packed: their first byte tells them apart.
fn packed(whole: Vec<Vec<u8>>, contents: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let mark = |mark: u8| move |file: Vec<u8>| [&[mark][..], &file].concat();
    whole.into_iter().map(mark(0)).chain(contents.into_iter().map(mark(1))).collect()
}

fn npy(descr: &str, shape: &str, elements: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), elements].concat()
}

fn pictures() -> Vec<Vec<u8>> {
    let folders = ["colour", "jpeg", "clear", "sizes"];
    let mut all: Vec<_> =
        folders.iter().flat_map(|name| files(&format!("{DATA}/{name}"), &["png", "jpg"])).collect();
    let picture = image::RgbImage::from_fn(3, 2, |x, y| image::Rgb([x as u8, y as u8, 7]));
    for format in [image::ImageFormat::Bmp, image::ImageFormat::Pnm] {
        let mut file = std::io::Cursor::new(Vec::new());
        if picture.write_to(&mut file, format).is_ok() {
            all.push(file.into_inner());
        }
    }
    all
}

/// What the network `prompted` of the tests is conditioned on, for two samples.
fn inputs() -> Vec<u8> {
    let floats = [0; 4 * 24];
    let halves = TensorView::new(Dtype::F16, vec![2, 4, 3], &floats[..48]);
    let pooled = TensorView::new(Dtype::F32, vec![2, 2], &floats[..16]);
    let guidance = TensorView::new(Dtype::F32, vec![], &floats[..4]);
    let mask = TensorView::new(Dtype::I64, vec![4], &floats[..32]);
    let tensors = [("context", halves), ("pooled", pooled), ("guidance", guidance), ("mask", mask)];
    let tensors = tensors.into_iter().filter_map(|(name, view)| Some((name, view.ok()?)));
    safetensors::serialize(tensors, None).unwrap_or_default()
}

/// Studies and a search as the tests of the report make them up.
fn kept_results() -> Vec<Vec<u8>> {
    let studies = [fixture::study(), fixture::bare()];
    let searches = [fixture::search(), fixture::fruitless()];
    let studies = studies.iter().map(serde_json::to_vec);
    studies.chain(searches.iter().map(serde_json::to_vec)).flatten().collect()
}
