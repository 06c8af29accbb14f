//! Runs of conditional networks: inputs from files, guidance, resumption, and what is refused.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper that fails is a test that fails")]

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use half::f16;
use kinepath::field::{Condition, InputValues, NamedInput};
use kinepath::noise::noise;
use kinepath::paths::Paths;
use kinepath::record::Record;
use kinepath::sampler::Sampler;
use kinepath_study::conditions::{InputsFile, LabelSpec, RunConditions};
use kinepath_study::run::{Existing, RunError, RunReader, columns};
use kinepath_study::sampling::{SampleJob, Selection, Share, Start, fitting_batch};
use kinepath_study::schedule::ScheduleSpec;
use kinepath_study::source::{FieldSource, FieldSpec, GuidanceSpec};
use kinepath_study::study::{
    CLASSES_ASKED_FOR, DataSettings, FieldChoice, GainChoice, StudySettings, evaluate_runs,
    run_study, run_study_of_shares, sample_share,
};
use kinepath_study::tune::{TuneSettings, run_tune};
use kinepath_study::{Stop, StudyError};
use safetensors::Dtype;
use safetensors::tensor::TensorView;

const COUNT: usize = 7;

fn model(name: &str) -> String {
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../kinepath-onnx/tests/fixtures/models");
    format!("onnx:{}", folder.join(format!("{name}.onnx")).display())
}

fn open(name: &str, guidance: Option<GuidanceSpec>) -> Result<FieldSource, StudyError> {
    FieldSource::open(&FieldSpec { spec: model(name), guidance, ..FieldSpec::default() })
}

/// Guidance over the whole path, with the label that stands for no class.
fn by_label(scale: f64, null_label: i64) -> GuidanceSpec {
    let (style, null_label) = ("doubled".to_owned(), Some(null_label));
    GuidanceSpec { scale, interval: None, style, null_label, null_inputs: None }
}

/// Numbers without a pattern, exact in 16 bits.
fn numbers(count: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 37 + 11) % 64) as f32 / 16.0 - 2.0).collect()
}

