//! The report of a made-up search.

use kinepath_study::report::render_tune;
use kinepath_study::tune::TuneResults;
use kinepath_study::tune::results::{Basis, Outcome, TuneVerdict};

use crate::fixture::{fruitless, search};
use crate::html::{attributes, check_well_formed, escaped, without_elements};
use crate::plots_of;

/// What a person reads.
fn content(results: &TuneResults) -> String {
    let page = render_tune(results).unwrap();
    check_well_formed(&page).unwrap();
    without_elements(&page, &["script", "style"])
}

fn plots(results: &TuneResults) -> serde_json::Value {
    plots_of(&render_tune(results).unwrap())
}

#[test]
fn every_part_is_there() {
    let results = search();
    let text = content(&results);
    for part in [
        "A gain for ",
        "badge better\">confirmed",
        "What was searched",
        "6 on 96 samples, 3 on 192 samples",
        "2 finalists on 1\u{202f}152 samples of another seed",
        "kts, ssc, governed",
        "All gains",
        "The Pareto front",
        "The finalists on fresh samples",
        "one of 97.5 %",
        "The winner’s curse",
        "79 %",
        "Every metric",
        "#2 governed",
        "#0 kts (published default)",
        "What became of every gain",
        "Better at no detected cost, left undecided",
        "Finalists that trade on fresh samples",
        "governed:quantile=0.77,<wbr>",
        // The change that decides, of the recommended gain.
        "−1.5 pp",
        "[[family]]",
        &"ab".repeat(32),
        &"5e".repeat(32),
        &escaped(&results.sentence),
        &escaped(&results.account.sentence),
    ] {
        assert!(text.contains(part), "the page lacks: {part}");
    }
}

#[test]
fn links_lead_somewhere_and_nothing_is_loaded() {
    for text in [content(&search()), content(&fruitless())] {
        check_links(&text);
    }
}

fn check_links(text: &str) {
    let ids: Vec<String> =
        attributes(text).into_iter().filter(|a| a.1 == "id").map(|a| a.2).collect();
    for (element, name, value) in attributes(text) {
        if let ("href", Some(id)) = (name.as_str(), value.strip_prefix('#')) {
            assert!(ids.iter().any(|known| known == id), "{element} leads to {value}");
        }
        assert!(name != "src", "{element} loads {value}");
    }
}

#[test]
fn the_chart_shows_every_gain_of_every_rung_and_a_close_up() {
    let results = search();
    let plots = plots(&results);
    let [all, close] = plots.as_array().unwrap().as_slice() else { panic!("{plots}") };
    assert_eq!(all["kind"], "tradeoff");
    let counts: Vec<usize> = all["rungs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rung| rung.as_array().unwrap().len())
        .collect();
    assert_eq!(counts, [6, 3]);
    assert_eq!(all["labels"][1], "F_mem, difference, pp");
    assert_eq!(all["better"], serde_json::json!([-1.0, -1.0]));
    // Shares are shown in percentage points, from the last rung to the fresh samples.
    let [search, fresh] = all["finalists"][1].as_array().unwrap().as_slice() else { panic!() };
    assert_eq!((search["candidate"].as_u64(), search["n"].as_u64()), (Some(2), Some(192)));
    assert_eq!((search["y"][1].as_f64(), fresh["y"][1].as_f64()), (Some(-5.5), Some(-4.3)));
    let [low, high] = [0, 1].map(|end| all["window"][0][end].as_f64().unwrap());
    assert!(low < -0.005 && high > 6.43, "{low} {high}");
    assert_eq!((all["close"].as_bool(), close["close"].as_bool()), (Some(false), Some(true)));
    // The close-up holds no gain and the finalists with their intervals, and not the extreme.
    let [low, high] = [0, 1].map(|end| close["window"][0][end].as_f64().unwrap());
    assert!(low < -0.04 && high > 0.34 && high < 1.0, "{low} {high}");
}

#[test]
fn what_was_not_found_is_said() {
    let results = fruitless();
    let text = content(&results);
    for part in ["nothing found", "No gain of the last rung was worth confirming", "no gain."] {
        assert!(text.contains(part), "the page lacks: {part}");
    }
    assert!(!text.contains("winner’s curse") && !text.contains("close up"));
    assert_eq!(plots(&results).as_array().unwrap().len(), 1);
    let empty = TuneResults { rungs: Vec::new(), front: Vec::new(), ..fruitless() };
    assert!(content(&empty).contains("No gain was tried"));

    let mut knee = search();
    let confirmation = knee.confirmation.as_mut().unwrap();
    confirmation.finalists.truncate(1);
    confirmation.finalists[0].basis = Basis::Knee;
    confirmation.finalists[0].outcome = Outcome::NotConfirmed;
    (knee.recommended, knee.verdict) = (None, TuneVerdict::NotConfirmed);
    let text = content(&knee);
    assert!(text.contains("so the knee of the front was confirmed"));
    assert!(text.contains("badge undetected\">not confirmed"));
}

#[test]
fn text_of_people_is_escaped_everywhere() {
    let hostile = r#"<script>alert("1")</script><img src=x onerror=alert(2)>'&"#;
    let set = |text: &mut String| *text = hostile.to_owned();
    let mut results = search();
    let strings = [&mut results.kinepath, &mut results.sentence, &mut results.gain];
    strings.into_iter().for_each(set);
    [&mut results.settings.field.name, &mut results.settings.sampler.grid]
        .into_iter()
        .for_each(set);
    [&mut results.field.spec, &mut results.field.sha256].into_iter().for_each(set);
    [&mut results.training.name, &mut results.account.sentence].into_iter().for_each(set);
    results.account.gains.iter_mut().for_each(|gain| set(&mut gain.gain));
    results.front.iter_mut().for_each(|choice| set(&mut choice.gain));
    for rung in &mut results.rungs {
        rung.gains.iter_mut().for_each(|trial| set(&mut trial.gain));
        rung.baseline
            .iter_mut()
            .for_each(|m| [&mut m.metric, &mut m.name].into_iter().for_each(set));
    }
    let confirmation = results.confirmation.as_mut().unwrap();
    for finalist in &mut confirmation.finalists {
        set(&mut finalist.gain);
        finalist.promises.iter_mut().for_each(|promise| set(&mut promise.name));
        finalist.decisive.iter_mut().for_each(|measure| set(&mut measure.name));
    }
    confirmation
        .others
        .iter_mut()
        .for_each(|o| [&mut o.name, &mut o.gain].into_iter().for_each(set));
    confirmation.baseline.iter_mut().for_each(|measure| set(&mut measure.name));
    let page = render_tune(&results).unwrap();
    check_well_formed(&page).unwrap();
    assert!(!page.contains("<script>alert") && !page.contains("<img src=x"));
    assert!(page.contains("&lt;script&gt;alert(&quot;1&quot;)"));
}

/// Draws the made-up search into a file, to look at: `KINEPATH_TUNE_REPORT=page.html cargo test`.
#[test]
fn the_page_can_be_looked_at() {
    if let Ok(path) = std::env::var("KINEPATH_TUNE_REPORT") {
        std::fs::write(path, render_tune(&search()).unwrap()).unwrap();
    }
}
