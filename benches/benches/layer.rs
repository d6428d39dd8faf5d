//! The whole layer round a service that answers at once, beside the bare service and what else counts requests in tower: a
//! request without a body, a body that is no event stream, and token streams.

use active_requests::{track::ActiveRequestsLayer, tracker::RequestTracker};
use active_requests_benches::{Frames, bare, block_on, events};
use axum_prometheus::PrometheusMetricLayer;
use bytes::Bytes;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime};
use http::{Request, Response};
use http_body::Body;
use http_body_util::Empty;
use std::convert::Infallible;
use tower::{Layer, Service};
use tower_http::{
    metrics::{InFlightRequestsLayer, in_flight_requests::InFlightRequestsCounter},
    trace::TraceLayer,
};

/// Frames or events of a body that has any.
const FRAMES: usize = 1000;

fn layers(c: &mut Criterion) {
    // Its exporter wants to be made inside a runtime.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let prometheus = {
        let _inside = runtime.enter();
        PrometheusMetricLayer::pair().0
    };
    let mut rounds = |name: &str, frames: Frames, count: usize| {
        let mut group = c.benchmark_group(format!("layer/{name}"));
        group.throughput(Throughput::Elements(count.max(1) as u64));
        let service = || bare(frames.clone());
        exchange(&mut group, "bare service", service());
        exchange(&mut group, "ours", ActiveRequestsLayer::new(RequestTracker::default()).layer(service()));
        exchange(
            &mut group,
            "InFlightRequestsLayer",
            InFlightRequestsLayer::new(InFlightRequestsCounter::new()).layer(service()),
        );
        exchange(&mut group, "TraceLayer, no subscriber", TraceLayer::new_for_http().layer(service()));
        exchange(&mut group, "axum-prometheus", prometheus.layer(service()));
        group.finish();
    };
    rounds("request without body", Frames::none(), 0);
    rounds("frame of a plain body", Frames::plain(FRAMES), FRAMES);
    // What the others do with these is not reading them.
    rounds("answer in one piece, OpenAI Chat", Frames::answer(events::OPENAI_ANSWER), 1);
    rounds("event, OpenAI Chat", Frames::events(events::OPENAI_CHAT, FRAMES), FRAMES);
    rounds("event, Anthropic", Frames::events(events::ANTHROPIC, FRAMES), FRAMES);
    rounds("event, OpenAI Responses", Frames::events(events::OPENAI_RESPONSES, FRAMES), FRAMES);
    rounds("event, Gemini", Frames::events(events::GEMINI, FRAMES), FRAMES);
}

/// One exchange, from the request to the end of the body.
fn exchange<S, B>(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, mut service: S)
where
    S: Service<Request<Empty<Bytes>>, Response = Response<B>, Error = Infallible>,
    B: Body<Error = Infallible>,
{
    group.bench_function(name, |bencher| bencher.iter(|| block_on(service.call(Request::new(Empty::new())))));
}

criterion_group!(benches, layers);
criterion_main!(benches);
