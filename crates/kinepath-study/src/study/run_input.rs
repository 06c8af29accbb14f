//! A run as a study sees it: the run folders of all its seeds, one after the other.

use ndarray::{Array2, ArrayD, Axis, ShapeError, concatenate};

use super::Observer;
use crate::StudyError;
use crate::conditions::{Labels, RunConditions};
use crate::run::{Column, RunCertificate, RunReader, RunSettings, Table, UNKNOWN, columns};
use crate::source::FieldSource;

/// A finished run to be judged.
pub(super) struct RunInput {
    /// Its name in tables.
    pub(super) name: String,
    /// Its folder, as results should name it.
    pub(super) folder: String,
    /// The run folders, one per seed, at least one; all with the same settings but for the seed.
    pub(super) seeds: Vec<RunReader>,
}

/// Refuses runs that hold other values than were sampled.
///
/// # Errors
/// [`StudyError::Run`] for such a run, or one that cannot be read; [`StudyError::Interrupted`] after a
/// break.
pub(super) fn check_samples(
    runs: &[RunInput],
    observe: &mut Observer<'_>,
) -> Result<(), StudyError> {
    let readers: Vec<_> = runs.iter().flat_map(|run| &run.seeds).collect();
    let count = readers.len() as f64;
    for (number, reader) in readers.into_iter().enumerate() {
        reader
            .check(&mut |done| observe("checking the samples", (number as f64 + done) / count))?;
    }
    Ok(())
}

impl RunInput {
    /// Reads the folders anew, which nobody else writes into any more: somebody may have.
    ///
    /// # Errors
    /// [`StudyError::Run`] for one that no longer holds a finished run.
    pub(super) fn reopen(&mut self) -> Result<(), StudyError> {
        for reader in &mut self.seeds {
            *reader = RunReader::open(reader.dir())?;
        }
        Ok(())
    }

    /// The settings of the first seed's run.
    pub(super) fn settings(&self) -> &RunSettings {
        self.seeds[0].settings()
    }

    /// The gain as an expression; [`UNKNOWN`] for samples from elsewhere.
    pub(super) fn gain(&self) -> &str {
        self.settings().sampler.as_ref().map_or(UNKNOWN, |sampler| &sampler.gain)
    }

    /// Whether the paths of the samples were measured.
    pub(super) fn has_energies(&self) -> bool {
        self.seeds.iter().all(|reader| reader.table().get(columns::KPE).is_some())
    }

    /// What following the paths of all seeds guarantees, if all were followed.
    pub(super) fn certificate(&self) -> Option<RunCertificate> {
        RunCertificate::of_all(self.seeds.iter().map(|reader| reader.settings().certificate))
    }

    /// Number of samples of every seed.
    pub(super) fn counts(&self) -> Vec<usize> {
        self.seeds.iter().map(|reader| reader.settings().count).collect()
    }

    /// A column of floats, one value per sample.
    pub(super) fn column(&self, name: &str) -> Result<Vec<f64>, StudyError> {
        let mut column = Vec::new();
        for reader in &self.seeds {
            column.extend_from_slice(reader.table().f64(name)?);
        }
        Ok(column)
    }

    /// Field evaluations of every sample.
    pub(super) fn evaluations(&self) -> Result<Vec<f64>, StudyError> {
        let mut column = Vec::new();
        for reader in &self.seeds {
            column.extend(reader.table().i64(columns::NFE)?.iter().map(|&nfe| nfe as f64));
        }
        Ok(column)
    }

    /// The class that every sample was asked for, if the run is conditioned on one.
    pub(super) fn labels(&self) -> Option<Vec<i64>> {
        let mut labels = Vec::new();
        for reader in &self.seeds {
            match reader.table().get(columns::LABEL) {
                Some(Column::OptI64(column)) => {
                    labels.extend(column.iter().copied().collect::<Option<Vec<i64>>>()?);
                }
                _ => return None,
            }
        }
        Some(labels)
    }

