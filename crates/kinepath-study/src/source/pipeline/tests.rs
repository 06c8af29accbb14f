use super::*;
use crate::source::{FieldSource, FieldSpec};
use serde_json::{Value, json};

/// A pipeline of a scheduler's configuration around a network of the ONNX crate's tests.
fn pipeline(class: &str, config: &Value, network: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let models =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../kinepath-onnx/tests/fixtures/models");
    for part in ["scheduler", "unet"] {
        std::fs::create_dir(folder.path().join(part)).unwrap();
    }
    let write = |file: &str, value: &Value| {
        std::fs::write(folder.path().join(file), value.to_string()).unwrap();
    };
    write(PIPELINE, &json!({ "_class_name": class }));
    write(SCHEDULER, config);
    let model = folder.path().join("unet/model.onnx");
    std::fs::copy(models.join(format!("{network}.onnx")), model).unwrap();
    folder
}

fn open(folder: &Path, conventions: ConventionWords) -> Result<FieldSource, StudyError> {
    let spec = format!("onnx:{}", folder.display());
    FieldSource::open(&FieldSpec { spec, conventions, ..FieldSpec::default() })
}

/// What is told of each configuration that diffusers wrote, and that its levels are the scheduler's.
#[test]
fn schedulers_tell_the_conventions_of_their_networks() {
    let rows = include_str!("../../../tests/fixtures/schedulers.json");
    let rows: Vec<Value> = serde_json::from_str(rows).unwrap();
    let stable = "vp:scaled-linear,steps=1000,start=0.00085,end=0.012";
    let zero = format!("{stable},terminal=zero");
    let expected: [Result<(&str, &str, &str), &str>; 18] = [
        Ok(("noise", "step", stable)),
        Ok(("v", "step", stable)),
        Ok(("noise", "step", stable)),
        Ok(("v", "step", &zero)),
        Ok(("noise", "step", "vp:linear,steps=1000,start=0.0001,end=0.02")),
        Ok(("data", "step", "vp:cosine,steps=1000")),
        Ok(("noise", "step", "vp:linear,steps=50,start=0.0001,end=0.3")),
        Ok(("v", "c-noise", stable)),
        Ok(("v", "c-noise", "edm:1,min=0.002,max=700")),
        Err("betas of its own"),
        Err("`sigmoid`"),
        Err("ScoreSdeVeScheduler"),
        Ok(("residual", "c-noise", "edm:0.5,min=0.002,max=80")),
        Ok(("v", "c-noise", "edm:1,min=0.002,max=80")),
        Ok(("velocity", "reversed+scaled:1000", "straight")),
        Ok(("velocity", "reversed", "straight")),
        Err("`SomePipeline`"),
        Err("inverts its sigmas"),
    ];
    assert_eq!(rows.len(), expected.len());
    for (row, expected) in rows.iter().zip(expected) {
        let folder = pipeline(row["pipeline"].as_str().unwrap(), &row["config"], "linear");
        let opened = open(folder.path(), ConventionWords::default());
        let (predicts, time, path) = match expected {
            Ok(words) => words,
            Err(part) => {
                let error = opened.err().unwrap().to_string();
                assert!(error.contains(part) && error.contains("scheduler_config.json"), "{error}");
                continue;
            }
        };
        let settings = opened.unwrap().settings;
        assert_eq!((settings.predicts.as_str(), settings.time.as_str()), (predicts, time));
        assert_eq!(settings.path.as_deref().unwrap_or(STRAIGHT), path);
        if let (Some(levels), true) = (row["levels"].as_array(), path.starts_with("vp:")) {
            let path: kinepath::field::ConditionalPath = path.parse().unwrap();
            let (first, last) = path.times();
            let actual = [(1.0 - last) / last, (1.0 - first) / first];
            for (actual, level) in actual.iter().zip(levels) {
                let level = level.as_f64().unwrap();
                assert!((actual / level - 1.0).abs() < 2e-3, "{path:?}: {actual} and {level}");
            }
        }
    }
}

#[test]
fn what_is_told_goes_before_the_scheduler() {
    let unknown = json!({ "_class_name": "NewScheduler" });
    let folder = pipeline("NewPipeline", &unknown, "integer_time");
    let told = |path: Option<&str>, predicts: Option<&str>| ConventionWords {
        path: path.map(str::to_owned),
        predicts: predicts.map(str::to_owned),
        time: Some("step".to_owned()),
    };
    let error = open(folder.path(), told(None, Some("noise"))).err().unwrap().to_string();
    assert!(error.contains("NewScheduler") && error.contains("--path"), "{error}");
    let settings = open(folder.path(), told(Some("vp:cosine"), Some("noise"))).unwrap().settings;
    assert_eq!(settings.path.as_deref(), Some("vp:cosine"));
    let model = folder.path().join("unet/model.onnx");
    let text = "version = 1\npath = \"vp:linear\"\npredicts = \"v\"\n";
    std::fs::write(crate::conventions::Sidecar::place(&model), text).unwrap();
    let FieldSource { settings, shape, .. } =
        open(folder.path(), ConventionWords::default()).unwrap();
    assert_eq!((settings.predicts.as_str(), settings.path.as_deref()), ("v", Some("vp:linear")));
    assert_eq!(FieldSource::reopen(&settings, &shape).unwrap().settings, settings);
}

