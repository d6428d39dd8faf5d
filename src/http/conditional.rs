//! Conditional requests (RFC 9110, section 13).

use http::{HeaderMap, HeaderValue, header};

/// Whether `if-none-match` says that the client holds what `etag` names.
///
/// The comparison is weak (RFC 9110, section 13.1.2), since a proxy may have weakened a strong tag.
pub(crate) fn is_held(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    let etag = opaque(etag.as_bytes());
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .any(|held| held == b"*" || opaque(held) == etag)
}

/// The tag without its mark of weakness.
fn opaque(tag: &[u8]) -> &[u8] {
    tag.strip_prefix(b"W/").unwrap_or(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_held_where_it_is_listed_weak_or_strong() {
        for etag in ["\"a-1\"", "W/\"a-1\""] {
            for (held, expected) in [
                ("\"a-1\"", true),
                ("W/\"a-1\"", true),
                ("\"x\" , W/\"a-1\"", true),
                ("*", true),
                ("\"a-2\", \"a-11\"", false),
                ("a-1", false),
                ("W/W/\"a-1\"", false),
                ("", false),
            ] {
                let mut headers = HeaderMap::new();
                headers.insert(header::IF_NONE_MATCH, HeaderValue::from_static(held));
                assert_eq!(is_held(&headers, &HeaderValue::from_static(etag)), expected, "{etag} with {held}");
            }
            assert!(!is_held(&HeaderMap::new(), &HeaderValue::from_static(etag)));
        }
    }
}
