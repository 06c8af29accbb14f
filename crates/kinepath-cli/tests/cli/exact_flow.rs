//! `kinepath sample` on the exact field of a data set, with and without dropping training points.

use std::fs;

use kinepath::noise::noise;
use kinepath_study::run::{RunReader, columns};

use crate::support::{Place, files, npy};

const POINTS: u64 = 300;
const DIM: usize = 5;
const SAMPLE: &str = "sample --field empirical:train.npy --count 10 --batch 4 --steps 30";

fn place() -> Place {
    let place = Place::new();
    let points = noise(8, 0..POINTS, DIM);
    place.write("train.npy", npy(&[POINTS as usize, DIM], points.as_slice().unwrap()));
    place
}

#[test]
fn exact_paths_come_with_their_certificate_and_agree_with_the_whole_field() {
    let place = place();
    let text = place.succeeds(&format!("{SAMPLE} --record profile --out followed"));
    let line = text.lines().find(|line| line.contains("velocity error of")).unwrap();
    assert!(line.contains("exact up to") && line.contains("(τ = 20, largest need"), "{line}");
    let whole = place.succeeds(&format!("{SAMPLE} --record profile --certify off --out whole"));
    assert!(!whole.contains("exact up to"), "{whole}");

    let read = |name: &str| RunReader::open(&place.path(name)).unwrap();
    let (followed, whole) = (read("followed"), read("whole"));
    let certificate = followed.settings().certificate.unwrap();
    assert_eq!((certificate.tau, whole.settings().certificate), (20.0, None));
    let (a, b) = (followed.samples().unwrap(), whole.samples().unwrap());
    assert!((&a - &b).iter().all(|difference| difference.abs() < 1e-4));

    // All points are alike at t = 0, and a path that has collapsed ends on its point.
    let entropy = followed.posterior_entropy().unwrap().unwrap();
    let count = followed.effective_count().unwrap().unwrap();
    assert_eq!((entropy.dim(), count.dim()), ((10, 30), (10, 30)));
    assert!(entropy.column(0).iter().all(|h| (h - (POINTS as f32).ln()).abs() < 1e-4));
    assert!(count.column(0).iter().all(|n| (n - POINTS as f32).abs() < 1e-2));
    let points = noise(8, 0..POINTS, DIM);
    let top = followed.table().i64(columns::TOP_INDEX).unwrap();
    let collapse = followed.table().f64(columns::COLLAPSE_TIME).unwrap();
    assert!(collapse.iter().filter(|t| !t.is_nan()).count() >= 5, "{collapse:?}");
    for (row, t) in collapse.iter().enumerate().filter(|(_, t)| !t.is_nan()) {
        assert!(*t > 0.0 && *t < 1.0);
        assert_eq!(a.row(row), points.row(top[row] as usize), "sample {row}");
        let from = (t * 30.0).round() as usize;
        // A weight of 0.99 leaves at most 1/0.99² points.
        assert!(count.row(row).iter().skip(from).all(|n| (1.0 - 1e-6..1.021).contains(n)));
    }
    let errors = followed.table().f64(columns::VELOCITY_ERROR).unwrap();
    let largest = errors.iter().copied().fold(0.0, f64::max);
    assert_eq!(largest, certificate.velocity_error);

    assert!(whole.posterior_entropy().unwrap().is_none());
    assert!(whole.table().get(columns::TOP_INDEX).is_none());
}

#[test]
fn the_settings_tell_the_gap_and_another_gap_is_another_run() {
    let place = place();
    let json = place.json(&format!("{SAMPLE} --certify 15 --out run"));
    assert_eq!(json["settings"]["sampler"]["certify"], 15.0);
    assert_eq!(json["settings"]["certificate"]["tau"], 15.0);
    let text = fs::read_to_string(place.path("run/run.toml")).unwrap();
    assert!(text.contains("certify = 15.0") && text.contains("[certificate]"), "{text}");
    let before = files(&place.path("run"));
    let again = place.succeeds(&format!("{SAMPLE} --certify 15 --out run"));
    assert!(again.contains("was complete already") && again.contains("exact up to"), "{again}");
    for other in ["", "--certify off"] {
        let refusal = place.fails(&format!("{SAMPLE} {other} --out run"), 1);
        assert!(refusal.contains("sampler.certify") && refusal.contains("15.0"), "{refusal}");
    }
    assert_eq!(files(&place.path("run")), before);

    // Other fields and solvers have nothing to tell, and a gap is refused there.
    place.succeeds(&format!("{SAMPLE} --solver midpoint --out midpoint"));
    let text = fs::read_to_string(place.path("midpoint/run.toml")).unwrap();
    assert!(!text.contains("certif"), "{text}");
    let message = place.fails(&format!("{SAMPLE} --solver midpoint --certify 20 --out none"), 2);
    assert!(message.contains("this is midpoint through empirical:train.npy"), "{message}");
    assert!(!place.path("none").exists());
}

#[test]
fn runs_of_versions_without_certificates_are_read_and_compared() {
    let place = place();
    place.succeeds(&format!("{SAMPLE} --out old"));
    place.succeeds(&format!("{SAMPLE} --gain ssc:alpha=0.02,power=1 --out new"));
    let path = place.path("old/run.toml");
    let text = fs::read_to_string(&path).unwrap();
    let (settings, _) = text.split_once("[certificate]").unwrap();
    fs::write(&path, settings.replace("certify = 20.0\n", "")).unwrap();
    let old = RunReader::open(&place.path("old")).unwrap();
    assert_eq!(old.settings().certificate, None);
    assert_eq!(old.settings().sampler.as_ref().unwrap().certify, None);

    let compared = place.json("compare old new --train train.npy --resamples 50 --out compared");
    assert_eq!(compared["models"][0]["certificate"], serde_json::Value::Null);
    let evaluated = place.json("evaluate new --train train.npy --resamples 50");
    assert_eq!(evaluated["models"][0]["certificate"]["tau"], 20.0);
    let page = fs::read_to_string(place.path("new/report.html")).unwrap();
    assert!(page.contains("The paths of the empirical field are exact up to"));
}
