//! Numbers as they are written, and the counts that they are.
//!
//! A count is an integer from 0 to [`MAX_COUNT`]. It may be written as a fraction of which nothing is left over, or as a text.

/// The largest count that is believed: 2^53, up to which a JSON number is exact everywhere.
pub(crate) const MAX_COUNT: u64 = 1 << 53;

/// The count that `text` begins with, and its length, if it is nothing but a few digits, which most counts are.
#[inline]
pub(super) fn digits(text: &[u8]) -> Option<(u64, usize)> {
    // Fifteen digits are below the limit, whatever they are.
    let mut count = 0;
    for (index, byte) in text.iter().take(16).enumerate() {
        match byte {
            b'0'..=b'9' if index < 15 => count = count * 10 + u64::from(byte - b'0'),
            byte if index == 0 || OF_LITERAL[usize::from(*byte)] => return None,
            _ => return Some((count, index)),
        }
    }
    None
}

/// The count that a number or a text is; `None` if it is none.
pub(super) fn count_of(written: &[u8]) -> Option<u64> {
    let written = std::str::from_utf8(written).ok()?.trim();
    let integer_of = |number: f64| (number.fract() == 0.0 && number >= 0.0).then_some(number as u64);
    let count = written.parse().ok().or_else(|| written.parse().ok().and_then(integer_of));
    count.filter(|count| *count <= MAX_COUNT)
}

/// The length of the number or word that `text` begins with.
#[inline]
pub(super) fn literal_len(text: &[u8]) -> usize {
    text.iter().take_while(|byte| OF_LITERAL[usize::from(**byte)]).count()
}

/// Whether each byte can stand in a number or a word.
static OF_LITERAL: [bool; 256] = {
    let mut of_literal = [false; 256];
    let mut byte = 0;
    while byte < of_literal.len() {
        of_literal[byte] = matches!(byte as u8, b'0'..=b'9' | b'a'..=b'z' | b'.' | b'-' | b'+' | b'E');
        byte += 1;
    }
    of_literal
};

#[cfg(test)]
mod tests {
    use super::MAX_COUNT;
    use crate::json::Cursor;

    #[test]
    fn a_count_may_be_written_as_a_float_or_text_but_is_a_plausible_integer() {
        for (json, count) in [
            ("0", Some(0)),
            ("17", Some(17)),
            ("12.0", Some(12)),
            ("1e3", Some(1000)),
            ("\"42\"", Some(42)),
            ("999999999999999", Some(999_999_999_999_999)),
            ("9007199254740992", Some(MAX_COUNT)),
            ("9007199254740993", None),
            ("1e16", None),
            ("18446744073709551615", None),
            ("99999999999999999999999", None),
            ("1e400", None),
            ("\"inf\"", None),
            ("\"nan\"", None),
            ("12.5", None),
            ("-1", None),
            ("\"-1\"", None),
            ("null", None),
            ("true", None),
            ("\"many\"", None),
            ("\"\"", None),
            ("{\"a\":1}", None),
            ("[1]", None),
        ] {
            let wrapped = format!("{{\"n\":{json},\"after\":7}}");
            let (mut found, mut after) = (None, None);
            Cursor::new(wrapped.as_bytes()).object(|key, value| match key {
                b"n" => found = value.count(),
                b"after" => after = value.count(),
                _ => {}
            });
            assert_eq!((found, after), (count, Some(7)), "{json}");
        }
    }
}
