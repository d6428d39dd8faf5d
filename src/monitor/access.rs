//! Who may read: keys, and the pages of other sites.

use crate::config::CorsOrigins;
use http::{HeaderMap, HeaderValue, header};
use std::hint::black_box;

/// Whether the request carries one of `keys`; without keys everybody may read.
pub(super) fn is_allowed(keys: &[String], headers: &HeaderMap) -> bool {
    if keys.is_empty() {
        return true;
    }
    let bearer = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes).and_then(|value| {
        let (scheme, token) = value.split_at_checked(b"Bearer ".len())?;
        scheme.eq_ignore_ascii_case(b"Bearer ").then(|| token.trim_ascii())
    });
    let given = [headers.get("x-api-key").map(HeaderValue::as_bytes), bearer];
    // Every key is compared with everything given, whichever fits.
    given
        .into_iter()
        .flatten()
        .filter(|given| !given.is_empty())
        .fold(false, |fits, given| keys.iter().fold(fits, |fits, key| fits | is_equal(key.as_bytes(), given)))
}

/// Compares in a time that depends on the length of `given` alone.
fn is_equal(key: &[u8], given: &[u8]) -> bool {
    let differ = given.iter().enumerate().fold(u8::from(key.len() != given.len()), |differ, (index, byte)| {
        black_box(differ | (byte ^ key.get(index).copied().unwrap_or(0)))
    });
    differ == 0
}

/// Says in the answer's headers whether a page of the request's origin may read it.
pub(super) fn allow_origin(origins: &CorsOrigins, request: &HeaderMap, answer: &mut HeaderMap) {
    let allowed = match origins {
        CorsOrigins::None => return,
        CorsOrigins::Any => HeaderValue::from_static("*"),
        CorsOrigins::List(list) => {
            answer.append(header::VARY, HeaderValue::from_static("origin"));
            let origin = request.get(header::ORIGIN);
            match origin.filter(|origin| list.iter().any(|listed| listed.as_bytes() == origin.as_bytes())) {
                Some(origin) => origin.clone(),
                None => return,
            }
        }
    };
    answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
    answer.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("etag, retry-after"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_comes_in_either_header_and_must_be_whole() {
        let keys = ["secret".to_owned(), "other".to_owned()];
        let table = [
            ("x-api-key", "secret", true),
            ("x-api-key", "other", true),
            ("x-api-key", "secre", false),
            ("x-api-key", "secrets", false),
            ("x-api-key", "", false),
            ("authorization", "Bearer secret", true),
            ("authorization", "bearer  other", true),
            ("authorization", "secret", false),
            ("authorization", "Basic secret", false),
            ("cookie", "secret", false),
        ];
        for (name, value, expected) in table {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            assert_eq!(is_allowed(&keys, &headers), expected, "{name}: {value}");
            assert!(is_allowed(&[], &headers));
        }
        assert!(!is_allowed(&keys, &HeaderMap::new()));
        let mut empty = HeaderMap::new();
        empty.insert("x-api-key", HeaderValue::from_static(""));
        assert!(!is_allowed(&[String::new()], &empty), "an empty key opens nothing");
    }
}
