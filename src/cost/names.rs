//! The names by which a price is looked up: how files and providers spell one model.

/// LiteLLM's names of providers that are often called otherwise.
const ALIASES: [(&str, &str); 5] = [
    ("fireworks", "fireworks_ai"),
    ("google", "gemini"),
    ("kimi", "moonshot"),
    ("together", "together_ai"),
    ("vertex", "vertex_ai"),
];

/// LiteLLM's name of this provider, where it differs.
pub(super) fn alias(provider: &str) -> Option<&'static str> {
    ALIASES.iter().find(|(name, _)| name.eq_ignore_ascii_case(provider)).map(|(_, alias)| *alias)
}

/// The provider that a `litellm_provider` belongs to: some are split by kind of model (`vertex_ai-anthropic_models`,
/// `bedrock_converse`, `text-completion-openai`).
pub(super) fn provider(litellm_provider: &str) -> &str {
    let name = litellm_provider.strip_prefix("text-completion-").unwrap_or(litellm_provider);
    match name {
        "azure_text" => "azure",
        "cohere_chat" => "cohere",
        _ => ["bedrock", "fireworks_ai", "vertex_ai"].into_iter().find(|root| name.starts_with(root)).unwrap_or(name),
    }
}

/// The name without the date at its end: `-2024-08-06`, `-20241022` or `@20241022`, and with the date the version
/// that Bedrock writes behind it (`-v1`, `-v2:0`). `None` where there is none.
pub(super) fn without_date(model: &str) -> Option<&str> {
    let undated = |name: &'_ str| {
        let at = |length: usize| name.len().checked_sub(length).filter(|at| *at > 0 && name.is_char_boundary(*at));
        let (short, long) = (at(9), at(11));
        let is_short = |at: &usize| matches!(name.as_bytes()[*at], b'-' | b'@') && is_date(&name[at + 1..]);
        let is_long = |at: &usize| is_dashed_date(&name[*at..]);
        short.filter(is_short).or(long.filter(is_long))
    };
    let unversioned = model.rsplit_once("-v").filter(|(_, version)| is_version(version)).map(|(name, _)| name);
    [Some(model), unversioned].into_iter().flatten().find_map(|name| undated(name).map(|at| &name[..at]))
}

/// `1` or `2:0`.
fn is_version(text: &str) -> bool {
    text.split(':').count() <= 2
        && text.split(':').all(|part| (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit()))
}

/// `-2024-08-06`.
fn is_dashed_date(text: &str) -> bool {
    let mut parts = text.split('-');
    let (empty, year, month, day) = (parts.next(), parts.next(), parts.next(), parts.next());
    match (empty, year, month, day, parts.next()) {
        (Some(""), Some(year), Some(month), Some(day), None) if month.len() == 2 && day.len() == 2 => {
            is_date(&format!("{year}{month}{day}"))
        }
        _ => false,
    }
}

/// `20240806`: a day of this century.
fn is_date(text: &str) -> bool {
    text.len() == 8
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && text.starts_with("20")
        && (1..=12).contains(&text[4..6].parse().unwrap_or(0))
        && (1..=31).contains(&text[6..].parse().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_ends_a_name_in_one_of_three_spellings() {
        for (dated, undated) in [
            ("gpt-4o-2024-08-06", Some("gpt-4o")),
            ("claude-3-5-sonnet-20241022", Some("claude-3-5-sonnet")),
            ("claude-3-5-sonnet@20240620", Some("claude-3-5-sonnet")),
            ("anthropic.claude-3-5-sonnet-20241022-v2:0", Some("anthropic.claude-3-5-sonnet")),
            ("anthropic.claude-opus-4-20250514-v1", Some("anthropic.claude-opus-4")),
            ("é-2024-08-06", Some("é")),
            ("gpt-4o", None),
            ("gpt-4-0613", None),
            ("mistral-large-2411", None),
            ("model-20241322", None),
            ("model-19991231", None),
            ("model-2024-8-06", None),
            ("model/2024-08-06", None),
            ("amazon.nova-pro-v1:0", None),
            ("2024-08-06", None),
            ("-2024-08-06", None),
            ("@20240806", None),
            ("modelé0240806", None),
            ("", None),
        ] {
            assert_eq!(without_date(dated), undated, "{dated}");
        }
    }

    #[test]
    fn a_provider_is_one_however_its_models_are_split() {
        for (written, name) in [
            ("vertex_ai-anthropic_models", "vertex_ai"),
            ("bedrock_converse", "bedrock"),
            ("text-completion-openai", "openai"),
            ("cohere_chat", "cohere"),
            ("azure_text", "azure"),
            ("azure_ai", "azure_ai"),
            ("openai", "openai"),
        ] {
            assert_eq!(provider(written), name);
        }
        assert_eq!(alias("Google"), Some("gemini"));
        assert_eq!(alias("openai"), None);
    }
}
