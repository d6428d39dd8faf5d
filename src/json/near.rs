//! The end of a short string: what nearly every key is, and many values.
//!
//! A search that is quick in a long text takes a while to get going. This one looks at the first bytes only.

use wide::u8x16;

/// Bytes that are compared at once.
const STEP: usize = 16;
/// Steps that are taken before the string counts as long.
const STEPS: usize = 4;

/// The length of the string that `rest` continues behind its opening quote. `None`: it is long, or has an escape in it, or `rest`
/// ends soon behind it, and who needs the length has to look closer.
#[inline(always)]
pub(super) fn plain_len(rest: &[u8]) -> Option<usize> {
    let (quote, backslash) = (u8x16::splat(b'"'), u8x16::splat(b'\\'));
    for step in 0..STEPS {
        let bytes = u8x16::new(*rest.get(step * STEP..)?.first_chunk()?);
        let hits = (bytes.cmp_eq(quote) | bytes.cmp_eq(backslash)).move_mask();
        if hits != 0 {
            let len = step * STEP + hits.trailing_zeros() as usize;
            return (rest.get(len) == Some(&b'"')).then_some(len);
        }
    }
    None
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
