//! The Python package: its wheel in a virtual environment under `target/python/`, and its tests.
//!
//! Requirements are pinned, so pip leaves an environment that has them as it is: the first run
//! fills it, later ones take seconds. The wheel is built and installed anew each time, in the dev
//! profile as the Rust tests are. The first build compiles most crates again nevertheless: cargo
//! resolves their features for the package alone, and other members of the workspace ask for more.

use std::fs;
use std::path::PathBuf;

use crate::step::Step;

const PACKAGE: &str = "crates/kinepath-python";
const PYTHON: &str = if cfg!(windows) { "python" } else { "python3" };
/// Where wheels are put, and found by pip.
const WHEELS: &str = "target/python/wheels";
/// The wheel of this workspace, whatever else lies in [`WHEELS`].
const WHEEL: &str = concat!("kinepath==", env!("CARGO_PKG_VERSION"));

/// Whether there is a Python to test with; worth knowing before the rest.
pub(crate) fn check() -> Step {
    let code = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))";
    Step::new("python", PYTHON, &["-c", code]).with_hint(
        "the Python package is tested with Python 3.11 or later and its venv module: install python3 \
         and, on Debian and Ubuntu, python3-venv",
    )
}

/// The environment, and what is tested in it.
#[derive(Debug, Clone)]
pub(crate) struct PythonTests {
    /// Whether those of `tests/integrations/` are among the tests.
    all: bool,
    /// The environment, from the repository's root.
    folder: String,
}

impl PythonTests {
    /// The tests, with those of `tests/integrations/` if `all` are wanted.
    pub(crate) fn new(all: bool) -> Self {
        Self { all, folder: format!("target/python/{}", if all { "all" } else { "quick" }) }
    }

    /// From no environment to one with all that tests need.
    pub(crate) fn environment(&self) -> [Step; 2] {
        let tests = if self.all { "tests/integrations" } else { "tests" };
        let requirements = format!("{PACKAGE}/{tests}/requirements.txt");
        let install = ["pip", "install", "--quiet", "--requirement", &requirements];
        [
            Step::new("environment", PYTHON, &["-m", "venv", &self.folder]),
            self.module("requirements", &install)
                .with_hint("pip needs a package index, usually https://pypi.org"),
        ]
    }

    /// The library of ONNX Runtime, once the environment has it.
    pub(crate) fn onnx_runtime(&self) -> Option<PathBuf> {
        let files = |folder: PathBuf| {
            let entries = fs::read_dir(folder).into_iter().flatten().flatten();
            entries.map(|entry| entry.path())
        };
        let root = self.path("");
        let packages = files(root.join("lib"))
            .map(|python| python.join("site-packages"))
            .chain([root.join("Lib/site-packages")]);
        let is_library = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            ["libonnxruntime.", "onnxruntime.dll"].iter().any(|start| name.starts_with(start))
        };
        packages.flat_map(|folder| files(folder.join("onnxruntime/capi"))).find(is_library)
    }

    /// The wheel, and its tests.
    pub(crate) fn package(&self) -> [Step; 3] {
        let tests = format!("{PACKAGE}/tests");
        let ignored = format!("--ignore={tests}/integrations");
        let manifest = format!("{PACKAGE}/Cargo.toml");
        let mut pytest = vec!["pytest", &tests];
        if !self.all {
            pytest.push(&ignored);
        }
        [
            self.module(
                "wheel",
                &["maturin", "build", "--quiet", "--manifest-path", &manifest, "--out", WHEELS],
            ),
            self.module(
                "installation",
                &[
                    "pip",
                    "install",
                    "--quiet",
                    "--no-index",
                    "--no-deps",
                    "--force-reinstall",
                    "--find-links",
                    WHEELS,
                    WHEEL,
                ],
            ),
            self.module("tests of the Python package", &pytest),
        ]
    }

    fn module(&self, purpose: &'static str, arguments: &[&str]) -> Step {
        Step::new(purpose, self.interpreter(), &[&["-m"], arguments].concat())
    }

    /// The Python of the environment, which may not be there yet.
    pub(crate) fn interpreter(&self) -> PathBuf {
        self.path(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" })
    }

    /// A file of the environment.
    fn path(&self, file: &str) -> PathBuf {
        [env!("CARGO_MANIFEST_DIR"), "..", &self.folder, file].iter().collect()
    }
}