/// A tensor of a file: name, type, shape, bytes.
type Tensor = (&'static str, Dtype, Vec<usize>, Vec<u8>);

fn floats(name: &'static str, shape: &[usize]) -> Tensor {
    let values = numbers(shape.iter().product());
    (name, Dtype::F32, shape.to_vec(), values.iter().flat_map(|v| v.to_le_bytes()).collect())
}

fn halves(name: &'static str, shape: &[usize]) -> Tensor {
    let values = numbers(shape.iter().product());
    let bytes = values.iter().flat_map(|&v| f16::from_f32(v).to_le_bytes()).collect();
    (name, Dtype::F16, shape.to_vec(), bytes)
}

fn ones(name: &'static str, shape: &[usize]) -> Tensor {
    (name, Dtype::BOOL, shape.to_vec(), vec![1; shape.iter().product()])
}

/// All inputs of the network `prompted`, with a row a sample where they have rows.
fn prompts() -> Vec<Tensor> {
    vec![
        halves("context", &[COUNT, 4, 3]),
        ones("mask", &[4]),
        floats("pooled", &[COUNT, 2]),
        floats("guidance", &[]),
    ]
}

fn write(folder: &Path, name: &str, tensors: Vec<Tensor>) -> String {
    let views = tensors.iter().map(|(name, dtype, shape, bytes)| {
        (*name, TensorView::new(*dtype, shape.clone(), bytes).unwrap())
    });
    let path = folder.join(name);
    std::fs::write(&path, safetensors::serialize(views, None).unwrap()).unwrap();
    path.display().to_string()
}

fn run(
    source: &FieldSource,
    conditions: RunConditions,
    dir: &Path,
    (start, stop_after): (Start, usize),
) -> Result<RunReader, StudyError> {
    let (plan, sampler) = ScheduleSpec { steps: 5, ..ScheduleSpec::default() }.compile().unwrap();
    let parts = source.settings.guidance.is_some();
    let job = SampleJob {
        source,
        plan: &plan,
        sampler,
        start,
        first: 0,
        count: COUNT,
        total: None,
        batch: 3,
        record: Record { parts, ..Record::default() },
        conditions,
    };
    let mut calls = 0;
    job.run(dir, Existing::Resume, &mut |_| {
        calls += 1;
        if calls > stop_after {
            ControlFlow::Break(Stop::AtOnce)
        } else {
            ControlFlow::Continue(())
        }
    })
}

fn seed() -> (Start, usize) {
    (Start::Seed(4), usize::MAX)
}

/// What the core makes of the same condition in one batch, from arrays in memory.
fn expected(source: &FieldSource, condition: Condition<'_>, parts: bool) -> Paths {
    let (plan, _) = ScheduleSpec { steps: 5, ..ScheduleSpec::default() }.compile().unwrap();
    let sampler = Sampler::new(source.field.as_ref(), &plan).unwrap();
    let sampler = sampler.record(Record { parts, ..Record::default() }).condition(condition);
    sampler.run(noise(4, 0..COUNT as u64, 6).view()).unwrap()
}

fn prompts_in_memory() -> Vec<NamedInput> {
    let float = |name: &str, rows: Option<usize>, shape: &[usize]| {
        let count = rows.unwrap_or(1) * shape.iter().product::<usize>();
        NamedInput::new(name, rows, shape, InputValues::Float(numbers(count))).unwrap()
    };
    vec![
        float("context", Some(COUNT), &[4, 3]),
        NamedInput::new("mask", None, &[4], InputValues::Integer(vec![1; 4])).unwrap(),
        float("pooled", Some(COUNT), &[2]),
        float("guidance", None, &[]),
    ]
}

fn close(actual: &[f64], expected: &[f64]) {
    assert_eq!(actual.len(), expected.len());
    for (actual, expected) in actual.iter().zip(expected) {
        assert!((actual / expected - 1.0).abs() < 1e-5, "{actual} {expected}");
    }
}

#[test]
fn inputs_go_from_the_file_to_their_samples_and_a_stopped_run_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "prompts.safetensors", prompts());
    let source = open("prompted", None).unwrap();
    assert_eq!(InputsFile::count(&path, &source.inputs).unwrap(), Some(COUNT));
    let conditions = || RunConditions::open(None, Some(&path), &source, 0..COUNT, COUNT).unwrap();
    let whole = run(&source, conditions(), &folder.path().join("whole"), seed()).unwrap();
    let condition = Condition::Inputs { labels: None, inputs: &prompts_in_memory() };
    close(whole.table().f64(columns::KPE).unwrap(), &expected(&source, condition, false).kpe);

    let stopped = folder.path().join("stopped");
    let interrupted = run(&source, conditions(), &stopped, (Start::Seed(4), 7));
    assert!(matches!(interrupted, Err(StudyError::Interrupted)));
    let other = write(folder.path(), "prompts.safetensors", {
        let mut tensors = prompts();
        tensors[3] = floats("guidance", &[1]);
        tensors[3].3 = 2.5f32.to_le_bytes().to_vec();
        tensors
    });
    let others = RunConditions::open(None, Some(&other), &source, 0..COUNT, COUNT).unwrap();
    let refusal = run(&source, others, &stopped, seed()).unwrap_err();
    let StudyError::Run(RunError::OtherSettings { key, .. }) = refusal else { panic!("{refusal}") };
    assert_eq!(key, "conditions.inputs.sha256");
    write(folder.path(), "prompts.safetensors", prompts());
    let resumed = run(&source, conditions(), &stopped, seed()).unwrap();
    assert_eq!(resumed.samples().unwrap(), whole.samples().unwrap());
    assert_eq!(resumed.settings(), whole.settings());
}

