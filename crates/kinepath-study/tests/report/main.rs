//! The reports of a made-up study and search: whole, well-formed, self-contained, and safe to open.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod docs;
mod fixture;
mod html;
mod tuning;

use kinepath_study::report::render;
use kinepath_study::study::results::{Comparison, ModelResults, SampleColumns, Verdict};
use kinepath_study::study::{METRICS, StudyResults};

use fixture::{bare, study};
use html::{attributes, check_well_formed, without_elements};

/// The page without style and scripts: what a person reads.
fn content(results: &StudyResults) -> String {
    let page = render(results).unwrap();
    check_well_formed(&page).unwrap();
    without_elements(&page, &["script", "style"])
}

/// The data of the plots.
fn plots(results: &StudyResults) -> serde_json::Value {
    plots_of(&render(results).unwrap())
}

fn plots_of(page: &str) -> serde_json::Value {
    let start = page.find(r#"type="application/json">"#).unwrap();
    let data = &page[start + r#"type="application/json">"#.len()..];
    serde_json::from_str(&data[..data.find("</script>").unwrap()]).unwrap()
}

fn kinds(results: &StudyResults) -> Vec<String> {
    let plots = plots(results);
    plots.as_array().unwrap().iter().map(|p| p["kind"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_part_is_there() {
    let text = content(&study());
    for part in [
        "Findings",
        "What was run",
        "n = 512 per gain, the same noise for every gain",
        "What the gains change",
        "How much energy the paths spend",
        "The paths of the empirical field are exact up to a velocity error of 2.1e-4 and rounding",
        "When they spend it",
        "KPE against support",
        "KPE against margin",
        "partial ρ",
        "Low, middle and high energy",
        "Would something simpler do the same?",
        "leaves noise",
        "<b>denoised</b>, <b>early stop</b> not made: The gain leaves no noise behind.",
        "constant gain</b> not made: There is no advantage to explain.",
        "Figures as other tools quote them",
        "11.03</span> <span class=\"ends\">± 0.31",
        "What is copied",
        "records copied most",
        "More than once in the training set: 1 of these 6.",
        "F_mem by predicted class",
        "The Goldilocks curve",
        "83 % of bootstrap resamples",
        "[122.2, 141.0]",
        "fewer than half of the resamples have a band",
        "Telling copies by their energy",
        "kinepath sample --select terminal_spike=..0.0634",
        "When a path settles on a record",
        "The metrics",
        "What the samples look like",
        "How often the memorization test cries wolf",
        "arXiv 2602.07928",
        "Definitions",
        "[data]",
    ] {
        assert!(text.contains(part), "the page lacks: {part}");
    }
    for model in &study().models {
        let curve = model.goldilocks.as_ref().unwrap();
        let mut sentences = vec![&curve.sentence, &curve.confirmation.sentence];
        sentences.extend(&model.findings);
        sentences.extend(model.associations.iter().map(|association| &association.sentence));
        sentences.extend(model.risk.iter().map(|risk| &risk.sentence));
        sentences.extend(model.theory.iter().map(|theory| &theory.sentence));
        let comparisons = model.runs.iter().filter_map(|run| run.comparison.as_ref());
        let controls = comparisons.flat_map(|comparison| &comparison.controls);
        sentences.extend(controls.map(|control| &control.sentence));
        for sentence in sentences {
            assert!(text.contains(&html::escaped(sentence)), "the page lacks: {sentence}");
        }
    }
}

#[test]
fn numbers_come_with_their_intervals_and_judgements() {
    let text = content(&study());
    for part in ["37.3 %", "[33.2, 41.4]", "−6.1 pp", "&lt; 0.001", "better", "undetected"] {
        assert!(text.contains(part), "the page lacks: {part}");
    }
    let kinds = kinds(&study());
    let count = |kind: &str| kinds.iter().filter(|k| *k == kind).count();
    assert_eq!(count("histogram"), 10);
    assert_eq!(count("profile"), 10);
    assert_eq!(count("scatter"), 6);
    assert_eq!(count("goldilocks"), 2);
    assert_eq!(count("memorization"), 2);
    assert_eq!(count("course"), 4, "the closed form of one field");
}

#[test]
fn every_metric_is_explained_and_every_link_leads_somewhere() {
    let text = content(&study());
    let attributes = attributes(&text);
    let ids: Vec<&str> = attributes.iter().filter(|a| a.1 == "id").map(|a| a.2.as_str()).collect();
    for (element, name, value) in &attributes {
        if let ("href", Some(id)) = (name.as_str(), value.strip_prefix('#')) {
            assert!(ids.contains(&id), "{element} leads to {value}, which is not there");
        }
    }
    for metric in &METRICS {
        assert!(text.contains(&format!("href=\"#metric-{}\"", metric.key)), "{}", metric.key);
    }
}

#[test]
fn what_could_have_been_seen_stands_beside_each_difference() {
    let text = content(&study());
    let difference = |estimate: &str, detectable: &str, needed: &str| {
        let row = text.split("<tr>").find(|row| row.contains(estimate)).unwrap();
        assert!(row.contains(&format!("± {detectable}</span>")), "{row}");
        assert!(row.contains(&format!("n = {needed}</span>")), "{row}");
    };
    difference("−6.1 pp", "3.4 pp", "161");
    difference("+2.60", "1.29", "126");
    assert!(text.contains("n &gt; 10\u{202f}000\u{202f}000"), "a hopeless number is bounded");
}

#[test]
fn an_estimate_outside_its_interval_is_explained() {
    let mut results = study();
    assert!(!content(&results).contains('†'));
    let metrics = &mut results.models[0].runs[0].metrics;
    metrics.iter_mut().find(|row| row.metric == "frechet_distance").unwrap().value.estimate = 1.0;
    let text = content(&results);
    assert!(text.contains("1.0†"));
    assert!(text.contains("†: the estimate lies outside its own interval"));
}

#[test]
fn nothing_is_loaded_from_outside() {
    let page = render(&study()).unwrap();
    assert!(page.contains("Content-Security-Policy"));
    let visible = without_elements(&page, &["script", "style"]);
    for (element, name, value) in attributes(&visible) {
        match name.as_str() {
            "src" => assert!(value.starts_with("data:image/"), "{element} loads {value}"),
            "href" if element == "a" => {
                assert!(value.starts_with('#') || value.starts_with("https://arxiv.org/abs/"));
            }
            "href" => assert_eq!(value, "data:,", "{element} loads {value}"),
            "srcset" | "action" | "data" | "style" => panic!("{element} has {name}={value}"),
            _ => assert!(!name.starts_with("on"), "{element} has {name}={value}"),
        }
    }
    assert!(!page.contains("<script src") && !page.contains("@import"));
}

#[test]
fn text_of_people_is_escaped_everywhere() {
    let hostile = r#"<script>alert("1")</script><img src=x onerror=alert(2)>'&"#;
    let set = |text: &mut String| *text = hostile.to_owned();
    let mut results = study();
    set(&mut results.kinepath);
    set(&mut results.settings.title);
    set(&mut results.settings.sampler.grid);
    for data in [Some(&mut results.training), results.reference.as_mut()].into_iter().flatten() {
        [&mut data.name, &mut data.scaling, &mut data.sha256].into_iter().for_each(set);
    }
    for model in &mut results.models {
        [&mut model.name, &mut model.spec].into_iter().for_each(set);
        if let Some(curve) = &mut model.goldilocks {
            [&mut curve.sentence, &mut curve.confirmation.sentence].into_iter().for_each(set);
        }
        if let Some(risk) = &mut model.risk {
            set(&mut risk.sentence);
            risk.flags.iter_mut().flat_map(|f| [&mut f.flag, &mut f.truth]).for_each(set);
        }
        model.theory.iter_mut().for_each(|theory| set(&mut theory.sentence));
        model.findings.iter_mut().for_each(set);
        for run in &mut model.runs {
            [&mut run.name, &mut run.gain, &mut run.folder].into_iter().for_each(set);
            run.metrics.iter_mut().for_each(|metric| set(&mut metric.name));
            set(&mut run.metrics[0].metric);
            set(&mut run.memorization.classes_by);
            if let Some(comparison) = &mut run.comparison {
                set(&mut comparison.sentence);
                for control in &mut comparison.controls {
                    set(&mut control.sentence);
                    control
                        .figures
                        .iter_mut()
                        .flat_map(|f| [&mut f.metric, &mut f.name])
                        .for_each(set);
                }
            }
        }
        for association in &mut model.associations {
            [&mut association.name, &mut association.sentence].into_iter().for_each(set);
        }
        for picture in &mut model.pictures {
            set(&mut picture.group);
            picture.sample = "https://example.org/spy.png".to_owned();
            picture.nearest = "javascript:alert(3)".to_owned();
        }
    }
    let page = render(&results).unwrap();
    check_well_formed(&page).unwrap();
    assert!(!page.contains("<script>alert"));
    assert!(!page.contains("<img src=x"));
    assert!(!page.contains("example.org") && !page.contains("javascript:alert"));
    assert!(page.contains("&lt;script&gt;alert(&quot;1&quot;)"));
}

#[test]
fn missing_pieces_are_named_or_left_out() {
    let text = content(&bare());
    for part in [
        "There is nothing to compare",
        "No metrics were computed",
        "No energy profile was recorded",
        "No properties of single samples were computed",
        "There are no pictures",
        "no histogram",
    ] {
        assert!(text.contains(part), "the page lacks: {part}");
    }
    for part in [
        "Would something simpler do the same?",
        "Figures as other tools quote them",
        "What is copied",
        "The Goldilocks curve",
        "Telling copies by their energy",
        "When a path settles on a record",
        "The metrics",
        "cries wolf",
        "NaN",
        "inf",
    ] {
        assert!(!text.contains(part), "the page has: {part}");
    }
    assert_eq!(kinds(&bare()), Vec::<String>::new());

    let empty = StudyResults { models: Vec::new(), ..bare() };
    assert!(content(&empty).contains("No velocity field was studied"));
}

#[test]
fn one_missing_piece_leaves_the_others() {
    let change = |change: fn(&mut ModelResults)| {
        let mut results = study();
        results.models.truncate(1);
        change(&mut results.models[0]);
        (content(&results), kinds(&results))
    };
    let (text, kinds) = change(|model| model.associations[0].plain = None);
    assert!(text.contains(r#"<span class="missing">–</span>"#) && kinds.len() == 15);
    let (_, kinds) = change(|model| {
        model.runs[0].energy.as_mut().unwrap().profile.clear();
    });
    assert_eq!(kinds.iter().filter(|kind| *kind == "profile").count(), 4);
    let (_, kinds) = change(|model| model.samples.margin.truncate(3));
    assert_eq!(kinds.iter().filter(|kind| *kind == "scatter").count(), 2);
    let (text, _) = change(|model| model.samples = SampleColumns::default());
    assert!(text.contains("in words"));
    let (text, _) = change(|model| model.runs[1].metrics.clear());
    assert!(text.contains("−6.1 pp"));
    let (text, _) = change(|model| model.goldilocks.as_mut().unwrap().band = Some((5, 99)));
    assert!(text.contains("No band is shaded"));
    let (text, _) = change(|model| {
        let curve = model.goldilocks.as_mut().unwrap();
        curve.confirmation.memorization_avoided = None;
        curve.bins.clear();
    });
    assert!(text.contains("There are no bins to draw"));
    let (text, kinds) = change(|model| {
        model.runs.iter_mut().flat_map(|run| &mut run.memorization.curve).for_each(|point| {
            point.false_alarm = None;
        });
    });
    assert!(text.contains("Without held-out records") && kinds.len() == 15);
    let (text, kinds) = change(|model| {
        for run in &mut model.runs {
            run.memorization.curve.clear();
            run.memorization.copied_most.clear();
        }
    });
    assert!(text.contains("No training record is copied") && kinds.len() == 14);
    assert!(text.contains("F_mem by predicted class"));
    let (text, _) = change(|model| model.pictures[0].energy_map.clear());
    assert!(text.contains(": not recorded"));
    let (text, _) = change(|model| {
        let comparison: &mut Comparison = model.runs[1].comparison.as_mut().unwrap();
        comparison.differences.clear();
        comparison.verdict = Verdict::NoDetectableEffect;
    });
    assert!(text.contains("no detectable effect"));
}

/// Nobody measured the paths of one variant, or those of the baseline.
#[test]
fn runs_without_energies_leave_those_of_the_others() {
    for run in [1, 0] {
        let mut results = study();
        results.models.truncate(1);
        results.models[0].runs[run].energy = None;
        let plots = plots(&results);
        for kind in ["histogram", "profile"] {
            let drawn: Vec<_> =
                plots.as_array().unwrap().iter().filter(|plot| plot["kind"] == kind).collect();
            assert_eq!(drawn.len(), 4);
            let beside_baseline = drawn.iter().filter(|plot| !plot["baseline"].is_null()).count();
            assert_eq!(beside_baseline, if run == 0 { 0 } else { 3 });
        }
    }
}

#[test]
fn undefined_numbers_are_dashes() {
    let mut results = study();
    results.models[0].runs[1].metrics[0].value.high = f64::NAN;
    results.models[0].samples.margin[3] = f64::INFINITY;
    results.models[0].runs[0].energy.as_mut().unwrap().values[0] = f64::NAN;
    assert!(!content(&results).contains("NaN"));
    assert!(plots(&results).to_string().contains("null"));
}

/// Draws the made-up study into a file, to look at: `KINEPATH_REPORT=page.html cargo test`.
#[test]
fn the_page_can_be_looked_at() {
    if let Ok(path) = std::env::var("KINEPATH_REPORT") {
        std::fs::write(path, render(&study()).unwrap()).unwrap();
    }
}
