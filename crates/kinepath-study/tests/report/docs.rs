//! The documentation of metrics keeps up with their table.

use kinepath_study::study::METRICS;

const METRICS_PAGE: &str = include_str!("../../../../docs/metrics.md");

#[test]
fn every_metric_is_documented() {
    for metric in &METRICS {
        let key = format!("`{}`", metric.key);
        assert!(METRICS_PAGE.contains(&key), "docs/metrics.md lacks {key}");
    }
}
