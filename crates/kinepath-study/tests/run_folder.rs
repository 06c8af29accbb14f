//! Run folders: what is written is read, and a killed run ends like an undisturbed one.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::fs;
use std::ops::Range;
use std::path::Path;

use kinepath_study::data::DataError;
use kinepath_study::run::{
    Column, ConditionSettings, EVALUATION_FILE, Existing, FieldSettings, FileSettings,
    GuidanceSettings, LabelSettings, NoiseSettings, Opened, Part, REPORT_FILE, RecordSettings,
    RunError, RunReader, RunSettings, RunWriter, SamplerSettings, Table,
};
use ndarray::{Array2, ArrayD, IxDyn};
use proptest::prelude::*;

const STEPS: usize = 3;

fn settings() -> RunSettings {
    let file = |path: &str| FileSettings { path: path.to_owned(), sha256: "0a".to_owned() };
    RunSettings {
        conditions: Some(ConditionSettings {
            labels: Some(LabelSettings { asked: "cycle:10".to_owned(), sha256: "0b".to_owned() }),
            inputs: Some(file("prompts.safetensors")),
        }),
        kinepath: "0.1.0".to_owned(),
        first: 0,
        count: 11,
        total: None,
        batch: 4,
        shape: vec![1, 2, 3],
        field: FieldSettings {
            spec: "empirical:builtin:fashion-mnist".to_owned(),
            sha256: "00".repeat(32),
            engine: None,
            predicts: "velocity".to_owned(),
            time: "unit".to_owned(),
            path: None,
            schedule_sha256: None,
            scaling: None,
            guidance: Some(GuidanceSettings {
                scale: 1.5,
                interval: Some([0.25, 0.75]),
                style: "calls".to_owned(),
                null_label: Some(10),
                null_inputs: Some(file("null.safetensors")),
            }),
        },
        sampler: Some(SamplerSettings {
            solver: "heun".to_owned(),
            steps: STEPS,
            grid: "uniform".to_owned(),
            nodes: vec![0.0, 1.0 / 3.0, 2.0 / 3.0, 1.0],
            gain: "unit".to_owned(),
            quadrature: "solver".to_owned(),
            split: 0.6,
            rtol: None,
            atol: None,
            certify: None,
        }),
        noise: NoiseSettings::Seed { seed: 3 },
        record: RecordSettings {
            profile: true,
            energy_map: true,
            parts: true,
            trajectory: vec![0.5, 1.0],
        },
        certificate: None,
        content: None,
    }
}

/// A batch of numbers that depend on the sample alone.
fn part(range: Range<usize>) -> Part {
    let rows = range.len();
    let tensor = |shape: &[usize], salt: f32| {
        let row: usize = shape.iter().product();
        let whole: Vec<usize> = std::iter::once(rows).chain(shape.iter().copied()).collect();
        let start = range.start * row;
        let values = (start..start + rows * row).map(|i| i as f32 + salt).collect();
        ArrayD::from_shape_vec(IxDyn(&whole), values).unwrap()
    };
    let table = Table::new(vec![
        ("index".to_owned(), Column::I64(range.clone().map(|i| i as i64).collect())),
        (
            "label".to_owned(),
            Column::OptI64(range.clone().map(|i| (i % 3 > 0).then_some(i as i64)).collect()),
        ),
        ("kpe".to_owned(), Column::F64(range.clone().map(|i| (i as f64).sqrt()).collect())),
        ("memorized".to_owned(), Column::Bool(range.clone().map(|i| i % 2 == 0).collect())),
    ]);
    Part {
        start: range.start,
        samples: tensor(&[6], 0.25).into_dimensionality().unwrap(),
        table: table.unwrap(),
        tensors: vec![
            ("profile".to_owned(), tensor(&[STEPS], 0.5)),
            ("energy_map".to_owned(), tensor(&[1, 2, 3], 0.75)),
            ("trajectory".to_owned(), tensor(&[2, 1, 2, 3], 0.125)),
        ],
        certificate: None,
    }
}

fn open(dir: &Path) -> RunWriter {
    match RunWriter::open(dir, settings(), Existing::Resume).unwrap() {
        Opened::Incomplete(writer) => *writer,
        Opened::Complete => panic!("nothing has been written"),
    }
}

fn finished(dir: &Path) {
    let mut writer = open(dir);
    for batch in writer.missing() {
        writer.write(&part(batch)).unwrap();
    }
    writer.finish().unwrap();
}

