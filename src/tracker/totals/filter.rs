//! The choice of totals by provider and model.

/// The choice of totals: all by default.
///
/// ```
/// use active_requests::tracker::{RequestTracker, TotalsFilter};
///
/// let totals = RequestTracker::default().running_totals(&TotalsFilter::new().provider("open*").include_active(false));
/// assert_eq!(totals.total_requests, 0);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TotalsFilter {
    /// Providers by name; any case, `*` and `?` stand for anything and for one character. `None`: all.
    pub provider: Option<String>,
    /// Models by name, likewise.
    pub model: Option<String>,
    /// Count requests in flight with those that have ended.
    pub include_active: bool,
}

impl Default for TotalsFilter {
    fn default() -> Self {
        Self { provider: None, model: None, include_active: true }
    }
}

impl TotalsFilter {
    /// All totals, requests in flight included.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets [`provider`](Self::provider).
    #[must_use]
    pub fn provider(mut self, pattern: impl Into<String>) -> Self {
        self.provider = Some(pattern.into());
        self
    }

    /// Sets [`model`](Self::model).
    #[must_use]
    pub fn model(mut self, pattern: impl Into<String>) -> Self {
        self.model = Some(pattern.into());
        self
    }

    /// Sets [`include_active`](Self::include_active).
    #[must_use]
    pub fn include_active(mut self, yes: bool) -> Self {
        self.include_active = yes;
        self
    }

    pub(super) fn takes(&self, provider: &str, model: &str) -> bool {
        let takes = |pattern: &Option<String>, name| pattern.as_deref().is_none_or(|pattern| matches(pattern, name));
        takes(&self.provider, provider) && takes(&self.model, model)
    }
}

/// Whether `name` is what `pattern` describes. Linear but for backtracking to the last `*`.
fn matches(pattern: &str, name: &str) -> bool {
    let lower = |text: &str| text.chars().flat_map(char::to_lowercase).collect::<Vec<_>>();
    let (pattern, name) = (lower(pattern), lower(name));
    let (mut p, mut n) = (0, 0);
    let mut star = None;
    while n < name.len() {
        if pattern.get(p) == Some(&'*') {
            star = Some((p, n));
            p += 1;
        } else if pattern.get(p).is_some_and(|c| *c == '?' || *c == name[n]) {
            (p, n) = (p + 1, n + 1);
        } else if let Some((after, taken)) = star {
            (p, n) = (after + 1, taken + 1);
            star = Some((after, taken + 1));
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_in_any_case_and_with_wildcards() {
        let table = [
            ("openai", "OpenAI", true),
            ("open*", "openrouter", true),
            ("*4*", "gpt-4o", true),
            ("gpt-?o", "gpt-4o", true),
            ("gpt-?", "gpt-4o", false),
            ("*", "", true),
            ("", "x", false),
            ("a*b*c", "aXbXbc", true),
            ("a*b*c", "aXbXb", false),
            ("É*", "école", true),
            ("a.b", "axb", false),
        ];
        for (pattern, name, expected) in table {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn a_hostile_pattern_is_not_exponential() {
        assert!(!matches(&"*a".repeat(500), &"b".repeat(5000)));
    }
}
