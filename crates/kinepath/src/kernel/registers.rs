//! Registers full of numbers.

/// Registers full of f32.
pub(super) trait Vector: Copy {
    /// Numbers in one.
    const WIDTH: usize;

    /// Reads `WIDTH` numbers.
    ///
    /// # Safety
    /// They must be there, and the processor must have the instructions; so for all below.
    unsafe fn load(from: *const f32) -> Self;
    unsafe fn store(self, to: *mut f32);
    unsafe fn splat(value: f32) -> Self;
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn sub(self, other: Self) -> Self;
    /// `a b + self`, rounded once or twice.
    unsafe fn add_product(self, a: Self, b: Self) -> Self;
    /// `self − a b`, rounded once or twice.
    unsafe fn sub_product(self, a: Self, b: Self) -> Self;
    /// A bit for each number that is at most `limit`.
    unsafe fn at_most(self, limit: Self) -> u32;
    /// The lesser and the larger of each pair, by their bits: so numbers without a sign are ordered.
    unsafe fn least(self, other: Self) -> Self;
    unsafe fn most(self, other: Self) -> Self;
    /// The bits of `kept`, and those of `tag`.
    unsafe fn tagged(self, kept: Self, tag: Self) -> Self;
}

impl Vector for [f32; 8] {
    const WIDTH: usize = 8;

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller says that the numbers are there.
        unsafe { from.cast::<Self>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as above.
        unsafe { to.cast::<Self>().write_unaligned(self) }
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        [value; 8]
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        std::array::from_fn(|i| self[i] + other[i])
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        std::array::from_fn(|i| self[i] - other[i])
    }

    #[inline(always)]
    unsafe fn add_product(self, a: Self, b: Self) -> Self {
        std::array::from_fn(|i| self[i] + a[i] * b[i])
    }

    #[inline(always)]
    unsafe fn sub_product(self, a: Self, b: Self) -> Self {
        std::array::from_fn(|i| self[i] - a[i] * b[i])
    }

    #[inline(always)]
    unsafe fn at_most(self, limit: Self) -> u32 {
        (0..8).map(|i| u32::from(self[i] <= limit[i]) << i).sum()
    }

    #[inline(always)]
    unsafe fn least(self, other: Self) -> Self {
        std::array::from_fn(|i| f32::from_bits(self[i].to_bits().min(other[i].to_bits())))
    }

    #[inline(always)]
    unsafe fn most(self, other: Self) -> Self {
        std::array::from_fn(|i| f32::from_bits(self[i].to_bits().max(other[i].to_bits())))
    }

    #[inline(always)]
    unsafe fn tagged(self, kept: Self, tag: Self) -> Self {
        std::array::from_fn(|i| {
            f32::from_bits(self[i].to_bits() & kept[i].to_bits() | tag[i].to_bits())
        })
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m256, __m512, _CMP_LE_OQ, _mm256_add_ps, _mm256_and_si256, _mm256_castps_si256,
        _mm256_castsi256_ps, _mm256_cmp_ps, _mm256_fmadd_ps, _mm256_fnmadd_ps, _mm256_loadu_ps,
        _mm256_max_epu32, _mm256_min_epu32, _mm256_movemask_ps, _mm256_or_si256, _mm256_set1_ps,
        _mm256_storeu_ps, _mm256_sub_ps, _mm512_add_ps, _mm512_castps_si512, _mm512_castsi512_ps,
        _mm512_cmp_ps_mask, _mm512_fmadd_ps, _mm512_fnmadd_ps, _mm512_loadu_ps, _mm512_max_epu32,
        _mm512_min_epu32, _mm512_set1_ps, _mm512_storeu_ps, _mm512_sub_ps,
        _mm512_ternarylogic_epi32,
    };

    use super::Vector;

