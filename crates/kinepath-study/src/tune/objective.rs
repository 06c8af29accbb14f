//! Figures of merit: the one place that knows how samples are judged.

use kinepath::stats::Interval;

use super::TuneSettings;
use super::finalists::shared_level;
use super::results::Measure;
use super::runs::Drawn;
use crate::StudyError;
use crate::study::results::{DataResults, Direction, MetricResult};
use crate::study::{Evidence, Figures, Inference, Judge, METRICS, metric};

/// Neighbours of the support estimates, which no objective uses.
const SUPPORT_NEIGHBOURS: usize = 10;

/// Judges the samples of gains and compares them with the baseline's.
pub(super) struct Scorer {
    judge: Judge,
    resamples: usize,
    seed: u64,
    objectives: [String; 2],
}

/// Everything that a comparison needs of one judged run.
pub(super) struct Scored(Evidence);

/// Which metrics are wanted.
#[derive(Debug, Clone, Copy)]
pub(super) enum Which {
    /// The two that gains are chosen by.
    Objectives,
    /// All that the data allow.
    All,
}

/// The figures of a run, and how they are resampled.
pub(super) struct RunFigures<'s> {
    figures: Figures<'s>,
    inference: Inference,
}

impl Scorer {
    /// Loads what samples of `shape` are judged by.
    ///
    /// # Errors
    /// [`StudyError::Spec`] unless the objectives are two different metrics, before anything is
    /// loaded; and what loading brings.
    pub(super) fn open(settings: &TuneSettings, shape: &[usize]) -> Result<Self, StudyError> {
        let objectives = objectives(&settings.objectives)?;
        Ok(Self {
            judge: Judge::open(&settings.data, SUPPORT_NEIGHBOURS, shape)?,
            resamples: settings.resamples,
            seed: settings.seed,
            objectives,
        })
    }

    /// What samples are judged by.
    pub(super) fn judge(&self) -> &Judge {
        &self.judge
    }

    /// The training set and the reference set in a few words and numbers.
    pub(super) fn data(&self) -> (DataResults, Option<DataResults>) {
        (self.judge.training_results(), self.judge.reference_results())
    }

    /// Judges samples by what they were asked for.
    ///
    /// # Errors
    /// [`StudyError`] if they cannot be judged.
    pub(super) fn score(&self, drawn: &Drawn) -> Result<Scored, StudyError> {
        let judged = self.judge.judge(drawn.endpoints.view(), drawn.labels.as_deref())?;
        Ok(Scored(judged.evidence))
    }

    /// The figures of a run: the objectives alone, or every metric.
    ///
    /// # Errors
    /// [`StudyError::Stats`] for a run without samples.
    pub(super) fn figures<'s>(
        &self,
        run: &'s Scored,
        which: Which,
    ) -> Result<RunFigures<'s>, StudyError> {
        let inference = Inference::new(self.resamples, self.seed, &[run.0.count()])?;
        let objectives = self.objectives.each_ref().map(String::as_str);
        let keys = match which {
            Which::Objectives => Some(objectives.as_slice()),
            Which::All => None,
        };
        Ok(RunFigures { figures: Figures::of(&run.0, keys, &inference), inference })
    }

    /// The figures of a run; with a baseline those that it has too, each with its paired difference.
    ///
    /// # Errors
    /// [`StudyError::Stats`] for a figure that is undefined on most resamples.
    pub(super) fn measures(
        &self,
        run: &RunFigures<'_>,
        baseline: Option<&RunFigures<'_>>,
    ) -> Result<Vec<Measure>, StudyError> {
        let figures = run.figures.results(&run.inference)?;
        let measure = |figure: MetricResult, difference| Measure {
            metric: figure.metric,
            name: figure.name,
            better: figure.better,
            value: figure.value,
            difference,
        };
        let Some(baseline) = baseline else {
            return Ok(figures.into_iter().map(|figure| measure(figure, None)).collect());
        };
        let shared = run.figures.intervals(&baseline.figures, &run.inference)?;
        let difference_of = |figure: &MetricResult| {
            Some(shared.iter().find(|row| row.metric.key == figure.metric)?.difference)
        };
        let paired = figures.into_iter().filter_map(|figure| {
            let difference = difference_of(&figure)?;
            Some(measure(figure, Some(difference)))
        });
        Ok(paired.collect())
    }

    /// The paired difference to `baseline` in the second objective, with the interval that decides
    /// when so many finalists are tried: at their shared level, from as many more resamples as
    /// keep its ends as well known as those of a 95 % interval.
    ///
    /// # Errors
    /// As [`measures`](Self::measures).
    pub(super) fn target_difference(
        &self,
        run: &Scored,
        baseline: &Scored,
        finalists: usize,
    ) -> Result<Interval, StudyError> {
        let resamples = self.resamples.saturating_mul(finalists);
        let mut inference = Inference::new(resamples, self.seed, &[run.0.count()])?;
        inference.bootstrap.level = shared_level(finalists);
        let [_, target] = &self.objectives;
        let of = |scored| Figures::of(scored, Some(&[target.as_str()]), &inference);
        let rows = of(&run.0).intervals(&of(&baseline.0), &inference)?;
        rows.first().map(|row| row.difference).ok_or_else(|| unknown(target))
    }

    /// The two objectives among all measures of a run: what must not get worse, what to improve.
    pub(super) fn objectives(&self, measures: &[Measure]) -> Result<[Measure; 2], StudyError> {
        let find = |key: &String| {
            measures
                .iter()
                .find(|measure| measure.metric == *key)
                .cloned()
                .ok_or_else(|| unknown(key))
        };
        let [first, second] = &self.objectives;
        Ok([find(first)?, find(second)?])
    }
}

/// Two different metrics by their keys.
fn objectives(keys: &[String]) -> Result<[String; 2], StudyError> {
    let spec = |text: String, reason: &str| {
        Err(StudyError::Spec { what: "objective", text, reason: reason.to_owned() })
    };
    for key in keys {
        match metric(key) {
            None => return Err(unknown(key)),
            Some(metric) if metric.better == Direction::Zero => {
                return spec(key.clone(), "it is best at 0, so more or less of it is no aim");
            }
            Some(_) => {}
        }
    }
    match keys {
        [first, second] if first != second => Ok([first.clone(), second.clone()]),
        _ => spec(
            keys.join(","),
            "name two different metrics, the one that must not get worse and the one to improve",
        ),
    }
}

fn unknown(key: &str) -> StudyError {
    let keys: Vec<&str> = METRICS
        .iter()
        .filter(|metric| metric.better != Direction::Zero)
        .map(|metric| metric.key)
        .collect();
    StudyError::Spec {
        what: "objective",
        text: key.to_owned(),
        reason: format!("use two of {}", keys.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objectives_are_two_different_metrics() {
        let refused = |keys: &[&str]| {
            let keys: Vec<String> = keys.iter().map(|&key| key.to_owned()).collect();
            objectives(&keys).unwrap_err().to_string()
        };
        assert!(refused(&["fid", "f_mem"]).contains("`fid`"));
        assert!(refused(&["fid", "f_mem"]).contains("frechet_distance"));
        assert!(refused(&["f_mem", "f_mem"]).contains("two different"));
        assert!(refused(&["f_mem"]).contains("two different"));
        assert!(refused(&["f_mem", "recall", "margin"]).contains("f_mem,recall,margin"));
        let keys = ["recall".to_owned(), "margin".to_owned()];
        assert_eq!(objectives(&keys).unwrap(), keys);
    }
}
