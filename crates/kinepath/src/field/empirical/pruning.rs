//! When a training point may be dropped for good.
//!
//! The posterior of a state is `λ = softmax(s)`. A point's *gap* is `log Σ e^s − s_i`: its weight is
//! `e^−gap`. Let an Euler step of size `h` with gain η lead from `t` to `t' = t + h`, and let
//!
//! ```text
//! u = t/(1 − t),   u' = t'/(1 − t'),   ρ = (u'/u) (1 − t − ηh)/(1 − t'),   δ = ηh/((1 − t)(1 − t'))
//! ```
//!
//! The step moves the state towards the posterior mean m, so the scores after it are linear in those
//! before it and in squared distances to m. Gibbs' inequality with the present λ then bounds every
//! gap from below (H the entropy of λ, V its variance `Σ λ_j ‖x_j − m‖²`, n squared lengths):
//!
//! ```text
//! gap' ≥ ρ (gap − H) + H + ½ u' δ (‖x_i − m‖² − V) + u' h (1 − η)/(2 (1 − t')) (n_i − Σ λ_j n_j)
//! ```
//!
//! A point whose gap is τ or more is dropped, and the right-hand side is carried from step to step
//! for all dropped points together. Where it falls too low, all points are looked at again.

/// The gap that dropped points are guaranteed, and the weight they have at most.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Guarantee {
    /// Every dropped point's gap is at least this.
    pub(super) gap: f64,
    /// The weight of all dropped points is at most so large, relative to that of the others.
    pub(super) mass: f64,
    /// How many training points have been dropped.
    pub(super) dropped: f64,
}

/// The posterior at the start of a step, as far as the bound needs it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spread {
    /// `log Σ e^s − Σ λ s`
    pub(super) entropy: f64,
    /// `Σ λ ‖x − m‖²`
    pub(super) variance: f64,
    /// `Σ λ ‖x‖²`
    pub(super) squared_length: f64,
    /// The smallest and the largest `‖x_i‖²`.
    pub(super) squared_lengths: [f64; 2],
}

/// One Euler step of a sample.
#[derive(Debug, Clone, Copy)]
pub(super) struct EulerStep {
    pub(super) start: f64,
    pub(super) end: f64,
    pub(super) eta: f64,
}

impl EulerStep {
    /// u' of the module's formulas.
    pub(super) fn after(self) -> f64 {
        self.end / (1.0 - self.end)
    }

    /// δ of the module's formulas.
    pub(super) fn pull(self) -> f64 {
        self.eta * (self.end - self.start) / ((1.0 - self.start) * (1.0 - self.end))
    }
}

/// The bound on gaps after a step: `slope · gap + offset`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct GapBound {
    pub(super) slope: f64,
    pub(super) offset: f64,
}

impl GapBound {
    /// Of a step that starts after t = 0 and ends before t = 1; `rounding` is by how much rounding
    /// may have changed a gap.
    pub(super) fn new(step: EulerStep, spread: Spread, rounding: f64) -> Self {
        let EulerStep { start, end, eta } = step;
        let (left, size, after) = (1.0 - end, end - start, step.after());
        let slope = after * (1.0 - start) / start * (1.0 - start - eta * size) / left;
        let stretch = 0.5 * after * size * (1.0 - eta) / left;
        let [shortest, longest] = spread.squared_lengths;
        let length = if stretch >= 0.0 { shortest } else { longest };
        let offset = (1.0 - slope) * spread.entropy - 0.5 * after * step.pull() * spread.variance
            + stretch * (length - spread.squared_length)
            - rounding;
        Self { slope, offset }
    }

    /// The least gap after the step of points whose gap before it was at least `gap`. Without a
    /// bound where the step overshoots the data, since the largest gaps may then become the least.
    pub(super) fn after(self, gap: f64) -> f64 {
        if self.slope >= 0.0 { self.slope * gap + self.offset } else { f64::NEG_INFINITY }
    }

    /// The least gap that the step does not shrink.
    pub(super) fn need(self) -> f64 {
        if self.slope > 1.0 { -self.offset / (self.slope - 1.0) } else { f64::INFINITY }
    }
}

impl Guarantee {
    /// Nothing has been dropped.
    pub(super) const NONE: Self = Self { gap: f64::INFINITY, mass: 0.0, dropped: 0.0 };

    /// Takes a step.
    pub(super) fn step(&mut self, bound: GapBound) {
        let after = bound.after(self.gap);
        // Where gaps stretch, the largest grow most: the sum of weights shrinks at least as the
        // largest weight does.
        let each = self.dropped * (-after).exp();
        self.mass =
            if bound.slope >= 1.0 { each.min(self.mass * (self.gap - after).exp()) } else { each };
        self.gap = after;
    }

    /// Drops `count` further training points, at a gap of `tau` or more. `mass` is their weight
    /// relative to those that stay.
    pub(super) fn drop(&mut self, tau: f64, count: f64, mass: f64) {
        // Relative to a smaller rest, old weights are larger and old gaps smaller.
        self.mass = self.mass * (1.0 + mass) + mass;
        self.gap = self.gap.min(tau) - mass.ln_1p();
        self.dropped += count;
    }
}

#[cfg(test)]
mod tests;
