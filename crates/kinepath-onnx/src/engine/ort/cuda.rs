//! The libraries of CUDA that Python packages bring.

use std::fs;
use std::path::{Path, PathBuf};

/// Libraries that ONNX Runtime loads for CUDA, those that others need first.
const NAMES: [&str; 8] = [
    "libcudart.so",
    "libnvJitLink.so",
    "libcublasLt.so",
    "libcublas.so",
    "libnvrtc.so",
    "libcurand.so",
    "libcufft.so",
    "libcudnn.so",
];

/// Loads the libraries of CUDA and cuDNN that were installed as Python packages beside the library of
/// ONNX Runtime at `library`, where the system's loader would not look. What is not there is left to
/// the loader, and to the message of ONNX Runtime if that does not find it either.
pub(super) fn preload(library: &Path) {
    for path in beside(library) {
        // One that fails is missed later, by name.
        let _ = ort::util::preload_dylib(path);
    }
}

/// The files of [`NAMES`] in `site-packages/nvidia/*/lib`, in their order.
fn beside(library: &Path) -> Vec<PathBuf> {
    let library = library.canonicalize().unwrap_or_default();
    // site-packages/onnxruntime/capi/libonnxruntime.so
    let Some(packages) = library.ancestors().nth(3) else { return Vec::new() };
    let files = |folder: PathBuf| {
        let mut files: Vec<_> =
            fs::read_dir(folder).into_iter().flatten().flatten().map(|file| file.path()).collect();
        files.sort();
        files
    };
    let folders = files(packages.join("nvidia")).into_iter().map(|package| package.join("lib"));
    let found: Vec<_> = folders.flat_map(files).collect();
    let named = |name: &str| {
        let is_it = |file: &&PathBuf| {
            let file = file.file_name().unwrap_or_default().to_string_lossy();
            file.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        found.iter().filter(is_it).cloned().collect::<Vec<_>>()
    };
    NAMES.iter().flat_map(|name| named(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_loaded_in_the_order_of_their_needs() {
        let folder = tempfile::tempdir().unwrap();
        let packages = folder.path().canonicalize().unwrap();
        let put = |file: &str| {
            let path = packages.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "").unwrap();
            path
        };
        let library = put("onnxruntime/capi/libonnxruntime.so.1.31.1");
        let cudnn = put("nvidia/cudnn/lib/libcudnn.so.9");
        let blas = put("nvidia/cu13/lib/libcublas.so.13");
        let blas_lt = put("nvidia/cu13/lib/libcublasLt.so.13");
        put("nvidia/cu13/lib/libnvblas.so.13");
        put("nvidia/cudnn/include/libcudnn.so.9");
        assert_eq!(beside(&library), [blas_lt, blas, cudnn]);
        assert!(beside(&packages.join("elsewhere")).is_empty());
    }
}
