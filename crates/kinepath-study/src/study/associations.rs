//! What the energy goes with: rank correlations, plain and controlled for brightness.

use kinepath::stats::{
    Interval, StatsError, bootstrap, partial_spearman_of_rows, share_interval_of_rows,
    spearman_of_rows, summarize, terciles,
};

use super::figures::Inference;
use super::judge::Judged;
use super::metrics::metric;
use super::results::{Association, Tercile};
use crate::StudyError;

/// Rank correlations of KPE with fidelity, support and copying, beside partial ones that control
/// for the confounds of an energy: `‖x(1)‖²` and displacement.
///
/// # Errors
/// [`StudyError::Stats`] for anything but a column that does not vary.
pub(super) fn associations(
    kpe: &[f64],
    displacement: &[f64],
    judged: &Judged,
    inference: &Inference,
) -> Result<Vec<Association>, StudyError> {
    let mut columns = fidelity_scores(judged);
    columns.extend([
        ("knn_support", "kNN support", judged.knn_support.as_slice()),
        ("kde_support", "kernel support", &judged.kde_support),
        ("gap_ratio", "gap ratio to the training set", &judged.gaps.ratio),
    ]);
    let controls: [&[f64]; 2] = [&judged.squared_norm, displacement];
    columns
        .into_iter()
        .map(|(with, name, column)| {
            let (plain, partial) = correlations(kpe, column, &controls, inference)?;
            Ok(Association {
                with: with.to_owned(),
                name: name.to_owned(),
                sentence: describe(name, plain, partial),
                plain,
                partial,
            })
        })
        .collect()
}

/// ρ and partial ρ of two columns with their percentile intervals, over samples or over seeds and
/// samples; ranks and regressions are redone on each resample.
fn correlations(
    x: &[f64],
    y: &[f64],
    controls: &[&[f64]],
    inference: &Inference,
) -> Result<(Option<Interval>, Option<Interval>), StudyError> {
    let Inference { rows, bootstrap: settings, .. } = inference;
    let plain = spearman_of_rows(x, y).and_then(|rho| bootstrap(rows.clone(), settings, rho));
    let partial = partial_spearman_of_rows(x, y, controls)
        .and_then(|rho| bootstrap(rows.clone(), settings, rho));
    Ok((defined(plain)?, defined(partial)?))
}

/// The fidelity scores that there are: key, name and column.
fn fidelity_scores(judged: &Judged) -> Vec<(&'static str, &'static str, &[f64])> {
    ["confidence", "margin", "clip_score", "clip_margin"]
        .into_iter()
        .filter_map(|key| {
            let metric = metric(key)?;
            Some((metric.key, metric.name, judged.evidence.column(key)?.values.as_slice()))
        })
        .collect()
}

