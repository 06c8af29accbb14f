//! Plots: what the page's script draws, and the frames that it draws them into.
//!
//! A plot carries numbers only. Names, which come from people, stay in the page's text.

use maud::{Markup, html};
use serde::Serialize;

/// The plots of a page, in order.
#[derive(Debug, Default)]
pub(super) struct Figures {
    plots: Vec<Plot>,
}

/// One plot.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(super) enum Plot {
    /// A distribution over equal bins, with the baseline's behind it.
    Histogram {
        /// Bin edges, one more than shares.
        edges: Vec<f64>,
        /// Share of samples per bin, in percent.
        shares: Vec<f64>,
        /// The baseline's shares; absent for the baseline itself.
        baseline: Option<Vec<f64>>,
        /// Top of the axis, common to the panels.
        top: f64,
        /// Colour.
        series: usize,
    },
    /// An energy profile along time, with the baseline's median behind it.
    Profile {
        /// Times.
        t: Vec<f64>,
        /// Medians of `‖dx/dt‖²`.
        median: Vec<f64>,
        /// 10 % quantiles.
        low: Vec<f64>,
        /// 90 % quantiles.
        high: Vec<f64>,
        /// Gains.
        eta: Vec<f64>,
        /// The baseline's times and medians; absent for the baseline itself.
        baseline: Option<(Vec<f64>, Vec<f64>)>,
        /// Ends of the axis, common to the panels.
        range: [f64; 2],
        /// Whether the axis is logarithmic.
        log: bool,
        /// Colour.
        series: usize,
    },
    /// One mark per sample.
    Scatter {
        /// Kinetic path energies.
        kpe: Vec<f64>,
        /// The other property.
        y: Vec<f64>,
        /// Whether the sample is memorized.
        memorized: Vec<bool>,
        /// What the other axis shows.
        label: &'static str,
        /// A line to draw across, if any.
        threshold: Option<f64>,
    },
    /// F_mem along the threshold of the gap ratio, a curve per run.
    Memorization {
        /// Shares in percent.
        curves: Vec<Line>,
        /// The share of held-out records, if known.
        false_alarms: Option<Line>,
        /// The criterion's own threshold.
        threshold: f64,
    },
    /// A quantity along time, or the share of paths that have done something by a time.
    Course {
        /// The line; null where undefined.
        line: Line,
        /// Lower and upper end of the band around it.
        band: Option<[Vec<f64>; 2]>,
        /// What the axis shows.
        label: &'static str,
        /// Ends of the axis; chosen by the values if absent.
        range: Option<[f64; 2]>,
        /// Whether the line stays where it is until the next time.
        steps: bool,
    },
    /// What gains change in two objectives, differences to the baseline.
    Tradeoff {
        /// The gains of each rung, the last one last.
        rungs: Vec<Vec<Tried>>,
        /// The Pareto front, in the order of the first objective.
        front: Vec<[f64; 2]>,
        /// Its knee.
        knee: Option<[f64; 2]>,
        /// The finalists, as the search saw them and as fresh samples show them.
        finalists: Vec<[Tried; 2]>,
        /// What the axes show.
        labels: [String; 2],
        /// Which way is better, −1 or 1.
        better: [f64; 2],
        /// The ends of the axes.
        window: [[f64; 2]; 2],
        /// Whether this is a close-up of the finalists.
        close: bool,
    },
    /// Memorization and fidelity per KPE bin, one above the other.
    Goldilocks {
        /// Bins.
        bins: Vec<Bin>,
        /// Energies between which the band lies.
        band: Option<[f64; 2]>,
    },
}

/// A line through points.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Line {
    pub(super) x: Vec<f64>,
    pub(super) y: Vec<f64>,
    /// Colour.
    pub(super) series: usize,
}

/// A gain in two objectives: `[low, estimate, high]` of its differences.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Tried {
    /// The candidate number.
    pub(super) candidate: usize,
    /// Number of samples.
    pub(super) n: usize,
    pub(super) x: [f64; 3],
    pub(super) y: [f64; 3],
}

/// A bin of the Goldilocks curve: `[low, estimate, high]` each.
#[derive(Debug, Serialize)]
pub(super) struct Bin {
    /// Number of samples.
    pub(super) n: usize,
    /// Smallest and largest energy.
    pub(super) kpe: [f64; 2],
    /// F_mem in percent.
    pub(super) f_mem: [f64; 3],
    /// Fidelity.
    pub(super) fidelity: [f64; 3],
}

impl Figures {
    /// The frame of a new plot; `alt` says in words what it shows.
    pub(super) fn add(&mut self, plot: Plot, alt: &str) -> Markup {
        let class = match plot {
            Plot::Histogram { .. } | Plot::Profile { .. } | Plot::Course { .. } => "plot small",
            Plot::Scatter { .. } | Plot::Memorization { .. } => "plot square",
            Plot::Goldilocks { .. } | Plot::Tradeoff { .. } => "plot tall",
        };
        let position = self.plots.len();
        self.plots.push(plot);
        html! { div class=(class) data-plot=(position) role="img" aria-label=(alt) {} }
    }

    /// The plots as JSON that can stand in a script element: no `<` in it.
    ///
    /// # Errors
    /// Those of `serde_json`.
    pub(super) fn to_json(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string(&self.plots)?.replace('<', "\\u003c"))
    }
}
