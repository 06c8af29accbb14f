//! From the command line's words for solver, grid and gain to a compiled plan.

mod gain;

use std::path::Path;

use kinepath::grid::{GRID_FORMS, Grid, GridFamily};
use kinepath::plan::Plan;
use kinepath::tableau::Tableau;

use gain::check_reference;
pub use gain::read_gain;

use crate::StudyError;
use crate::data;
use crate::run::{Certify, FieldSettings, SamplerSettings};

/// Solver, time grid and gain as a person writes them.
#[derive(Debug, Clone, PartialEq)]
pub struct ScheduleSpec {
    /// `euler`, `midpoint`, `heun`, `rk4` or `dopri5`.
    pub solver: String,
    /// Number of grid steps; for an adaptive solver the steps it must stop at. Ignored by a grid
    /// that has its own nodes.
    pub steps: usize,
    /// A family that [`GridFamily`] reads; `sigmas:` with a file or list of noise levels σ = 1 − t;
    /// or a file with one time a line.
    pub grid: String,
    /// Where the path begins and ends, within `[0, 1]`; explicit times say so themselves.
    pub interval: (f64, f64),
    /// What [`read_gain`] reads: an expression, a file with `t eta` on each line, or a TOML file with a
    /// `gain`.
    pub gain: String,
    /// `solver` or `left`.
    pub quadrature: String,
    /// Relative tolerance of an adaptive solver.
    pub rtol: f64,
    /// Absolute tolerance of an adaptive solver, in data units.
    pub atol: f64,
    /// The gap at which paths of an empirical field drop training points; the usual one unless
    /// told, and nothing to tell where paths cannot be followed.
    pub certify: Option<Certify>,
}

impl Default for ScheduleSpec {
    /// Fifty uniform Euler steps without a gain.
    fn default() -> Self {
        Self {
            solver: "euler".to_owned(),
            steps: 50,
            grid: "uniform".to_owned(),
            interval: (0.0, 1.0),
            gain: "unit".to_owned(),
            quadrature: "solver".to_owned(),
            rtol: 1e-5,
            atol: 1e-5,
            certify: None,
        }
    }
}

impl ScheduleSpec {
    /// Refuses a gain that is governed by a run of another field than `field`: its ceiling is a speed of
    /// that field.
    ///
    /// # Errors
    /// [`StudyError::Spec`], and [`StudyError::Run`] for a reference that cannot be read.
    pub fn check_field(&self, field: &FieldSettings) -> Result<(), StudyError> {
        check_reference(&self.gain, field)
    }

    /// Compiles the plan and resolves what goes into `run.toml`.
    ///
    /// # Errors
    /// [`StudyError`] for an unknown word, an unreadable file, or an inadmissible grid or gain.
    pub fn compile(&self) -> Result<(Plan, SamplerSettings), StudyError> {
        let tableau = Tableau::by_name(&self.solver).ok_or_else(|| StudyError::Spec {
            what: "solver",
            text: self.solver.clone(),
            reason: format!("use {}", Tableau::ALL.map(|tableau| tableau.name).join(", ")),
        })?;
        let quadrature = self.quadrature.parse().map_err(|_| StudyError::Spec {
            what: "quadrature",
            text: self.quadrature.clone(),
            reason: "use solver or left".to_owned(),
        })?;
        let grid = self.grid()?;
        let gain = read_gain(&self.gain, None)?;
        let plan = Plan::new(grid, tableau, gain, quadrature, [self.rtol, self.atol])?;
        let settings =
            SamplerSettings { certify: self.certify, ..SamplerSettings::of(&plan, &self.grid) };
        Ok((plan, settings))
    }

    fn grid(&self) -> Result<Grid, StudyError> {
        let (start, end) = self.interval;
        let whole = |grid: Grid| {
            if self.interval == (0.0, 1.0) { Ok(grid) } else { grid.within(start, end) }
        };
        if GridFamily::is_named_in(&self.grid) {
            return Ok(whole(self.grid.parse::<GridFamily>()?.grid(self.steps)?)?);
        }
        let forms = format!(
            "use {GRID_FORMS}, sigmas:FILE, sigmas:SIGMA,SIGMA,... or a file with one time a line"
        );
        let Some(sigmas) = self.grid.strip_prefix("sigmas:") else {
            return Ok(Grid::explicit(read_column("grid", &self.grid, &forms)?)?);
        };
        let listed: Result<Vec<f64>, _> = sigmas.split(',').map(str::parse).collect();
        let sigmas = match listed {
            Ok(sigmas) => sigmas,
            Err(_) => read_column("grid", sigmas, &forms)?,
        };
        Ok(Grid::from_sigmas(&sigmas)?)
    }
}

/// The numbers of an `.npy` file of one axis, or of a text file with one a line.
pub(crate) fn read_column(
    what: &'static str,
    path: &str,
    forms: &str,
) -> Result<Vec<f64>, StudyError> {
    match Path::new(path).extension().and_then(|extension| extension.to_str()) {
        Some("npy") => Ok(data::read_column(Path::new(path))?),
        _ => Ok(read_numbers(what, path, 1, forms)?.into_iter().map(|line| line[0]).collect()),
    }
}

