//! What the closed form says along the paths of an empirical field.

use kinepath::field::{EmpiricalField, FieldError, Posterior, collapsed_since};
use kinepath::plan::Plan;
use kinepath::record::Record;
use kinepath::sampler::Sampler;
use kinepath::stats::{mean, quantile};
use ndarray::{Array2, ArrayView2, Axis, s};

use super::results::{Theory, TheoryNode};
use crate::StudyError;

/// Paths integrated together, and so the states in memory at once.
const BATCH: usize = 64;

/// Integrates `noise`, `[N, D]`, along `plan` and looks at the posterior over training records at
/// every node before t = 1: its entropy, when it collapses onto one record, and how affine the
/// energy–density law `½‖v*‖² ≈ a − b log p̂_t(x)` is.
///
/// # Errors
/// [`StudyError::Sample`] and [`StudyError::Field`] for what integrating brings.
pub(super) fn theory(
    field: &EmpiricalField,
    plan: &Plan,
    noise: ArrayView2<'_, f32>,
) -> Result<Theory, StudyError> {
    let times: Vec<f64> = plan.grid().nodes().iter().copied().filter(|&t| t < 1.0).collect();
    let record = Record { trajectory: (0..times.len()).collect(), ..Record::default() };
    let mut nodes: Vec<NodeColumns> = vec![NodeColumns::default(); times.len()];
    for start in noise.axis_chunks_iter(Axis(0), BATCH) {
        let paths = Sampler::new(field, plan)?.record(record.clone()).run(start)?;
        let Some(states) = paths.trajectory else { continue };
        for (node, (columns, &t)) in nodes.iter_mut().zip(&times).enumerate() {
            columns.add(field, &states.slice(s![.., node, ..]).to_owned(), t)?;
        }
    }
    let collapse: Vec<Option<f64>> = (0..noise.nrows())
        .map(|path| {
            nodes
                .iter()
                .zip(&times)
                .fold(None, |since, (node, &t)| collapsed_since(since, t, node.top_weight[path]))
        })
        .collect();
    let nodes = nodes
        .iter()
        .zip(&times)
        .map(|(node, &t)| node.summarize(t))
        .collect::<Result<Vec<_>, StudyError>>()?;
    let sentence = describe(&collapse, &nodes)?;
    Ok(Theory { count: collapse.len(), collapse, nodes, sentence })
}

/// What is known of every path at one node.
#[derive(Clone, Default)]
struct NodeColumns {
    entropy: Vec<f64>,
    effective_count: Vec<f64>,
    /// Of all records that equal the likeliest.
    top_weight: Vec<f64>,
    /// `½‖v*‖²`.
    energy: Vec<f64>,
    /// `−log p̂_t(x)`.
    rarity: Vec<f64>,
}

impl NodeColumns {
    fn add(&mut self, field: &EmpiricalField, x: &Array2<f32>, t: f64) -> Result<(), FieldError> {
        let Posterior { mean, entropy, effective_count, top, top_weight, log_density } =
            field.posterior(x.view(), &vec![t; x.nrows()])?;
        self.entropy.extend(entropy);
        self.effective_count.extend(effective_count);
        let of_equals = |(weight, top): (f64, usize)| weight * field.multiplicity(top) as f64;
        self.top_weight.extend(top_weight.into_iter().zip(top).map(of_equals));
        self.rarity.extend(log_density.iter().map(|density| -density));
        self.energy.extend(mean.outer_iter().zip(x.outer_iter()).map(|(mean, x)| {
            let square: f64 = mean.iter().zip(x).map(|(m, &x)| (m - f64::from(x)).powi(2)).sum();
            0.5 * square / (1.0 - t).powi(2)
        }));
        Ok(())
    }

    fn summarize(&self, t: f64) -> Result<TheoryNode, StudyError> {
        let line = line(&self.rarity, &self.energy);
        Ok(TheoryNode {
            t,
            entropy: quantile(&self.entropy, 0.5)?,
            entropy_low: quantile(&self.entropy, 0.1)?,
            entropy_high: quantile(&self.entropy, 0.9)?,
            effective_count: quantile(&self.effective_count, 0.5)?,
            slope: line.map(|(slope, _)| slope),
            r_squared: line.map(|(_, r_squared)| r_squared),
        })
    }
}

/// Slope and R² of the least-squares line of `y` on `x`; `None` where one of them is constant.
fn line(x: &[f64], y: &[f64]) -> Option<(f64, f64)> {
    let (mx, my) = (mean(x).ok()?, mean(y).ok()?);
    let moment = |a: &[f64], ma: f64, b: &[f64], mb: f64| -> f64 {
        a.iter().zip(b).map(|(a, b)| (a - ma) * (b - mb)).sum()
    };
    let (xx, xy, yy) = (moment(x, mx, x, mx), moment(x, mx, y, my), moment(y, my, y, my));
    (xx > 0.0 && yy > 0.0).then(|| (xy / xx, xy * xy / (xx * yy)))
}

