//! Bills computed by hand, one for each rule of a provider.

use crate::{bill, cached, prices, reasoned, usage};

use active_requests::{cost::Cost, usage::Usage};

/// Provider, model, tokens and dollars.
fn bills() -> Vec<(&'static str, &'static str, Usage, &'static str)> {
    vec![
        // OpenAI: cached input is part of the input. 476 * 2e-6 + 1024 * 5e-7 + 300 * 8e-6
        ("openai", "swift-4", cached(1500, 300, 1024, 0), "0.003864"),
        // o-series: reasoning costs what output does. 12 * 1.1e-6 + 342 * 4.4e-6
        ("openai", "owl-mini", reasoned(12, 342, 340), "0.001518"),
        // Reasoning of its own price. 10 * 4e-7 + 40 * 1.2e-6 + 60 * 4e-6
        ("openai", "thinker", reasoned(10, 100, 60), "0.000292"),
        // No price of cached input: the price of input. 1000 * 1.1e-6
        ("openai", "owl-mini", cached(1000, 0, 400, 100), "0.0011"),
        // Embeddings have no output. 1000 * 2e-8
        ("openai", "swift-embed", usage(1000, 0), "0.00002"),
        // Anthropic: 12 of input, 1000 read, 250 written for five minutes.
        // 12 * 3e-6 + 1000 * 3e-7 + 250 * 3.75e-6 + 28 * 1.5e-5
        ("anthropic", "sonata-3", cached(1262, 28, 1000, 250), "0.0016935"),
        // All of the prompt counts towards the limit: 1 of input, 150000 read, 50000 written.
        // 1 * 6e-6 + 150000 * 6e-7 + 50000 * 7.5e-6 + 10 * 2.25e-5
        ("anthropic", "sonata-3", cached(200_001, 10, 150_000, 50_000), "0.465231"),
        // Bedrock: no price of the cache. 175 * 3e-6 + 10 * 1.5e-5
        ("bedrock", "us.anthropic.sonata-3-20310101-v1:0", cached(175, 10, 50, 25), "0.000675"),
        // Gemini: thoughts are output. 200000 * 1.25e-6 + 50 * 1e-5
        ("gemini", "nova-pro", reasoned(200_000, 50, 30), "0.2505"),
        // One token more: all of them cost more. 100001 * 2.5e-6 + 100000 * 2.5e-7 + 50 * 1.5e-5
        ("gemini", "nova-pro", cached(200_001, 50, 100_000, 0), "0.2757525"),
        // DeepSeek: a hit in its cache; to write there is free. 40 * 2.7e-7 + 960 * 7e-8 + 100 * 1.1e-6
        ("deepseek", "deep", cached(1000, 100, 960, 0), "0.000188"),
        ("deepseek", "deep", cached(1000, 0, 0, 1000), "0"),
        // xAI: the limit itself is above it. 127999 * 2e-6; 128000 * 4e-6 + 1 * 1e-5
        ("xai", "raven", usage(127_999, 0), "0.255998"),
        ("xai", "raven", usage(128_000, 1), "0.51201"),
        // A limit takes over what it does not change from the one below it.
        ("", "three-steps", usage(128_000, 1000), "0.129"),
        ("", "three-steps", usage(128_001, 1000), "0.259002"),
        ("", "three-steps", usage(256_001, 1000), "1.027004"),
        // Dashscope: ranges, each complete in itself. 56000 * 4e-7 + 200000 * 1e-7 + 10 * 1.2e-6
        ("dashscope", "ranges", cached(256_000, 10, 200_000, 0), "0.042412"),
        // 256001 * 1.2e-6 + 4 * 3.6e-6 + 6 * 1.2e-5
        ("dashscope", "ranges", reasoned(256_001, 10, 6), "0.3072876"),
        // Beyond the last range. 2000000 * 1.2e-6
        ("dashscope", "ranges", usage(2_000_000, 0), "2.4"),
        // Fireworks: half the price of input for what its cache held. 500 * 9e-7 + 500 * 4.5e-7
        ("fireworks", "spark", cached(1000, 0, 500, 0), "0.000675"),
        // Seventeen digits, all of them billed.
        ("databricks", "long", usage(3, 7), "0.000045000060000000006"),
        ("ollama", "free", usage(1000, 1000), "0"),
    ]
}

#[test]
fn a_bill_is_what_it_is_by_hand() {
    let prices = prices();
    for (provider, model, usage, dollars) in bills() {
        let price = prices.find(provider, &[model]).expect("the model has a price");
        assert_eq!(bill(price, &usage), dollars, "{provider}/{model} {usage:?}");
    }
}

#[test]
fn a_sum_of_many_bills_is_exact() {
    let prices = prices();
    let price = prices.find("databricks", &["long"]).expect("the model has a price");
    let sum: Cost = (0..1_000_000).map(|_| price.cost(&usage(1, 0))).sum();
    assert_eq!(sum.to_string(), "15.000020000000002");
}

#[test]
fn no_tokens_cost_nothing() {
    let prices = prices();
    let price = prices.find("openai", &["swift-4"]).expect("the model has a price");
    assert_eq!(price.cost(&Usage::default()), Cost::ZERO);
}

/// xAI on Azure has been seen to report 161 cached tokens of a prompt of 7.
#[test]
fn parts_larger_than_their_whole_are_billed_as_reported() {
    let prices = prices();
    let price = prices.find("openai", &["swift-4"]).expect("the model has a price");
    let mut odd = cached(7, 2, 161, 0);
    odd.reasoning_tokens = 5;
    // 161 * 5e-7 + 5 * 8e-6
    assert_eq!(bill(price, &odd), "0.0001205");
}

#[test]
fn a_bill_beyond_all_bounds_saturates() {
    let prices = prices();
    let price = prices.find("anthropic", &["sonata-3"]).expect("the model has a price");
    let huge = cached(u64::MAX, u64::MAX, u64::MAX, u64::MAX);
    assert_eq!(bill(price, &huge), "340282366920.938463463374607431768211455");
}

#[test]
fn a_cost_is_a_json_number_with_all_its_digits() {
    let prices = prices();
    let price = prices.find("databricks", &["long"]).expect("the model has a price");
    let json = serde_json::to_string(&price.cost(&usage(1, 0))).expect("a number");
    assert_eq!(json, "0.000015000020000000002");
}