    /// Implements [`Vector`] by intrinsics.
    macro_rules! vector {
        ($type:ty, $width:literal, $load:ident, $store:ident, $splat:ident, $add:ident, $sub:ident,
     $add_product:ident, $sub_product:ident, |$key:ident, $limit:ident| $at_most:expr,
     $to_bits:ident, $from_bits:ident, $least:ident, $most:ident,
     |$bits:ident, $kept:ident, $tag:ident| $tagged:expr) => {
            impl Vector for $type {
                const WIDTH: usize = $width;

                #[inline(always)]
                unsafe fn load(from: *const f32) -> Self {
                    // SAFETY: the caller's, here and below.
                    unsafe { $load(from) }
                }

                #[inline(always)]
                unsafe fn store(self, to: *mut f32) {
                    // SAFETY: see above.
                    unsafe { $store(to, self) }
                }

                #[inline(always)]
                unsafe fn splat(value: f32) -> Self {
                    // SAFETY: see above.
                    unsafe { $splat(value) }
                }

                #[inline(always)]
                unsafe fn add(self, other: Self) -> Self {
                    // SAFETY: see above.
                    unsafe { $add(self, other) }
                }

                #[inline(always)]
                unsafe fn sub(self, other: Self) -> Self {
                    // SAFETY: see above.
                    unsafe { $sub(self, other) }
                }

                #[inline(always)]
                unsafe fn add_product(self, a: Self, b: Self) -> Self {
                    // SAFETY: see above.
                    unsafe { $add_product(a, b, self) }
                }

                #[inline(always)]
                unsafe fn sub_product(self, a: Self, b: Self) -> Self {
                    // SAFETY: see above.
                    unsafe { $sub_product(a, b, self) }
                }

                #[inline(always)]
                unsafe fn at_most(self, limit: Self) -> u32 {
                    let ($key, $limit) = (self, limit);
                    // SAFETY: see above.
                    unsafe { $at_most }
                }

                #[inline(always)]
                unsafe fn least(self, other: Self) -> Self {
                    // SAFETY: see above.
                    unsafe { $from_bits($least($to_bits(self), $to_bits(other))) }
                }

                #[inline(always)]
                unsafe fn most(self, other: Self) -> Self {
                    // SAFETY: see above.
                    unsafe { $from_bits($most($to_bits(self), $to_bits(other))) }
                }

                #[inline(always)]
                unsafe fn tagged(self, kept: Self, tag: Self) -> Self {
                    // SAFETY: see above.
                    unsafe {
                        let ($bits, $kept, $tag) = ($to_bits(self), $to_bits(kept), $to_bits(tag));
                        $from_bits($tagged)
                    }
                }
            }
        };
    }

    vector!(
        __m512,
        16,
        _mm512_loadu_ps,
        _mm512_storeu_ps,
        _mm512_set1_ps,
        _mm512_add_ps,
        _mm512_sub_ps,
        _mm512_fmadd_ps,
        _mm512_fnmadd_ps,
        |key, limit| u32::from(_mm512_cmp_ps_mask::<_CMP_LE_OQ>(key, limit)),
        _mm512_castps_si512,
        _mm512_castsi512_ps,
        _mm512_min_epu32,
        _mm512_max_epu32,
        // a & b | c
        |bits, kept, tag| _mm512_ternarylogic_epi32::<0b1110_1010>(bits, kept, tag)
    );
    vector!(
        __m256,
        8,
        _mm256_loadu_ps,
        _mm256_storeu_ps,
        _mm256_set1_ps,
        _mm256_add_ps,
        _mm256_sub_ps,
        _mm256_fmadd_ps,
        _mm256_fnmadd_ps,
        |key, limit| _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_LE_OQ>(key, limit)) as u32,
        _mm256_castps_si256,
        _mm256_castsi256_ps,
        _mm256_min_epu32,
        _mm256_max_epu32,
        |bits, kept, tag| _mm256_or_si256(_mm256_and_si256(bits, kept), tag)
    );
}