/// The numbers of a text file, `width` on each line, apart by blanks or commas; `#` begins a
/// comment.
fn read_numbers(
    what: &'static str,
    path: &str,
    width: usize,
    forms: &str,
) -> Result<Vec<Vec<f64>>, StudyError> {
    let text = std::fs::read_to_string(path).map_err(|error| StudyError::Spec {
        what,
        text: path.to_owned(),
        reason: format!("{forms} ({error})"),
    })?;
    let mut lines = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let content = line.split('#').next().unwrap_or_default();
        let fields: Vec<&str> =
            content.split([' ', '\t', ',']).filter(|field| !field.is_empty()).collect();
        if fields.is_empty() {
            continue;
        }
        let values: Result<Vec<f64>, _> = fields.iter().map(|field| field.parse()).collect();
        match values {
            Ok(values) if values.len() == width => lines.push(values),
            _ => {
                let reason = format!("line {}: `{line}`; {forms}", number + 1);
                return Err(StudyError::file("understand", Path::new(path), &reason));
            }
        }
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(change: impl FnOnce(&mut ScheduleSpec)) -> String {
        let mut spec = ScheduleSpec::default();
        change(&mut spec);
        spec.compile().unwrap_err().to_string()
    }

    #[test]
    fn words_are_understood_or_named() {
        assert!(error(|s| s.solver = "rk5".into()).contains("euler, midpoint, heun, rk4, dopri5"));
        assert!(error(|s| s.steps = 0).contains("at least one step"));
        assert!(error(|s| s.grid = "shift:x".into()).contains("shift:3"));
        assert!(error(|s| s.grid = "no-such-file".into()).contains("one time a line"));
        assert!(error(|s| s.grid = "sigmas:no-such.npy".into()).contains("no-such.npy"));
        assert!(error(|s| s.grid = "dynamic-shift:0".into()).contains("above 0"));
        assert!(error(|s| s.quadrature = "trapezoid".into()).contains("solver or left"));
        assert!(error(|s| s.interval = (0.5, 0.5)).contains("start < end"));
        assert!(error(|s| s.gain = "kts:beta=0.2".into()).contains("largest admissible beta"));
        let adaptive = |s: &mut ScheduleSpec| {
            s.solver = "dopri5".into();
            s.quadrature = "left".into();
        };
        assert!(error(adaptive).contains("chooses its own steps"));
    }

    #[test]
    fn grids_and_gains_come_from_files_too() {
        let folder = tempfile::tempdir().unwrap();
        let (grid, gain) = (folder.path().join("grid"), folder.path().join("gain"));
        std::fs::write(&grid, "# times\n0\n0.25\n1.0 # end\n").unwrap();
        std::fs::write(&gain, "0, 1.5\n1\t0.5\n").unwrap();
        let mut spec = ScheduleSpec {
            grid: grid.display().to_string(),
            gain: gain.display().to_string(),
            ..ScheduleSpec::default()
        };
        let (plan, settings) = spec.compile().unwrap();
        assert_eq!(settings.nodes, [0.0, 0.25, 1.0]);
        assert_eq!(plan.gain().eta(0.5), 1.0);
        assert_eq!(settings.gain, "table:0=1.5,1=0.5");
        std::fs::write(&grid, "1\n0.9\n0.5\n").unwrap();
        for sigmas in [grid.display().to_string(), "1,0.9,0.5".into(), "1,0.9,0.5,0".into()] {
            spec.grid = format!("sigmas:{sigmas}");
            let nodes = spec.compile().unwrap().1.nodes;
            assert_eq!(nodes, [0.0, 1.0 - 0.9, 0.5, 1.0]);
        }
        spec.grid = "sigmas:1,1".into();
        assert!(spec.compile().unwrap_err().to_string().contains("noise level 1 is 1 after 1"));
        spec.grid = "sigmas:".into();
        assert!(spec.compile().unwrap_err().to_string().contains("sigmas:FILE"));
        spec.grid = grid.display().to_string();
        std::fs::write(&grid, "0\nzero\n").unwrap();
        assert!(spec.compile().unwrap_err().to_string().contains("line 2"));
        let file = folder.path().join("gain.toml");
        spec.grid = "cosine".into();
        spec.gain = file.display().to_string();
        std::fs::write(&file, "# tuned\ngain = \"ssc:alpha=0.5,power=1\"\n").unwrap();
        assert_eq!(spec.compile().unwrap().1.gain, "ssc:alpha=0.5,power=1");
        for (content, part) in
            [("gian = \"unit\"", "gain.toml"), ("gain = \"fast\"", "unknown gain `fast`")]
        {
            std::fs::write(&file, content).unwrap();
            let error = spec.compile().unwrap_err().to_string();
            assert!(error.contains(part) && error.contains("gain.toml"), "{error}");
        }
        spec.gain = gain.display().to_string();
        std::fs::write(&gain, "0 1\n0 1\n").unwrap();
        assert!(spec.compile().unwrap_err().to_string().contains("point 1"));
    }
}
