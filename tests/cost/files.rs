//! LiteLLM's format: entries without a price, and files that are refused.

use crate::prices;

use active_requests::cost::{PriceProblem, Prices, PricesError, SkipReason};

#[test]
fn each_entry_without_a_price_is_told_with_its_reason() {
    let prices = prices();
    let skipped: Vec<_> = prices.skipped().iter().map(|skipped| (skipped.entry.as_str(), skipped.reason)).collect();
    assert_eq!(
        skipped,
        [
            ("sample_spec", SkipReason::Sample),
            ("per-second", SkipReason::NoTokenPrice),
            ("per-query", SkipReason::NoTokenPrice),
            ("per-query-tiers", SkipReason::NoTokenPrice),
            ("only-input", SkipReason::NoOutputPrice),
            ("only-output", SkipReason::NoInputPrice),
            ("swift-audio", SkipReason::OtherMedia),
            ("swift-audio-mode", SkipReason::OtherMedia),
            ("swift-voice-2031-05-05", SkipReason::NoTokenPrice),
        ]
    );
    assert_eq!(prices.len(), 22);
    assert!(!prices.is_empty());
}

#[test]
fn an_empty_file_has_no_prices() {
    let prices = Prices::from_litellm("{}").expect("an object");
    assert!(prices.is_empty() && prices.skipped().is_empty());
}

#[test]
fn one_bad_value_refuses_the_file_and_is_named() {
    let input = "input_cost_per_token";
    for (fields, field, problem) in [
        (r#""input_cost_per_token": -1e-6"#, input, PriceProblem::Negative),
        (r#""input_cost_per_token": "free""#, input, PriceProblem::NotANumber),
        (r#""input_cost_per_token": true"#, input, PriceProblem::NotANumber),
        (r#""output_cost_per_token": {}"#, "output_cost_per_token", PriceProblem::NotANumber),
        (r#""cache_read_input_token_cost": 1e-28"#, "cache_read_input_token_cost", PriceProblem::TooFine),
        (r#""output_cost_per_reasoning_token": 1e12"#, "output_cost_per_reasoning_token", PriceProblem::TooLarge),
        (
            r#""input_cost_per_token_above_manyk_tokens": 1"#,
            "input_cost_per_token_above_manyk_tokens",
            PriceProblem::NotWhole,
        ),
        (
            r#""output_cost_per_token_above_200k_tokens": []"#,
            "output_cost_per_token_above_200k_tokens",
            PriceProblem::NotANumber,
        ),
        (r#""litellm_provider": 7"#, "litellm_provider", PriceProblem::NotText),
        (r#""mode": ["chat"]"#, "mode", PriceProblem::NotText),
        (r#""tiered_pricing": {}"#, "tiered_pricing", PriceProblem::NotTiers),
        (r#""tiered_pricing": [7]"#, "tiered_pricing", PriceProblem::NotTiers),
        (r#""tiered_pricing": [{"input_cost_per_token": 1}]"#, "tiered_pricing", PriceProblem::NotTiers),
        (r#""tiered_pricing": [{"input_cost_per_token": 1, "range": [0]}]"#, "range", PriceProblem::NotTiers),
        (r#""tiered_pricing": [{"input_cost_per_token": 1, "range": [0.5, 9]}]"#, "range", PriceProblem::NotWhole),
        (
            r#""tiered_pricing": [{"input_cost_per_token": 1, "range": [0, 9]}, {"range": [9, 99]}]"#,
            "tiered_pricing",
            PriceProblem::NotTiers,
        ),
        (r#""tiered_pricing": [{"input_cost_per_token": "x", "range": [0, 9]}]"#, input, PriceProblem::NotANumber),
    ] {
        let good = r#""good": {"input_cost_per_token": 1e-6, "output_cost_per_token": 1e-6}"#;
        let error = Prices::from_litellm(&format!(r#"{{{good}, "bad": {{{fields}}}}}"#)).expect_err(fields);
        let text = error.to_string();
        assert!(text.contains(r#""bad""#) && text.contains(field), "{text}");
        let PricesError::Entry { entry, field: named, problem: found, .. } = error else { panic!("{text}") };
        assert_eq!((entry.as_str(), named.as_str(), found), ("bad", field, problem), "{fields}");
    }
}

#[test]
fn an_error_says_what_is_right() {
    let bad = |file| Prices::from_litellm(file).expect_err("it is bad").to_string();
    assert_eq!(
        bad(r#"{"m": {"input_cost_per_token": "1,5"}}"#),
        "the price of \"m\" is not understood: input_cost_per_token = \"1,5\"; \
         a price is a decimal number of dollars, such as 2.5 or 1.25e-06"
    );
    assert_eq!(bad(r#"{"m": 7}"#), r#"the price of "m" is not understood: 7; a model is an object of fields"#);
    assert_eq!(bad(r#"{"m": {}, "m": {}}"#), r#""m" stands in the prices twice; a model has one entry"#);
    assert_eq!(
        bad(r#"{"m": {"mode": "chat", "mode": "chat"}}"#),
        r#"the price of "m" has mode twice; a field stands once"#
    );
    for file in ["", "7", "[]", r#"{"m": {"input_cost_per_token": 1e-6}"#, "models = 1"] {
        let text = bad(file);
        assert!(text.starts_with("the prices are not a JSON object with an object for each model: "), "{text}");
    }
}

#[test]
fn what_is_no_price_may_be_anything() {
    let file = r#"{"m": {"input_cost_per_token": 1e-6, "output_cost_per_token": 1e-6, "cache_read_input_token_cost": null,
        "search_context_cost_per_query": {"search_context_size_low": 0.01}, "supports_vision": true, "new": [{}],
        "input_cost_per_token_priority": "x", "input_cost_per_token_above_200k_tokens_priority": "x"}}"#;
    assert_eq!(Prices::from_litellm(file).expect("a file of prices").len(), 1);
}
