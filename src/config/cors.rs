//! The sites whose pages may read the monitor.

use std::{fmt, str::FromStr};

use super::vars::Value;

/// The other sites whose pages may read the monitor.
///
/// ```
/// use active_requests::config::CorsOrigins;
///
/// let origins: CorsOrigins = "https://ops.example, http://localhost:8080".parse()?;
/// assert!(origins.allows("https://ops.example") && !origins.allows("https://other.example"));
/// # Ok::<(), active_requests::config::InvalidCorsOrigins>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CorsOrigins {
    /// Every site: `access-control-allow-origin: *`.
    Any,
    /// No other site.
    None,
    /// The sites of the list, given as origins (`https://ops.example`).
    List(Vec<String>),
}

impl CorsOrigins {
    /// Whether a page of `origin`, written as browsers send it, may read.
    pub fn allows(&self, origin: &str) -> bool {
        match self {
            Self::Any => true,
            Self::None => false,
            Self::List(list) => list.iter().any(|listed| without_slash(listed).eq_ignore_ascii_case(origin)),
        }
    }
}

/// An origin as browsers send it: without the slash that addresses end with.
fn without_slash(origin: &str) -> &str {
    origin.strip_suffix('/').unwrap_or(origin)
}

/// Text that is no [`CorsOrigins`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidCorsOrigins;

impl fmt::Display for InvalidCorsOrigins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(ALLOWED)
    }
}

impl std::error::Error for InvalidCorsOrigins {}

impl FromStr for CorsOrigins {
    type Err = InvalidCorsOrigins;

    /// Reads `*`, `none`, or a comma-separated list of origins.
    fn from_str(text: &str) -> Result<Self, InvalidCorsOrigins> {
        let text = text.trim();
        if text == "*" {
            return Ok(Self::Any);
        }
        if text.eq_ignore_ascii_case("none") {
            return Ok(Self::None);
        }
        let origin = |origin: &str| without_slash(origin.trim()).to_ascii_lowercase();
        let origins: Vec<String> = text.split(',').map(origin).collect();
        let is_origin = |o: &String| {
            o.split_once("://").is_some_and(|(scheme, host)| {
                !scheme.is_empty()
                    && !host.is_empty()
                    && host.bytes().all(|b| b.is_ascii_graphic() && !b"/*?#@".contains(&b))
            })
        };
        if origins.iter().all(is_origin) { Ok(Self::List(origins)) } else { Err(InvalidCorsOrigins) }
    }
}

const ALLOWED: &str = "allowed are *, none, or a comma-separated list of origins such as https://ops.example";

impl Value for CorsOrigins {
    fn set(&mut self, text: &str) -> Result<(), &'static str> {
        *self = text.parse().map_err(|_| ALLOWED)?;
        Ok(())
    }

    fn text(&self) -> String {
        match self {
            Self::Any => "*".to_owned(),
            Self::None => "none".to_owned(),
            Self::List(origins) => origins.join(","),
        }
    }

    fn placeholder(&self) -> &'static str {
        "LIST"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_that_no_browser_sends_is_refused() {
        for text in [
            "https://*.example",
            "https://a.example,https://*",
            "https://a.example/b",
            "https://u@a.example",
            "a.example",
            "",
        ] {
            assert_eq!(text.parse::<CorsOrigins>(), Err(InvalidCorsOrigins), "{text}");
        }
        assert_eq!("HTTPS://A.example".parse(), Ok(CorsOrigins::List(vec!["https://a.example".into()])));
    }

    #[test]
    fn an_origin_may_be_listed_with_a_trailing_slash() {
        let origins = CorsOrigins::List(vec!["https://a.example/".into(), "https://b.example".into()]);
        for (origin, allowed) in [
            ("https://a.example", true),
            ("https://b.example", true),
            ("https://a.example.org", false),
            ("http://a.example", false),
            ("null", false),
        ] {
            assert_eq!(origins.allows(origin), allowed, "{origin}");
        }
    }
}
