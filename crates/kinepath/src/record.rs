//! What to keep beside endpoints and energies.

use crate::grid::Grid;

/// What a sampler keeps beside the endpoints and the energies, which it always keeps.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Record {
    /// `‖k_1‖²` at the start of every grid step: `[B, steps]`.
    pub profile: bool,
    /// The element-wise energy `½ Σ h b_j k_j²`: `[B, D]`.
    pub energy_map: bool,
    /// The energies of the conditional and the unconditional part of a guided field.
    pub parts: bool,
    /// Indices of the grid nodes whose states are kept, increasing: `[B, K, D]`.
    pub trajectory: Vec<usize>,
}

impl Record {
    /// `count` node indices spread evenly over `grid`, the first and the last included; all nodes
    /// if there are no more than `count`.
    pub fn spread(count: usize, grid: &Grid) -> Vec<usize> {
        let steps = grid.steps();
        match count {
            0 => Vec::new(),
            1 => vec![steps],
            _ if count > steps => (0..=steps).collect(),
            _ => (0..count).map(|k| (2 * k * steps + count - 1) / (2 * (count - 1))).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn spread_nodes_increase_and_hold_both_ends(count in 2usize..80, steps in 1usize..60) {
            let nodes = Record::spread(count, &Grid::uniform(steps).unwrap());
            prop_assert_eq!(nodes.len(), count.min(steps + 1));
            prop_assert_eq!((nodes[0], nodes[nodes.len() - 1]), (0, steps));
            prop_assert!(nodes.windows(2).all(|pair| pair[0] < pair[1]));
        }
    }
}
