//! The operator who cancels a request, as log lines name one.

use std::fmt;

use http::{StatusCode, request::Parts};
use sha2::{Digest, Sha256};

use crate::config::MonitorConfig;

/// The first eight hex digits of the SHA-256 hash of an operator's API key: enough to tell operators apart, and nothing to enter with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Operator(String);

impl Operator {
    /// The operator of a request; `None` where it carries no key, as it may where an application checks rights in its own way.
    pub(crate) fn of(config: &MonitorConfig, request: &Parts) -> Option<Self> {
        let hash = Sha256::digest(config.operating_key(request)?);
        Some(Self(hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect()))
    }

    /// Reads what [`Display`](fmt::Display) has written.
    #[cfg(feature = "fleet")]
    pub(crate) fn read(text: &str) -> Option<Self> {
        let is_one = text.len() == 8 && text.bytes().all(|b| b.is_ascii_hexdigit());
        is_one.then(|| Self(text.to_owned()))
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Writes that an operator has asked to cancel a request (feature `tracing`), and how that was answered. `replica`: the epoch of the other replica that was
/// asked, or that has asked.
pub(crate) fn log_cancellation(_id: &str, _by: Option<&Operator>, _replica: Option<u32>, _status: StatusCode) {
    #[cfg(feature = "tracing")]
    tracing::info!(
        target: "active_requests",
        // What a client wrote in its place is not repeated.
        id = _id.parse::<crate::tracker::RequestId>().ok().map(tracing::field::display),
        by = _by.map(tracing::field::display),
        replica = _replica.map(|epoch| format!("{epoch:08x}")),
        status = _status.as_u16(),
        "an operator cancels a request"
    );
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn config() -> MonitorConfig {
        MonitorConfig::default().operate_keys(["operator", "another"])
    }

    fn operator(headers: &[(&'static str, &'static str)]) -> Option<Operator> {
        let request = headers.iter().fold(Request::builder(), |request, (name, value)| request.header(*name, *value));
        Operator::of(&config(), &request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn an_operator_is_named_by_the_key_that_opens() {
        // As `printf operator | sha256sum` tells it.
        let expected = Some(Operator("06e55b63".to_owned()));
        assert_eq!(operator(&[("x-api-key", "operator")]), expected);
        assert_eq!(operator(&[("authorization", "Bearer operator")]), expected);
        assert_eq!(operator(&[("x-api-key", "unknown"), ("authorization", "Bearer operator")]), expected);
        assert!(![expected, None].contains(&operator(&[("x-api-key", "another")])));
        assert_eq!(operator(&[("x-api-key", "unknown")]), None);
        assert_eq!(operator(&[]), None);
    }

    #[cfg(feature = "fleet")]
    #[test]
    fn only_what_was_written_is_read() {
        let operator = operator(&[("x-api-key", "operator")]).unwrap();
        assert_eq!(Operator::read(&operator.to_string()), Some(operator));
        for wrong in ["", "1234567", "123456789", "1234567\n", "g2345678"] {
            assert_eq!(Operator::read(wrong), None, "{wrong:?}");
        }
    }
}
