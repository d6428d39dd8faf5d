//! The right to read: API keys, and pages of other sites.

use http::{HeaderMap, HeaderValue, header};

use crate::config::{CorsOrigins, Secret};

/// Whether the request carries one of `keys`; without keys everybody may read.
pub(super) fn is_allowed(keys: &[Secret], headers: &HeaderMap) -> bool {
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
        .fold(false, |fits, given| keys.iter().fold(fits, |fits, key| fits | key.is(given)))
}

/// Says in the answer's headers whether a page of the request's origin may read it.
pub(super) fn allow_origin(origins: &CorsOrigins, request: &HeaderMap, answer: &mut HeaderMap) {
    let allowed = match origins {
        CorsOrigins::None => return,
        CorsOrigins::Any => HeaderValue::from_static("*"),
        CorsOrigins::List(_) => {
            answer.append(header::VARY, HeaderValue::from_static("origin"));
            let origin = request.get(header::ORIGIN);
            match origin.filter(|origin| origin.to_str().is_ok_and(|origin| origins.allows(origin))) {
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
        let keys = ["secret".into(), "other".into()];
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
        assert!(!is_allowed(&["".into()], &empty), "an empty key opens nothing");
    }
}
