//! Where the library of ONNX Runtime is.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// Where it is looked for without `ORT_DYLIB_PATH`, for messages.
pub(super) const PLACES: &str = "looked for where the system keeps libraries and in the \
    `onnxruntime` package of the Python environment, and found none";

/// The library as the system's loader knows it.
const NAME: &str = if cfg!(windows) {
    "onnxruntime.dll"
} else if cfg!(target_vendor = "apple") {
    "libonnxruntime.dylib"
} else {
    "libonnxruntime.so"
};

/// Folders that loaders do not search by themselves, or only under a name without a version.
const FOLDERS: [&str; 8] = [
    "/usr/local/lib",
    "/usr/lib",
    "/usr/lib64",
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/opt/onnxruntime/lib",
    "/opt/homebrew/lib",
    "/opt/local/lib",
];

/// Folders named by [`look_for_library_in`].
static ADDED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Looks for the library of ONNX Runtime in `folder` as well, before the usual places but after
/// `ORT_DYLIB_PATH`.
///
/// For programs that know of one, such as a Python module that knows its interpreter's packages.
/// It has no effect on a library that is loaded already.
pub fn look_for_library_in(folder: impl Into<PathBuf>) {
    let (mut added, folder) = (ADDED.lock().unwrap_or_else(PoisonError::into_inner), folder.into());
    if !added.contains(&folder) {
        added.push(folder);
    }
}

/// Libraries to try.
pub(super) enum Found {
    /// The one that `ORT_DYLIB_PATH` names: that or none.
    Named(PathBuf),
    /// Those that were found, in order.
    Somewhere(Vec<PathBuf>),
}

/// Finds the libraries there are, those of [`of_python`] aside.
pub(super) fn candidates() -> Found {
    if let Some(path) = env::var_os("ORT_DYLIB_PATH").filter(|path| !path.is_empty()) {
        return Found::Named(path.into());
    }
    let mut found: Vec<PathBuf> = Vec::new();
    let added = ADDED.lock().unwrap_or_else(PoisonError::into_inner).clone();
    added.iter().for_each(|folder| found.extend(libraries(folder)));
    // On its path, the loader finds what no list of folders has.
    let path = env::var_os(if cfg!(target_vendor = "apple") {
        "DYLD_LIBRARY_PATH"
    } else if cfg!(windows) {
        "PATH"
    } else {
        "LD_LIBRARY_PATH"
    });
    let on_path = path.iter().flat_map(env::split_paths);
    let folders = on_path.chain(FOLDERS.map(PathBuf::from));
    folders.for_each(|folder| found.extend(libraries(&folder)));
    let environments = ["VIRTUAL_ENV", "CONDA_PREFIX"].into_iter().filter_map(env::var_os);
    environments.for_each(|prefix| found.extend(in_environment(Path::new(&prefix))));
    Found::Somewhere(found)
}

/// The libraries in the `onnxruntime` package that the Python on the path would import.
pub(super) fn of_python() -> Vec<PathBuf> {
    python_package().iter().flat_map(|package| libraries(&package.join("capi"))).collect()
}

/// The libraries in a folder, under any version, the one without a version first and then the
/// latest.
fn libraries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<_> = entries.map(|entry| entry.file_name()).filter(is_library).collect();
    found.sort_by_key(|name| (name != NAME, std::cmp::Reverse(numbers(name))));
    found.into_iter().map(|name| folder.join(name)).collect()
}

/// `libonnxruntime.so`, `libonnxruntime.so.1.32.0`, `libonnxruntime.1.32.0.dylib`, but not
/// `libonnxruntime_providers_shared.so`.
fn is_library(name: &OsString) -> bool {
    let Some(name) = name.to_str() else { return false };
    let (stem, end) = NAME.rsplit_once('.').unwrap_or((NAME, ""));
    name == NAME
        || name.strip_prefix(stem).is_some_and(|rest| {
            let numbers = |text: &str| text.chars().all(|c| c.is_ascii_digit() || c == '.');
            let after = rest.strip_prefix('.').and_then(|rest| rest.strip_prefix(end));
            let before = rest.strip_suffix(end);
            after.is_some_and(numbers) || before.is_some_and(numbers)
        })
}

/// The numbers in a name, to sort versions by.
fn numbers(name: &OsString) -> Vec<u32> {
    let name = name.to_string_lossy();
    name.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok()).collect()
}

/// The libraries in the `onnxruntime` package of a Python environment.
fn in_environment(prefix: &Path) -> Vec<PathBuf> {
    let package = Path::new("site-packages/onnxruntime/capi");
    if cfg!(windows) {
        return libraries(&prefix.join("Lib").join(package));
    }
    let versions = fs::read_dir(prefix.join("lib")).into_iter().flatten().flatten();
    let pythons =
        versions.filter(|entry| entry.file_name().to_string_lossy().starts_with("python"));
    let mut folders: Vec<_> = pythons.map(|entry| entry.path().join(package)).collect();
    folders.sort();
    folders.iter().flat_map(|folder| libraries(folder)).collect()
}

/// The folder of the `onnxruntime` package that the Python on the path would import.
fn python_package() -> Option<PathBuf> {
    // A folder `onnxruntime` where the program happens to be started is not the package.
    let code = "import importlib.util, sys; sys.path = [p for p in sys.path if p]; \
                s = importlib.util.find_spec('onnxruntime'); \
                print(s.submodule_search_locations[0] if s else '')";
    let python = |name| {
        let mut command = Command::new(name);
        command.args(["-c", code]).stdin(Stdio::null()).stderr(Stdio::null());
        command.output().ok().filter(|output| output.status.success())
    };
    let output = ["python3", "python"].into_iter().find_map(python)?;
    let folder = String::from_utf8(output.stdout).ok()?;
    (!folder.trim().is_empty()).then(|| folder.trim().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn libraries_are_told_from_their_neighbours() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "libonnxruntime.so.1.9.0",
            "libonnxruntime.so.1.32.0",
            "libonnxruntime.so",
            "libonnxruntime_providers_shared.so",
            "libonnxruntime.so.1.32.0.sig",
            "onnxruntime_pybind11_state.so",
        ] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let found = libraries(folder.path());
        let found: Vec<_> = found.iter().map(|path| path.file_name().unwrap()).collect();
        let expected = ["libonnxruntime.so", "libonnxruntime.so.1.32.0", "libonnxruntime.so.1.9.0"];
        assert_eq!(found, expected);
        assert!(libraries(&folder.path().join("no-such")).is_empty());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_python_environment_is_searched() {
        let prefix = tempfile::tempdir().unwrap();
        let capi = prefix.path().join("lib/python3.12/site-packages/onnxruntime/capi");
        fs::create_dir_all(&capi).unwrap();
        let library = capi.join("libonnxruntime.so.1.30.0");
        fs::write(&library, "").unwrap();
        assert_eq!(in_environment(prefix.path()), [library]);
    }
}
