//! How many samples are integrated together.

use kinepath::plan::Plan;
use kinepath::record::Record;

use crate::StudyError;
use crate::conditions::InputsFile;
use crate::memory::{self, MemoryError};
use crate::source::FieldSource;

/// What the samples of a batch may take in memory unless told, in bytes.
pub const BATCH_MEMORY: u64 = 1 << 30;
/// Most samples of a batch of a network, whose rows are cut into slices of a few in any case: a run
/// that is killed loses a batch.
const MOST_OF_A_NETWORK: usize = 128;
/// Most samples of a batch of an exact field. A batch is a file until the run is finished, and small
/// ones take longer to be safe on the disk than to be computed.
const MOST_OF_AN_EXACT_FIELD: usize = 4096;
/// Arrays of the state's shape in f32, beside one a stage: noise, state, velocity, guidance's second
/// half of a batch, endpoints and what is written of them.
const STATES: u64 = 8;
/// What a sample needs for each point of a training set: products and weights.
const A_POINT: u64 = 16;

/// The samples of a batch: a power of two, as many as fit into `memory` bytes, but no more than are
/// of use. It depends on nothing but the arguments, so that a run is the same on every machine.
///
/// The memory is that of states, of what is recorded, of the rows of `inputs`, and of what an exact
/// field keeps of a sample.
/// A network's own comes on top, on the processor that of a few rows a thread.
///
/// # Errors
/// [`StudyError::Mismatch`] where not even one sample fits.
pub fn fitting_batch(
    source: &FieldSource,
    plan: &Plan,
    record: &Record,
    inputs: Option<&InputsFile>,
    memory: u64,
) -> Result<usize, StudyError> {
    let a_sample = bytes_of_a_sample(source, plan, record, inputs);
    // A network is all that engines run.
    let exact = source.settings.engine.is_none();
    let most = if exact { MOST_OF_AN_EXACT_FIELD } else { MOST_OF_A_NETWORK };
    match memory / a_sample {
        0 => Err(StudyError::Mismatch(format!(
            "a sample of {} takes about {a_sample} bytes of memory, and a batch may take {memory}; \
             allow more, or name the batch",
            source.settings.spec
        ))),
        fitting => Ok(most.min(1 << fitting.ilog2())),
    }
}

/// Refuses batches of `batch` samples that need more memory than there is.
///
/// # Errors
/// [`MemoryError`].
pub(super) fn check_batch(
    source: &FieldSource,
    plan: &Plan,
    record: &Record,
    inputs: Option<&InputsFile>,
    batch: usize,
) -> Result<(), MemoryError> {
    let needed = bytes_of_a_sample(source, plan, record, inputs).saturating_mul(batch as u64);
    let what = || format!("a batch of {batch} samples of {}", source.settings.spec);
    memory::require(what, needed, "let a batch take less, or hold fewer samples")
}

/// What a sample takes while its batch is integrated and written, at least 1.
fn bytes_of_a_sample(
    source: &FieldSource,
    plan: &Plan,
    record: &Record,
    inputs: Option<&InputsFile>,
) -> u64 {
    let values = source.shape.iter().product::<usize>() as u64;
    let points = source.empirical.as_ref().map_or(0, |field| field.points().nrows() as u64);
    let steps = plan.grid().steps() as u64;
    // What is recorded is there twice, the second time as it is written.
    let a_value = 4 * (STATES + plan.tableau().stages() as u64)
        + if record.energy_map { 16 } else { 0 }
        + 8 * record.trajectory.len() as u64;
    let a_step = if record.profile { 48 } else { 0 };
    let inputs = inputs.map_or(0, InputsFile::bytes_of_a_sample);
    (values * a_value + steps * a_step + points * A_POINT).saturating_add(inputs).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::ScheduleSpec;
    use crate::source::FieldSpec;

    fn open(spec: &str) -> FieldSource {
        FieldSource::open(&FieldSpec { spec: spec.to_owned(), ..FieldSpec::default() }).unwrap()
    }

    #[test]
    fn a_batch_fits_and_is_no_larger_than_of_use() {
        let plan = ScheduleSpec::default().compile().unwrap().0;
        let batch = |source: &FieldSource, record: &Record, memory| {
            fitting_batch(source, &plan, record, None, memory).unwrap()
        };
        let (exact, network) =
            (open("empirical:builtin:fashion-mnist"), open("onnx:builtin:velocity"));
        let record = Record::default();
        assert_eq!(batch(&exact, &record, BATCH_MEMORY), MOST_OF_AN_EXACT_FIELD);
        assert_eq!(batch(&network, &record, BATCH_MEMORY), MOST_OF_A_NETWORK);
        // 784 values of nine states, and 512 points.
        let a_sample = 784 * 36 + 512 * 16;
        assert_eq!(batch(&exact, &record, 9 * a_sample), 8);
        assert_eq!(batch(&exact, &record, 8 * a_sample - 1), 4);
        let all = Record {
            profile: true,
            energy_map: true,
            trajectory: vec![0, 25, 50],
            ..Record::default()
        };
        assert!(batch(&exact, &all, 8 * a_sample) < 8);
        let error = fitting_batch(&exact, &plan, &record, None, a_sample - 1).unwrap_err();
        assert!(matches!(error, StudyError::Mismatch(_)), "{error:?}");
        assert!(error.to_string().contains("36416 bytes"), "{error}");
    }
}
