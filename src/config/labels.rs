//! The setting that says how requests are labelled.

use std::{fmt, str::FromStr, sync::Arc};

use http::HeaderName;

use super::{
    caller::{header_without_secret, is_secret},
    vars::Value,
};

/// The most labels that a request may have.
pub const MAX_LABELS: usize = 8;

/// The most keys of a [`BodyPath`].
const MAX_DEPTH: usize = 8;

/// Keys of a request's JSON that lead to what a user has said, or that a row shows already.
const REFUSED_KEYS: [&str; 16] = [
    "content",
    "contents",
    "input",
    "inputs",
    "instructions",
    "message",
    "messages",
    "model",
    "parts",
    "preamble",
    "prompt",
    "query",
    "stream",
    "system",
    "systeminstruction",
    "system_instruction",
];

/// The way to a value in the JSON of a request's body, by keys: `metadata.user_id`.
///
/// A key of up to 64 bytes that has a dot or a comma in it, or spaces at its ends, cannot be named. Lists are not looked into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodyPath {
    text: String,
    keys: Vec<String>,
}

impl BodyPath {
    /// The keys, the outermost first.
    pub fn keys(&self) -> &[String] {
        &self.keys
    }

    /// The path as it is written, which is the name of its label.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    fn parse(text: &str) -> Option<Self> {
        let keys: Vec<_> = text.split('.').map(str::to_owned).collect();
        let is_refused = |key: &str| {
            let lower = key.to_ascii_lowercase();
            key.is_empty()
                || key.trim() != key
                || key.len() > 64
                || is_secret(&lower)
                || REFUSED_KEYS.contains(&lower.as_str())
        };
        let is_right = keys.len() <= MAX_DEPTH && !keys.iter().any(|key| is_refused(key));
        is_right.then(|| Self { text: text.to_owned(), keys })
    }
}

/// The sources of a request's labels: headers, and values in the JSON of its body.
///
/// A label of a header has the header's name, one of the body its path. The body is read by
/// [`InspectRequestLayer`](crate::inspect::InspectRequestLayer): texts, numbers, `true` and `false`; control characters are shown as `U+FFFD`.
///
/// ```
/// use active_requests::config::LabelSources;
///
/// let labels: LabelSources = "x-team, body:metadata.user_id".parse()?;
/// assert_eq!((labels.headers().len(), labels.body()[0].as_str()), (1, "metadata.user_id"));
/// assert!("x-api-key".parse::<LabelSources>().is_err(), "it holds a secret");
/// assert!("body:messages".parse::<LabelSources>().is_err(), "it holds what a user has said");
/// # Ok::<(), &'static str>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelSources {
    headers: Vec<HeaderName>,
    body: Arc<[BodyPath]>,
}

const LABELS: &str = "allowed are up to 8 different names of headers and body:PATH.TO.VALUE, comma separated; none that holds a secret or a prompt";

impl LabelSources {
    /// The headers, in the order in which their labels are shown.
    pub fn headers(&self) -> &[HeaderName] {
        &self.headers
    }

    /// The values of the body.
    pub fn body(&self) -> &[BodyPath] {
        &self.body
    }

    /// The values of the body, to be kept.
    pub(crate) fn shared_body(&self) -> &Arc<[BodyPath]> {
        &self.body
    }
}

impl FromStr for LabelSources {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let (mut headers, mut body) = (Vec::new(), Vec::new());
        for source in text.split(',').map(str::trim) {
            match source.strip_prefix("body:") {
                Some(path) => {
                    let path = BodyPath::parse(path).filter(|path| !body.contains(path)).ok_or(LABELS)?;
                    body.push(path);
                }
                None => {
                    let name = header_without_secret(source).filter(|name| !headers.contains(name)).ok_or(LABELS)?;
                    headers.push(name);
                }
            }
        }
        if headers.len() + body.len() > MAX_LABELS { Err(LABELS) } else { Ok(Self { headers, body: body.into() }) }
    }
}

impl fmt::Display for LabelSources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers = self.headers.iter().map(|name| ("", name.as_str()));
        let body = self.body.iter().map(|path| ("body:", path.as_str()));
        for (index, (kind, name)) in headers.chain(body).enumerate() {
            let comma = if index > 0 { "," } else { "" };
            write!(f, "{comma}{kind}{name}")?;
        }
        Ok(())
    }
}

impl Value for LabelSources {
    fn set(&mut self, text: &str) -> Result<(), &'static str> {
        *self = text.parse()?;
        Ok(())
    }

    fn text(&self) -> String {
        self.to_string()
    }

    fn placeholder(&self) -> &'static str {
        "LIST"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_a_secret_or_a_prompt_is_no_label() {
        for name in [
            "authorization",
            "cookie",
            "X-API-KEY",
            "x-goog-api-key",
            "X-Auth-Token",
            "body:api_key",
            "body:metadata.API_KEY",
            "body:metadata.token.user",
            "body:prompt",
            "body:Messages.role",
            "body:metadata.content",
            "body:system",
            "body:model",
        ] {
            assert_eq!(name.parse::<LabelSources>(), Err(LABELS), "{name}");
            assert_eq!(format!("x-team,{name}").parse::<LabelSources>(), Err(LABELS), "{name}");
        }
    }

    #[test]
    fn labels_are_read_and_shown() {
        let labels: LabelSources = " X-Team ,body:metadata.user_id, x-session,body:user".parse().unwrap();
        assert_eq!(labels.to_string(), "x-team,x-session,body:metadata.user_id,body:user");
        assert_eq!(labels.to_string().parse(), Ok(labels.clone()));
        assert_eq!(labels.body()[0].keys(), ["metadata", "user_id"]);
    }

    #[test]
    fn there_are_up_to_eight_different_labels() {
        let list = |n: usize| (0..n).map(|n| format!("x-{n}, body:a.{n}")).collect::<Vec<_>>().join(", ");
        assert!(list(4).parse::<LabelSources>().is_ok());
        for text in [
            list(5),
            String::new(),
            "x-a,".to_owned(),
            "x-a,X-A".to_owned(),
            "a b".to_owned(),
            "body:".to_owned(),
            "body:a.".to_owned(),
            "body:a..b".to_owned(),
            "body: a".to_owned(),
            "body:a,body:a".to_owned(),
            format!("body:{}", "a.".repeat(8) + "a"),
            format!("body:{}", "k".repeat(65)),
        ] {
            assert_eq!(text.parse::<LabelSources>(), Err(LABELS), "{text:?}");
        }
    }
}
