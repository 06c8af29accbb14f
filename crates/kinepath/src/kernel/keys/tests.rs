use super::*;

fn wave(index: usize) -> f32 {
    (index as f32 * 0.731).sin()
}

/// Every kernel against sums in f64, one by one, for depths on both sides of the chunks.
#[test]
fn agree_with_plain_sums() {
    for depth in [1, 2, 7, 16, 511, 513, 1100] {
        let queries: Vec<f32> = (0..depth * GROUP).map(wave).collect();
        let panels: Vec<f32> =
            (0..3 * (depth + 1) * KEY_LANES).map(|index| wave(index * 3 + 1)).collect();
        for form in [Form::Differences, Form::Products] {
            for count in [1, 4, 5, 9, 12] {
                for level in Level::available() {
                    let mut seen = vec![None; count * 3 * KEY_LANES];
                    let mut limits = [f32::MAX; GROUP];
                    level.keys(form, (&queries, count), &panels, &mut limits, |hit, _| {
                        for lane in (0..KEY_LANES).filter(|lane| hit.mask >> lane & 1 == 1) {
                            let place = (hit.query * 3 + hit.panel) * KEY_LANES + lane;
                            assert_eq!(seen[place].replace(hit.keys[lane]), None);
                        }
                    });
                    for (place, key) in seen.into_iter().enumerate() {
                        let (query, panel, lane) =
                            (place / KEY_LANES / 3, place / KEY_LANES % 3, place % KEY_LANES);
                        let x = |row: usize| {
                            f64::from(panels[(panel * (depth + 1) + row) * KEY_LANES + lane])
                        };
                        let (mut exact, mut size) = (x(0), x(0).abs());
                        for row in 0..depth {
                            let q = f64::from(queries[row * GROUP + query]);
                            let term = match form {
                                Form::Differences => (q - x(row + 1)).powi(2),
                                Form::Products => -q * x(row + 1),
                            };
                            exact += term;
                            size += term.abs();
                        }
                        let error = (f64::from(key.unwrap()) - exact).abs();
                        let room = (depth.min(CHUNK) + 6) as f64 * 2.0f64.powi(-24) * size;
                        assert!(error < room, "{level:?} {form:?}: {error}");
                    }
                }
            }
        }
    }
}

/// Limits hold as soon as they are set, are inclusive, and infinite keys are above all of them.
#[test]
fn limits_are_inclusive_and_may_fall() {
    let queries = [0.0; GROUP];
    let mut panels = vec![0.0; 2 * 2 * KEY_LANES];
    for lane in 0..KEY_LANES {
        panels[lane] = if lane < 8 { f32::INFINITY } else { lane as f32 };
        panels[2 * KEY_LANES + lane] = lane as f32;
    }
    for level in Level::available() {
        let mut limits = [f32::MAX; GROUP];
        limits[1] = 9.0;
        let mut found = Vec::new();
        level.keys(Form::Products, (&queries, 3), &panels, &mut limits, |hit, limit| {
            let lanes = (0..KEY_LANES).filter(|lane| hit.mask >> lane & 1 == 1);
            if hit.query == 0 {
                *limit = -1.0;
            } else {
                found.extend(lanes.map(|lane| (hit.query, hit.panel, lane)));
            }
        });
        found.sort_unstable();
        let of = |query, panel, lanes: std::ops::Range<usize>| {
            lanes.map(move |lane| (query, panel, lane))
        };
        let expected: Vec<_> = of(1, 0, 8..10)
            .chain(of(1, 1, 0..10))
            .chain(of(2, 0, 8..32))
            .chain(of(2, 1, 0..32))
            .collect();
        assert_eq!(found, expected, "{level:?}");
    }
}

#[test]
#[should_panic(expected = "panels of points")]
fn shapes_are_checked() {
    keys(Form::Products, (&[0.0; GROUP], 1), &[0.0; KEY_LANES], &mut [0.0; GROUP], |_, _| {});
}