/// The names and bytes of all files of a folder.
fn bytes(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read(&path).unwrap_or_default())
        })
        .collect();
    files.sort();
    files
}

#[test]
fn what_is_written_is_read() {
    let dir = tempfile::tempdir().unwrap();
    finished(dir.path());
    let names: Vec<_> = bytes(dir.path()).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["run.toml", "samples.parquet", "samples.safetensors"]);

    let run = RunReader::open(dir.path()).unwrap();
    let whole = part(0..11);
    let content = run.settings().content.clone();
    assert!(content.is_some());
    assert_eq!(run.settings(), &RunSettings { content, ..settings() });
    assert_eq!(run.table(), &whole.table);
    assert_eq!(run.samples().unwrap(), whole.samples);
    let profile: Array2<f32> = whole.tensors[0].1.clone().into_dimensionality().unwrap();
    assert_eq!(run.profile().unwrap(), Some(profile));
    assert_eq!(run.energy_map().unwrap().as_ref(), Some(&whole.tensors[1].1));
    assert_eq!(run.trajectory().unwrap().as_ref(), Some(&whole.tensors[2].1));
}

#[test]
fn what_was_not_recorded_is_absent() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = open(dir.path());
    for batch in writer.missing() {
        writer.write(&Part { tensors: Vec::new(), ..part(batch) }).unwrap();
    }
    writer.finish().unwrap();
    let run = RunReader::open(dir.path()).unwrap();
    assert_eq!(run.profile(), Ok(None));
    assert_eq!(run.trajectory(), Ok(None));
    assert_eq!(run.samples().unwrap(), part(0..11).samples);
}

#[test]
fn a_killed_run_goes_on_and_ends_with_the_same_bytes() {
    let undisturbed = tempfile::tempdir().unwrap();
    finished(undisturbed.path());

    let killed = tempfile::tempdir().unwrap();
    let dir = killed.path();
    let mut writer = open(dir);
    assert_eq!(writer.missing(), [0..4, 4..8, 8..11]);
    writer.write(&part(4..8)).unwrap();
    drop(writer);
    // What a process leaves that is killed while it writes, and a part the disk lost half of.
    let parts = dir.join("parts");
    fs::write(parts.join(".x1.tmp"), "half a part").unwrap();
    fs::write(parts.join("part-000000000008-000000000011.safetensors"), [9; 40]).unwrap();
    assert_eq!(
        RunReader::open(dir).unwrap_err(),
        RunError::Unfinished { path: dir.display().to_string(), done: 4, total: 11 }
    );

    let mut writer = open(dir);
    assert_eq!(writer.missing(), [0..4, 8..11]);
    assert_eq!(writer.samples_done(), 4);
    writer.write(&part(8..11)).unwrap();
    writer.write(&part(0..4)).unwrap();
    writer.finish().unwrap();
    assert_eq!(bytes(dir), bytes(undisturbed.path()));
}

#[test]
fn a_run_killed_while_finishing_is_finished_by_the_next() {
    let undisturbed = tempfile::tempdir().unwrap();
    finished(undisturbed.path());
    let killed = tempfile::tempdir().unwrap();
    let dir = killed.path();
    let mut writer = open(dir);
    for batch in writer.missing() {
        writer.write(&part(batch)).unwrap();
    }
    drop(writer);
    // Only the first of the final names has been given.
    fs::write(dir.join("samples.safetensors"), "whatever").unwrap();
    let writer = open(dir);
    assert!(writer.missing().is_empty());
    writer.finish().unwrap();
    assert_eq!(bytes(dir), bytes(undisturbed.path()));

    // All names have been given, the parts are still there.
    fs::create_dir(dir.join("parts")).unwrap();
    let opened = RunWriter::open(dir, settings(), Existing::Resume).unwrap();
    assert!(matches!(opened, Opened::Complete));
    assert_eq!(bytes(dir), bytes(undisturbed.path()));
}

