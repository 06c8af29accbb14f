//! Data sets, noise, labels and inputs of networks.

use std::path::Path;
use std::sync::OnceLock;

use kinepath_study::conditions::{InputsFile, RunConditions};
use kinepath_study::data::{DataError, Dataset, RecordBlocks, load, load_noise, read_labels};
use kinepath_study::schedule::ScheduleSpec;
use kinepath_study::source::{FieldSource, FieldSpec};

use super::{BASE, DEFLATE, PLAIN};
use crate::{Target, scratch, seeds, wrap};

/// Uncompressed bytes become floats, which are held twice while records are laid out.
const UNPACKED: usize = 16;

/// Plain IDX.
pub static IDX: Target = Target::new("idx", PLAIN, BASE, |input| data_set("x.idx", input));

/// IDX in gzip: as it is, or the content of one where the first byte is odd.
pub static IDX_GZ: Target = Target::new("idx_gz", DEFLATE * UNPACKED, BASE, |input| match input {
    [first, content @ ..] if first % 2 == 1 => data_set("x.gz", &wrap::gzip(content)),
    [_, file @ ..] => data_set("x.gz", file),
    [] => false,
});

/// NPY as a data set, noise, labels, blocks of records and a column of times.
pub static NPY: Target = Target::new("npy", PLAIN, BASE, |input| {
    scratch::with(|scratch| {
        let file = scratch.write("x.npy", input);
        let loaded = load(&text(&file));
        if is_none(&loaded) {
            return false;
        }
        let _ = load_noise(&file);
        let _ = read_labels(&file);
        if let Ok(blocks) = RecordBlocks::open(&file, 16) {
            blocks.for_each(drop);
        }
        let _ = ScheduleSpec { grid: text(&file), ..ScheduleSpec::default() }.compile();
        loaded.is_ok()
    })
});

/// NPZ: as it is, or the data and the labels of one where the first byte is odd.
pub static NPZ: Target = Target::new("npz", DEFLATE * UNPACKED, BASE, |input| match input {
    [first, content @ ..] if first % 2 == 1 => {
        let [labels, data] = wrap::split(content);
        data_set("x.npz", &wrap::zip(&[("x.npy", data), ("y.npy", labels)]))
    }
    [_, file @ ..] => data_set("x.npz", file),
    [] => false,
});

/// Safetensors as a data set, noise and labels.
pub static SAFETENSORS: Target = Target::new("safetensors", PLAIN, BASE, |input| {
    scratch::with(|scratch| {
        let file = scratch.write("x.safetensors", input);
        let loaded = load(&text(&file));
        if is_none(&loaded) {
            return false;
        }
        let _ = load_noise(&file);
        let _ = read_labels(&file);
        loaded.is_ok()
    })
});

/// Safetensors as the inputs that a network is conditioned on.
pub static INPUTS: Target = Target::new("inputs", PLAIN, BASE, |input| {
    static FIELD: OnceLock<FieldSource> = OnceLock::new();
    #[expect(clippy::expect_used, reason = "the network is part of the repository")]
    let field = FIELD.get_or_init(|| {
        let network = seeds::file("kinepath-onnx/tests/fixtures/models/prompted.onnx");
        let spec = format!("onnx:{}", network.display());
        FieldSource::open(&FieldSpec { spec, ..FieldSpec::default() }).expect("a network")
    });
    scratch::with(|scratch| {
        let file = text(&scratch.write("inputs.safetensors", input));
        let _ = InputsFile::count(&file, &field.inputs);
        RunConditions::open(None, Some(&file), field, 0..2, 2).is_ok()
    })
});

/// CIFAR-10 and CIFAR-100.
pub static CIFAR: Target = Target::new("cifar", PLAIN, BASE, |input| data_set("x.bin", input));

/// A folder of one picture. A decoder may have 4096 bytes for each of the file and a mebibyte, and what
/// are bytes of pixels then become `f32` too.
pub static IMAGES: Target = Target::new("images", 5 * 4096, 5 * (1 << 20) + BASE, |input| {
    scratch::with(|scratch| {
        scratch.write("pictures/x.png", input);
        load(&text(&scratch.path("pictures"))).is_ok()
    })
});

/// Pictures in a Parquet file, which together may take what one of its length could, while they are decoded
/// and after; two more lie in decoders, and pages are as in a table.
pub static PARQUET: Target =
    Target::new("parquet", 7 * 4096, 16 << 20, |input| data_set("x.parquet", input));

fn data_set(name: &str, bytes: &[u8]) -> bool {
    scratch::with(|scratch| load(&text(&scratch.write(name, bytes))).is_ok())
}

/// Whether a file is none of its format at all: then it is none for the other readers either, which
/// need not be asked.
fn is_none(loaded: &Result<Dataset, DataError>) -> bool {
    matches!(loaded, Err(DataError::Malformed { .. } | DataError::Length { .. }))
}

fn text(path: &Path) -> String {
    path.display().to_string()
}
