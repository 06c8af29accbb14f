//! The Python package: its wheel in a virtual environment under `target/python/`, and its tests.
//!
//! Requirements are pinned, so pip leaves an environment that has them as it is: the first run
//! fills it, later ones take seconds. The wheel is built and installed anew each time, in the dev
//! profile as the Rust tests are. The first build compiles most crates again nevertheless: cargo
//! resolves their features for the package alone, and other members of the workspace ask for more.

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

/// Everything from no environment to the tests; `all` adds those of `tests/integrations/`.
pub(crate) fn steps(all: bool) -> Vec<Step> {
    let environment = format!("target/python/{}", if all { "all" } else { "quick" });
    let interpreter = if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" };
    let python: PathBuf =
        [env!("CARGO_MANIFEST_DIR"), "..", &environment, interpreter].iter().collect();
    let module =
        |purpose, arguments: &[&str]| Step::new(purpose, &python, &[&["-m"], arguments].concat());
    let tests = format!("{PACKAGE}/tests");
    let integrations = format!("{tests}/integrations");
    let requirements = format!("{}/requirements.txt", if all { &integrations } else { &tests });
    let (manifest, ignored) = (format!("{PACKAGE}/Cargo.toml"), format!("--ignore={integrations}"));
    let mut pytest = vec!["pytest", &tests];
    if !all {
        pytest.push(&ignored);
    }
    vec![
        Step::new("environment", PYTHON, &["-m", "venv", &environment]),
        module("requirements", &["pip", "install", "--quiet", "--requirement", &requirements])
            .with_hint("pip needs a package index, usually https://pypi.org"),
        module(
            "wheel",
            &["maturin", "build", "--quiet", "--manifest-path", &manifest, "--out", WHEELS],
        ),
        module(
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
        module("tests of the Python package", &pytest),
    ]
}