#[test]
fn other_settings_are_refused_by_key_until_told_to_overwrite() {
    let dir = tempfile::tempdir().unwrap();
    let mut other = settings();
    other.sampler.as_mut().unwrap().gain = "ssc:alpha=0.1,power=2".to_owned();
    let refused = |key: &str, found: &str, wanted: &str| {
        let opened = RunWriter::open(dir.path(), other.clone(), Existing::Resume);
        match opened.unwrap_err() {
            RunError::OtherSettings { key: k, found: f, wanted: w, .. } => {
                assert_eq!((k.as_str(), f.as_str(), w.as_str()), (key, found, wanted));
            }
            error => panic!("{error}"),
        }
    };
    let mut writer = open(dir.path());
    writer.write(&part(0..4)).unwrap();
    drop(writer);
    refused("sampler.gain", "\"unit\"", "\"ssc:alpha=0.1,power=2\"");
    finished(dir.path());
    refused("sampler.gain", "\"unit\"", "\"ssc:alpha=0.1,power=2\"");

    // What the run was judged to be goes with it.
    for name in [EVALUATION_FILE, REPORT_FILE] {
        std::fs::write(dir.path().join(name), "of the run before").unwrap();
    }
    let opened = RunWriter::open(dir.path(), other, Existing::Overwrite).unwrap();
    let Opened::Incomplete(writer) = opened else { panic!("everything was to be removed") };
    assert_eq!(writer.samples_done(), 0);
    let names: Vec<_> = bytes(dir.path()).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, [".kinepath.lock", "parts"]);
}

#[test]
fn a_key_that_only_one_side_has_is_a_difference() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).write(&part(0..4)).unwrap();
    let mut other = settings();
    other.field.guidance.as_mut().unwrap().null_label = None;
    let error = RunWriter::open(dir.path(), other, Existing::Resume).unwrap_err();
    let difference = "field.guidance.null_label is 10 there and absent now";
    assert!(error.to_string().contains(difference), "{error}");
}

#[test]
fn a_complete_run_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    finished(dir.path());
    let before = bytes(dir.path());
    let opened = RunWriter::open(dir.path(), settings(), Existing::Resume).unwrap();
    assert!(matches!(opened, Opened::Complete));
    assert_eq!(bytes(dir.path()), before);
}

#[test]
fn one_process_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(dir.path());
    let second = RunWriter::open(dir.path(), settings(), Existing::Resume).unwrap_err();
    assert_eq!(second, RunError::Locked { path: dir.path().display().to_string() });
    drop(first);
    drop(open(dir.path()));
}

#[test]
fn folders_that_cannot_hold_the_run_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "x").unwrap();
    let error = RunWriter::open(&file, settings(), Existing::Resume).unwrap_err();
    assert!(matches!(error, RunError::Io { .. }), "{error}");
    assert!(error.to_string().contains("choose another folder"), "{error}");

    fs::write(dir.path().join("samples.parquet"), "mine").unwrap();
    let error = RunWriter::open(dir.path(), settings(), Existing::Resume).unwrap_err();
    assert!(matches!(error, RunError::Foreign { .. }), "{error}");
    assert_eq!(fs::read(dir.path().join("samples.parquet")).unwrap(), b"mine");

    let empty = RunSettings { count: 0, ..settings() };
    let error = RunWriter::open(dir.path(), empty, Existing::Resume).unwrap_err();
    assert!(matches!(error, RunError::Settings { .. }), "{error}");
    let error = RunReader::open(dir.path()).unwrap_err();
    assert!(matches!(error, RunError::NotARun { .. }), "{error}");
}

#[test]
fn parts_that_do_not_fit_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = open(dir.path());
    for range in [0..3, 1..5, 8..12, 12..16] {
        let error = writer.write(&part(range.clone())).unwrap_err();
        assert!(matches!(error, RunError::PartRange { .. }), "{range:?}: {error}");
    }
    writer.write(&part(0..4)).unwrap();
    let mut wide = part(4..8);
    wide.samples = Array2::zeros((4, 7));
    let mut bare = part(4..8);
    bare.tensors.pop();
    let mut short = part(4..8);
    short.table = part(8..11).table;
    for misfit in [wide, bare, short] {
        let error = writer.write(&misfit).unwrap_err();
        assert!(matches!(error, RunError::PartShape { start: 4, .. }), "{error}");
    }
    let error = writer.finish().unwrap_err();
    assert!(matches!(error, RunError::Missing { start: 4, end: 8, .. }), "{error}");
}

