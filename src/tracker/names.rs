//! How a row names its provider and its model. The one place that splits `provider:model`.

use std::borrow::Cow;

use memchr::memchr;

/// Stands in where nothing is known.
pub(crate) const UNKNOWN: &str = "unknown";

/// The names of a row, from what was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Names<'a> {
    provider: Option<&'a str>,
    requested: &'a str,
    model: &'a str,
}

impl<'a> Names<'a> {
    /// `provider` as recorded (`""`: not), the model as the client wrote it, and the names that a prefix may mean.
    ///
    /// A prefix counts only when it is the recorded provider or a known one, so that the colons in `llama3:8b` and
    /// `anthropic/claude-3-5-sonnet:context-flash` stay where they are.
    pub(crate) fn new(provider: &'a str, requested: &'a str, known: &'a [String]) -> Self {
        let recorded = (!provider.is_empty()).then_some(provider);
        let colon = memchr(b':', requested.as_bytes());
        let prefixed = colon.and_then(|colon| {
            let (prefix, rest) = (&requested[..colon], &requested[colon + 1..]);
            let same = |name: &&str| name.eq_ignore_ascii_case(prefix);
            let named = recorded.filter(same).or_else(|| known.iter().map(String::as_str).find(same))?;
            Some((named, rest))
        });
        Self {
            provider: recorded.or(prefixed.map(|(named, _)| named)),
            requested,
            model: prefixed.map_or(requested, |(_, rest)| rest),
        }
    }

    /// The provider; empty where it is not known.
    pub(crate) fn known_provider(self) -> &'a str {
        self.provider.unwrap_or_default()
    }

    pub(crate) fn provider(self) -> &'a str {
        self.provider.unwrap_or(UNKNOWN)
    }

    pub(crate) fn model(self) -> &'a str {
        if self.model.is_empty() { UNKNOWN } else { self.model }
    }

    pub(crate) fn qualified(self) -> Cow<'a, str> {
        match self.provider {
            Some(provider) => Cow::Owned(format!("{provider}:{}", self.model())),
            None if self.requested.is_empty() => Cow::Borrowed(UNKNOWN),
            None => Cow::Borrowed(self.requested),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_names_the_provider_only_when_it_is_one() {
        let known = crate::config::TrackerConfig::default().known_providers;
        // provider as recorded, requested model -> provider, model, qualified model
        let table = [
            ("openai", "haiku", "openai", "haiku", "openai:haiku"),
            ("", "openai:gpt-4o", "openai", "gpt-4o", "openai:gpt-4o"),
            ("", "OpenAI:gpt-4o", "openai", "gpt-4o", "openai:gpt-4o"),
            ("openai", "openai:gpt-4o", "openai", "gpt-4o", "openai:gpt-4o"),
            ("", "gpt-4o", "unknown", "gpt-4o", "gpt-4o"),
            (
                "openrouter",
                "openrouter:anthropic/claude-3-5-sonnet:context-flash",
                "openrouter",
                "anthropic/claude-3-5-sonnet:context-flash",
                "openrouter:anthropic/claude-3-5-sonnet:context-flash",
            ),
            (
                "openrouter",
                "kwaipilot/kat-coder-pro:free",
                "openrouter",
                "kwaipilot/kat-coder-pro:free",
                "openrouter:kwaipilot/kat-coder-pro:free",
            ),
            ("", "llama3:8b", "unknown", "llama3:8b", "llama3:8b"),
            ("ollama", "llama3:8b", "ollama", "llama3:8b", "ollama:llama3:8b"),
            ("mine", "mine:m:1", "mine", "m:1", "mine:m:1"),
            ("openrouter", "openai:gpt-4o", "openrouter", "gpt-4o", "openrouter:gpt-4o"),
            ("", "", "unknown", "unknown", "unknown"),
            ("openai", "", "openai", "unknown", "openai:unknown"),
            ("", ":x", "unknown", ":x", ":x"),
            ("", "openai:", "openai", "unknown", "openai:unknown"),
        ];
        for (recorded, requested, provider, model, qualified) in table {
            let names = Names::new(recorded, requested, &known);
            assert_eq!((names.provider(), names.model()), (provider, model), "{recorded:?} {requested:?}");
            assert_eq!(names.qualified(), qualified, "{recorded:?} {requested:?}");
        }
    }
}
