//! `accept-encoding` negotiation.

use http::{HeaderMap, header};

/// Bytes from which on a response is worth compressing: a shorter one fits into one packet anyway.
pub(crate) const MIN_COMPRESSED: usize = 1400;

/// Whether the client accepts gzip.
pub(crate) fn takes_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let accepts =
            parts.next().is_some_and(|name| ["gzip", "x-gzip", "*"].iter().any(|g| name.eq_ignore_ascii_case(g)));
        let never = |part: &str| {
            let weight = part.split_once('=').filter(|(name, _)| name.trim().eq_ignore_ascii_case("q"));
            weight.is_some_and(|(_, weight)| weight.trim().parse() == Ok(0.0_f32))
        };
        accepts && !parts.any(never)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_accepted_where_it_or_anything_is_listed_with_a_weight() {
        let table = [
            ("gzip", true),
            ("gzip, deflate, br, zstd", true),
            ("br, GZIP;q=0.5", true),
            ("*", true),
            ("gzip;q=0", false),
            ("gzip; Q=0.000, br", false),
            ("br", false),
            ("gzipped", false),
            ("", false),
        ];
        for (value, expected) in table {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, value.parse().unwrap());
            assert_eq!(takes_gzip(&headers), expected, "{value}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
