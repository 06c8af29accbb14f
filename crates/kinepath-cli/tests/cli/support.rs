//! A folder to work in, and the program in it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// Two Gaussians in the plane.
pub(crate) const MIXTURE: &str = "\
weights = [0.3, 0.7]
means = [[-2.0, 0.5], [1.0, 1.5]]
variances = [0.04, 0.25]
";

/// A temporary folder with a mixture file.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("mixture.toml"), MIXTURE).unwrap();
        Self(folder)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    /// The program with these arguments, apart by blanks.
    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kinepath"));
        command.args(arguments.split_whitespace()).current_dir(self.0.path());
        command
    }

    pub(crate) fn output(&self, arguments: &str) -> Output {
        let output = self.command(arguments).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!stderr.contains("panicked"), "{arguments}: {stderr}");
        output
    }

    /// Standard output of a command that succeeds and says nothing else.
    pub(crate) fn succeeds(&self, arguments: &str) -> String {
        let output = self.output(arguments);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments}: {stderr}");
        assert_eq!(stderr, "", "{arguments}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Standard error of a command that ends with `code` and prints no result.
    pub(crate) fn fails(&self, arguments: &str, code: i32) -> String {
        let output = self.output(arguments);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments}: {stderr}");
        assert_eq!(String::from_utf8(output.stdout).unwrap(), "", "{arguments}");
        assert!(stderr.contains("error: "), "{arguments}: {stderr}");
        stderr
    }

    /// What a command prints with `--json`.
    pub(crate) fn json(&self, arguments: &str) -> serde_json::Value {
        serde_json::from_str(&self.succeeds(&format!("{arguments} --json"))).unwrap()
    }
}

/// Every file below `folder`, by its path within, with its bytes.
pub(crate) fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(root, &path, files);
            } else {
                let name = path.strip_prefix(root).unwrap().to_owned();
                files.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    collect(folder, folder, &mut found);
    found
}

/// The names of the parts of an unfinished run.
pub(crate) fn parts(run: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(run.join("parts")) else { return Vec::new() };
    entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with("part-"))
        .collect()
}

/// Whether a file of a finished run exists under its final name.
pub(crate) fn any_final_name(run: &Path) -> bool {
    ["run.toml", "samples.safetensors", "samples.parquet"]
        .iter()
        .any(|name| run.join(name).exists())
}

/// An NPY file (version 1.0, little-endian f32, C order).
pub(crate) fn npy(shape: &[usize], values: &[f32]) -> Vec<u8> {
    assert_eq!(shape.iter().product::<usize>(), values.len());
    let mut bytes = npy_header(shape);
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    bytes
}

/// What comes before the values of an NPY file.
pub(crate) fn npy_header(shape: &[usize]) -> Vec<u8> {
    let axes: String = shape.iter().map(|axis| format!("{axis}, ")).collect();
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({axes}), }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(u16::try_from(header.len()).unwrap().to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes
}
