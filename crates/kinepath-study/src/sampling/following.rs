//! Whether paths are followed exactly, and how far.

use kinepath::sampler::followed_field;

use super::SampleJob;
use crate::StudyError;
use crate::run::{Certify, SamplerSettings};

impl SampleJob<'_> {
    /// Whether posteriors are followed, instead of evaluating the whole training set at every step.
    fn can_follow(&self) -> bool {
        followed_field(self.source.field.as_ref(), self.plan).is_some()
    }

    /// The gap at which training points are dropped; `None` where paths cannot be followed.
    fn certify(&self) -> Option<Certify> {
        self.can_follow().then(|| self.sampler.certify.unwrap_or_default())
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
            Some(certify) if !self.can_follow() => Err(StudyError::Spec {
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
