//! How a price is found by the names of provider and model.

use crate::{bill, prices, usage};

use active_requests::cost::Prices;

/// The price of 100,000 prompt tokens, which tells the entries of the fixture apart.
fn price_of(prices: &Prices, provider: &str, models: &[&str]) -> Option<String> {
    prices.find(provider, models).map(|price| bill(price, &usage(100_000, 0)))
}

#[test]
fn the_provider_and_the_resolved_model_come_first() {
    let prices = prices();
    for (provider, models, found) in [
        // provider/name
        ("azure", vec!["swift-4"], Some("0.22")),
        // name
        ("openai", vec!["swift-4"], Some("0.2")),
        // The resolved name, then the other.
        ("openai", vec!["swift-4-2031-04-01", "swift-4"], Some("0.9")),
        ("openai", vec!["nobody-knows", "swift-4"], Some("0.2")),
        ("openai", vec!["", "swift-4"], Some("0.2")),
        // All names as they are come before any without its date.
        ("openai", vec!["swift-4-2030-01-01", "owl-mini"], Some("0.11")),
        // Without the date.
        ("openai", vec!["swift-4-2030-01-01"], Some("0.2")),
        ("openai", vec!["swift-4-20300101"], Some("0.2")),
        ("openai", vec!["swift-4@20300101"], Some("0.2")),
        ("azure", vec!["swift-4-2031-04-01"], Some("0.22")),
        // A name may hold its provider.
        ("openrouter", vec!["azure/owl"], Some("0.3")),
        ("", vec!["gemini/nova-pro"], Some("0.125")),
        // None.
        ("openai", vec!["nobody-knows"], None),
        ("openai", vec![], None),
        ("", vec![""], None),
        ("openai", vec!["sample_spec"], None),
    ] {
        assert_eq!(price_of(&prices, provider, &models).as_deref(), found, "{provider} {models:?}");
    }
}

#[test]
fn another_providers_price_is_not_taken_for_this_ones() {
    let prices = prices();
    // The file knows what Azure charges, and not for this model.
    assert_eq!(price_of(&prices, "azure", &["owl-mini"]), None);
    assert_eq!(price_of(&prices, "gemini", &["nova-pro"]).as_deref(), Some("0.125"));
    assert_eq!(price_of(&prices, "vertex_ai", &["nova-pro"]).as_deref(), Some("0.7"));
    // It knows nothing of these, so the name of the model decides.
    assert_eq!(price_of(&prices, "my-gateway", &["owl-mini"]).as_deref(), Some("0.11"));
    assert_eq!(price_of(&prices, "", &["owl-mini"]).as_deref(), Some("0.11"));
    assert_eq!(price_of(&prices, "unknown", &["owl-mini"]).as_deref(), Some("0.11"));
    // This entry names no provider.
    assert_eq!(price_of(&prices, "azure", &["three-steps"]).as_deref(), Some("0.1"));
}

#[test]
fn providers_are_known_by_their_usual_names_too() {
    let prices = prices();
    for (provider, model, found) in [
        ("google", "nova-pro", "0.125"),
        ("Google", "nova-pro", "0.125"),
        ("vertex", "nova-pro", "0.7"),
        ("fireworks", "spark", "0.09"),
        ("vertex_ai-language-models", "nova-pro", "0.7"),
        ("bedrock", "us.anthropic.sonata-3-20310101-v1:0", "0.3"),
    ] {
        assert_eq!(price_of(&prices, provider, &[model]).as_deref(), Some(found), "{provider}");
    }
}

#[test]
fn a_name_is_tried_as_it_is_and_then_in_lower_case() {
    let prices = prices();
    assert_eq!(price_of(&prices, "OpenAI", &["Swift-4"]).as_deref(), Some("0.2"));
    assert_eq!(price_of(&prices, "AZURE", &["SWIFT-4"]).as_deref(), Some("0.22"));
    assert_eq!(price_of(&prices, "", &["org/mixed-case"]).as_deref(), Some("0.1"));
    // Two that differ by case only are told apart by it.
    assert_eq!(price_of(&prices, "", &["twice/Spelt"]).as_deref(), Some("0.1"));
    assert_eq!(price_of(&prices, "", &["twice/spelT"]).as_deref(), Some("0.2"));
    assert_eq!(price_of(&prices, "", &["twice/spelt"]), None);
}

#[test]
fn a_model_that_is_not_priced_by_tokens_takes_no_other_models_price() {
    let prices = prices();
    assert_eq!(price_of(&prices, "openai", &["swift-voice"]).as_deref(), Some("0.1"));
    assert_eq!(price_of(&prices, "openai", &["swift-voice-2031-05-05"]), None);
    for model in ["per-second", "per-query", "only-input", "only-output", "swift-audio", "swift-audio-mode"] {
        assert_eq!(price_of(&prices, "", &[model]), None, "{model}");
    }
}
