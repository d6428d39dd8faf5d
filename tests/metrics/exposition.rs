//! `GET /metrics`: families, labels and formats.

use std::{
    collections::BTreeMap,
    pin::Pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use active_requests::{
    MonitorConfig, TrackerConfig,
    cost::Prices,
    tracker::{Outcome, RequestInfo},
    usage::{Observation, ProviderUsage, Reading, Usage, UsageSource},
};
use http::StatusCode;
use tokio::time::advance;

use crate::support::Watched;

/// The samples of a text, by name with labels.
pub(crate) struct Samples(pub(crate) BTreeMap<String, f64>);

impl Samples {
    pub(crate) fn parse(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let mut samples = BTreeMap::new();
        for line in lines {
            let (name, value) = line.rsplit_once(' ').unwrap();
            let earlier = samples.insert(name.to_owned(), value.parse().unwrap());
            assert!(earlier.is_none(), "twice: {name}");
        }
        Self(samples)
    }

    pub(crate) async fn of(watched: &Watched) -> Self {
        let answer = watched.get("/metrics", &[]).await;
        assert_eq!(answer.status, 200);
        Self::parse(&answer.text())
    }

    /// The value of a sample; `None` if there is none.
    #[track_caller]
    pub(crate) fn get(&self, name: &str) -> Option<f64> {
        self.0.get(name).copied()
    }

    fn names(&self, family: &str) -> Vec<&str> {
        self.0.keys().map(String::as_str).filter(|name| name.split('{').next() == Some(family)).collect()
    }

    fn sum(&self, family: &str) -> f64 {
        self.names(family).into_iter().filter_map(|name| self.get(name)).sum()
    }
}

fn reported() -> Reading {
    let usage = Usage::new().input_tokens(100).output_tokens(21).cache_read_tokens(40).reasoning_tokens(5);
    let provider = ProviderUsage::new().input_tokens(100).output_tokens(21);
    Reading::new().text_bytes(80).usage(usage).provider_usage(provider).source(UsageSource::Reported)
}

#[tokio::test(start_paused = true)]
async fn a_request_is_a_gauge_while_it_is_in_flight_and_counters_when_it_has_ended() {
    let watched = Watched::new();
    let mut request = watched.start(&RequestInfo::new().model("openai:gpt-4o").is_streaming(true));
    advance(Duration::from_millis(200)).await;
    let samples = Samples::of(&watched).await;
    assert_eq!(samples.get(r#"active_requests{provider="openai",model="gpt-4o",phase="waiting"}"#), Some(1.0));
    assert_eq!(samples.get(r#"active_requests{provider="openai",model="gpt-4o",phase="streaming"}"#), Some(0.0));
    assert_eq!(samples.get(r#"active_requests_oldest_seconds{provider="openai"}"#), Some(0.2));
    assert_eq!(samples.sum("gen_ai_server_request_duration_seconds_count"), 0.0);

    request.head(StatusCode::OK, Some(true), Observation::Full);
    request.record(&reported());
    let samples = Samples::of(&watched).await;
    assert_eq!(samples.get(r#"active_requests{provider="openai",model="gpt-4o",phase="streaming"}"#), Some(1.0));
    assert_eq!(samples.get(r#"active_requests_output_tokens{provider="openai",model="gpt-4o"}"#), Some(21.0));

    advance(Duration::from_millis(800)).await;
    request.finish(Outcome::Completed);
    let samples = Samples::of(&watched).await;
    assert_eq!(samples.sum("active_requests"), 0.0);
    assert_eq!(samples.get(r#"active_requests_oldest_seconds{provider="openai"}"#), Some(0.0));
    let ended = r#"active_requests_ended_total{provider="openai",model="gpt-4o",outcome="completed"}"#;
    assert_eq!((samples.get(ended), samples.sum("active_requests_ended_total")), (Some(1.0), 1.0));
    let class = r#"gen_ai_provider_name="openai",gen_ai_request_model="gpt-4o",gen_ai_operation_name="chat""#;
    for (histogram, sum, lower, upper) in [
        ("gen_ai_server_request_duration_seconds", 1.0, "0.64", "1.28"),
        ("gen_ai_server_time_to_first_token_seconds", 0.2, "0.1", "0.25"),
        ("gen_ai_server_time_per_output_token_seconds", 0.04, "0.025", "0.05"),
    ] {
        assert_eq!(samples.get(&format!("{histogram}_sum{{{class}}}")), Some(sum), "{histogram}");
        let at = |bound: &str| samples.get(&format!("{histogram}_bucket{{le=\"{bound}\",{class}}}"));
        assert_eq!((at(lower), at(upper), at("+Inf")), (Some(0.0), Some(1.0), Some(1.0)), "{histogram}");
    }
    for (token_type, tokens) in [("input", 100.0), ("output", 21.0)] {
        let name = format!("gen_ai_client_token_usage_sum{{{class},gen_ai_token_type={token_type:?}}}");
        assert_eq!(samples.get(&name), Some(tokens));
    }
    for (part, tokens) in [("cache_read_input", 40.0), ("cache_write_input", 0.0), ("reasoning_output", 5.0)] {
        let name = format!("gen_ai_client_inference_usage_{part}_tokens_total{{{class}}}");
        assert_eq!(samples.get(&name), Some(tokens));
    }
}

#[tokio::test(start_paused = true)]
async fn tokens_that_no_provider_has_reported_are_not_counted() {
    let watched = Watched::new();
    let mut request = watched.start(&RequestInfo::new().is_streaming(true));
    request.head(StatusCode::OK, Some(true), Observation::Full);
    request.handle().add_text_bytes(400);
    assert!(Samples::of(&watched).await.sum("active_requests_output_tokens") > 0.0, "estimated");
    request.finish(Outcome::Completed);
    // The input is told at the beginning of a stream that its client then leaves.
    let mut request = watched.start(&RequestInfo::new());
    let provider = ProviderUsage::new().input_tokens(7).output_tokens(1);
    let usage = Usage::new().input_tokens(7).output_tokens(1);
    request.record(&Reading::new().usage(usage).provider_usage(provider).source(UsageSource::Partial));
    request.head(StatusCode::OK, Some(true), Observation::Full);
    drop(request);
    let samples = Samples::of(&watched).await;
    let counts = samples.names("gen_ai_client_token_usage_count");
    assert!(matches!(&counts[..], [input] if input.contains(r#"gen_ai_token_type="input""#)), "{counts:?}");
    assert!(counts[0].contains(r#"error_type="client_disconnect""#), "{counts:?}");
    assert_eq!(samples.sum("gen_ai_server_time_per_output_token_seconds_count"), 0.0);
}

#[tokio::test(start_paused = true)]
async fn the_number_of_series_does_not_grow_with_what_clients_send() {
    let tracker = TrackerConfig::default().max_keys(8);
    let watched = Watched::with(tracker, MonitorConfig::default());
    let errors = [StatusCode::OK, StatusCode::BAD_REQUEST, StatusCode::TOO_MANY_REQUESTS, StatusCode::BAD_GATEWAY];
    let flood = |from: usize| {
        for number in from..from + 2_000 {
            let model = format!("model-{number}");
            let path = ["/v1/chat/completions", "/v1/embeddings", "/v1/completions", "/x"][number % 4];
            let info = RequestInfo::new().provider("p").model(model.as_str());
            for status in errors {
                let mut request = watched.tracker.start(&http::Method::POST, path, &info).unwrap();
                request.head(status, None, Observation::Full);
                request.finish(if status == StatusCode::OK { Outcome::Completed } else { Outcome::UpstreamError });
            }
        }
    };
    flood(0);
    let first = Samples::of(&watched).await;
    flood(2_000);
    let second = Samples::of(&watched).await;
    assert_eq!(first.0.keys().collect::<Vec<_>>(), second.0.keys().collect::<Vec<_>>());
    assert_eq!(second.sum("active_requests_ended_total"), 16_000.0, "none is lost");
    assert_eq!(second.sum("gen_ai_server_request_duration_seconds_count"), 16_000.0);
    assert_eq!(second.get("active_requests_keys_folded_total"), Some(16_000.0 - 8.0 * 4.0));
    assert!(second.0.iter().all(|(name, value)| first.get(name).is_some_and(|before| before <= *value)));
}

#[tokio::test(start_paused = true)]
async fn classes_beyond_the_cap_count_as_other() {
    let watched = Watched::with(TrackerConfig::default().max_keys(1), MonitorConfig::default());
    let paths = ["/v1/chat/completions", "/v1/embeddings", "/v1/completions", "/x", "/m:generateContent"];
    for _ in 0..2 {
        for path in paths {
            let info = RequestInfo::new().provider("p").model("m");
            watched.tracker.start(&http::Method::POST, path, &info).unwrap().finish(Outcome::Completed);
        }
    }
    let samples = Samples::of(&watched).await;
    let counts = samples.names("gen_ai_server_request_duration_seconds_count");
    let others = counts.iter().filter(|name| name.contains(r#"gen_ai_request_model="other""#)).count();
    assert_eq!((counts.len(), others), (5, 1), "{counts:?}");
    let ended = r#"active_requests_ended_total{provider="p",model="m",outcome="completed"}"#;
    assert_eq!(samples.get(ended), Some(10.0));
    assert_eq!(samples.get("active_requests_keys_folded_total"), Some(0.0));
}

#[tokio::test(start_paused = true)]
async fn names_that_come_to_the_same_are_one_series() {
    let watched = Watched::with(TrackerConfig::default().max_keys(4), MonitorConfig::default());
    // Two names of one provider at OpenTelemetry, the very names of the key that the rest is folded into, and the rest.
    for provider in ["kimi", "moonshot", "moonshot_ai", "other", "a", "b"] {
        watched.start(&RequestInfo::new().provider(provider).model("other")).finish(Outcome::Completed);
    }
    let samples = Samples::of(&watched).await;
    let count = |provider: &str| {
        let name = "gen_ai_server_request_duration_seconds_count";
        let labels = "gen_ai_request_model=\"other\",gen_ai_operation_name=\"chat\"";
        samples.get(&format!("{name}{{gen_ai_provider_name={provider:?},{labels}}}"))
    };
    assert_eq!((count("moonshot_ai"), count("other")), (Some(3.0), Some(3.0)));
    let ended = r#"active_requests_ended_total{provider="other",model="other",outcome="completed"}"#;
    assert_eq!(samples.get(ended), Some(3.0));
    assert_eq!(samples.get("active_requests_keys_folded_total"), Some(2.0));
}

#[tokio::test(start_paused = true)]
async fn costs_are_counted_once_there_are_prices() {
    let watched = Watched::new();
    let end = |model| {
        let mut request = watched.start(&RequestInfo::new().provider("openai").model(model));
        request.head(StatusCode::OK, None, Observation::Full);
        request.record(&reported());
        request.finish(Outcome::Completed);
    };
    end("priced");
    assert_eq!(Samples::of(&watched).await.names("active_requests_cost_usd_total").len(), 0);
    let prices = r#"{"priced": {"input_cost_per_token": 0.5, "output_cost_per_token": 2, "mode": "chat"}}"#;
    watched.tracker.set_prices(Prices::from_litellm(prices).unwrap());
    end("priced");
    end("unknown");
    let samples = Samples::of(&watched).await;
    let of = |family: &str, model| samples.get(&format!("{family}{{provider=\"openai\",model={model:?}}}"));
    assert_eq!(of("active_requests_cost_usd_total", "priced"), Some(92.0));
    assert_eq!(of("active_requests_cost_usd_total", "unknown"), Some(0.0));
    assert_eq!(of("active_requests_unpriced_total", "priced"), Some(1.0), "the one from before there were prices");
    assert_eq!(of("active_requests_unpriced_total", "unknown"), Some(1.0));
}

#[tokio::test(start_paused = true)]
async fn the_client_chooses_the_format() {
    let watched = Watched::new();
    watched.start(&RequestInfo::new()).finish(Outcome::Completed);
    let open_metrics = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    for (accept, content_type, family) in [
        ("*/*", open_metrics, "# TYPE active_requests_ended counter\n"),
        ("text/plain", "text/plain; version=0.0.4; charset=utf-8", "# TYPE active_requests_ended_total counter\n"),
    ] {
        for path in ["/metrics", "/metrics/"] {
            let answer = watched.get(path, &[("accept", accept)]).await;
            let text = answer.text();
            assert_eq!((answer.status, answer.header("content-type")), (200, content_type));
            assert!(answer.headers.get_all("vary").iter().any(|vary| vary == "accept"), "{:?}", answer.headers);
            assert!(text.contains(family) && text.ends_with("\n# EOF\n"), "{text}");
            assert_eq!(Samples::parse(&text).sum("active_requests_ended_total"), 1.0);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_tracking_there_is_only_the_services_own_health() {
    let watched = Watched::with(TrackerConfig::default().enabled(false), MonitorConfig::default());
    let samples = Samples::of(&watched).await;
    let names: Vec<_> = samples.0.keys().map(|name| name.split('{').next().unwrap()).collect();
    let health = [
        "active_requests_blind_total",
        "active_requests_build_info",
        "active_requests_feed_skipped_total",
        "active_requests_keys_folded_total",
        "active_requests_start_time_seconds",
        "active_requests_subscribers",
    ];
    assert_eq!(names, health);
}

#[tokio::test(start_paused = true)]
async fn a_response_that_could_not_be_read_is_counted() {
    let watched = Watched::new();
    for observation in [Observation::Full, Observation::None, Observation::None] {
        let mut request = watched.start(&RequestInfo::new());
        request.head(StatusCode::OK, None, observation);
        request.finish(Outcome::Completed);
    }
    assert_eq!(Samples::of(&watched).await.get("active_requests_blind_total"), Some(2.0));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_turned_away_is_counted_apart() {
    let watched = Watched::new();
    let mut request = watched.start(&RequestInfo::new().provider("p").model("m"));
    request.head(StatusCode::UNAUTHORIZED, None, Observation::Full);
    request.finish(Outcome::Refused);
    let samples = Samples::of(&watched).await;
    assert_eq!(samples.get("active_requests_refused_total"), Some(1.0));
    let other = ["active_requests_ended_total", "gen_ai_server_request_duration_seconds_count"];
    assert!(other.iter().all(|family| samples.names(family).is_empty()), "{:?}", samples.0);
    assert_eq!(samples.get("active_requests_keys_folded_total"), Some(0.0));
}

#[tokio::test(start_paused = true)]
async fn names_of_any_characters_are_quoted() {
    let watched = Watched::new();
    for (model, written) in
        [(r#"a"b"#, r#"a\"b"#), (r"a\b", r"a\\b"), ("a\nb", r"a\nb"), ("é漢🦀", "é漢🦀"), (r#"} 1"#, r#"} 1"#)]
    {
        watched.start(&RequestInfo::new().provider("p").model(model)).finish(Outcome::Completed);
        let samples = Samples::of(&watched).await;
        let name = format!(r#"active_requests_ended_total{{provider="p",model="{written}",outcome="completed"}}"#);
        assert_eq!(samples.get(&name), Some(1.0), "{model:?}");
    }
}

/// Polls once.
fn polled<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[tokio::test(start_paused = true)]
async fn metrics_are_written_while_the_thread_that_was_asked_does_other_things() {
    let watched = Watched::new();
    let mut answers: Vec<_> = (0..3).map(|_| Box::pin(watched.get("/metrics", &[]))).collect();
    for answer in &mut answers {
        assert!(polled(answer.as_mut()).is_pending(), "it is not written by the call");
    }
    // One whose client has left holds up nobody.
    drop(answers.remove(0));
    for answer in answers {
        let answer = answer.await;
        assert_eq!(answer.status, 200);
        assert!(answer.text().ends_with("\n# EOF\n"));
    }
}

#[test]
fn metrics_are_written_without_a_runtime_too() {
    let watched = Watched::new();
    let mut answer = std::pin::pin!(watched.get("/metrics", &[]));
    let Poll::Ready(answer) = polled(answer.as_mut()) else { panic!("there is nobody to wait for") };
    assert!(answer.text().ends_with("\n# EOF\n"));
}
