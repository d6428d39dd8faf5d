//! The variables of OpenTelemetry, checked before the SDK reads them: it takes no notice of what it does not understand.
//! <https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/>

use std::time::Duration;

use http::{HeaderName, HeaderValue, Uri};
use percent_encoding::percent_decode_str;

use crate::config::description::SettingsError;

/// The settings that the SDK does not apply by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanSettings {
    /// The longest time that sending a batch takes.
    pub timeout: Duration,
    /// Spans that wait at most.
    pub queue: usize,
    /// Requests continue the trace of their client, and tell their upstream of it.
    pub propagates: bool,
    /// Nobody has named the service.
    pub is_nameless: bool,
}

/// The most spans that may wait: the SDK makes room for all of them at the start.
const LARGEST_QUEUE: u64 = 1_000_000;

/// Reads and checks the variables. `None`: there are to be no spans.
///
/// # Errors
/// The first value that cannot be, or asks for what this program does not offer. The values of headers are not shown.
pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Option<SpanSettings>, SettingsError> {
    let given = OtelVariables(&variable);
    if given.word("OTEL_SDK_DISABLED", &["true", "false"])?.as_deref() == Some("true") {
        return Ok(None);
    }
    let endpoint = given.checked("OTEL_EXPORTER_OTLP_ENDPOINT", URL, is_url)?;
    let own_endpoint = given.checked("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", URL, is_url)?;
    let exporter = given.word("OTEL_TRACES_EXPORTER", &["otlp", "none"])?;
    if exporter.as_deref() == Some("none") || (endpoint.is_none() && own_endpoint.is_none()) {
        return Ok(None);
    }
    for (rest, words) in [("PROTOCOL", &["http/protobuf"][..]), ("COMPRESSION", &["gzip", "none"])] {
        // What is meant for metrics and logs too may be nothing for spans.
        if given.word(&format!("OTEL_EXPORTER_OTLP_TRACES_{rest}"), words)?.is_none() {
            given.word(&format!("OTEL_EXPORTER_OTLP_{rest}"), words)?;
        }
    }
    for of in ["", "TRACES_"] {
        let name = |rest: &str| format!("OTEL_EXPORTER_OTLP_{of}{rest}");
        given.headers(&name("HEADERS"))?;
        for file in ["CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY"] {
            if given.get(&name(file)).is_some() {
                return Err(SettingsError::new(format!(
                    "{} is not offered: PROXY_CA_FILE names the authorities that are trusted",
                    name(file)
                )));
            }
        }
    }
    let timeout = given.number("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", 1..=LONGEST)?;
    let timeout = timeout.or(given.number("OTEL_EXPORTER_OTLP_TIMEOUT", 1..=LONGEST)?).unwrap_or(10_000);
    given.sampler()?;
    for name in ["OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "OTEL_SPAN_EVENT_COUNT_LIMIT", "OTEL_SPAN_LINK_COUNT_LIMIT"] {
        given.number(name, 0..=u32::MAX.into())?;
    }
    given.number("OTEL_BSP_SCHEDULE_DELAY", 1..=LONGEST)?;
    given.number("OTEL_BSP_EXPORT_TIMEOUT", 1..=LONGEST)?;
    let queue = given.number("OTEL_BSP_MAX_QUEUE_SIZE", 1..=LARGEST_QUEUE)?.unwrap_or(2048);
    given.number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 1..=queue)?;
    let resource = given.checked("OTEL_RESOURCE_ATTRIBUTES", "is a list such as key1=value1,key2=value2", is_pairs)?;
    let is_named = resource.is_some_and(|list| list.split(',').any(|pair| pair.trim().starts_with("service.name=")));
    Ok(Some(SpanSettings {
        timeout: Duration::from_millis(timeout),
        queue: usize::try_from(queue).unwrap_or(usize::MAX),
        propagates: given.propagates()?,
        is_nameless: !is_named && given.get("OTEL_SERVICE_NAME").is_none(),
    }))
}

/// The longest time in milliseconds: a day.
const LONGEST: u64 = 86_400_000;

const URL: &str = "is a URL such as http://localhost:4318";

fn is_url(text: &str) -> bool {
    let uri = text.parse::<Uri>();
    uri.is_ok_and(|uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|h| !h.is_empty()))
}