fn describe(collapse: &[Option<f64>], nodes: &[TheoryNode]) -> Result<String, StudyError> {
    let settled: Vec<f64> = collapse.iter().flatten().copied().collect();
    if settled.is_empty() {
        return Ok("No path settles on a single training record before its last step.".to_owned());
    }
    // Of all paths: those that never settle do so after every other.
    let mut all: Vec<f64> = collapse.iter().map(|t| t.unwrap_or(f64::INFINITY)).collect();
    all.sort_by(f64::total_cmp);
    let half = all[all.len() / 2];
    let law = nodes
        .iter()
        .rfind(|node| node.t <= half)
        .and_then(|node| node.r_squared.zip(node.slope).map(|fit| (node.t, fit)))
        .map_or(String::new(), |(t, (r_squared, slope))| {
            format!(
                " At t = {t:.2} energy is affine in −log density with R² = {r_squared:.2} and slope \
                 {slope:.2}; perfect dominance of one record gives slope 1 but for cross terms."
            )
        });
    if settled.len() == all.len() {
        return Ok(format!(
            "Half of the paths have settled on a single training record by t = {:.2} ({:.2} to {:.2} \
             for the middle 80 %).{law}",
            quantile(&settled, 0.5)?,
            quantile(&settled, 0.1)?,
            quantile(&settled, 0.9)?
        ));
    }
    let by = match half.is_finite() {
        true => format!(", half of all by t = {half:.2}"),
        false => String::new(),
    };
    Ok(format!(
        "{} of {} paths settle on a single training record{by}; the others have not at the last step: \
         an exact field leads every path to one, so take more steps, or a grid that is denser at the \
         end.{law}",
        settled.len(),
        all.len()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kinepath::gain::Gain;
    use kinepath::grid::Grid;
    use kinepath::noise::noise;
    use kinepath::plan::Quadrature;
    use kinepath::tableau::Tableau;
    use ndarray::array;

    fn plan(steps: usize) -> Plan {
        let grid = Grid::uniform(steps).unwrap();
        Plan::fixed(grid, Tableau::EULER, Gain::Unit, Quadrature::Solver).unwrap()
    }

    #[test]
    fn one_record_is_settled_from_the_start_and_obeys_the_law() {
        // A single record at the origin: v* = −ε exactly, so ½‖v*‖² = −log p̂ + constant.
        let field = EmpiricalField::new(array![[0.0f32, 0.0, 0.0]]).unwrap();
        let found = theory(&field, &plan(10), noise(3, 0..100, 3).view()).unwrap();
        assert_eq!(found.collapse, vec![Some(0.0); 100]);
        assert_eq!((found.nodes.len(), found.count), (10, 100));
        for node in &found.nodes {
            assert!(node.entropy.abs() < 1e-12 && (node.effective_count - 1.0).abs() < 1e-12);
            assert!((node.slope.unwrap() - 1.0).abs() < 1e-4, "{node:?}");
            assert!((node.r_squared.unwrap() - 1.0).abs() < 1e-6, "{node:?}");
        }
    }

    #[test]
    fn distant_records_settle_early_and_near_ones_late() {
        let pair = |gap: f32| {
            let field = EmpiricalField::new(array![[-gap], [gap]]).unwrap();
            let found = theory(&field, &plan(50), noise(1, 0..200, 1).view()).unwrap();
            assert!((found.nodes[0].entropy - 2f64.ln()).abs() < 1e-12, "uniform at t = 0");
            let times: Vec<f64> = found.collapse.iter().map(|t| t.unwrap_or(1.0)).collect();
            quantile(&times, 0.5).unwrap()
        };
        let (far, near) = (pair(10.0), pair(0.1));
        assert!(far < 0.4 && near > 0.7, "{far} {near}");
    }

    #[test]
    fn paths_that_never_settle_count_among_all() {
        let sentence = |times: &[Option<f64>]| describe(times, &[]).unwrap();
        let few = sentence(&[Some(0.9), None, None, Some(0.8), None]);
        assert!(few.starts_with("2 of 5 paths settle on a single training record; the"), "{few}");
        let most = sentence(&[Some(0.9), None, Some(0.7), Some(0.8), Some(0.6)]);
        assert!(most.starts_with("4 of 5 paths settle"), "{most}");
        assert!(most.contains("half of all by t = 0.80; the others have not"), "{most}");
        let all = sentence(&[Some(0.9), Some(0.7), Some(0.8)]);
        assert!(all.starts_with("Half of the paths have settled") && all.contains("0.80"), "{all}");
        assert!(sentence(&[None, None]).starts_with("No path"));
    }

    #[test]
    fn lines_agree_with_hand_calculation() {
        let (slope, r_squared) = line(&[0.0, 1.0, 2.0], &[1.0, 3.0, 4.0]).unwrap();
        assert!((slope - 1.5).abs() < 1e-15 && (r_squared - 27.0 / 28.0).abs() < 1e-15);
        assert_eq!(line(&[1.0, 1.0], &[0.0, 1.0]), None);
    }
}
