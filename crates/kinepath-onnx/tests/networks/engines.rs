//! Which engine runs what, and what is said where none does.

use crate::support::{ORT, engines, model, model_on, model_path};
use kinepath::field::{Condition, FieldError, InputValues, NamedInput, VelocityField};
use kinepath_onnx::{Engine, EngineError, Network, OnnxField, Problem, Provider};
use ndarray::Array2;

fn refused(name: &str, engine: Engine) -> Problem {
    Network::load_with(model_path(name), None, engine).unwrap_err().problem
}

#[test]
fn without_a_choice_the_file_decides() {
    let network = model("linear");
    assert_eq!((network.engine(), network.library_version()), (Engine::Rten, None));
    let bytes = std::fs::read(model_path("linear")).unwrap();
    for engine in engines() {
        let network = Network::from_bytes("linear", &bytes, engine).unwrap();
        assert_eq!(network.engine(), engine);
        assert_eq!(network.library_version().is_some(), engine == ORT);
    }
}

#[test]
fn an_operator_that_no_engine_has_is_named_by_each() {
    for engine in engines() {
        let Problem::Operator { operator, node, .. } = refused("custom_operator", engine) else {
            panic!("{engine}")
        };
        assert_eq!((operator.as_str(), node.as_str()), ("org.example::Swirl", "mid/swirl"));
    }
    let Problem::NoEngine { rten, ort } = refused("custom_operator", Engine::Auto) else {
        panic!()
    };
    assert_eq!(*rten, refused("custom_operator", Engine::Rten));
    assert_eq!(*ort, refused("custom_operator", ORT));
}

#[test]
fn element_types_that_no_engine_computes_with() {
    assert_eq!(refused("brain_half", Engine::Rten), Problem::BrainFloats);
    for engine in engines().into_iter().filter(|engine| *engine == ORT) {
        let Problem::Operator { operator, node, .. } = refused("brain_half", engine) else {
            panic!()
        };
        assert_eq!((operator.as_str(), node.as_str()), ("MatMul", "mid/product"));
    }
}

#[test]
fn a_gpu_that_is_not_there_is_no_silent_processor() {
    for provider in [Provider::Cuda, Provider::TensorRt] {
        if !engines().contains(&ORT) {
            return;
        }
        match Network::load_with(model_path("linear"), None, Engine::Ort(provider)) {
            Ok(network) => assert_eq!(network.engine(), Engine::Ort(provider)),
            Err(error) => {
                let Problem::Engine(EngineError::Provider { provider: named, reason }) =
                    &error.problem
                else {
                    panic!("{error}")
                };
                assert_eq!(*named, provider);
                assert!(!reason.is_empty() && error.to_string().contains(reason));
            }
        }
    }
}

#[test]
fn without_the_feature_that_is_what_is_said() {
    if !cfg!(feature = "ort") {
        assert_eq!(refused("linear", ORT), Problem::Engine(EngineError::NotBuilt));
    }
}

#[test]
fn a_run_that_fails_says_where() {
    for engine in engines() {
        let field = OnnxField::new(model_on("prompted", engine)).unwrap();
        let x = Array2::zeros((2, 6));
        // Tokens and their mask are as long as each other, which nobody checks of inputs in memory.
        let call = |tokens: usize| {
            let float = |name: &str, shape: &[usize]| {
                let values = InputValues::Float(vec![0.5; shape.iter().product()]);
                NamedInput::new(name, None, shape, values).unwrap()
            };
            let mask = InputValues::Integer(vec![1; tokens]);
            let inputs = [
                float("context", &[4, 3]),
                NamedInput::new("mask", None, &[tokens], mask).unwrap(),
                float("pooled", &[2]),
                float("guidance", &[]),
            ];
            let condition = Condition::Inputs { labels: None, inputs: &inputs };
            field.velocity(x.view(), &[0.0, 0.5], condition, x.clone().view_mut())
        };
        let error = call(3).unwrap_err();
        let told = |text: &str| text.contains("prompted") && text.contains("failed while running");
        assert!(matches!(&error, FieldError::Model(text) if told(text)), "{error}");
        // And does not stay failed.
        assert_eq!(call(4), Ok(()));
    }
}

#[test]
fn an_output_that_is_not_what_it_was_declared_is_told() {
    for engine in engines() {
        let field = OnnxField::new(model_on("undeclared_wide_output", engine)).unwrap();
        let x = Array2::zeros((1, 6));
        let wide = field.velocity(x.view(), &[0.0], Condition::None, x.clone().view_mut());
        let wide = wide.unwrap_err().to_string();
        assert!(wide.contains("[1, 12]"), "{engine}: {wide}");
    }
}

/// A copy of the network with its weights beside it, as far as a test wants them there.
fn external(folder: &std::path::Path) -> std::path::PathBuf {
    for file in ["external.onnx", "external.onnx.data"] {
        std::fs::copy(model_path("external").with_file_name(file), folder.join(file)).unwrap();
    }
    folder.join("external.onnx")
}

