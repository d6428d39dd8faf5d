//! The two texts that Prometheus reads.

use std::fmt;

use http::{HeaderMap, HeaderValue};
use prometheus_client::{
    encoding::{prometheus_text, text},
    registry::Registry,
};

use crate::http::{MediaType, quality};

/// A text format of metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextFormat {
    /// OpenMetrics 1.0.
    OpenMetrics,
    /// Prometheus's own format, version 0.0.4, for clients that do not read OpenMetrics.
    Prometheus,
}

impl TextFormat {
    /// The format that the client prefers by its `accept`; OpenMetrics if it likes both as well, or neither.
    pub(crate) fn accepted(request: &HeaderMap) -> Self {
        let open_metrics = quality(request, MediaType { main: "application", sub: "openmetrics-text" });
        let plain = quality(request, MediaType { main: "text", sub: "plain" });
        if plain > open_metrics { Self::Prometheus } else { Self::OpenMetrics }
    }

    pub(crate) fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Prometheus => prometheus_text::CONTENT_TYPE,
        })
    }

    /// Writes what is registered. Either text ends in `# EOF`, which to Prometheus's own format is a comment.
    pub(super) fn write(self, registry: &Registry) -> String {
        let mut out = String::new();
        let written: fmt::Result = match self {
            Self::OpenMetrics => text::encode(&mut out, registry),
            Self::Prometheus => prometheus_text::encode(&mut out, registry).and_then(|()| text::encode_eof(&mut out)),
        };
        // Cannot fail: a `String` takes all.
        debug_assert!(written.is_ok());
        out
    }
}

#[cfg(test)]
mod tests {
    use http::header;

    use super::*;

    #[test]
    fn open_metrics_unless_the_client_would_rather_have_the_other() {
        let prometheus_3 = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
             application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
             text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        let table = [
            (prometheus_3, TextFormat::OpenMetrics),
            ("", TextFormat::OpenMetrics),
            ("*/*", TextFormat::OpenMetrics),
            ("application/json", TextFormat::OpenMetrics),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", TextFormat::OpenMetrics),
            ("application/openmetrics-text, text/plain", TextFormat::OpenMetrics),
            ("text/plain", TextFormat::Prometheus),
            ("text/*", TextFormat::Prometheus),
            ("Text/Plain; version=0.0.4; charset=utf-8", TextFormat::Prometheus),
            ("text/plain;version=0.0.4;q=0.5,*/*;q=0.1", TextFormat::Prometheus),
            ("application/openmetrics-text;q=0.3, text/plain;q=0.7", TextFormat::Prometheus),
            ("application/openmetrics-text;q=0, text/plain;q=0.1", TextFormat::Prometheus),
        ];
        for (accept, expected) in table {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            assert_eq!(TextFormat::accepted(&headers), expected, "{accept:?}");
        }
        assert_eq!(TextFormat::accepted(&HeaderMap::new()), TextFormat::OpenMetrics);
    }
}
