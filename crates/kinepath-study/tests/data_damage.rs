//! Damaged files of every format: an error, never a panic, and no memory on a header's word.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::io::Write;
use std::path::{Path, PathBuf};

use kinepath_study::data::{DataError, load, load_noise};
use proptest::prelude::*;

/// One file of each format; the pictures are read as a folder of one.
const FILES: &[&str] = &[
    "plain-images-idx3-ubyte",
    "packed-images-idx3-ubyte.gz",
    "f32.npy",
    "grey.npy",
    "stored.npz",
    "packed.npz",
    "f32.safetensors",
    "u8.safetensors",
    "cifar10.bin",
    "cifar100.bin",
    "colour/one.png",
    "jpeg/flat.jpg",
    "pictures.parquet",
    "binary.parquet",
];

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/data").join(name)
}

/// Loads `bytes` as a file of the same name, alone in its folder.
fn load_bytes(name: &str, bytes: &[u8]) -> Result<(), DataError> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(Path::new(name).file_name().unwrap());
    std::fs::write(&file, bytes).unwrap();
    let is_picture = [".png", ".jpg"].iter().any(|end| name.ends_with(end));
    let spec = if is_picture { folder.path() } else { &file };
    load(spec.to_str().unwrap()).map(|_| ())
}

#[test]
fn the_undamaged_files_load() {
    for name in FILES {
        assert_eq!(load_bytes(name, &std::fs::read(source(name)).unwrap()), Ok(()), "{name}");
    }
}

#[test]
fn an_empty_file_is_called_empty() {
    for name in FILES {
        let error = load_bytes(name, &[]).unwrap_err();
        let short_header = matches!(error, DataError::Empty { .. });
        assert!(short_header, "{name}: {error}");
    }
}

#[test]
fn every_truncation_is_an_error() {
    for name in FILES {
        let whole = std::fs::read(source(name)).unwrap();
        // A JPEG's end marker, and a PNG's, may be missing without losing a pixel.
        let spared = if name.ends_with(".png") || name.ends_with(".jpg") { 64 } else { 0 };
        let stride = whole.len().div_ceil(400);
        for length in (0..whole.len() - spared).step_by(stride) {
            let result = load_bytes(name, &whole[..length]);
            assert!(result.is_err(), "{name}: {length} of {} bytes", whole.len());
        }
    }
}

#[test]
fn a_hundred_bytes_that_promise_gigabytes_are_refused() {
    let npy = |header: &str| {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes
    };
    let tensor =
        r#"{"x":{"dtype":"F32","shape":[1000000,1000000],"data_offsets":[0,4000000000000]}}"#;
    let mut safetensors = (tensor.len() as u64).to_le_bytes().to_vec();
    safetensors.extend(tensor.as_bytes());
    let mut long_header = (1u64 << 40).to_le_bytes().to_vec();
    long_header.resize(100, b'{');
    let mut idx = vec![0, 0, 8, 3, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0];
    idx.resize(100, 0);
    // A PNG of 65535 by 65535 pixels of 3 bytes, with the checksum its header then needs.
    let mut png = std::fs::read(source("colour/one.png")).unwrap();
    png[16..24].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]);
    let mut checksum = flate2::Crc::new();
    checksum.update(&png[12..29]);
    png[29..33].copy_from_slice(&checksum.sum().to_be_bytes());
    let mut version_2 = b"\x93NUMPY\x02\x00\xff\xff\xff\xff".to_vec();
    version_2.resize(100, b' ');
    let cases = [
        ("a.idx", idx),
        ("a.npy", npy("{'descr': '<f8', 'fortran_order': False, 'shape': (99999, 99999), }")),
        ("b.npy", version_2),
        ("a.safetensors", safetensors),
        ("b.safetensors", long_header),
        ("a.png", png),
    ];
    for (name, bytes) in cases {
        let error = load_bytes(name, &bytes).unwrap_err();
        assert!(
            matches!(error, DataError::Length { .. } | DataError::Malformed { .. }),
            "{name}: {error}"
        );
    }
}

/// A zip archive of stored members.
fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in members {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn arrays_of_objects_are_refused() {
    // What NumPy writes for an array of Python objects: a pickle, which would be a program.
    let header = "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }";
    let length = (header.len() as u16).to_le_bytes();
    let pickle = b"cos\nsystem\n(S'true'\ntR.";
    let npy = [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), pickle].concat();
    for (name, bytes) in [("a.npy", npy.clone()), ("a.npz", archive(&[("x.npy", &npy)]))] {
        let error = load_bytes(name, &bytes).unwrap_err();
        assert!(matches!(&error, DataError::ElementType { dtype, .. } if dtype == "|O"), "{error}");
    }
}

#[test]
fn an_archive_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("data");
    std::fs::create_dir(&inside).unwrap();
    let whole = std::fs::read(source("f32.npy")).unwrap();
    let absolute = folder.path().join("absolute.npy").display().to_string();
    let members: [(&str, &[u8]); 4] =
        [("../up.npy", &whole), (&absolute, &whole), ("x.npy", &whole), ("sub/y.npy", &whole)];
    let file = inside.join("a.npz");
    std::fs::write(&file, archive(&members)).unwrap();
    let before = std::fs::read(&file).unwrap();
    let loaded = load(file.to_str().unwrap());
    assert!(matches!(&loaded, Ok(data) if data.labels.is_none()), "{loaded:?}");
    let names = |folder: &Path| -> Vec<_> {
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect()
    };
    assert_eq!((names(folder.path()), names(&inside)), (vec!["data".into()], vec!["a.npz".into()]));
    assert_eq!(std::fs::read(&file).unwrap(), before);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn changed_bytes_never_panic(
        file in 0..FILES.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        keep in any::<prop::sample::Index>(),
    ) {
        let name = FILES[file];
        let mut bytes = std::fs::read(source(name)).unwrap();
        for (at, value) in changes {
            let at = at.index(bytes.len().min(300));
            bytes[at] = value;
        }
        // Either outcome is fine: a changed pixel is still a picture.
        let _ = load_bytes(name, &bytes);
        bytes.truncate(keep.index(bytes.len()));
        let _ = load_bytes(name, &bytes);
    }

    #[test]
    fn damaged_noise_never_panics(
        at in any::<prop::sample::Index>(),
        value in any::<u8>(),
        keep in any::<prop::sample::Index>(),
    ) {
        for name in ["f32.npy", "noise.safetensors"] {
            let mut bytes = std::fs::read(source(name)).unwrap();
            let at = at.index(bytes.len());
            bytes[at] = value;
            bytes.truncate(keep.index(bytes.len() + 1));
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join(name);
            std::fs::write(&file, &bytes).unwrap();
            let _ = load_noise(&file);
        }
    }
}
