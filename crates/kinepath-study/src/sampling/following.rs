//! Whether paths are followed exactly, and how far.

use kinepath::plan::{Plan, Schedule};

use super::SampleJob;
use crate::StudyError;
use crate::run::{Certify, SamplerSettings};
use crate::source::FieldSource;

/// Whether the posteriors of paths of `source` along `plan` are followed, instead of evaluating the
/// whole training set at every step: those of an empirical field with one stage a step, as
/// [`Sampler::certify`](kinepath::sampler::Sampler::certify) says.
fn can_follow(source: &FieldSource, plan: &Plan) -> bool {
    let single = match plan.schedule() {
        Schedule::Fixed(steps) => steps.iter().all(|step| step.stages.len() == 1),
        Schedule::Adaptive { .. } => false,
    };
    single && source.field.as_empirical().is_some()
}

impl SampleJob<'_> {
    /// The gap at which training points are dropped; `None` where paths cannot be followed.
    fn certify(&self) -> Option<Certify> {
        can_follow(self.source, self.plan).then(|| self.sampler.certify.unwrap_or_default())
    }

    /// The gap for the sampler: `None` evaluates the whole field at every step.
    pub(super) fn tau(&self) -> Option<f64> {
        self.certify()?.tau()
    }

    /// The settings of the sampler as they turn out for the field.
    pub(super) fn resolved(&self) -> SamplerSettings {
        SamplerSettings { certify: self.certify(), ..self.sampler.clone() }
    }

    /// Refuses a gap that would change nothing.
    pub(super) fn check_certify(&self) -> Result<(), StudyError> {
        match self.sampler.certify {
            Some(certify) if !can_follow(self.source, self.plan) => Err(StudyError::Spec {
                what: "certify",
                text: certify.to_string(),
                reason: format!(
                    "only Euler paths through an empirical: field are followed, and this is {} \
                     through {}; leave it out",
                    self.sampler.solver, self.source.settings.spec
                ),
            }),
            _ => Ok(()),
        }
    }
}