/// A correlation that does not exist because a column is constant is absent, not an error.
fn defined(result: Result<Interval, StatsError>) -> Result<Option<Interval>, StudyError> {
    match result {
        Ok(interval) => Ok(Some(interval)),
        Err(
            StatsError::Constant { .. }
            | StatsError::Undefined { .. }
            | StatsError::UndefinedReplicates { .. },
        ) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// −1, 0 or 1: the sign that an interval settles.
fn sign(interval: Interval) -> i8 {
    if interval.low > 0.0 {
        1
    } else if interval.high < 0.0 {
        -1
    } else {
        0
    }
}

fn describe(name: &str, plain: Option<Interval>, partial: Option<Interval>) -> String {
    let way = |sign: i8| if sign > 0 { "higher" } else { "lower" };
    let Some(plain) = plain else {
        return format!("No correlation with {name} is defined: it does not vary.");
    };
    let Some(partial) = partial else {
        return format!(
            "The correlation with {name} cannot be told from that of the confounds: they explain \
             one side completely."
        );
    };
    match (sign(plain), sign(partial)) {
        (0, 0) => format!("No association with {name} is detected, plain or controlled."),
        (0, s) => format!(
            "Higher energy goes with {} {name} only once ‖x(1)‖² and displacement are controlled \
             for.",
            way(s)
        ),
        (s, 0) => format!(
            "Higher energy goes with {} {name}, but the association vanishes when ‖x(1)‖² and \
             displacement are controlled for: it is not told apart from them.",
            way(s)
        ),
        (s, p) if s == p => format!(
            "Higher energy goes with {} {name}, and still does when ‖x(1)‖² and displacement are \
             controlled for.",
            way(s)
        ),
        (s, p) => format!(
            "Higher energy goes with {} {name}, but at equal ‖x(1)‖² and displacement with {}: \
             the plain association comes from those confounds.",
            way(s),
            way(p)
        ),
    }
}

/// Fidelity and memorization by KPE tercile, lowest energy first.
///
/// # Errors
/// [`StudyError::Stats`] for fewer than three samples.
pub(super) fn tercile_table(
    kpe: &[f64],
    judged: &Judged,
    inference: &Inference,
) -> Result<Vec<Tercile>, StudyError> {
    let scores = fidelity_scores(judged);
    terciles(kpe)?
        .iter()
        .map(|rows| {
            let of_rows =
                |values: &[f64]| -> Vec<f64> { rows.iter().map(|&row| values[row]).collect() };
            Ok(Tercile {
                count: rows.len(),
                kpe: summarize(&of_rows(kpe))?.mean,
                scores: scores
                    .iter()
                    .map(|(_, name, column)| {
                        let summary = summarize(&of_rows(column))?;
                        Ok(((*name).to_owned(), summary.mean, summary.sd))
                    })
                    .collect::<Result<_, StudyError>>()?,
                f_mem: share_interval_of_rows(
                    &judged.memorized,
                    rows,
                    &inference.rows,
                    &inference.bootstrap,
                )?,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kinepath::noise::noise;

    /// Two seeds in which y follows x, two in which it follows −x: pooled, ρ is 0, and over seeds it
    /// is the mean of four signs, ±1 with equal odds.
    #[test]
    fn an_association_that_depends_on_the_seed_is_as_uncertain_as_four_signs() {
        let draws = noise(5, 0..4000, 2);
        let column = |j: usize| -> Vec<f64> { draws.column(j).iter().map(|&v| v.into()).collect() };
        let (x, control) = (column(0), column(1));
        let sign = |row: usize| if row / 1000 < 2 { 1.0 } else { -1.0 };
        let y: Vec<f64> = x.iter().enumerate().map(|(row, x)| sign(row) * x).collect();
        let intervals = |counts: &[usize]| {
            let inference = Inference::new(2000, 0, counts).unwrap();
            let (plain, partial) = correlations(&x, &y, &[&control], &inference).unwrap();
            [plain.unwrap(), partial.unwrap()]
        };
        for flat in intervals(&[4000]) {
            // The standard error of a ρ of about 0 whose influences are ±3 (2u − 1)², u uniform:
            // 3/√5 over √n.
            let half = (flat.high - flat.low) / 2.0;
            let expected = 1.96 * 3.0 / 5f64.sqrt() / 4000f64.sqrt();
            assert!((half / expected - 1.0).abs() < 0.1, "{half} {expected}");
        }
        for nested in intervals(&[1000; 4]) {
            // All four signs agree in 1/8 of the draws, half of these on each side: the 2.5 % points
            // are ±1.
            assert!(nested.low < -0.99 && nested.high > 0.99, "{nested:?}");
        }
    }

    #[test]
    fn sentences_follow_the_signs() {
        let interval = |low, high| Some(Interval { estimate: (low + high) / 2.0, low, high });
        let (up, down, none) = (interval(0.1, 0.3), interval(-0.3, -0.1), interval(-0.1, 0.1));
        for (plain, partial, part) in [
            (up, up, "still does"),
            (up, none, "vanishes"),
            (up, down, "comes from those confounds"),
            (none, down, "only once"),
            (none, none, "No association"),
            (None, None, "does not vary"),
            (up, None, "explain one side completely"),
        ] {
            assert!(describe("margin", plain, partial).contains(part), "{part}");
        }
        assert!(describe("margin", down, down).contains("lower margin"));
    }
}
