//! What is wrong with the settings of a study, said before any work.

use super::figures::check_resamples;
use super::settings::StudySettings;
use super::{BASELINE, slug};
use crate::StudyError;

/// Refuses settings of which no study can come.
///
/// # Errors
/// [`StudyError::Mismatch`] or [`StudyError::Spec`] with what to change.
pub(super) fn check(settings: &StudySettings) -> Result<(), StudyError> {
    let mismatch = |text: &str| Err(StudyError::Mismatch(text.to_owned()));
    settings.data.check()?;
    settings.sampler.check(&settings.fields)?;
    if settings.fields.is_empty() {
        return mismatch("a study needs at least one [[field]]");
    }
    let mut seeds = settings.seeds.clone();
    seeds.sort_unstable();
    if seeds.is_empty() || seeds.windows(2).any(|pair| pair[0] == pair[1]) {
        return mismatch("seeds needs at least one seed, each named once");
    }
    let names = settings.fields.iter().map(|field| &field.name);
    let gains = settings.gains.iter().map(|gain| &gain.name);
    for (what, names) in [("field", names.collect::<Vec<_>>()), ("gain", gains.collect::<Vec<_>>())]
    {
        let mut slugs: Vec<String> = names.iter().map(|name| slug(name)).collect();
        if what == "gain" {
            slugs.push(BASELINE.to_owned());
        }
        slugs.sort();
        if let Some(pair) = slugs.windows(2).find(|pair| pair[0] == pair[1]) {
            return mismatch(&format!(
                "two {what}s are named `{}`; every {what} needs a name of its own",
                pair[0]
            ));
        }
        if slugs.iter().any(String::is_empty) {
            return mismatch(&format!("every {what} needs a name with a letter or digit in it"));
        }
    }
    if !(settings.significance > 0.0 && settings.significance < 1.0) {
        return mismatch(&format!(
            "significance must be between 0 and 1, got {}",
            settings.significance
        ));
    }
    check_resamples(settings.resamples)?;
    if settings.bins == 0 || settings.support_neighbours < 2 {
        return mismatch("bins must be at least 1, support_neighbours at least 2");
    }
    if settings.count.saturating_mul(seeds.len()) < settings.bins.saturating_mul(8) {
        return mismatch(&format!(
            "{} samples are too few for {} bins: at least 8 a bin are needed; raise count or \
             lower bins",
            settings.count, settings.bins
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Certify;
    use crate::study::CopySpace;

    #[test]
    fn impossible_settings_are_refused_before_any_work() {
        let refused = |change: fn(&mut StudySettings), part: &str| {
            let mut settings = StudySettings::default();
            change(&mut settings);
            let error = check(&settings).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        };
        refused(|s| s.fields.clear(), "at least one [[field]]");
        refused(|s| s.gains[1].name = "kts".into(), "two gains are named `kts`");
        refused(|s| s.gains[0].name = "Baseline".into(), "two gains are named `baseline`");
        refused(|s| s.fields[0].name = "?".into(), "needs a name");
        refused(|s| s.seeds.clear(), "at least one seed");
        refused(|s| s.seeds = vec![3, 1, 3], "each named once");
        refused(|s| s.count = 63, "too few for 8 bins");
        refused(|s| s.bins = usize::MAX, "too few");
        refused(|s| s.bins = 0, "bins must be at least 1");
        refused(|s| s.resamples = 39, "resamples must be at least 40, got 39");
        refused(|s| s.significance = f64::NAN, "between 0 and 1");
        refused(
            |s| {
                s.data.copies_in = CopySpace::Features;
                s.data.encoder = None;
            },
            "there is no encoder",
        );
        refused(
            |s| {
                s.sampler.certify = Some(Certify::OFF);
                s.fields.truncate(1);
            },
            "certify `off` cannot be used: only Euler paths",
        );
        refused(
            |s| {
                s.sampler.certify = Some(Certify::default());
                s.sampler.solver = "midpoint".into();
            },
            "certify `20` cannot be used",
        );
        let mut settings = StudySettings::default();
        assert!(check(&settings).is_ok());
        settings.sampler.certify = Some(Certify::OFF);
        assert!(check(&settings).is_ok());
    }
}
