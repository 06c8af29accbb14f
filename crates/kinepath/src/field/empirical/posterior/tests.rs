use super::*;
use crate::field::{Condition, MixtureField};
use crate::noise::noise;
use ndarray::array;

/// The definition, one pair at a time, from distances instead of inner products.
fn direct(points: &Array2<f32>, x: &Array2<f32>, t: f64) -> (Array2<f64>, Vec<f64>) {
    let mut velocities = Array2::zeros(x.dim());
    let mut entropies = Vec::new();
    for (row, x) in x.outer_iter().enumerate() {
        let scores: Vec<f64> = points
            .outer_iter()
            .map(|p| {
                let square: f64 =
                    x.iter().zip(p).map(|(&x, &p)| (f64::from(x) - t * f64::from(p)).powi(2)).sum();
                -0.5 * square / (1.0 - t).powi(2)
            })
            .collect();
        let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = scores.iter().map(|s| (s - largest).exp()).collect();
        let total: f64 = weights.iter().sum();
        for d in 0..points.ncols() {
            let mean: f64 =
                weights.iter().zip(points.column(d)).map(|(w, &p)| w * f64::from(p)).sum::<f64>()
                    / total;
            velocities[[row, d]] = (mean - f64::from(x[d])) / (1.0 - t);
        }
        entropies.push(
            weights.iter().map(|w| w / total).filter(|&w| w > 0.0).map(|w| -w * w.ln()).sum(),
        );
    }
    (velocities, entropies)
}

fn training_set(count: usize, dim: usize) -> Array2<f32> {
    noise(99, 0..count as u64, dim)
}

#[test]
fn agrees_with_the_definition_at_every_time_and_size() {
    for (count, dim, copies) in [(1, 5, 1), (7, 1, 1), (300, 3, 2), (1000, 64, 1), (400, 1, 1)] {
        let mut points = training_set(count, dim);
        for _ in 1..copies {
            points = ndarray::concatenate![Axis(0), points, points];
        }
        let field = EmpiricalField::new(points.clone()).unwrap();
        for t in [0.0, 0.02, 0.3, 0.7, 0.95, 0.99, 0.999, 0.99999] {
            let x = (1.0 - t as f32) * noise(5, 0..70, dim)
                + t as f32
                    * points.select(Axis(0), &(0..70).map(|i| i * 31 % count).collect::<Vec<_>>());
            let mut out = Array2::zeros(x.dim());
            field.velocity(x.view(), &[t; 70], Condition::None, out.view_mut()).unwrap();
            let (expected, entropies) = direct(&points, &x, t);
            for row in 0..70 {
                let error: f64 = out
                    .row(row)
                    .iter()
                    .zip(expected.row(row))
                    .map(|(&a, b)| (f64::from(a) - b).powi(2))
                    .sum::<f64>()
                    .sqrt();
                let size = expected.row(row).iter().map(|v| v * v).sum::<f64>().sqrt();
                assert!(
                    error <= 1e-5 * size.max(1e-6),
                    "N {count} D {dim} t {t} row {row}: {error} of {size}"
                );
            }
            let posterior = field.posterior(x.view(), &[t; 70]).unwrap();
            for (a, b) in posterior.entropy.iter().zip(entropies) {
                assert!((a - b).abs() < 1e-6, "entropy at {t}: {a} {b}");
            }
        }
    }
}

/// The smoothed training set is a Gaussian mixture with vanishing variance.
#[test]
fn density_is_that_of_the_mixture_it_is() {
    let points = training_set(40, 3);
    let field = EmpiricalField::new(points.clone()).unwrap();
    let mixture =
        MixtureField::isotropic(&[1.0; 40], points.mapv(f64::from), &[1e-14; 40]).unwrap();
    let x = noise(2, 0..9, 3);
    let t = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8];
    let posterior = field.posterior(x.view(), &t).unwrap();
    for (a, b) in posterior.log_density.iter().zip(mixture.log_density(x.view(), &t).unwrap()) {
        assert!((a - b).abs() < 1e-8 * b.abs(), "{a} {b}");
    }
}

#[test]
fn posterior_summaries_are_those_of_known_weights() {
    // Two copies of one point: the posterior is (½, ½) wherever we look.
    let field = EmpiricalField::new(array![[1.0, 2.0], [1.0, 2.0]]).unwrap();
    let posterior = field.posterior(array![[0.3f32, -4.0]].view(), &[0.999]).unwrap();
    assert_eq!((posterior.top[0], posterior.top_weight[0]), (0, 0.5));
    assert!((posterior.entropy[0] - 2f64.ln()).abs() < 1e-12);
    assert!((posterior.effective_count[0] - 2.0).abs() < 1e-12);
    assert_eq!(posterior.mean.row(0).to_vec(), [1.0, 2.0]);
}

#[test]
fn results_do_not_depend_on_the_batch() {
    let field = EmpiricalField::new(training_set(500, 20)).unwrap();
    let x = noise(3, 0..200, 20);
    let all = field.posterior(x.view(), &[0.4; 200]).unwrap();
    let one = field.posterior(x.slice(s![150..151, ..]), &[0.4]).unwrap();
    assert!((all.entropy[150] - one.entropy[0]).abs() < 1e-12);
}

#[test]
fn a_posterior_has_collapsed_since_it_was_last_spread() {
    let weights = [(0.0, 0.995), (0.2, 0.4), (0.4, 0.991), (0.6, 1.0)];
    let since = |nodes: &[(f64, f64)]| {
        nodes.iter().fold(None, |since, &(t, weight)| collapsed_since(since, t, weight))
    };
    assert_eq!(since(&weights), Some(0.4));
    assert_eq!(since(&weights[..2]), None);
    assert_eq!(since(&[(0.5, 0.99)]), None);
}
