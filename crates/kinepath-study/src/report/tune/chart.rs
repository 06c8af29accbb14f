//! All gains at a glance: what they cost against what they bring.

use kinepath::stats::Interval;
use maud::{Markup, html};

use super::number;
use crate::format::{self, Unit};
use crate::report::figures::{Figures, Plot, Tried};
use crate::study::metric;
use crate::study::results::Direction;
use crate::tune::TuneResults;
use crate::tune::results::{Finalist, FrontPoint, Measure};

/// Share of their extent that the axes leave free at each side.
const MARGIN: f64 = 0.08;

/// The chart of every gain of every rung, and a close-up of the finalists.
pub(super) fn section(results: &TuneResults, figures: &mut Figures) -> Markup {
    html! {
        section {
            h2 id="gains" { "All gains" }
            @if let Some(chart) = Chart::of(results) {
                (figure(results, &chart, figures))
            } @else {
                p.note { "No gain was tried." }
            }
        }
    }
}

fn figure(results: &TuneResults, chart: &Chart, figures: &mut Figures) -> Markup {
    let alt = format!(
        "What each gain changes in {} and {}, by rung. {}",
        chart.names[0], chart.names[1], results.sentence
    );
    let samples = results.rungs.last().map_or(0, |rung| rung.samples);
    html! {
        figure {
            div.panels.pairs {
                div.panel { h4 { "Every gain" } (figures.add(chart.plot(false), &alt)) }
                @if !chart.finalists.is_empty() {
                    div.panel {
                        h4 { "The finalists, close up" }
                        (figures.add(chart.plot(true), &alt))
                    }
                }
            }
            figcaption {
                b { "Differences to no gain, which is where the dashed lines cross. " }
                "A gain in the shaded corner is better in both. Blue: the last rung, "
                (format::count(samples)) " samples, with 95 % intervals; grey: earlier rungs, the \
                 fewer samples the paler. The thin line is the Pareto front, the diamond its knee."
                @if !chart.finalists.is_empty() {
                    " Orange: a finalist ("
                    @for (place, [search, _]) in chart.finalists.iter().enumerate() {
                        @if place > 0 { ", " }
                        (number(search.candidate))
                    }
                    ") on fresh samples. The arrow leads there from what the search saw; that it \
                     tends to lead away from the corner is the winner’s curse."
                }
            }
        }
    }
}

/// The plot without its window.
struct Chart {
    names: [&'static str; 2],
    units: [Unit; 2],
    better: [f64; 2],
    rungs: Vec<Vec<Tried>>,
    front: Vec<[f64; 2]>,
    knee: Option<[f64; 2]>,
    finalists: Vec<[Tried; 2]>,
}

impl Chart {
    /// Nothing without a rung.
    fn of(results: &TuneResults) -> Option<Self> {
        let last = results.rungs.last()?;
        let key = |place: usize| last.baseline[place].metric.as_str();
        let units = [0, 1].map(|place| Unit::of(key(place)));
        let tried = |candidate, n, objectives: &[Measure; 2]| {
            let [x, y] = [0, 1].map(|place| shown(objectives[place].difference, units[place]));
            Tried { candidate, n, x, y }
        };
        let rungs = results.rungs.iter().map(|rung| {
            let gains = rung.gains.iter();
            gains.map(|trial| tried(trial.candidate, rung.samples, &trial.objectives)).collect()
        });
        let point = |choice: &FrontPoint| {
            let point = tried(0, 0, &choice.objectives);
            [point.x[1], point.y[1]]
        };
        let finalist = |fresh: usize, finalist: &Finalist| {
            let [x, y] = finalist.promises.as_slice() else { return None };
            let both = |of: fn(&crate::tune::results::Promise) -> Interval, n| Tried {
                candidate: finalist.candidate,
                n,
                x: shown(Some(of(x)), units[0]),
                y: shown(Some(of(y)), units[1]),
            };
            Some([both(|promise| promise.search, last.samples), both(|p| p.confirmed, fresh)])
        };
        let found = results.confirmation.iter();
        Some(Self {
            names: [0, 1].map(|place| metric(key(place)).map_or("objective", |known| known.name)),
            units,
            better: last.baseline.each_ref().map(|measure| match measure.better {
                Direction::Higher => 1.0,
                Direction::Lower | Direction::Zero => -1.0,
            }),
            rungs: rungs.collect(),
            front: results.front.iter().map(point).collect(),
            knee: results.front.get(results.knee.place).map(point),
            finalists: found
                .flat_map(|found| found.finalists.iter().map(|f| (found.samples, f)))
                .filter_map(|(samples, found)| finalist(samples, found))
                .collect(),
        })
    }

    /// The plot of everything, or of no gain and the finalists.
    fn plot(&self, close: bool) -> Plot {
        let finalists = self.finalists.iter().flatten();
        let window = match close {
            true => window(finalists),
            false => window(finalists.chain(self.rungs.iter().flatten())),
        };
        Plot::Tradeoff {
            rungs: self.rungs.clone(),
            front: self.front.clone(),
            knee: self.knee,
            finalists: self.finalists.clone(),
            labels: [0, 1].map(|place| {
                let suffix = self.units[place].difference_suffix();
                format!("{}, difference{}", self.names[place], suffix.replace(' ', ", "))
            }),
            better: self.better,
            window,
            close,
        }
    }
}

/// Ends of the axes that show no gain and these gains with their intervals.
fn window<'a>(gains: impl Iterator<Item = &'a Tried> + Clone) -> [[f64; 2]; 2] {
    let ends = |of: fn(&Tried) -> [f64; 3]| {
        let values = gains.clone().flat_map(of).filter(|value| value.is_finite());
        let (low, high) =
            values.fold((0f64, 0f64), |(low, high), value| (low.min(value), high.max(value)));
        let room = if high > low { MARGIN * (high - low) } else { 1.0 };
        [low - room, high + room]
    };
    [ends(|gain| gain.x), ends(|gain| gain.y)]
}

/// A difference as the chart shows it; the baseline's is 0.
fn shown(difference: Option<Interval>, unit: Unit) -> [f64; 3] {
    difference.map_or([0.0; 3], |d| [d.low, d.estimate, d.high].map(|v| unit.factor() * v))
}
