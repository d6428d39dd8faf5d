//! Our own format, in TOML and in JSON.

use crate::{bill, cached, reasoned, usage};

use active_requests::cost::Prices;

const FILE: &str = r#"
[models."openai/swift-4"]
input = 2.5
output = 10
cache_read = 1.25

[models.house]
input = "3.00000000000000000001"
output = 15.0
cache_read = 0.3
cache_write = 3.75
reasoning = 20

[[models.house.above]]
prompt_tokens = 500_000
output = 30

[[models.house.above]]
prompt_tokens = 200_000
input = 6
output = 22.5
"#;

fn read(file: &str) -> Result<Prices, toml::de::Error> {
    toml::from_str(file)
}

#[test]
fn prices_are_per_million_tokens() {
    let prices = read(FILE).expect("a file of prices");
    assert_eq!(prices.len(), 2);
    for (provider, model, usage, dollars) in [
        // 400 * 2.5 + 600 * 1.25 + 200 * 10, in millionths
        ("openai", "swift-4-2031-04-01", cached(1000, 200, 600, 0), "0.00375"),
        // Cache writes cost what input does where nothing is said, and reasoning what output does.
        ("openai", "swift-4", cached(1000, 0, 0, 1000), "0.0025"),
        ("openai", "swift-4", reasoned(0, 10, 10), "0.0001"),
        // A price in quotes keeps all its digits.
        ("", "house", usage(1, 0), "0.00000300000000000000000001"),
        // 1000 * 0.3 + 1000 * 3.75
        ("any", "house", cached(2000, 0, 1000, 1000), "0.00405"),
        // 6 * 15 + 4 * 20
        ("", "house", reasoned(0, 10, 4), "0.00017"),
        // 200001 * 6 + 10 * 22.5, and 500001 * 6 + 6 * 30 + 4 * 20
        ("", "house", usage(200_001, 10), "1.200231"),
        ("", "house", reasoned(500_001, 10, 4), "3.000266"),
    ] {
        let price = prices.find(provider, &[model]).expect("the model has a price");
        assert_eq!(bill(price, &usage), dollars, "{provider}/{model} {usage:?}");
    }
    assert!(prices.find("azure", &["swift-4"]).is_none());
}

#[test]
fn a_file_in_json_means_the_same() {
    let prices: Prices = serde_json::from_str(r#"{"models": {"m": {"input": 0.1, "output": 2}}}"#).expect("prices");
    let price = prices.find("", &["m"]).expect("the model has a price");
    assert_eq!(bill(price, &usage(3, 1)), "0.0000023");
}

#[test]
fn a_bad_file_is_refused_with_what_is_right() {
    for (file, message) in [
        ("", "missing field `models`"),
        ("models = 7", "expected an object"),
        ("[models.m]\ninput = 1", "missing field `output`"),
        ("[models.m]\ninput = 1\noutput = 1\ncached = 1", "unknown field `cached`"),
        ("[models.m]\ninput = 1\noutput = 1\n[other]", "unknown field `other`"),
        ("[models.m]\ninput = true\noutput = 1", "expected dollars per million tokens"),
        (
            "[models.m]\ninput = -1\noutput = 1",
            "the price of \"m\" is not understood: input = -1; a price is 0 or more",
        ),
        ("[models.m]\ninput = 1\noutput = nan", "output = NaN; a price is a decimal number"),
        ("[models.m]\ninput = 1\noutput = inf", "output = inf; a price is a decimal number"),
        ("[models.m]\ninput = 1\noutput = \"1 dollar\"", "output = 1 dollar; a price is a decimal number"),
        (
            "[models.m]\ninput = 0.1234567890123456\noutput = 1",
            "more than 15 digits are kept only of a price in quotes",
        ),
        ("[models.m]\ninput = \"1e-22\"\noutput = 1", "a price per token has at most 27 decimals"),
        ("[models.m]\ninput = 1\noutput = 1\n[[models.m.above]]\ninput = 2", "missing field `prompt_tokens`"),
        (
            "[models.m]\ninput = 1\noutput = 1\nabove = [{prompt_tokens = 9}, {prompt_tokens = 9}]",
            "the price of \"m\" has above.prompt_tokens = 9 twice; a field stands once",
        ),
        ("[models.m]\ninput = 1\noutput = 1\n[models.m]", "duplicate key"),
    ] {
        let error = read(file).expect_err(file).to_string();
        assert!(error.contains(message), "{file:?} is refused with {error}");
    }
    let twice = r#"{"models": {"m": {"input": 1, "output": 1}, "m": {"input": 1, "output": 1}}}"#;
    let error = serde_json::from_str::<Prices>(twice).expect_err("there are two").to_string();
    assert!(error.starts_with("\"m\" stands in the prices twice; a model has one entry"), "{error}");
}