#[test]
fn a_table_with_more_columns_replaces_the_old_one() {
    let dir = tempfile::tempdir().unwrap();
    finished(dir.path());
    let mut run = RunReader::open(dir.path()).unwrap();
    let mut table = run.table().clone();
    table.set("gap", Column::F64(vec![f64::INFINITY; 11])).unwrap();
    run.replace_table(table.clone()).unwrap();
    assert_eq!(run.table(), &table);
    assert_eq!(RunReader::open(dir.path()).unwrap().table(), &table);
    assert!(run.replace_table(part(0..4).table).is_err());
    assert_eq!(bytes(dir.path()).len(), 3, "no temporary file stays");
}

#[test]
fn truncated_results_are_errors() {
    let dir = tempfile::tempdir().unwrap();
    finished(dir.path());
    let read = || -> Result<(), RunError> {
        let run = RunReader::open(dir.path())?;
        run.samples()?;
        run.trajectory().map(|_| ())
    };
    for name in ["samples.safetensors", "samples.parquet"] {
        let file = dir.path().join(name);
        let whole = fs::read(&file).unwrap();
        for length in 0..whole.len() {
            fs::write(&file, &whole[..length]).unwrap();
            let error = read().unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
        }
        fs::remove_file(&file).unwrap();
        let error = read().unwrap_err();
        let missing = matches!(error, RunError::Io { .. } | RunError::Data(DataError::Io { .. }));
        assert!(missing, "{error}");
        fs::write(&file, &whole).unwrap();
    }
    fs::write(dir.path().join("run.toml"), "count = ").unwrap();
    assert!(matches!(read(), Err(RunError::Settings { .. })));
}

#[test]
fn arrays_of_another_shape_than_the_settings_say_are_errors() {
    let dir = tempfile::tempdir().unwrap();
    finished(dir.path());
    let file = dir.path().join("run.toml");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("trajectory = [0.5, 1.0]"), "{text}");
    let more = text.replace("trajectory = [0.5, 1.0]", "trajectory = [0.25, 0.5, 1.0]");
    fs::write(&file, more).unwrap();
    let error = RunReader::open(dir.path()).unwrap().trajectory().unwrap_err();
    assert!(error.to_string().contains("'trajectory' is"), "{error}");
}

/// Batches are cut at multiples of the global index, wherever a share begins.
#[test]
fn an_unfinished_share_tells_all_samples_that_are_there() {
    let dir = tempfile::tempdir().unwrap();
    let settings = RunSettings { first: 6, total: Some(40), ..settings() };
    let opened = RunWriter::open(dir.path(), settings, Existing::Resume).unwrap();
    let Opened::Incomplete(mut writer) = opened else { panic!("nothing is there") };
    assert_eq!(writer.missing(), [0..2, 2..6, 6..10, 10..11]);
    for range in [0..2, 2..6] {
        writer.write(&part(range)).unwrap();
    }
    drop(writer);
    assert_eq!(
        RunReader::open(dir.path()).unwrap_err(),
        RunError::Unfinished { path: dir.path().display().to_string(), done: 6, total: 11 }
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_table_survives_the_disk(
        rows in prop::collection::vec(
            (any::<f64>(), any::<i64>(), any::<Option<i64>>(), any::<bool>()),
            11,
        ),
    ) {
        let dir = tempfile::tempdir().unwrap();
        finished(dir.path());
        let mut run = RunReader::open(dir.path()).unwrap();
        let table = Table::new(vec![
            ("f".to_owned(), Column::F64(rows.iter().map(|row| row.0).collect())),
            ("i".to_owned(), Column::I64(rows.iter().map(|row| row.1).collect())),
            ("o".to_owned(), Column::OptI64(rows.iter().map(|row| row.2).collect())),
            ("b".to_owned(), Column::Bool(rows.iter().map(|row| row.3).collect())),
        ]).unwrap();
        run.replace_table(table.clone()).unwrap();
        let read = RunReader::open(dir.path()).unwrap();
        let bits = |table: &Table| -> Vec<u64> {
            table.f64("f").unwrap().iter().map(|value| value.to_bits()).collect()
        };
        prop_assert_eq!(bits(read.table()), bits(&table));
        for name in ["i", "o", "b"] {
            prop_assert_eq!(read.table().get(name), table.get(name));
        }
    }

    #[test]
    fn changed_bytes_of_results_never_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let dir = tempfile::tempdir().unwrap();
        finished(dir.path());
        for name in ["samples.safetensors", "samples.parquet", "run.toml"] {
            let file = dir.path().join(name);
            let whole = fs::read(&file).unwrap();
            let mut bytes = whole.clone();
            for (at, value) in &changes {
                bytes[at.index(whole.len())] = *value;
            }
            fs::write(&file, &bytes).unwrap();
            let _ = RunReader::open(dir.path()).map(|run| (run.samples(), run.trajectory()));
            fs::write(&file, &whole).unwrap();
        }
    }
}

