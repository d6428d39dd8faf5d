//! The metrics that OpenTelemetry's conventions for generative AI name, as their Prometheus exporters write those names.

use std::{collections::BTreeMap, fmt};

use prometheus_client::encoding::DescriptorEncoder;

use super::samples::{Family, LabelPairs};
use crate::{
    tracker::{
        Bounds, ClassFigures, DURATION, ErrorType, FIRST_TOKEN, Histogram, Kind, MetricsReading, OUTPUT_TOKEN, TOKENS,
    },
    usage::{Operation, gen_ai_provider_name},
};

const NANOSECONDS: f64 = 1e9;

/// The labels of a class: provider, model, operation and type of error.
type ClassNames = (String, String, Option<&'static str>, Option<&'static str>);

/// The figures of ended requests by OpenTelemetry's names. Providers that have one name there are one.
#[derive(Debug)]
pub(super) struct GenAi(BTreeMap<ClassNames, ClassFigures>);

/// A histogram of each class, in nanoseconds.
struct LatencyMetrics {
    family: Family,
    bounds: Bounds,
    of: fn(&ClassFigures) -> &Histogram,
}

const LATENCIES: [LatencyMetrics; 3] = [
    LatencyMetrics {
        family: Family::of_seconds(
            "gen_ai_server_request_duration",
            "Time from the start of a request to the end of its response body.",
        ),
        bounds: DURATION,
        of: |class| &class.duration,
    },
    LatencyMetrics {
        family: Family::of_seconds(
            "gen_ai_server_time_to_first_token",
            "Time from the start of a request to the first token of its streamed answer.",
        ),
        bounds: FIRST_TOKEN,
        of: |class| &class.first_token,
    },
    LatencyMetrics {
        family: Family::of_seconds(
            "gen_ai_server_time_per_output_token",
            "Time per output token after the first one, of completed streamed answers.",
        ),
        bounds: OUTPUT_TOKEN,
        of: |class| &class.output_token,
    },
];

const TOKEN_USAGE: Family = Family::of(
    "gen_ai_client_token_usage",
    "Tokens of a request as its provider reported them, cached ones and reasoning included.",
);

/// A part of the tokens of each class.
struct TokenPart {
    family: Family,
    of: fn(&ClassFigures) -> u64,
    /// The tokens that it is a part of.
    whole: fn(&ClassFigures) -> &Histogram,
}

const PARTS: [TokenPart; 3] = [
    TokenPart {
        family: Family::of(
            "gen_ai_client_inference_usage_cache_read_input_tokens",
            "Input tokens that were read from a cache, as reported.",
        ),
        of: |class| class.cache_read_tokens,
        whole: |class| &class.input_tokens,
    },
    TokenPart {
        family: Family::of(
            "gen_ai_client_inference_usage_cache_write_input_tokens",
            "Input tokens that were written to a cache, as reported.",
        ),
        of: |class| class.cache_creation_tokens,
        whole: |class| &class.input_tokens,
    },
    TokenPart {
        family: Family::of(
            "gen_ai_client_inference_usage_reasoning_output_tokens",
            "Output tokens that were spent on reasoning, as reported.",
        ),
        of: |class| class.reasoning_tokens,
        whole: |class| &class.output_tokens,
    },
];

impl GenAi {
    pub(super) fn new(reading: &MetricsReading) -> Self {
        let mut classes: BTreeMap<ClassNames, ClassFigures> = BTreeMap::new();
        for ((provider, model), key) in &reading.keys {
            for (Kind { operation, error_type }, figures) in &key.classes {
                let names = (
                    gen_ai_provider_name(provider).to_owned(),
                    model.clone(),
                    operation.map(Operation::as_str),
                    error_type.map(ErrorType::as_str),
                );
                classes.entry(names).or_default().merge(figures);
            }
        }
        Self(classes)
    }

    pub(super) fn encode(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        for LatencyMetrics { family, bounds, of } in &LATENCIES {
            family.histograms(encoder, bounds, NANOSECONDS, self.samples(of))?;
        }
        let input = self.samples(|class| &class.input_tokens).map(|sample| of_type("input", sample));
        let output = self.samples(|class| &class.output_tokens).map(|sample| of_type("output", sample));
        TOKEN_USAGE.histograms(encoder, TOKENS, 1.0, input.chain(output))?;
        for TokenPart { family, of, whole } in &PARTS {
            // Without a report there is no number, not even 0.
            let samples = self.samples(|class| (of(class), whole(class)));
            let reported = samples.filter(|(_, (_, whole))| !whole.counts().is_empty());
            family.counters(encoder, reported.map(|(labels, (tokens, _))| (labels, tokens)))?;
        }
        Ok(())
    }

    fn samples<'a, V>(&'a self, of: impl Fn(&'a ClassFigures) -> V) -> impl Iterator<Item = (LabelPairs<'a>, V)> {
        self.0.iter().map(move |((provider, model, operation, error_type), class)| {
            let mut labels: LabelPairs<'a> =
                vec![("gen_ai_provider_name", provider.as_str()), ("gen_ai_request_model", model.as_str())];
            labels.extend(operation.map(|operation| ("gen_ai_operation_name", operation)));
            labels.extend(error_type.map(|error_type| ("error_type", error_type)));
            (labels, of(class))
        })
    }
}

fn of_type<'a, V>(token_type: &'static str, (mut labels, value): (LabelPairs<'a>, V)) -> (LabelPairs<'a>, V) {
    labels.push(("gen_ai_token_type", token_type));
    (labels, value)
}