#[test]
fn a_flow_model_lacks_its_time_alone() {
    let config = json!({ "_class_name": "FlowMatchEulerDiscreteScheduler" });
    let folder = pipeline("SomePipeline", &config, "linear");
    let told = |time: Option<&str>| ConventionWords {
        time: time.map(str::to_owned),
        ..ConventionWords::default()
    };
    assert!(open(folder.path(), told(None)).is_err());
    let settings = open(folder.path(), told(Some("reversed"))).unwrap().settings;
    assert_eq!((settings.predicts.as_str(), settings.time.as_str()), ("velocity", "reversed"));
}

#[test]
fn without_a_scheduler_nothing_is_guessed() {
    let folder = pipeline("DDPMPipeline", &json!({}), "linear");
    std::fs::remove_file(folder.path().join(SCHEDULER)).unwrap();
    let error = open(folder.path(), ConventionWords::default()).err().unwrap().to_string();
    assert!(error.contains("scheduler_config.json is missing"), "{error}");
    let straight =
        ConventionWords { path: Some(STRAIGHT.to_owned()), ..ConventionWords::default() };
    assert!(open(folder.path(), straight).is_ok());
}

#[test]
fn the_networks_configuration_tells_the_length_of_free_axes() {
    let config = json!({ "_class_name": "DDPMScheduler", "beta_schedule": "linear" });
    let folder = pipeline("DDPMPipeline", &config, "symbolic_shape");
    let file = folder.path().join("unet/config.json");
    assert!(open(folder.path(), ConventionWords::default()).is_err());
    for (size, shape) in [(json!(6), [3, 6, 6]), (json!([6, 5]), [3, 6, 5])] {
        let config = json!({ "in_channels": 3, "sample_size": size });
        std::fs::write(&file, config.to_string()).unwrap();
        assert_eq!(open(folder.path(), ConventionWords::default()).unwrap().shape, shape);
    }
}

#[test]
fn a_scheduler_that_measures_tells_what_the_stock_one_tells() {
    let config = json!({ "_class_name": "KineticFlowMatchEulerScheduler", "gain": "unit" });
    let folder = pipeline("StableDiffusion3Pipeline", &config, "linear");
    let settings = open(folder.path(), ConventionWords::default()).unwrap().settings;
    let told = (settings.predicts.as_str(), settings.time.as_str());
    assert_eq!(told, ("velocity", "reversed+scaled:1000"));
}

#[test]
fn folders_that_are_no_pipelines_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let error = locate(folder.path()).unwrap_err().to_string();
    assert!(error.contains("transformer/model.onnx or unet/model.onnx"), "{error}");
    let folder = pipeline("P", &json!([1]), "linear");
    let error = locate(folder.path()).unwrap_err().to_string();
    assert!(error.contains("scheduler_config.json"), "{error}");
}

/// CogVideoX: the schedule's own levels would be wrong by the root of the scale.
#[test]
fn shifted_levels_are_not_guessed() {
    let config = |scale: f64| {
        json!({
            "_class_name": "CogVideoXDDIMScheduler", "beta_schedule": "scaled_linear",
            "beta_start": 0.00085, "beta_end": 0.012, "num_train_timesteps": 1000,
            "prediction_type": "v_prediction", "snr_shift_scale": scale,
        })
    };
    let words = |scale: f64| {
        let folder = pipeline("CogVideoXPipeline", &config(scale), "integer_time");
        locate(folder.path()).unwrap().words(ConventionWords::default())
    };
    assert_eq!(words(1.0).unwrap().predicts.as_deref(), Some("v"));
    let error = words(3.0).unwrap_err().to_string();
    assert!(error.contains("snr_shift_scale 3") && error.contains("vp:FILE"), "{error}");
}

/// DPMSolverMultistepScheduler and others are saved with `-Infinity`, which JSON does not have.
#[test]
fn a_configuration_with_numbers_of_python_is_read() {
    let folder = pipeline("DDPMPipeline", &Value::Null, "integer_time");
    let saved = r#"{"_class_name": "DPMSolverMultistepScheduler", "beta_schedule": "linear",
        "lambda_min_clipped": -Infinity, "rescale_betas_zero_snr": true,
        "prediction_type": "v_prediction"}"#;
    std::fs::write(folder.path().join(SCHEDULER), saved).unwrap();
    let settings = open(folder.path(), ConventionWords::default()).unwrap().settings;
    let path = "vp:linear,steps=1000,start=0.0001,end=0.02,terminal=zero";
    assert_eq!((settings.predicts.as_str(), settings.path.as_deref()), ("v", Some(path)));
}