#[test]
fn a_selection_keeps_the_inputs_of_its_slots() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "prompts.safetensors", prompts());
    let source = open("prompted", None).unwrap();
    let conditions = || RunConditions::open(None, Some(&path), &source, 0..COUNT, COUNT).unwrap();
    let all = run(&source, conditions(), &folder.path().join("all"), seed()).unwrap();
    let mut energies = all.table().f64(columns::KPE).unwrap().to_vec();
    energies.sort_by(f64::total_cmp);
    let band = format!("kpe=..{}", energies[COUNT / 2]).parse().unwrap();
    let selection = Selection { bands: vec![band], max_attempts: 1000 };
    let start = (Start::Selected { seed: 4, selection }, usize::MAX);
    let reader = run(&source, conditions(), &folder.path().join("run"), start).unwrap();
    let indices = reader.table().i64(columns::NOISE_INDEX).unwrap();
    assert!(indices.iter().enumerate().any(|(slot, &index)| index != slot as i64));
    let (plan, _) = ScheduleSpec { steps: 5, ..ScheduleSpec::default() }.compile().unwrap();
    let indices: Vec<u64> = indices.into_iter().map(|index| index as u64).collect();
    let inputs = prompts_in_memory();
    let again = Sampler::new(source.field.as_ref(), &plan)
        .unwrap()
        .condition(Condition::Inputs { labels: None, inputs: &inputs })
        .run(kinepath::noise::noise_at(4, &indices, 6).view())
        .unwrap();
    close(reader.table().f64(columns::KPE).unwrap(), &again.kpe);
}

#[test]
fn a_guided_run_tells_its_parts_and_its_field_opens_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "prompts.safetensors", prompts());
    let null = vec![floats("context", &[1, 4, 3]), ones("mask", &[1, 4])];
    let null_path = write(folder.path(), "null.safetensors", null);
    let guidance = GuidanceSpec {
        scale: 2.0,
        interval: Some([0.1, 0.7]),
        style: "calls".to_owned(),
        null_label: None,
        null_inputs: Some(null_path.clone()),
    };
    let source = open("prompted", Some(guidance)).unwrap();
    let conditions = RunConditions::open(None, Some(&path), &source, 0..COUNT, COUNT).unwrap();
    let reader = run(&source, conditions, &folder.path().join("run"), seed()).unwrap();
    // Of the five Euler stages 0, 0.2, 0.4, 0.6 and 0.8 three are guided.
    assert_eq!(reader.table().i64(columns::NFE).unwrap(), [8; COUNT]);
    let condition = Condition::Inputs { labels: None, inputs: &prompts_in_memory() };
    let parts = expected(&source, condition, true).parts.unwrap();
    close(reader.table().f64(columns::KPE_CONDITIONAL).unwrap(), &parts.conditional);
    close(reader.table().f64(columns::KPE_UNCONDITIONAL).unwrap(), &parts.unconditional);

    let again = FieldSource::reopen(&reader.settings().field, &source.shape).unwrap();
    assert_eq!(again.settings, source.settings);
    let kpe = reader.table().f64(columns::KPE).unwrap().to_vec();
    close(&expected(&again, condition, false).kpe, &kpe);
    write(folder.path(), "null.safetensors", vec![floats("pooled", &[2])]);
    let changed = FieldSource::reopen(&reader.settings().field, &source.shape).err().unwrap();
    assert!(matches!(changed, StudyError::Mismatch(_)), "{changed}");
}

#[test]
fn labels_are_recorded_and_a_run_goes_on_with_the_same_only() {
    let folder = tempfile::tempdir().unwrap();
    let source = open("labelled", Some(by_label(3.0, 3))).unwrap();
    let labels = |text: &str| {
        let spec: LabelSpec = text.parse().unwrap();
        RunConditions::open(Some(&spec), None, &source, 0..COUNT, COUNT).unwrap()
    };
    let dir = folder.path().join("run");
    let reader = run(&source, labels("cycle:3"), &dir, seed()).unwrap();
    assert_eq!(reader.table().i64(columns::LABEL).unwrap(), [0, 1, 2, 0, 1, 2, 0]);
    let again = FieldSource::reopen(&reader.settings().field, &source.shape).unwrap();
    assert_eq!(again.settings, source.settings);
    let refusal = run(&source, labels("cycle:2"), &dir, seed()).unwrap_err();
    assert!(refusal.to_string().contains("conditions.labels"), "{refusal}");
}

