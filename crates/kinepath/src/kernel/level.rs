//! The instructions that the processor has.

/// Instructions that kernels are compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Instructions {
    /// AVX-512F and FMA.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// Those of every processor.
    Portable,
}

/// Instructions that the processor has: there is no other way to one, and what is compiled for them may
/// be called.
#[derive(Debug, Clone, Copy)]
pub(super) struct Level(Instructions);

impl Level {
    /// The best.
    #[inline]
    pub(super) fn detect() -> Self {
        let best = BEST_FIRST.into_iter().find(|instructions| instructions.are_there());
        Self(best.unwrap_or(Instructions::Portable))
    }

    /// All, the best first.
    #[cfg(test)]
    pub(super) fn available() -> impl Iterator<Item = Self> {
        BEST_FIRST.into_iter().filter(|instructions| instructions.are_there()).map(Self)
    }

    /// Which they are.
    #[inline]
    pub(super) fn instructions(self) -> Instructions {
        self.0
    }
}

#[cfg(target_arch = "x86_64")]
const BEST_FIRST: [Instructions; 3] =
    [Instructions::Avx512, Instructions::Avx2, Instructions::Portable];
#[cfg(not(target_arch = "x86_64"))]
const BEST_FIRST: [Instructions; 1] = [Instructions::Portable];

impl Instructions {
    #[inline]
    fn are_there(&self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                std::arch::is_x86_feature_detected!("avx512f")
                    && std::arch::is_x86_feature_detected!("fma")
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => {
                std::arch::is_x86_feature_detected!("avx2")
                    && std::arch::is_x86_feature_detected!("fma")
            }
            Self::Portable => true,
        }
    }
}
