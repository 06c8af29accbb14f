//! Conditional networks exported by PyTorch, sampled with guidance, against the loop that people
//! write in PyTorch (`fixtures/make_conditional.py`).

use crate::support::{Tensors, engines, model_on, relative_error};
use kinepath::field::{
    Condition, ConditionalPath, Conventions, Converted, GuidanceStyle, Guided, InputValues,
    NamedInput, Null, TimeConvention, VelocityField,
};
use kinepath::gain::Gain;
use kinepath::grid::Grid;
use kinepath::paths::Paths;
use kinepath::plan::{Plan, Quadrature};
use kinepath::record::Record;
use kinepath::sampler::Sampler;
use kinepath::tableau::Tableau;
use kinepath_onnx::{Engine, OnnxField};

const STEPS: usize = 6;
const SCALE: f64 = 2.5;
const INTERVAL: (f64, f64) = (0.3, 0.8);
const NULL: i64 = 10;
const TOLERANCE: f64 = 1e-4;

/// What a network is given beside states and times.
struct Given {
    time: &'static str,
    labels: Option<Vec<i64>>,
    inputs: Vec<NamedInput>,
    null: Null,
}

fn classes(tensors: &Tensors, name: &str) -> Given {
    let labels = Some(tensors.integers(&format!("{name}/labels")));
    Given { time: "unit", labels, inputs: Vec::new(), null: Null::label(NULL) }
}

fn prompts(tensors: &Tensors) -> Given {
    let read = |prefix: &str| {
        let each = prefix.is_empty();
        let name = |key: &str| format!("text_to_image/{prefix}{key}");
        let input = |key: &str, shape: &[usize], values: InputValues| {
            let rows = each.then(|| values.len() / shape.iter().product::<usize>());
            NamedInput::new(key, rows, shape, values).unwrap()
        };
        let float = |key: &str| {
            let values = tensors.rows(&name(key)).into_raw_vec_and_offset().0;
            input(key, &tensors.sample_shape(&name(key)), InputValues::Float(values))
        };
        let mask = "encoder_attention_mask";
        let values = InputValues::Integer(tensors.truths(&name(mask)));
        vec![float("encoder_hidden_states"), float("pooled_projections"), input(mask, &[7], values)]
    };
    let null = Null { label: None, inputs: read("null/") };
    Given { time: "scaled:1000", labels: None, inputs: read(""), null }
}

fn check(name: &str, given: &Given, tensors: &Tensors) {
    for engine in engines() {
        check_on(engine, name, given, tensors);
    }
}

fn check_on(engine: Engine, name: &str, given: &Given, tensors: &Tensors) {
    let condition = match &given.labels {
        Some(labels) => Condition::Labels(labels),
        None => Condition::Inputs { labels: None, inputs: &given.inputs },
    };
    let time: TimeConvention = given.time.parse().unwrap();
    let network = OnnxField::new(model_on(name, engine)).unwrap();
    let conventions = Conventions::new(ConditionalPath::Straight, None, Some(time)).unwrap();
    let field = Converted::new(network, conventions);
    let plan = |tableau| {
        let grid = Grid::uniform(STEPS).unwrap();
        Plan::fixed(grid, tableau, Gain::Unit, Quadrature::Solver).unwrap()
    };
    let noise = tensors.rows(&format!("{name}/noise"));
    let run = |field: &dyn VelocityField, plan: &Plan, parts| {
        let record = Record { parts, ..Record::default() };
        let sampler = Sampler::new(field, plan).unwrap().record(record);
        sampler.condition(condition).run(noise.view()).unwrap()
    };
    let compare = |case: &str, paths: &Paths| {
        let key = |figure: &str| format!("{name}/{case}/{figure}");
        let endpoints =
            f64::from(relative_error(&paths.endpoints, &tensors.rows(&key("endpoints"))));
        assert!(endpoints < TOLERANCE, "{name}, {case}: endpoints differ by {endpoints}");
        let figures = |figure: &str, values: &[f64]| {
            for (value, expected) in values.iter().zip(tensors.doubles(&key(figure))) {
                let apart = (value / expected - 1.0).abs();
                assert!(apart < TOLERANCE, "{name}, {case}: {figure} {value}, not {expected}");
            }
        };
        figures("kpe", &paths.kpe);
        if let Some(parts) = &paths.parts {
            figures("conditional", &parts.conditional);
            figures("unconditional", &parts.unconditional);
        }
    };
    let (euler, heun) = (plan(Tableau::EULER), plan(Tableau::HEUN));
    let plain = run(&field, &euler, false);
    compare("plain", &plain);
    for style in [GuidanceStyle::Doubled, GuidanceStyle::Calls] {
        let guided = Guided::new(&field, given.null.clone(), SCALE).unwrap().style(style);
        let paths = run(&guided, &euler, true);
        compare("guided", &paths);
        assert_eq!(paths.nfe, [2 * STEPS as u32; 5]);
        // Guidance that changes nothing would agree too.
        assert!(relative_error(&paths.endpoints, &plain.endpoints) > 0.05, "{name}");
        let within = guided.interval(INTERVAL.0, INTERVAL.1).unwrap();
        let paths = run(&within, &heun, true);
        compare("interval", &paths);
        // Stages at 2/6, 3/6 and 4/6 lie within, each the first of a step and the last of another.
        assert_eq!(paths.nfe, [2 * STEPS as u32 + 6; 5]);
    }
}

#[test]
fn a_transformer_of_classes() {
    let tensors = Tensors::load("conditional.safetensors");
    check("sit", &classes(&tensors, "sit"), &tensors);
}

#[test]
fn a_unet_of_classes() {
    let tensors = Tensors::load("conditional.safetensors");
    check("unet", &classes(&tensors, "unet"), &tensors);
}

#[test]
fn a_transformer_of_prompts() {
    let tensors = Tensors::load("conditional.safetensors");
    check("text_to_image", &prompts(&tensors), &tensors);
}