#[test]
fn whatever_does_not_fit_is_refused_before_a_folder_is_touched() {
    let folder = tempfile::tempdir().unwrap();
    let dir: PathBuf = folder.path().join("run");
    let source = open("prompted", None).unwrap();
    let opened = |tensors: Vec<Tensor>| {
        let path = write(folder.path(), "inputs.safetensors", tensors);
        RunConditions::open(None, Some(&path), &source, 0..COUNT, COUNT)
    };
    let with = |at: usize, tensor: Tensor| {
        let mut tensors = prompts();
        tensors[at] = tensor;
        opened(tensors).unwrap_err().to_string()
    };
    for (at, tensor, reason) in [
        (0, floats("context", &[COUNT, 4, 2]), "takes [length, 3] for each sample, not [4, 2]"),
        (0, floats("context", &[5, 4, 3]), "5 rows for 7 samples; 1 would be for all"),
        (0, floats("context", &[3]), "[3], but a row has 2 axes"),
        (1, floats("mask", &[4]), "`mask` takes integers or truth values, not floats"),
        (2, ones("pooled", &[COUNT, 2]), "`pooled` takes floats, not integers or truth values"),
        (2, floats("pool", &[COUNT, 2]), "no input `pool`"),
        (3, floats("guidance", &[2]), "`guidance` has 2 rows for 7 samples"),
    ] {
        let refusal = with(at, tensor);
        assert!(refusal.contains(reason), "{refusal}");
    }
    let mut broken = floats("pooled", &[COUNT, 2]);
    broken.3[4 * 9..4 * 10].copy_from_slice(&f32::NAN.to_le_bytes());
    let refusal = with(2, broken);
    assert!(refusal.contains("`pooled` would be given NaN (row 4)"), "{refusal}");
    let refusal = with(1, ones("mask", &[3]));
    assert!(refusal.contains("`mask` has a length of 3 and `context` one of 4"), "{refusal}");
    let missing = opened(prompts()[..3].to_vec()).unwrap_err().to_string();
    assert!(missing.contains("lacks the input `guidance`"), "{missing}");

    let refused = |source: &FieldSource, conditions| {
        let error = run(source, conditions, &dir, seed()).unwrap_err();
        assert!(!dir.exists());
        error.to_string()
    };
    let none = refused(&source, RunConditions::default());
    assert!(none.contains("needs the inputs `context`, `mask`, `pooled`, `guidance`"), "{none}");
    let labelled = open("labelled", None).unwrap();
    assert!(refused(&labelled, RunConditions::default()).contains("needs a class label"));
    assert!(refused(&labelled, RunConditions::labels(vec![0; 3])).contains("3 labels for 7"));
    let y = [0i64, 9].iter().flat_map(|y| y.to_le_bytes()).collect();
    let path = write(folder.path(), "y.safetensors", vec![("y", Dtype::I64, vec![2], y)]);
    let unknown = RunConditions::open(None, Some(&path), &labelled, 0..2, 2).unwrap_err();
    assert!(unknown.to_string().contains("9, which is none of the 4"), "{unknown}");
    let one_hot = open("one_hot", None).unwrap();
    let path = write(folder.path(), "y.safetensors", vec![floats("class_labels", &[4])]);
    let twice = RunConditions {
        labels: RunConditions::labels(vec![0; COUNT]).labels,
        ..RunConditions::open(None, Some(&path), &one_hot, 0..COUNT, COUNT).unwrap()
    };
    assert!(refused(&one_hot, twice).contains("among the inputs already"));
    let beyond = |label| RunConditions::labels([vec![0; COUNT - 1], vec![label]].concat());
    assert!(refused(&one_hot, beyond(77)).contains("the label 77 is none of its"));
    assert!(refused(&labelled, beyond(1 << 40)).contains("the label 1099511627776 exceeds"));
    let path = write(folder.path(), "null.safetensors", vec![floats("class_labels", &[4])]);
    let null_inputs = Some(path);
    let spec = GuidanceSpec { null_label: None, null_inputs, ..by_label(2.0, 0) };
    let guided = open("one_hot", Some(spec)).unwrap();
    let classes = RunConditions::labels(vec![1; COUNT]);
    assert!(
        refused(&guided, classes).contains("`class_labels`, of which no other value was given")
    );
}

