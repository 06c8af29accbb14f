//! One bit for each pair of a real and a generated point.

/// Words compared at a time: enough to fill the vector units.
const LANES: usize = 16;

/// Bits of pairs, those of one real point side by side: whether *some* generated point of a set
/// belongs to it is then mostly told by the first few words.
#[derive(Debug, Clone)]
pub(super) struct PairTable {
    /// Number of real points.
    pub(super) rows: usize,
    /// Words per real point. Bit `b` of word `w` stands for generated point `64 w + b`.
    pub(super) words: usize,
    bits: Vec<u64>,
}

impl PairTable {
    /// A table from chunks of 64 generated points, each with one word per real point.
    pub(super) fn from_chunks<'c>(
        rows: usize,
        chunks: impl ExactSizeIterator<Item = &'c [u64]>,
    ) -> Self {
        let words = chunks.len();
        let mut bits = vec![0; rows * words];
        for (word, chunk) in chunks.enumerate() {
            for (row, &value) in chunk.iter().enumerate() {
                bits[row * words + word] = value;
            }
        }
        Self { rows, words, bits }
    }

    /// The words of `b` after those of `a`, for the same real points. The bits of `b` so begin at
    /// `64 a.words`, also where the last word of `a` is not full.
    pub(super) fn beside(a: &Self, b: &Self) -> Self {
        let pairs = a.bits.chunks_exact(a.words).zip(b.bits.chunks_exact(b.words));
        let bits = pairs.flat_map(|(a, b)| a.iter().chain(b)).copied().collect();
        Self { rows: a.rows, words: a.words + b.words, bits }
    }

    /// The share of real points with a bit in common with `present`.
    pub(super) fn share(&self, present: &[u64]) -> f64 {
        let meets = |words: &&[u64]| meet(words, present);
        self.bits.chunks_exact(self.words).filter(meets).count() as f64 / self.rows as f64
    }
}

/// Whether a bit is set in both, looking at a few words at a time and no further than needed.
fn meet(a: &[u64], b: &[u64]) -> bool {
    let (a_lanes, a_rest) = a.as_chunks::<LANES>();
    let (b_lanes, b_rest) = b.as_chunks::<LANES>();
    let common = |a: &[u64], b: &[u64]| a.iter().zip(b).fold(0, |any, (a, b)| any | a & b) != 0;
    a_lanes.iter().zip(b_lanes).any(|(a, b)| common(a, b)) || common(a_rest, b_rest)
}
