//! Every data format against files written by the libraries that define it
//! (`fixtures/make_data.py`).

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::path::{Path, PathBuf};

use kinepath_study::data::{DataError, Dataset, Scaling, load, load_noise};

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/data").join(name)
}

fn fixture(name: &str) -> Result<Dataset, DataError> {
    load(path(name).to_str().unwrap())
}

/// The formulas of the script.
fn byte(i: usize) -> u8 {
    ((37 * i + 11) % 256) as u8
}

fn real(i: usize) -> f32 {
    (i % 17) as f32 / 8.0 - 1.0
}

fn scaled(byte: u8) -> f32 {
    f32::from(byte) / 127.5 - 1.0
}

fn assert_values(data: &Dataset, name: &str, expected: impl Fn(usize) -> f32) {
    for (i, &value) in data.values.iter().enumerate() {
        assert_eq!(value, expected(i), "{name}: element {i}");
    }
}

#[test]
fn every_format_gives_the_values_that_were_written() {
    // Name, records, shape of one, whether bytes, labels.
    type Case<'a> = (&'a str, usize, &'a [usize], bool, Option<&'a [i64]>);
    let cases: &[Case] = &[
        ("plain-images-idx3-ubyte", 3, &[1, 4, 5], true, Some(&[2, 0, 1])),
        ("packed-images-idx3-ubyte.gz", 3, &[1, 4, 5], true, Some(&[2, 0, 1])),
        ("alone.idx", 2, &[3, 4, 5], true, None),
        ("f32.npy", 3, &[2, 4, 5], false, None),
        ("f64.npy", 3, &[7], false, None),
        ("f16.npy", 3, &[7], false, None),
        ("big-endian.npy", 3, &[7], false, None),
        ("grey.npy", 3, &[1, 4, 5], true, None),
        ("fortran.npy", 3, &[2, 4, 5], false, None),
        ("channels-last.npy", 3, &[3, 4, 5], true, None),
        ("stored.npz", 3, &[1, 4, 5], true, Some(&[5, 6, 7])),
        ("packed.npz", 3, &[7], false, Some(&[5, 6, 7])),
        ("unnamed.npz", 3, &[7], false, None),
        ("u8.safetensors", 3, &[1, 4, 5], true, Some(&[5, 6, 7])),
        ("f32.safetensors", 3, &[7], false, None),
        ("f16.safetensors", 3, &[7], false, None),
        ("cifar10.bin", 2, &[3, 32, 32], true, Some(&[3, 9])),
        ("cifar100.bin", 1, &[3, 32, 32], true, Some(&[98])),
        ("pictures.parquet", 3, &[1, 4, 5], true, Some(&[2, 0, 1])),
        ("binary.parquet", 2, &[3, 4, 5], true, Some(&[9, 8])),
        ("shards", 3, &[1, 4, 5], true, Some(&[2, 0, 1])),
    ];
    for &(name, records, shape, bytes, labels) in cases {
        let data = fixture(name).unwrap();
        assert_eq!((data.len(), data.shape.as_slice()), (records, shape), "{name}");
        assert_eq!(data.labels.as_deref(), labels, "{name}");
        if bytes {
            assert_eq!(data.scaling, Scaling::Uint8ToSymmetric, "{name}");
            assert_values(&data, name, |i| scaled(byte(i)));
        } else {
            assert_eq!(data.scaling, Scaling::AsStored, "{name}");
            assert_values(&data, name, real);
        }
    }
}

#[test]
fn wide_integers_stay_as_they_are() {
    assert_values(&fixture("i64.npy").unwrap(), "i64.npy", |i| i as f32 - 6.0);
}

#[test]
fn the_hash_tells_content_and_not_format() {
    let [plain, packed, grey] =
        ["plain-images-idx3-ubyte", "packed-images-idx3-ubyte.gz", "grey.npy"]
            .map(|name| fixture(name).unwrap().sha256);
    assert_eq!(plain, packed);
    assert_eq!(plain, fixture("pictures.parquet").unwrap().sha256);
    assert_ne!(plain, grey, "labels are content");
    assert_eq!(fixture("f64.npy").unwrap().sha256, fixture("f16.safetensors").unwrap().sha256);
}

#[test]
fn sub_folders_are_classes_in_sorted_order() {
    let data = fixture("classes").unwrap();
    assert_eq!(data.labels.as_deref(), Some(&[0, 0, 1][..]));
    assert_eq!(data.shape, [1, 4, 5]);
    for i in 0..20 {
        assert_eq!(data.values[[0, i]], scaled(255 - byte(i)));
        assert_eq!(data.values[[1, i]], scaled(byte(i)));
        assert_eq!(data.values[[2, i]], scaled(byte(i) / 2));
    }
}

#[test]
fn colour_pictures_are_channel_major_and_an_opaque_alpha_is_dropped() {
    let data = fixture("colour").unwrap();
    assert_eq!((data.len(), data.shape.as_slice()), (2, &[3, 4, 5][..]));
    assert_eq!(data.labels, None);
    assert_values(&data, "colour", |i| scaled(byte(i % 60)));
}

#[test]
fn a_jpeg_is_read() {
    let data = fixture("jpeg").unwrap();
    assert_eq!(data.shape, [3, 8, 8]);
    assert_values(&data, "jpeg", |_| scaled(128));
}