    /// What the samples of each seed were conditioned on, for evaluations of `source` at samples
    /// of the first.
    ///
    /// # Errors
    /// [`StudyError::Mismatch`] if a file of inputs is no longer what it was, those of opening it, and
    /// [`StudyError::Spec`] where they are not known to be what the field takes.
    pub(super) fn conditions(&self, source: &FieldSource) -> Result<RunConditions, StudyError> {
        let RunSettings { first, count, total, conditions, .. } = self.settings();
        let asked = conditions.as_ref().and_then(|conditions| conditions.inputs.as_ref());
        let path = asked.map(|inputs| inputs.path.as_str());
        let range = *first..first + count;
        let total = total.unwrap_or(range.end);
        let mut conditions = RunConditions::open(None, path, source, range, total)?;
        if let (Some(inputs), Some(asked)) = (&conditions.inputs, asked)
            && inputs.settings().sha256 != asked.sha256
        {
            return Err(StudyError::Mismatch(format!(
                "{} is no longer what it was when the run was sampled",
                asked.path
            )));
        }
        // Samples from elsewhere may have classes that their model was not asked for.
        let labels = self.labels().filter(|_| source.labelled);
        conditions.labels = labels.map(|labels| Labels::given(labels[..*count].to_vec()));
        conditions.check(source, *first, *count)?;
        Ok(conditions)
    }

    /// The endpoints, `[N, D]`.
    pub(super) fn samples(&self) -> Result<Array2<f32>, StudyError> {
        let parts = self.seeds.iter().map(RunReader::samples).collect::<Result<Vec<_>, _>>()?;
        let views: Vec<_> = parts.iter().map(|part| part.view()).collect();
        concatenate(Axis(0), &views).map_err(|error| self.unlike(&error))
    }

    fn unlike(&self, error: &ShapeError) -> StudyError {
        StudyError::Mismatch(format!(
            "the seeds of {} hold arrays unlike each other: {error}",
            self.folder
        ))
    }

    /// A recorded array whose first axis is that of samples, if every seed has it.
    fn recorded<E>(
        &self,
        read: impl Fn(&RunReader) -> Result<Option<ArrayD<f32>>, E>,
    ) -> Result<Option<ArrayD<f32>>, StudyError>
    where
        StudyError: From<E>,
    {
        let mut parts = Vec::with_capacity(self.seeds.len());
        for reader in &self.seeds {
            match read(reader)? {
                None => return Ok(None),
                Some(part) => parts.push(part),
            }
        }
        let views: Vec<_> = parts.iter().map(|part| part.view()).collect();
        concatenate(Axis(0), &views).map(Some).map_err(|error| self.unlike(&error))
    }

    /// The energy profile, `[N, steps]`, where it was recorded.
    pub(super) fn profile(&self) -> Result<Option<ArrayD<f32>>, StudyError> {
        self.recorded(|reader| Ok::<_, StudyError>(reader.profile()?.map(|p| p.into_dyn())))
    }

    /// The energy map, `[N, *shape]`, where it was recorded.
    pub(super) fn energy_map(&self) -> Result<Option<ArrayD<f32>>, StudyError> {
        self.recorded(RunReader::energy_map)
    }

    /// The trajectory, `[N, K, *shape]`, where it was recorded.
    pub(super) fn trajectory(&self) -> Result<Option<ArrayD<f32>>, StudyError> {
        self.recorded(RunReader::trajectory)
    }

    /// Adds columns, one value per sample, to the tables of the run folders.
    pub(super) fn add_columns(&mut self, added: &[(&str, Column)]) -> Result<(), StudyError> {
        let mut first = 0;
        for reader in &mut self.seeds {
            let rows = first..first + reader.settings().count;
            let mut table: Table = reader.table().clone();
            for (name, column) in added {
                table.set(name, column.slice(rows.clone()))?;
            }
            reader.replace_table(table)?;
            first = rows.end;
        }
        Ok(())
    }
}