#[test]
fn weights_beside_that_are_not_there_or_cut_short() {
    for engine in engines() {
        let folder = tempfile::tempdir().unwrap();
        let path = external(folder.path());
        let weights = folder.path().join("external.onnx.data");
        let load = || Network::load_with(&path, None, engine).map(|network| network.engine());
        assert_eq!(load(), Ok(engine));
        std::fs::write(&weights, [0; 100]).unwrap();
        let short = load().unwrap_err();
        assert!(short.to_string().contains("it has 100 bytes, and weights that"), "{short}");
        std::fs::remove_file(&weights).unwrap();
        std::fs::create_dir(&weights).unwrap();
        let Problem::External { reason, .. } = load().unwrap_err().problem else { panic!() };
        assert_eq!(reason, "it is no file");
        let bytes = std::fs::read(&path).unwrap();
        let bytes = Network::from_bytes("bytes", &bytes, engine).unwrap_err();
        assert!(bytes.to_string().contains("load it by its path"), "{bytes}");
    }
}

#[test]
fn a_network_does_not_change_with_its_file() {
    for engine in engines() {
        for name in ["external", "rare_operator"] {
            if (engine, name) == (Engine::Rten, "rare_operator") {
                continue;
            }
            let folder = tempfile::tempdir().unwrap();
            let path = external(folder.path());
            if name != "external" {
                std::fs::copy(model_path(name), &path).unwrap();
            }
            let velocity = |field: &OnnxField, rows| {
                let x = Array2::from_shape_fn((rows, 6), |(i, j)| (i + 2 * j) as f32);
                let mut out = x.clone();
                let t = vec![0.5; rows];
                field.velocity(x.view(), &t, Condition::None, out.view_mut()).unwrap();
                out
            };
            let load = || OnnxField::new(Network::load_with(&path, None, engine).unwrap()).unwrap();
            let expected = [1, 64].map(|rows| velocity(&load(), rows));
            let loaded = load();
            for file in ["external.onnx", "external.onnx.data"] {
                std::fs::remove_file(folder.path().join(file)).unwrap();
            }
            assert_eq!([1, 64].map(|rows| velocity(&loaded, rows)), expected, "{name} on {engine}");
        }
    }
}

#[test]
fn weights_elsewhere_are_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = external(folder.path());
    let bytes = std::fs::read(&path).unwrap();
    let name = b"external.onnx.data";
    for other in [b"../../../../../etc", b"/dev/zero/////////", b"sub/../../etc/host"] {
        let at: Vec<_> = (0..bytes.len()).filter(|&at| bytes[at..].starts_with(name)).collect();
        assert!(!at.is_empty());
        let mut changed = bytes.clone();
        at.iter().for_each(|&at| changed[at..at + name.len()].copy_from_slice(other));
        std::fs::write(&path, &changed).unwrap();
        for engine in engines() {
            let error = Network::load_with(&path, None, engine).unwrap_err();
            let Problem::External { reason, .. } = error.problem else { panic!() };
            assert_eq!(reason, "its path leads out of the network's folder");
        }
    }
}

#[test]
fn weights_that_promise_more_than_their_file_has_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = external(folder.path());
    let mut bytes = std::fs::read(&path).unwrap();
    // The 144 bytes that the weights have become 999.
    let key = b"\x0a\x06length\x12";
    let at = bytes.windows(key.len()).position(|window| window == key).unwrap() + key.len();
    let digits = usize::from(bytes[at]);
    bytes[at + 1..at + 1 + digits].fill(b'9');
    std::fs::write(&path, &bytes).unwrap();
    for engine in engines() {
        let error = Network::load_with(&path, None, engine).unwrap_err();
        assert!(matches!(&error.problem, Problem::External { .. }), "{error}");
        assert!(error.to_string().contains("weights that reach to byte"), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn links_to_weights_stay_with_the_network() {
    use std::os::unix::fs::symlink;
    let elsewhere = tempfile::tempdir().unwrap();
    let network = external(elsewhere.path());
    let weights = elsewhere.path().join("external.onnx.data");
    for engine in engines() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("external.onnx");
        std::fs::copy(&network, &path).unwrap();
        symlink(&weights, folder.path().join("external.onnx.data")).unwrap();
        let Problem::External { reason, .. } =
            Network::load_with(&path, None, engine).unwrap_err().problem
        else {
            panic!()
        };
        assert_eq!(reason, "it is a link that leads out of the network's folder");
        // Both lead to one folder, as in the cache of a model hub.
        std::fs::remove_file(&path).unwrap();
        symlink(&network, &path).unwrap();
        assert!(Network::load_with(&path, None, engine).is_ok(), "{engine}");
    }
}