#[test]
fn guidance_that_does_not_fit_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |name: &str, change: &dyn Fn(&mut GuidanceSpec)| {
        let mut guidance = by_label(2.0, 0);
        change(&mut guidance);
        open(name, Some(guidance)).err().unwrap().to_string()
    };
    let null = |tensors| Some(write(folder.path(), "null.safetensors", tensors));
    for (refusal, reason) in [
        (refused("labelled", &|g| g.null_label = None), "needs a null condition"),
        (refused("prompted", &|_| ()), "has no classes"),
        (refused("labelled", &|g| g.style = "both".to_owned()), "doubled or calls"),
        (refused("labelled", &|g| g.interval = Some([0.5, 0.2])), "t = 0.5 to 0.2"),
        (refused("labelled", &|g| g.scale = f64::INFINITY), "scale inf"),
        (
            refused("labelled", &|g| g.null_inputs = null(vec![floats("context", &[4, 3])])),
            "no input `context`",
        ),
    ] {
        assert!(refusal.contains(reason), "{refusal}");
    }
    let of_prompts = |tensors: Vec<Tensor>| {
        let path = null(tensors);
        refused("prompted", &|g| (g.null_label, g.null_inputs) = (None, path.clone()))
    };
    let rows = of_prompts(vec![floats("context", &[2, 4, 3])]);
    assert!(rows.contains("2 rows for a null condition"), "{rows}");
    assert!(of_prompts(vec![]).contains("holds no inputs"));
}

/// A study of a guided network of classes: its runs, its controls, which evaluate it again, and its
/// figures class by class.
#[test]
fn a_study_of_classes_tells_energy_and_memorization_class_by_class() {
    let folder = tempfile::tempdir().unwrap();
    let train = write(folder.path(), "train.safetensors", vec![floats("x", &[40, 6])]);
    let mut settings = StudySettings {
        count: 24,
        batch: 10,
        seeds: vec![3, 4],
        resamples: 50,
        bins: 2,
        support_neighbours: 3,
        fields: vec![FieldChoice {
            labels: Some("cycle:3".to_owned()),
            guidance: Some(by_label(2.0, 3)),
            ..FieldChoice::unconditional("classes", &model("labelled"))
        }],
        gains: vec![GainChoice {
            name: "landing".to_owned(),
            gain: "kts:alpha=0,beta=0.03".to_owned(),
        }],
        ..StudySettings::default()
    };
    settings.sampler.steps = 12;
    settings.data =
        DataSettings { train, reference: None, encoder: None, classifier: None, ..settings.data };
    let text = toml::to_string(&settings).unwrap();
    assert_eq!(toml::from_str::<StudySettings>(&text).unwrap(), settings);

    let dir = folder.path().join("study");
    let mut observe = |_: &str, _: f64| ControlFlow::Continue(());
    let results = run_study(&settings, &dir, Existing::Resume, &mut observe).unwrap();
    let [baseline, landing] = &results.models[0].runs[..] else { panic!("two runs expected") };
    for run in [baseline, landing] {
        let (classes, energy) = (&run.memorization.classes, run.energy.as_ref().unwrap());
        assert_eq!(run.memorization.classes_by, CLASSES_ASKED_FOR);
        assert_eq!(energy.nfe.mean, 24.0);
        for (place, class) in classes.iter().enumerate() {
            assert_eq!((class.class, class.count), (place as i64, 16));
            let own: Vec<f64> = energy.values.iter().copied().skip(place).step_by(3).collect();
            let (mean, kpe) = (own.iter().sum::<f64>() / 16.0, class.kpe.unwrap());
            assert!((kpe.estimate / mean - 1.0).abs() < 1e-12 && kpe.low < mean && mean < kpe.high);
        }
        assert_eq!(classes.len(), 3);
    }
    let controls = &landing.comparison.as_ref().unwrap().controls;
    let evaluated = controls.iter().filter(|control| !control.figures.is_empty()).count();
    assert!(evaluated >= 3, "{controls:#?}");
    let page = kinepath_study::report::render(&results).unwrap();
    assert!(page.contains("Mean kinetic path energy by label asked for"));

    // Shares have the labels of their samples, and the study of shares is the same.
    let shares: Vec<_> = ["0/2", "1/2"]
        .iter()
        .enumerate()
        .map(|(number, shard)| {
            let dir = folder.path().join(format!("share-{number}"));
            let share = Share::Shard(shard.parse().unwrap());
            sample_share(&settings, share, &dir, Existing::Resume, &mut observe).unwrap();
            dir
        })
        .collect();
    let merged = folder.path().join("merged");
    let of_shares =
        run_study_of_shares(&settings, &shares, &merged, Existing::Resume, &mut observe).unwrap();
    assert_eq!(of_shares, results);

    // Samples of other classes are no pairs.
    settings.fields[0].labels = Some("cycle:2".to_owned());
    run_study(&settings, &folder.path().join("others"), Existing::Resume, &mut observe).unwrap();
    let runs = ["study", "others"]
        .map(|study| folder.path().join(study).join("runs/classes/baseline/seed-3"));
    let refusal = evaluate_runs(&[&runs[0], &runs[1]], &settings.data, 50, &mut observe);
    let refusal = refusal.unwrap_err().to_string();
    assert!(refusal.contains("their labels or inputs differs"), "{refusal}");
}

