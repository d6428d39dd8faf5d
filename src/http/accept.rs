//! What a reader says that it takes.

use http::{HeaderMap, header};

/// Whether the reader says that it takes gzip.
pub(crate) fn takes_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let takes =
            parts.next().is_some_and(|name| ["gzip", "x-gzip", "*"].iter().any(|g| name.eq_ignore_ascii_case(g)));
        let never = |part: &str| {
            let weight = part.split_once('=').filter(|(name, _)| name.trim().eq_ignore_ascii_case("q"));
            weight.is_some_and(|(_, weight)| weight.trim().parse() == Ok(0.0_f32))
        };
        takes && !parts.any(never)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_say_what_they_take() {
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
