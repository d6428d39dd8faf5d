//! The end of a short string: what nearly every key is, and many values.
//!
//! A search that is quick in a long text takes a while to get going. This one looks at the first bytes only.

use fearless_simd::prelude::*;
use fearless_simd::{Level, dispatch, u8x16};

/// Bytes that are compared at once.
const STEP: usize = 16;
/// Steps that are taken before the string counts as long.
const STEPS: usize = 4;

/// The length of the string that `rest` continues behind its opening quote. `None`: it is long, or has an escape in it, or `rest`
/// ends soon behind it, and who needs the length has to look closer.
#[inline(always)]
pub(super) fn plain_len(rest: &[u8]) -> Option<usize> {
    // The vectors that every processor of this kind has, so that this can be inlined wherever it is needed.
    dispatch!(Level::baseline(), simd => {
        for step in 0..STEPS {
            let bytes = u8x16::simd_from(simd, *rest.get(step * STEP..)?.first_chunk::<STEP>()?);
            let hits = (bytes.simd_eq(b'"') | bytes.simd_eq(b'\\')).to_bitmask();
            if hits != 0 {
                let len = step * STEP + hits.trailing_zeros() as usize;
                return (rest.get(len) == Some(&b'"')).then_some(len);
            }
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::{STEP, STEPS, plain_len};

    #[test]
    fn a_short_string_without_escapes_has_its_length() {
        for len in 0..STEP * STEPS {
            let text = format!("{}\"{}", "x".repeat(len), " ".repeat(STEP));
            assert_eq!(plain_len(text.as_bytes()), Some(len));
        }
    }

    #[test]
    fn any_other_string_has_to_be_looked_at_closer() {
        for text in ["", "short\"", &"long".repeat(STEPS * STEP), "a\\\"b\"                "] {
            assert_eq!(plain_len(text.as_bytes()), None, "{text}");
        }
    }
}
