//! Networks on ONNX Runtime.

mod cast;
mod cuda;
mod lane;
mod library;
mod problem;
mod runtime;
mod session;

use std::fs;
use std::sync::{Mutex, OnceLock, PoisonError};

pub use library::look_for_library_in;

use self::lane::Lane;
use self::runtime::Runtime;
use self::session::Sessions;
use super::{Feed, Floats, Provider, Seat, Source};
use crate::{Graph, Problem};

/// Bytes of weights held at most for the sake of slices side by side: each has its own session, and
/// each session its own weights.
const MOST_WEIGHTS: u64 = 4 << 30;

/// A network that ONNX Runtime runs.
///
/// Slices of a batch run side by side in sessions of their own, one thread each where memory
/// allows, because that is faster than several threads inside every operator. Sessions are made
/// when they are first needed, or at once where weights are in files beside the network.
pub(crate) struct OrtModel {
    sessions: Sessions,
    /// For slices side by side.
    single: Vec<OnceLock<Mutex<Lane>>>,
    /// For a batch that is not worth cutting.
    all: OnceLock<Mutex<Lane>>,
    version: String,
    /// Threads that share a slice.
    sharing: usize,
    threads: usize,
}

impl OrtModel {
    /// Loads a network for `threads` threads.
    pub(crate) fn load(
        graph: &Graph,
        source: &Source,
        provider: Provider,
        threads: usize,
    ) -> Result<Self, Problem> {
        let runtime = Runtime::get()?;
        // Sessions made later are of the network that was loaded, whatever becomes of its file.
        let (source, whole) = match source {
            Source::File(path) if graph.external_files.is_empty() => {
                let bytes = fs::read(path).map_err(|e| Problem::Unreadable(e.to_string()))?;
                (Source::Bytes(bytes.into()), true)
            }
            Source::File(_) => (source.clone(), false),
            Source::Bytes(_) => (source.clone(), true),
        };
        let weights = graph.weight_bytes(&source).max(1);
        let sessions = Sessions::new(&runtime, graph, source, provider);
        let room = usize::try_from(MOST_WEIGHTS / weights).unwrap_or(usize::MAX);
        let seats = if provider == Provider::Cpu { threads.min(room).max(1) } else { 1 };
        let model = Self {
            sessions,
            single: (0..seats).map(|_| OnceLock::new()).collect(),
            all: OnceLock::new(),
            version: runtime.version,
            sharing: threads / seats,
            threads,
        };
        // The first shows whether the network runs at all.
        for at in 0..if whole { 1 } else { seats } {
            model.lane(Seat::One(at))?;
        }
        if !whole {
            model.lane(Seat::All)?;
        }
        Ok(model)
    }

    pub(crate) fn provider(&self) -> Provider {
        self.sessions.provider
    }

    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// How many slices run side by side.
    pub(crate) fn seats(&self) -> usize {
        self.single.len()
    }

    /// Whether a slice has more than one thread, or a GPU: then it is better a long one.
    pub(crate) fn shares_a_slice(&self) -> bool {
        self.sharing > 1 || self.sessions.provider != Provider::Cpu
    }

    /// Runs the network on `feeds` and gives the output of this name.
    pub(crate) fn run(
        &self,
        seat: Seat,
        feeds: &[Feed<'_>],
        output: &str,
    ) -> Result<Floats, Problem> {
        let lane = self.lane(seat)?;
        lane.lock().unwrap_or_else(PoisonError::into_inner).run(feeds, output)
    }

    /// The session at `seat`, which is made if it is not there yet.
    fn lane(&self, seat: Seat) -> Result<&Mutex<Lane>, Problem> {
        let (slot, threads) = match (seat, &self.single[..]) {
            // It has all threads already.
            (_, [only]) => (only, self.sharing),
            (Seat::One(at), single) => (&single[at], self.sharing),
            (Seat::All, _) => (&self.all, self.threads),
        };
        if let Some(lane) = slot.get() {
            return Ok(lane);
        }
        let lane = Lane::new(self.sessions.start(threads)?);
        Ok(slot.get_or_init(|| Mutex::new(lane)))
    }
}
