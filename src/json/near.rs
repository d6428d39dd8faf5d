//! The ends that are near: of a short string, which nearly every key is and many values are, and of the white space between tokens.
//!
//! A search that is quick in a long text takes a while to get going. These look at few bytes and are done.

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

/// The length of the white space that `text` begins with.
pub(super) fn space_len(text: &[u8]) -> usize {
    let (steps, rest) = text.as_chunks::<STEP>();
    let others = |step: &[u8; STEP]| {
        dispatch!(Level::baseline(), simd => {
            let bytes = u8x16::simd_from(simd, *step);
            let space = bytes.simd_eq(b' ') | bytes.simd_eq(b'\n') | bytes.simd_eq(b'\r') | bytes.simd_eq(b'\t');
            (!space).to_bitmask()
        })
    };
    for (index, step) in steps.iter().enumerate() {
        let others = others(step);
        if others != 0 {
            return index * STEP + others.trailing_zeros() as usize;
        }
    }
    let is_space = |byte: &&u8| matches!(byte, b' ' | b'\n' | b'\r' | b'\t');
    steps.len() * STEP + rest.iter().take_while(is_space).count()
}

#[cfg(test)]
mod tests {
    use super::{STEP, STEPS, plain_len, space_len};

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

    #[test]
    fn white_space_ends_at_the_first_other_byte() {
        for len in 0..3 * STEP {
            let space: String = " \n\r\t".chars().cycle().take(len).collect();
            for behind in ["", "x", "\u{b}                ", "\0\"a\":1, \"b\": [true, false, null]"] {
                assert_eq!(space_len(format!("{space}{behind}").as_bytes()), len, "{behind:?}");
            }
        }
    }
}
