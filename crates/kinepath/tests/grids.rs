//! Time grids against the schedules of diffusers; `fixtures/make_grids.py` made the numbers.

use kinepath::grid::{Grid, GridFamily};
use serde::Deserialize;

#[derive(Deserialize)]
struct Row {
    grid: String,
    steps: usize,
    sigmas: Vec<f64>,
}

#[test]
fn grids_are_the_schedules_of_diffusers() {
    let rows: Vec<Row> = serde_json::from_str(include_str!("fixtures/grids.json")).unwrap();
    assert_eq!(rows.len(), 18);
    for Row { grid: name, steps, sigmas } in rows {
        let family: GridFamily = name.parse().unwrap();
        let grid = family.grid(steps).unwrap();
        assert_eq!(grid.steps(), steps, "{name}");
        for (t, sigma) in grid.nodes().iter().zip(&sigmas) {
            // Its sigmas are in single precision.
            assert!((1.0 - t - sigma).abs() < 3e-7, "{name}: {} and {sigma}", 1.0 - t);
        }
        let given = Grid::from_sigmas(&sigmas[..steps]).unwrap();
        assert_eq!(given, Grid::from_sigmas(&sigmas).unwrap());
        assert_eq!(given.nodes()[steps], 1.0);
    }
}