#[test]
fn settings_of_more_than_any_memory_take_neither_time_nor_memory() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = open(dir.path());
    writer.write(&part(0..4)).unwrap();
    drop(writer);
    let kept = dir.path().join("parts/run.toml");
    let text = fs::read_to_string(&kept).unwrap();
    assert!(text.contains("count = 11\n") && text.contains("shape = [1, 2, 3]\n"), "{text}");
    // Batches by the billion, of which the one that there is counts.
    fs::write(&kept, text.replace("count = 11\n", "count = 9000000000\n")).unwrap();
    let error = RunReader::open(dir.path()).unwrap_err();
    let expected = matches!(error, RunError::Unfinished { done: 4, total: 9_000_000_000, .. });
    assert!(expected, "{error}");
    // A file of a batch by a number that no walk over batches comes to.
    let far = "count = 200000000000000000\n";
    fs::write(&kept, text.replace("count = 11\n", far)).unwrap();
    let last = "part-199999999999999996-200000000000000000.safetensors";
    fs::write(dir.path().join("parts").join(last), "").unwrap();
    let error = RunReader::open(dir.path()).unwrap_err();
    assert!(matches!(error, RunError::Unfinished { done: 4, .. }), "{error}");
    // Values whose number is none.
    let absurd = text.replace("shape = [1, 2, 3]\n", "shape = [4294967296, 4294967296, 3]\n");
    fs::write(dir.path().join("run.toml"), absurd).unwrap();
    let error = RunReader::open(dir.path()).unwrap_err();
    assert!(error.to_string().contains("fit in no memory"), "{error}");
}

#[test]
fn more_batches_than_a_folder_should_hold_are_refused_before_anything_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let endless = RunSettings { count: 100_000_000_000_000, ..settings() };
    let error = RunWriter::open(&dir.path().join("run"), endless, Existing::Resume).unwrap_err();
    let expected = matches!(error, RunError::TooManyBatches { batches: 25_000_000_000_000, .. });
    assert!(expected && error.to_string().contains("take larger batches"), "{error}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_part_whose_note_is_not_of_its_tensors_is_written_again() {
    // Tensors named twice, and columns of another kind than their bytes.
    for (old, new) in [
        (r#"\"energy_map\""#, r#"\"trajectory\""#),
        (r#"\"energy_map\""#, r#"\"samples\"   "#),
        (r#"\"kpe\",\"f64\""#, r#"\"kpe\",\"i64\""#),
        (r#"\"label\",\"optional i64\""#, r#"\"label\",\"bool\"        "#),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = open(dir.path());
        writer.write(&part(0..4)).unwrap();
        drop(writer);
        let kept = dir.path().join("parts/part-000000000000-000000000004.safetensors");
        let bytes = fs::read(&kept).unwrap();
        // The note is a text in the header, whose length must stay.
        let at = bytes.windows(old.len()).position(|some| some == old.as_bytes()).unwrap();
        let changed = [&bytes[..at], new.as_bytes(), &bytes[at + old.len()..]].concat();
        assert_eq!(changed.len(), bytes.len(), "{new}");
        fs::write(&kept, changed).unwrap();
        let mut writer = open(dir.path());
        assert_eq!(writer.samples_done(), 0, "{new}");
        for batch in writer.missing() {
            writer.write(&part(batch)).unwrap();
        }
        writer.finish().unwrap();
        assert_eq!(RunReader::open(dir.path()).unwrap().settings().count, 11);
    }
}

#[test]
fn settings_under_which_nothing_was_sampled_bind_nobody() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    let other = || RunSettings { batch: 3, ..settings() };
    let Opened::Incomplete(mut writer) =
        RunWriter::open(dir.path(), other(), Existing::Resume).unwrap()
    else {
        panic!("nothing was sampled");
    };
    writer.write(&part(0..3)).unwrap();
    drop(writer);
    // From the first part on they do.
    let error = RunWriter::open(dir.path(), settings(), Existing::Resume).unwrap_err();
    assert!(matches!(error, RunError::OtherSettings { .. }), "{error}");
    assert!(RunWriter::open(dir.path(), other(), Existing::Resume).is_ok());
}