#[test]
fn a_folder_of_cifar_batches_is_read_in_order() {
    let folder = tempfile::tempdir().unwrap();
    for batch in ["data_batch_2.bin", "data_batch_1.bin", "test_batch.bin"] {
        std::fs::copy(path("cifar10.bin"), folder.path().join(batch)).unwrap();
    }
    let data = load(folder.path().to_str().unwrap()).unwrap();
    assert_eq!(data.labels.as_deref(), Some(&[3, 9, 3, 9][..]));
}

#[test]
fn of_the_splits_in_a_folder_one_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let spec = folder.path().to_str().unwrap();
    let add = |name: &str| {
        std::fs::copy(path("pictures.parquet"), folder.path().join(name)).unwrap();
        load(spec).map(|data| data.len())
    };
    assert_eq!(add("test-00001-of-00002.parquet"), Ok(3));
    assert_eq!(add("test-00000-of-00002.parquet"), Ok(6));
    let error = add("validation.parquet").unwrap_err().to_string();
    assert!(error.contains("the splits test, val; give one of its files"), "{error}");
    assert_eq!(add("train.parquet"), Ok(3));
}

#[test]
fn tables_of_any_name_are_data_alone_and_nothing_beside_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let spec = folder.path().to_str().unwrap();
    for name in ["dogs.parquet", "0000.PARQUET"] {
        std::fs::copy(path("pictures.parquet"), folder.path().join(name)).unwrap();
    }
    assert_eq!(load(spec).map(|data| data.len()), Ok(6));
    std::fs::copy(path("colour/one.png"), folder.path().join("one.png")).unwrap();
    assert_eq!(load(spec).map(|data| data.len()), Ok(1));
}

#[test]
fn noise_is_read_as_it_is() {
    let noise = load_noise(&path("f32.npy")).unwrap();
    assert_eq!((noise.values.dim(), noise.shape.as_slice()), ((3, 40), &[2, 4, 5][..]));
    let noise = load_noise(&path("noise.safetensors")).unwrap();
    assert_eq!(noise.shape, [1, 4, 5]);
    assert!(noise.values.iter().enumerate().all(|(i, &value)| value == real(i)));
    assert!(matches!(load_noise(&path("grey.npy")), Err(DataError::ElementType { .. })));
    assert!(matches!(load_noise(&path("nan.npy")), Err(DataError::NotFinite { record: 1, .. })));
    let keys = load_noise(&path("no-key.safetensors"));
    assert!(matches!(keys, Err(DataError::MissingKey { .. })));
}

#[test]
fn unusable_content_is_an_error_that_says_so() {
    // Name, the error it must be, words the message must have.
    type Case<'a> = (&'a str, fn(&DataError) -> bool, &'a str);
    let cases: &[Case] = &[
        ("nan.npy", |e| matches!(e, DataError::NotFinite { record: 1, element: 0, .. }), "NaN"),
        ("inf.npy", |e| matches!(e, DataError::NotFinite { record: 1, element: 1, .. }), "-inf"),
        ("none.npy", |e| matches!(e, DataError::NoRecords { .. }), "N = 0"),
        ("scalar.npy", |e| matches!(e, DataError::Shape { .. }), "[N, D]"),
        ("no-key.npz", |e| matches!(e, DataError::MissingKey { .. }), "'bias', 'weights'"),
        ("no-key.safetensors", |e| matches!(e, DataError::MissingKey { .. }), "'weights'"),
        ("plain-labels-idx1-ubyte", |e| matches!(e, DataError::Shape { .. }), "labels"),
        ("sizes", |e| matches!(e, DataError::ImageSize { .. }), "b.png"),
        ("clear", |e| matches!(e, DataError::ElementType { .. }), "transparency"),
        ("colour/one.png", |e| matches!(e, DataError::Folder { .. }), "give the folder"),
        ("sizes.parquet", |e| matches!(e, DataError::ImageSize { .. }), "sizes.parquet, row 1"),
        ("paths.parquet", |e| matches!(e, DataError::Malformed { .. }), "row 1 has no picture"),
        ("gap.parquet", |e| matches!(e, DataError::Malformed { .. }), "row 1 has no class"),
        ("words.parquet", |e| matches!(e, DataError::ElementType { .. }), "'label'"),
        ("numbers.parquet", |e| matches!(e, DataError::Malformed { .. }), "it has kpe"),
        ("none.parquet", |e| matches!(e, DataError::NoRecords { .. }), "N = 0"),
        ("zstd.parquet", |e| matches!(e, DataError::Malformed { .. }), "by ZSTD"),
        ("absent.npy", |e| matches!(e, DataError::Io { .. }), "absent.npy"),
    ];
    for (name, expected, words) in cases {
        let error = fixture(name).unwrap_err();
        assert!(expected(&error), "{name}: {error:?}");
        assert!(error.to_string().contains(words), "{name}: {error}");
    }
}

#[test]
fn unknown_names_and_formats_list_what_there_is() {
    let error = load("builtin:mnist").unwrap_err().to_string();
    assert!(error.contains("fashion-mnist, fashion-mnist-reference"), "{error}");
    let folder = tempfile::tempdir().unwrap();
    let odd = folder.path().join("notes.txt");
    std::fs::write(&odd, "hello").unwrap();
    let error = load(odd.to_str().unwrap()).unwrap_err();
    assert!(matches!(error, DataError::UnknownFormat { .. }), "{error}");
    let empty = load(folder.path().join("..").join(folder.path()).to_str().unwrap()).unwrap_err();
    assert!(matches!(empty, DataError::NoPictures { .. }), "{empty}");
}
