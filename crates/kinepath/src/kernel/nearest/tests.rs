use super::*;

fn value(i: usize, j: usize, salt: f64) -> f32 {
    ((i * 31 + j * 17) as f64 * 0.731 + salt).sin() as f32
}

/// Every instruction set finds two groups and bounds that f64 confirms.
#[test]
fn bounds_hold_of_the_two_nearest_groups() {
    for (depth, count) in [(1usize, 1usize), (2, 9), (3, 64), (8, 250), (5, 1000)] {
        let width = 2 * SIDE_BY_SIDE;
        let queries: Vec<f32> =
            (0..depth * width).map(|at| value(at % width, at / width, 0.4)).collect();
        let mut panels = vec![0.0; count.div_ceil(KEY_LANES) * (depth + 1) * KEY_LANES];
        for (number, panel) in panels.chunks_mut((depth + 1) * KEY_LANES).enumerate() {
            for lane in 0..KEY_LANES {
                let point = number * KEY_LANES + lane;
                panel[lane] = if point < count { 0.0 } else { f32::INFINITY };
                for j in 0..depth {
                    panel[(j + 1) * KEY_LANES + lane] = value(point, j, 0.9);
                }
            }
        }
        let groups = panels.len() / (depth + 1) / TOGETHER;
        for level in Level::available() {
            let mut nearest = TwoNearest::default();
            nearest.find_with(level, (&queries, depth), &panels);
            assert_eq!(nearest.found().count(), width);
            for (query, [least, next]) in nearest.found().enumerate() {
                let of_group = |group: usize| {
                    let points = group * TOGETHER..count.min((group + 1) * TOGETHER);
                    points
                        .map(|point| {
                            (0..depth)
                                .map(|j| {
                                    f64::from(value(query, j, 0.4))
                                        - f64::from(value(point, j, 0.9))
                                })
                                .map(|difference| difference * difference)
                                .sum::<f64>()
                        })
                        .fold(f64::INFINITY, f64::min)
                };
                let rounding = 1.0e-5;
                let key = of_group(least.group());
                assert!(f64::from(least.low()) * (1.0 - rounding) <= key);
                assert!(key <= f64::from(least.high()) * (1.0 + rounding));
                let others = (0..groups).filter(|&group| group != least.group()).map(of_group);
                let second = others.fold(f64::INFINITY, f64::min);
                assert!(f64::from(next.low()) * (1.0 - rounding) <= second);
                if groups * TOGETHER - count < TOGETHER && groups > 1 {
                    assert!(second <= f64::from(next.high()) * (1.0 + rounding));
                }
            }
        }
    }
}