fn is_pairs(text: &str) -> bool {
    let mut pairs = text.split(',').filter(|pair| !pair.trim().is_empty());
    pairs.all(|pair| pair.split_once('=').is_some_and(|(key, _)| !key.trim().is_empty()))
}

/// The variables that are set.
struct OtelVariables<'a>(&'a dyn Fn(&str) -> Option<String>);

impl OtelVariables<'_> {
    /// An empty value is none.
    fn get(&self, name: &str) -> Option<String> {
        (self.0)(name).filter(|value| !value.is_empty())
    }

    fn checked(
        &self,
        name: &str,
        allowed: &str,
        is_allowed: impl Fn(&str) -> bool,
    ) -> Result<Option<String>, SettingsError> {
        match self.get(name) {
            Some(value) if !is_allowed(&value) => Err(SettingsError::value(name, &value, allowed)),
            value => Ok(value),
        }
    }

    /// One of some words, in lower case.
    fn word(&self, name: &str, words: &[&str]) -> Result<Option<String>, SettingsError> {
        let allowed = if words.len() == 1 { "is" } else { "are" };
        let allowed = format!("{allowed} {}", words.join(", "));
        let value = self.checked(name, &allowed, |value| words.contains(&&*value.to_ascii_lowercase()))?;
        Ok(value.map(|value| value.to_ascii_lowercase()))
    }

    fn number(&self, name: &str, range: std::ops::RangeInclusive<u64>) -> Result<Option<u64>, SettingsError> {
        let allowed = format!("is a whole number from {} to {}", range.start(), range.end());
        let read = |value: &str| value.parse().ok().filter(|number| range.contains(number));
        Ok(self.checked(name, &allowed, |value| read(value).is_some())?.and_then(|value| read(&value)))
    }

    /// Headers may hold keys: neither their names nor their values are shown.
    fn headers(&self, name: &str) -> Result<(), SettingsError> {
        let is_header = |pair: &str| {
            let Some((key, value)) = pair.split_once('=') else { return false };
            let Ok(value) = percent_decode_str(value.trim()).decode_utf8() else { return false };
            HeaderName::try_from(key.trim()).is_ok() && HeaderValue::from_str(&value).is_ok()
        };
        let list = self.get(name).unwrap_or_default();
        let wrong = list.split(',').filter(|pair| !pair.trim().is_empty()).position(|pair| !is_header(pair));
        match wrong {
            Some(index) => Err(SettingsError::new(format!(
                "{name}: its part {} is no header: allowed is a list such as name1=value1,name2=value2, values percent-encoded",
                index + 1
            ))),
            None => Ok(()),
        }
    }

    fn sampler(&self) -> Result<(), SettingsError> {
        const SAMPLERS: [&str; 6] = [
            "always_on",
            "always_off",
            "traceidratio",
            "parentbased_always_on",
            "parentbased_always_off",
            "parentbased_traceidratio",
        ];
        // The SDK reads it in lower case only.
        let allowed = format!("are {}", SAMPLERS.join(", "));
        let sampler = self.checked("OTEL_TRACES_SAMPLER", &allowed, |value| SAMPLERS.contains(&value))?;
        if sampler.is_some_and(|sampler| sampler.ends_with("ratio")) {
            let is_ratio = |value: &str| value.parse().is_ok_and(|ratio: f64| (0.0..=1.0).contains(&ratio));
            let argument = self.checked("OTEL_TRACES_SAMPLER_ARG", "is a number from 0 to 1", is_ratio)?;
            if argument.is_none() {
                return Err(SettingsError::new("OTEL_TRACES_SAMPLER_ARG is missing: allowed is a number from 0 to 1"));
            }
        }
        Ok(())
    }

    /// Baggage passes as any header does.
    fn propagates(&self) -> Result<bool, SettingsError> {
        const PROPAGATORS: [&str; 3] = ["tracecontext", "baggage", "none"];
        let is_known = |value: &str| value.split(',').all(|one| PROPAGATORS.contains(&one.trim()));
        let value = self.checked("OTEL_PROPAGATORS", "is a list of tracecontext, baggage; or none", is_known)?;
        Ok(value.is_none_or(|value| value.split(',').any(|one| one.trim() == "tracecontext")))
    }
}
