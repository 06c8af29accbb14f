//! Fixtures as arrays.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Once;

use kinepath_onnx::{Engine, EngineError, Network, NetworkError, Problem, Provider};
use ndarray::Array2;
use safetensors::SafeTensors;

/// ONNX Runtime on the processor.
pub(crate) const ORT: Engine = Engine::Ort(Provider::Cpu);

/// A file of `tests/fixtures`.
pub(crate) fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// The path of a tiny model of `tests/fixtures/models`.
pub(crate) fn model_path(name: &str) -> PathBuf {
    fixture(&format!("models/{name}.onnx"))
}

/// A tiny model of `tests/fixtures/models`.
pub(crate) fn model(name: &str) -> Network {
    Network::load(model_path(name)).unwrap()
}

/// The same on one engine.
pub(crate) fn model_on(name: &str, engine: Engine) -> Network {
    Network::load_with(model_path(name), None, engine).unwrap()
}

/// The engines that are to be had here: rten always, ONNX Runtime where it is built in and installed.
/// Where it is not, that is said on the terminal: a test that passes was not run on it.
pub(crate) fn engines() -> Vec<Engine> {
    let mut engines = vec![Engine::Rten];
    match Network::load_with(model_path("linear"), None, ORT) {
        Ok(_) => engines.push(ORT),
        Err(NetworkError {
            problem:
                Problem::Engine(missing @ (EngineError::NotBuilt | EngineError::NoLibrary { .. })),
            ..
        }) => {
            static SAID: Once = Once::new();
            // The test harness keeps what `eprintln!` writes to itself.
            SAID.call_once(|| {
                let _ = writeln!(std::io::stderr(), "not tested on ONNX Runtime: {missing}");
            });
        }
        // A library that is there has to work.
        Err(error) => panic!("{error}"),
    }
    engines
}

/// The tensors of a safetensors fixture.
pub(crate) struct Tensors(Vec<u8>);

impl Tensors {
    pub(crate) fn load(name: &str) -> Self {
        Self(std::fs::read(fixture(name)).unwrap())
    }

    /// A tensor as `[first axis, all others]`.
    pub(crate) fn rows(&self, name: &str) -> Array2<f32> {
        let (shape, values) = self.values(name, f32::from_le_bytes);
        Array2::from_shape_vec((shape[0], shape[1..].iter().product()), values).unwrap()
    }

    /// The shape of a tensor without its first axis.
    pub(crate) fn sample_shape(&self, name: &str) -> Vec<usize> {
        self.values(name, f32::from_le_bytes).0[1..].to_vec()
    }

    /// A float vector, widened.
    pub(crate) fn floats(&self, name: &str) -> Vec<f64> {
        self.values(name, |bytes| f64::from(f32::from_le_bytes(bytes))).1
    }

    /// Truth values as the integers 0 and 1, row after row.
    pub(crate) fn truths(&self, name: &str) -> Vec<i64> {
        self.values(name, |[byte]| i64::from(byte)).1
    }

    /// A vector of doubles.
    pub(crate) fn doubles(&self, name: &str) -> Vec<f64> {
        self.values(name, f64::from_le_bytes).1
    }

    /// An integer vector.
    pub(crate) fn integers(&self, name: &str) -> Vec<i64> {
        self.values(name, i64::from_le_bytes).1
    }

    fn values<T, const N: usize>(
        &self,
        name: &str,
        read: impl Fn([u8; N]) -> T,
    ) -> (Vec<usize>, Vec<T>) {
        let tensors = SafeTensors::deserialize(&self.0).unwrap();
        let tensor = tensors.tensor(name).unwrap();
        let values = tensor.data().chunks_exact(N).map(|chunk| read(chunk.try_into().unwrap()));
        (tensor.shape().to_vec(), values.collect())
    }
}

/// The largest difference, relative to the largest expected value.
pub(crate) fn relative_error(actual: &Array2<f32>, expected: &Array2<f32>) -> f32 {
    assert_eq!(actual.dim(), expected.dim());
    assert!(actual.iter().all(|value| value.is_finite()));
    let largest = |values: &Array2<f32>| values.fold(0.0f32, |most, value| most.max(value.abs()));
    largest(&(actual - expected)) / largest(expected)
}
