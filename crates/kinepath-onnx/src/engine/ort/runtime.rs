//! The library, loaded once a process.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ort::environment::Environment;

use super::library::{self, Found};
use crate::engine::EngineError;

/// The loaded library.
#[derive(Clone)]
pub(super) struct Runtime {
    pub(super) environment: Environment,
    /// Where it is.
    pub(super) path: PathBuf,
    /// Its version where its file name says so, otherwise the commit it was built from.
    pub(super) version: String,
}

/// There is one environment a process, and it lasts as long. A failure is not kept: a library may
/// have been installed since.
static RUNTIME: Mutex<Option<Runtime>> = Mutex::new(None);

impl Runtime {
    /// The library of this process, which is found and loaded if it is not there yet.
    pub(super) fn get() -> Result<Self, EngineError> {
        let mut runtime = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = &*runtime {
            return Ok(runtime.clone());
        }
        let found = Self::load()?;
        *runtime = Some(found.clone());
        Ok(found)
    }

    fn load() -> Result<Self, EngineError> {
        let candidates = match library::candidates() {
            Found::Named(path) => {
                return Self::try_library(&path).map_err(|reason| EngineError::Library {
                    path: path.display().to_string(),
                    reason,
                })?;
            }
            Found::Somewhere(candidates) => candidates,
        };
        let mut tried = Vec::new();
        // Python is asked only where nothing else was of use: starting it takes a while.
        let candidates = candidates.into_iter().map(Some).chain([None]);
        for path in candidates.flat_map(|path| path.map_or_else(library::of_python, |p| vec![p])) {
            match Self::try_library(&path) {
                Ok(started) => return started,
                Err(reason) => tried.push(reason),
            }
        }
        let tried = if tried.is_empty() { library::PLACES.into() } else { tried.join("; ") };
        Err(EngineError::NoLibrary { tried })
    }

    /// Loads the library at `path`; the outer error says why it is none to use.
    fn try_library(path: &Path) -> Result<Result<Self, EngineError>, String> {
        // The library is asked for its version before anything else of it is called.
        let builder = ort::init_from(path).map_err(|error| error.to_string())?;
        let environment = builder.with_name("kinepath").with_telemetry(false).build();
        let start = |error: ort::Error| EngineError::Start(error.to_string());
        let version = version_in_name(path).unwrap_or_else(|| build(ort::info()));
        let path = path.to_owned();
        Ok(environment.map_err(start).map(|environment| Self { environment, path, version }))
    }
}

/// The version at the end of the name of the file that `path` leads to: `libonnxruntime.so.1.32.0`.
fn version_in_name(path: &Path) -> Option<String> {
    let file = path.canonicalize().ok()?;
    let name = file.file_name()?.to_str()?.trim_end_matches(".dylib").trim_end_matches(".dll");
    let start = name.find(|c: char| c.is_ascii_digit())?;
    let version = &name[start..];
    let numbers = version.split('.').all(|part| part.parse::<u32>().is_ok());
    (numbers && version.contains('.')).then(|| version.to_owned())
}

/// The commit in `ORT Build Info: git-branch=HEAD, git-commit-id=fab30a4, build type=Release`.
fn build(info: &str) -> String {
    let commit = info.split(", ").find_map(|entry| entry.strip_prefix("git-commit-id="));
    commit.map_or_else(|| "of unknown version".to_owned(), |commit| format!("build {commit}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_that_of_the_file_behind_a_link() {
        let folder = tempfile::tempdir().unwrap();
        for (file, version) in [
            ("libonnxruntime.so.1.32.0", Some("1.32.0")),
            ("libonnxruntime.1.31.1.dylib", Some("1.31.1")),
            ("libonnxruntime.so", None),
            ("libonnxruntime.so.1", None),
            ("onnxruntime.dll", None),
        ] {
            let path = folder.path().join(file);
            std::fs::write(&path, "").unwrap();
            assert_eq!(version_in_name(&path).as_deref(), version, "{file}");
        }
        assert_eq!(version_in_name(Path::new("no/such/libonnxruntime.so.1.2.3")), None);
    }

    #[test]
    fn the_build_is_told_by_its_commit() {
        let info = "ORT Build Info: git-branch=HEAD, git-commit-id=fab30a4, build type=Release";
        assert_eq!(build(info), "build fab30a4");
        assert_eq!(build(""), "of unknown version");
    }
}
