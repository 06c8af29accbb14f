//! A reader, and what is checked of it.

use std::panic::{catch_unwind, set_hook, take_hook};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, Once, PoisonError};
use std::time::Duration;

use cpu_time::ProcessTime;
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// No input, whatever its length, may have more memory.
const CEILING: usize = 1 << 30;
/// Processor time of one input. Time on the clock would find a busy machine, not a slow reader.
const LONGEST: Duration = Duration::from_secs(1);

/// A reader under check.
pub struct Target {
    /// Its name, which is that of the libFuzzer target too.
    pub name: &'static str,
    /// Bytes that it may hold at once for each byte of the input.
    pub ratio: usize,
    /// Bytes that it may hold at once besides, whatever the input.
    pub base: usize,
    /// Feeds it, and tells whether it took the input for whole.
    read: fn(&[u8]) -> bool,
    /// The most of the allowance that an input has taken so far, in permille.
    most: AtomicUsize,
    /// What stays from the first input on, such as a network that others are checked against.
    begun: Once,
}

impl Target {
    pub(crate) const fn new(
        name: &'static str,
        ratio: usize,
        base: usize,
        read: fn(&[u8]) -> bool,
    ) -> Self {
        Self { name, ratio, base, read, most: AtomicUsize::new(0), begun: Once::new() }
    }

    /// The memory that an input of `length` bytes may have.
    #[must_use]
    pub fn allowance(&self, length: usize) -> usize {
        self.ratio.saturating_mul(length).saturating_add(self.base).min(CEILING)
    }

    /// Feeds `input` to the reader, and tells whether that took it for whole. One call at a time: memory and time are those of the process.
    ///
    /// # Panics
    /// If the reader does, takes more than a second of processor time, or more memory than its
    /// [allowance](Self::allowance).
    pub fn check(&self, input: &[u8]) -> bool {
        keep_quiet();
        // A panic at nothing comes again where it is told.
        self.begun.call_once(|| drop(self.read(&[])));
        let held = MEMORY.current_usage();
        MEMORY.reset_peak_usage();
        let since = ProcessTime::now();
        let outcome = self.read(input);
        let (time, taken) = (since.elapsed(), MEMORY.peak_usage().saturating_sub(held));
        let Ok(whole) = outcome else {
            let words = WORDS.lock().unwrap_or_else(PoisonError::into_inner).take();
            self.fail(input, &words.unwrap_or_default());
        };
        if time > LONGEST {
            self.fail(input, &format!("it took {time:?}"));
        }
        let allowance = self.allowance(input.len());
        if taken > allowance {
            self.fail(input, &format!("it held {taken} bytes, more than {allowance}"));
        }
        let share = taken * 1000 / allowance;
        if self.most.fetch_max(share, Ordering::Relaxed) < share {
            eprintln!("memory: {} % of the allowance", share as f64 / 10.0);
        }
        whole
    }

    /// Feeds the reader, and keeps what a panic of it says.
    fn read(&self, input: &[u8]) -> std::thread::Result<bool> {
        READING.store(true, Ordering::Relaxed);
        let outcome = catch_unwind(|| (self.read)(input));
        READING.store(false, Ordering::Relaxed);
        outcome
    }

    /// Says what was found and ends the check.
    #[expect(clippy::panic, reason = "this is how libFuzzer and tests are told")]
    fn fail(&self, input: &[u8], found: &str) -> ! {
        let words = format!("{}, {} bytes of input: {found}", self.name, input.len());
        eprintln!("found: {words}");
        panic!("{words}");
    }
}

/// Whether a reader is at work.
static READING: AtomicBool = AtomicBool::new(false);
/// What its last panic said.
static WORDS: Mutex<Option<String>> = Mutex::new(None);

/// Keeps the panics of readers from the hook of libFuzzer, which ends the process at once: a reader
/// may go on to catch one. Where it does not, [`Target::check`] says so.
fn keep_quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = take_hook();
        set_hook(Box::new(move |panic| {
            if READING.load(Ordering::Relaxed) {
                *WORDS.lock().unwrap_or_else(PoisonError::into_inner) = Some(panic.to_string());
            } else {
                usual(panic);
            }
        }));
    });
}