#[test]
fn conditions_that_do_not_fit_stop_a_study_or_a_search_before_any_work() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("out");
    let mut observe = |_: &str, _: f64| ControlFlow::Continue(());
    let field = |name: &str, labels: Option<&str>| FieldChoice {
        labels: labels.map(str::to_owned),
        ..FieldChoice::unconditional(name, &model(name))
    };
    for (second, reason) in [
        (field("labelled", None), "needs a class label"),
        (field("labelled", Some("1,2")), "2 labels for 24 samples"),
        (field("labelled", Some("cycle:x")), "cycle:10"),
        (field("prompted", None), "needs the inputs `context`"),
    ] {
        let first = FieldChoice { name: "first".to_owned(), ..field("labelled", Some("cycle:3")) };
        let fields = vec![first, second];
        let settings = StudySettings { count: 24, bins: 2, fields, ..StudySettings::default() };
        let refusal = run_study(&settings, &dir, Existing::Resume, &mut observe).unwrap_err();
        assert!(refusal.to_string().contains(reason), "{refusal}");
    }
    // Rungs of a search have ever more samples.
    let labels: Vec<String> = (0..96).map(|sample| (sample % 3).to_string()).collect();
    let field = field("labelled", Some(&labels.join(",")));
    let search = TuneSettings { field, ..TuneSettings::default() };
    let refusal = run_tune(&search, &dir, Existing::Resume, &mut observe).unwrap_err().to_string();
    assert!(refusal.contains("96 labels for 97 samples"), "{refusal}");
    assert!(!dir.exists());
}

#[cfg(target_os = "linux")]
#[test]
fn labels_that_no_memory_holds_are_refused() {
    for total in [usize::MAX, 99_999_999_999_999] {
        let error = LabelSpec::One(3).labels(0..total, total).unwrap_err();
        assert!(matches!(error, StudyError::Memory(_)), "{error}");
    }
}

#[test]
fn rows_of_inputs_count_in_the_memory_of_a_batch() {
    let (source, dir) = (open("prompted", None).unwrap(), tempfile::tempdir().unwrap());
    let path = write(dir.path(), "prompts.safetensors", prompts());
    let inputs = InputsFile::of_samples(&path, &source.inputs, COUNT).unwrap();
    let (plan, _) = ScheduleSpec { steps: 5, ..ScheduleSpec::default() }.compile().unwrap();
    let batch = |inputs, memory| fitting_batch(&source, &plan, &Record::default(), inputs, memory);
    // Nine states of 6 values in f32; 4 x 3 and 2 values of inputs twice, in eight bytes each.
    let (states, rows) = (9 * 6 * 4, 14 * 2 * 8);
    assert_eq!(batch(None, 2 * states).unwrap(), 2);
    assert!(batch(Some(&inputs), states + rows - 1).is_err());
    assert_eq!(batch(Some(&inputs), 2 * (states + rows)).unwrap(), 2);
}
