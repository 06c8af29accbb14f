//! Explicit Runge–Kutta methods as data.

/// Coefficients `(A, b, c)` of an explicit Runge–Kutta method (Hairer, Nørsett & Wanner, *Solving
/// Ordinary Differential Equations I*, §II.1).
///
/// Stage j evaluates at `t + c_j h` and `x + h Σ_{l<j} a_jl k_l`; the step ends at
/// `x + h Σ_j b_j k_j`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tableau {
    /// The method's name, as the command line spells it.
    pub name: &'static str,
    /// Order of convergence of the endpoint, and of the energy by solver quadrature.
    pub order: u32,
    /// Strictly lower triangular: row j has j entries.
    pub a: &'static [&'static [f64]],
    /// Weights of the stages, summing to 1.
    pub b: &'static [f64],
    /// Nodes of the stages.
    pub c: &'static [f64],
    /// `b − b̂` of an embedded method, whose combination of stages estimates the local error; its
    /// presence makes the method adaptive.
    pub error: Option<&'static [f64]>,
}

impl Tableau {
    /// Euler's method, order 1.
    pub const EULER: Self =
        Self { name: "euler", order: 1, a: &[&[]], b: &[1.0], c: &[0.0], error: None };

    /// The explicit midpoint rule, order 2. Its stages stay inside the step.
    pub const MIDPOINT: Self = Self {
        name: "midpoint",
        order: 2,
        a: &[&[], &[0.5]],
        b: &[0.0, 1.0],
        c: &[0.0, 0.5],
        error: None,
    };

    /// Heun's method (explicit trapezoid), order 2.
    pub const HEUN: Self = Self {
        name: "heun",
        order: 2,
        a: &[&[], &[1.0]],
        b: &[0.5, 0.5],
        c: &[0.0, 1.0],
        error: None,
    };

    /// The classical method of Kutta, order 4.
    pub const RK4: Self = Self {
        name: "rk4",
        order: 4,
        a: &[&[], &[0.5], &[0.0, 0.5], &[0.0, 0.0, 1.0]],
        b: &[1.0 / 6.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 6.0],
        c: &[0.0, 0.5, 0.5, 1.0],
        error: None,
    };

    /// Dormand & Prince 5(4) (J. Comput. Appl. Math. 6, 1980), with step-size control.
    pub const DOPRI5: Self = Self {
        name: "dopri5",
        order: 5,
        a: &[
            &[],
            &[1.0 / 5.0],
            &[3.0 / 40.0, 9.0 / 40.0],
            &[44.0 / 45.0, -56.0 / 15.0, 32.0 / 9.0],
            &[19372.0 / 6561.0, -25360.0 / 2187.0, 64448.0 / 6561.0, -212.0 / 729.0],
            &[9017.0 / 3168.0, -355.0 / 33.0, 46732.0 / 5247.0, 49.0 / 176.0, -5103.0 / 18656.0],
            &[35.0 / 384.0, 0.0, 500.0 / 1113.0, 125.0 / 192.0, -2187.0 / 6784.0, 11.0 / 84.0],
        ],
        b: &[35.0 / 384.0, 0.0, 500.0 / 1113.0, 125.0 / 192.0, -2187.0 / 6784.0, 11.0 / 84.0, 0.0],
        c: &[0.0, 1.0 / 5.0, 3.0 / 10.0, 4.0 / 5.0, 8.0 / 9.0, 1.0, 1.0],
        error: Some(&[
            71.0 / 57600.0,
            0.0,
            -71.0 / 16695.0,
            71.0 / 1920.0,
            -17253.0 / 339200.0,
            22.0 / 525.0,
            -1.0 / 40.0,
        ]),
    };

    /// Every method of the crate.
    pub const ALL: [Self; 5] = [Self::EULER, Self::MIDPOINT, Self::HEUN, Self::RK4, Self::DOPRI5];

    /// The number of stages.
    pub fn stages(&self) -> usize {
        self.b.len()
    }

    /// The method of that name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tableau| tableau.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consistency_conditions_hold() {
        for tableau in Tableau::ALL {
            assert!((tableau.b.iter().sum::<f64>() - 1.0).abs() < 1e-14, "{}", tableau.name);
            assert_eq!(tableau.a.len(), tableau.stages());
            assert_eq!(tableau.c.len(), tableau.stages());
            for (j, (row, c)) in tableau.a.iter().zip(tableau.c).enumerate() {
                assert_eq!(row.len(), j);
                assert!((row.iter().sum::<f64>() - c).abs() < 1e-14, "{} row {j}", tableau.name);
            }
            if let Some(error) = tableau.error {
                assert!(error.iter().sum::<f64>().abs() < 1e-14);
            }
        }
    }

    #[test]
    fn methods_are_found_by_name() {
        assert_eq!(Tableau::by_name("heun"), Some(Tableau::HEUN));
        assert_eq!(Tableau::by_name("rk5"), None);
    }
}
