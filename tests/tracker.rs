//! The registry from outside: what is on the list, what is counted, what is remembered.

use active_requests::{
    config::TrackerConfig,
    tracker::{ActiveRequest, BodyProgress, ErrorType, Outcome, RequestInfo, RequestTracker, TotalsFilter},
    usage::{Observation, Reading},
};
use http::{Method, StatusCode};
use serde_json::json;
use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

fn start(tracker: &RequestTracker, model: &str) -> ActiveRequest {
    tracker.start(&Method::POST, "/v1/messages", &RequestInfo::new().model(model)).unwrap()
}

fn end(tracker: &RequestTracker, model: &str, outcome: Outcome) {
    start(tracker, model).finish(outcome);
}

#[tokio::test(start_paused = true)]
async fn the_list_shows_the_newest_first() {
    let tracker = RequestTracker::default();
    let mut kept = Vec::new();
    for model in ["a", "b", "c"] {
        kept.push(start(&tracker, model));
        tokio::time::advance(Duration::from_millis(1)).await;
    }
    let models: Vec<_> = tracker.snapshot().into_iter().map(|row| row.model).collect();
    assert_eq!(models, ["c", "b", "a"]);
}

#[test]
fn every_request_has_an_id_of_its_own() {
    let tracker = RequestTracker::default();
    let mut seen = HashSet::new();
    for _ in 0..1000 {
        let request = start(&tracker, "m");
        assert!(seen.insert(request.id()));
        assert_eq!(tracker.get(request.id()).unwrap().request_id, request.id());
    }
    assert!(seen.into_iter().all(|id| tracker.get(id).is_none()), "those that have ended are not found");
    let other = RequestTracker::default();
    let request = start(&other, "m");
    assert!(tracker.get(request.id()).is_none(), "nor those of another tracker");
}

#[test]
fn a_request_is_counted_once_while_active_or_when_ended() {
    let tracker = RequestTracker::default();
    end(&tracker, "openai:gpt-4o", Outcome::Completed);
    end(&tracker, "openai:gpt-4o", Outcome::ClientDisconnect);
    let _active = start(&tracker, "anthropic:claude");
    let with = tracker.running_totals(&TotalsFilter::default());
    assert_eq!((with.total_requests, with.total_errors, with.active_requests), (3, 1, 1));
    let without = tracker.running_totals(&TotalsFilter::new().include_active(false));
    assert_eq!((without.total_requests, without.active_requests), (2, 1));
    assert_eq!(with.providers["openai"].models["gpt-4o"].totals.total.requests, 2);
    assert_eq!(with.providers["anthropic"].rollup.total.requests, 1);
    let only = tracker.running_totals(&TotalsFilter::new().provider("OPEN*"));
    assert_eq!((only.total_requests, only.active_requests), (2, 0), "the active ones are filtered like the rest");
}

#[test]
fn totals_are_kept_by_the_resolved_model_and_apart_for_streams() {
    let tracker = RequestTracker::default();
    for streaming in [true, false, true] {
        let info =
            RequestInfo::new().provider("openai").model("fast").resolved_model("gpt-4o-mini").is_streaming(streaming);
        tracker.start(&Method::POST, "/", &info).unwrap().finish(Outcome::Completed);
    }
    let totals = tracker.running_totals(&TotalsFilter::default());
    let model = &totals.providers["openai"].models["gpt-4o-mini"].totals;
    assert_eq!(
        (model.total.requests, model.streaming.unwrap().requests, model.non_streaming.unwrap().requests),
        (3, 2, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn latencies_are_counted_by_model_and_added_up_by_provider() {
    let tracker = RequestTracker::default();
    let begin = |model: &str, streaming| {
        let info = RequestInfo::new().provider("openai").model(model).is_streaming(streaming);
        tracker.start(&Method::POST, "/", &info).unwrap()
    };
    let (fast, slow, whole) = (begin("fast", true), begin("slow", true), begin("fast", false));
    let refused = begin("fast", false);
    refused.handle().set_refused();
    tokio::time::advance(Duration::from_millis(3)).await;
    for request in [&fast, &slow, &whole] {
        request.record(&Reading::new().text_bytes(4));
    }
    tokio::time::advance(Duration::from_millis(997)).await;
    for request in [fast, whole, refused] {
        request.finish(Outcome::Completed);
    }
    tokio::time::advance(Duration::from_secs(3000)).await;
    let begun = serde_json::to_value(tracker.running_totals(&TotalsFilter::default())).unwrap();
    assert_eq!(begun["latency"]["duration_ms"], json!({"1024": 2}), "what is in flight has no duration yet");
    slow.finish(Outcome::Completed);

    let totals = serde_json::to_value(tracker.running_totals(&TotalsFilter::default())).unwrap();
    let provider = &totals["providers"]["openai"];
    assert_eq!(provider["models"]["fast"]["latency"], json!({"duration_ms": {"1024": 2}, "first_token_ms": {"3": 1}}));
    assert_eq!(provider["models"]["slow"]["latency"], json!({"duration_ms": {"inf": 1}, "first_token_ms": {"3": 1}}));
    let both = json!({"duration_ms": {"1024": 2, "inf": 1}, "first_token_ms": {"3": 2}});
    assert_eq!((&provider["latency"], &totals["latency"]), (&both, &both));
}

#[tokio::test(start_paused = true)]
async fn durations_are_those_of_requests_that_have_ended() {
    let tracker = RequestTracker::default();
    let (first, second) = (start(&tracker, "m"), start(&tracker, "m"));
    let _active = start(&tracker, "m");
    tokio::time::advance(Duration::from_millis(100)).await;
    first.finish(Outcome::Completed);
    tokio::time::advance(Duration::from_millis(200)).await;
    second.finish(Outcome::Completed);
    let totals = tracker.running_totals(&TotalsFilter::default());
    assert_eq!((totals.total_duration_ms, totals.average_duration_ms, totals.total_requests), (400, 200, 3));
    let traces = tracker.recent_traces(10);
    assert_eq!(traces.iter().map(|trace| trace.duration_ms).collect::<Vec<_>>(), [300, 100]);
}

#[test]
fn the_newest_errors_and_traces_are_remembered_and_numbered_apart() {
    let tracker = RequestTracker::default();
    for number in 0..300 {
        let outcome = if number % 2 == 0 { Outcome::Completed } else { Outcome::Cancelled };
        end(&tracker, &format!("m{number}"), outcome);
    }
    let traces = tracker.recent_traces(usize::MAX);
    assert_eq!((traces.len(), traces[0].seq, traces[0].model.as_str()), (200, 300, "m299"));
    assert!(traces.windows(2).all(|pair| pair[0].seq == pair[1].seq + 1));
    let errors = tracker.recent_errors(3);
    assert_eq!(errors.iter().map(|error| error.seq).collect::<Vec<_>>(), [150, 149, 148]);
    assert_eq!(errors.iter().map(|error| error.model.as_str()).collect::<Vec<_>>(), ["m299", "m297", "m295"]);
}

#[test]
fn a_hundred_thousand_model_names_are_counted_under_ten() {
    let tracker = RequestTracker::new(TrackerConfig::default().max_keys(10));
    for number in 0..100_000 {
        end(&tracker, &format!("hostile-{number}"), Outcome::Completed);
    }
    let totals = tracker.running_totals(&TotalsFilter::default());
    let models: usize = totals.providers.values().map(|provider| provider.models.len()).sum();
    assert_eq!(models, 11, "ten, and the others together");
    assert_eq!(totals.providers["other"].models["other"].totals.total.requests, 100_000 - 10);
    assert_eq!(tracker.recent_traces(1)[0].model, "hostile-99999", "a trace keeps its own name");
}

#[test]
fn many_threads_leave_nothing_behind_and_count_right() {
    let tracker = RequestTracker::default();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for round in 0..1000 {
                    let mut kept: Vec<_> = (0..10).map(|_| start(&tracker, "m")).collect();
                    kept.truncate(round % 10);
                    assert!(tracker.active() <= 40);
                }
            });
        }
        scope.spawn(|| {
            for _ in 0..100 {
                let totals = tracker.running_totals(&TotalsFilter::default());
                assert!(totals.total_requests <= 40_000);
                let rows = tracker.snapshot();
                let ids: HashSet<_> = rows.iter().map(|row| row.request_id).collect();
                assert_eq!(ids.len(), rows.len(), "no row stands twice");
            }
        });
    });
    assert_eq!(tracker.active(), 0);
    assert_eq!(tracker.running_totals(&TotalsFilter::default()).total_requests, 40_000);
}

#[test]
fn a_guard_may_end_on_another_thread() {
    let tracker = RequestTracker::default();
    let request = start(&tracker, "m");
    std::thread::spawn(move || request.finish(Outcome::Completed)).join().unwrap();
    assert_eq!((tracker.active(), tracker.recent_traces(1)[0].outcome), (0, Outcome::Completed));
}

#[tokio::test(start_paused = true)]
async fn a_change_wakes_who_waits_and_silence_times_out() {
    let tracker = RequestTracker::default();
    let seen = tracker.version();
    assert_eq!(tracker.wait_for_change(seen, Duration::from_secs(60)).await, seen);

    let waiting = tokio::spawn({
        let tracker = tracker.clone();
        async move { tracker.wait_for_change(seen, Duration::from_secs(60)).await }
    });
    tokio::task::yield_now().await;
    let mut request = start(&tracker, "m");
    assert_ne!(waiting.await.unwrap(), seen);

    let seen = tracker.version();
    request.frame(BodyProgress { response_bytes: 10, text_bytes: 0 });
    request.handle().set_error("a counter and a note are no change");
    assert_eq!(tracker.version(), seen);
    for change in [
        &mut |request: &mut ActiveRequest| request.head(StatusCode::OK, None, Observation::Full),
        &mut |request: &mut ActiveRequest| request.handle().set_model("other"),
        &mut |request: &mut ActiveRequest| request.handle().set_stage("thinking"),
    ] as [&mut dyn FnMut(&mut ActiveRequest); 3]
    {
        let seen = tracker.version();
        change(&mut request);
        assert_ne!(tracker.wait_for_change(seen, Duration::from_secs(60)).await, seen);
    }
    let seen = tracker.version();
    drop(request);
    assert_ne!(tracker.version(), seen);
}

#[tokio::test(start_paused = true)]
async fn shutdown_ends_the_waiting_but_not_the_tracking() {
    let tracker = RequestTracker::default();
    let seen = tracker.version();
    let before = tokio::time::Instant::now();
    let waiting = tokio::spawn({
        let tracker = tracker.clone();
        async move { tracker.wait_for_change(seen, Duration::from_secs(60)).await }
    });
    tokio::task::yield_now().await;
    tracker.shutdown();
    assert_eq!(waiting.await.unwrap(), seen);
    assert_eq!(tracker.wait_for_change(seen, Duration::from_secs(60)).await, seen, "nor does one wait afterwards");
    assert_eq!(before.elapsed(), Duration::ZERO);
    let _request = start(&tracker, "m");
    assert_eq!(tracker.active(), 1);
}

#[test]
fn last_accessed_is_the_start_of_the_latest_request_or_later_if_told() {
    let tracker = RequestTracker::default();
    assert_eq!(tracker.last_accessed(), None);
    let _active = start(&tracker, "openai:gpt-4o");
    let by_start = tracker.last_accessed().unwrap();
    let later = SystemTime::now() + Duration::from_secs(3600);
    tracker.update_last_accessed("anthropic", "claude", later);
    let totals = tracker.running_totals(&TotalsFilter::default());
    assert!(totals.last_accessed.top.unwrap() > by_start);
    assert_eq!(totals.providers["openai"].last_accessed, by_start);
    tracker.update_last_accessed("anthropic", "claude", SystemTime::UNIX_EPOCH);
    assert!(tracker.last_accessed().unwrap() > by_start, "an earlier time changes nothing");
}

#[test]
fn what_a_panic_unwinds_through_is_let_go_of() {
    let tracker = RequestTracker::default();
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _request = start(&tracker, "m");
        panic!("as the test asks");
    }));
    assert!(result.is_err());
    assert_eq!((tracker.active(), tracker.recent_traces(1)[0].outcome), (0, Outcome::Panicked));
}

#[test]
fn each_request_that_ends_is_told_once_to_every_hook() {
    let tracker = RequestTracker::default();
    let (first, second) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
    let ids = tracker.on_end({
        let first = Arc::clone(&first);
        move |entry| first.lock().unwrap().push(entry.request_id)
    });
    let counts = tracker.on_end({
        let (second, tracker) = (Arc::clone(&second), tracker.clone());
        move |entry| {
            assert!(tracker.get(entry.request_id).is_none(), "it has left the list, and no lock is held");
            second.fetch_add(1, Ordering::Relaxed);
        }
    });
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..500).for_each(|_| end(&tracker, "m", Outcome::Completed)));
        }
    });
    let told: HashSet<_> = first.lock().unwrap().iter().copied().collect();
    assert_eq!((told.len(), first.lock().unwrap().len(), second.load(Ordering::Relaxed)), (2000, 2000, 2000));
    assert!(tracker.remove_on_end(ids) && !tracker.remove_on_end(ids));
    end(&tracker, "m", Outcome::Completed);
    assert_eq!((first.lock().unwrap().len(), second.load(Ordering::Relaxed)), (2000, 2001));
    assert!(tracker.remove_on_end(counts));
    end(&tracker, "m", Outcome::Completed);
    assert_eq!(second.load(Ordering::Relaxed), 2001);
}

#[test]
fn a_hook_that_panics_keeps_nothing_back() {
    let tracker = RequestTracker::default();
    let told = Arc::new(Mutex::new(Vec::new()));
    tracker.on_end(|_| panic!("as the test asks"));
    tracker.on_end({
        let told = Arc::clone(&told);
        move |entry| told.lock().unwrap().push(entry.outcome)
    });
    end(&tracker, "m", Outcome::Completed);
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _request = start(&tracker, "m");
        panic!("while a request is in flight");
    }));
    assert!(result.is_err());
    assert_eq!(*told.lock().unwrap(), [Outcome::Completed, Outcome::Panicked]);
    assert_eq!(tracker.active(), 0);
}

#[test]
fn refused_requests_flush_nothing_and_are_counted_apart() {
    let tracker = RequestTracker::new(TrackerConfig::default().max_refusals(20).max_keys(10));
    let told = Arc::new(AtomicUsize::new(0));
    tracker.on_end({
        let told = Arc::clone(&told);
        move |entry| _ = told.fetch_add((entry.outcome == Outcome::Refused).into(), Ordering::Relaxed)
    });
    end(&tracker, "openai:gpt-4o", Outcome::Completed);
    end(&tracker, "openai:gpt-4o", Outcome::BodyError);
    for number in 0..1000 {
        let mut request = start(&tracker, &format!("hostile-{number}"));
        request.handle().set_error("no key");
        request.handle().set_refused();
        assert_eq!(tracker.running_totals(&TotalsFilter::default()).total_requests, 2, "nor while it is in flight");
        request.head(StatusCode::UNAUTHORIZED, Some(false), Observation::Full);
        // However its own answer fares.
        if number % 2 == 0 { request.finish(Outcome::UpstreamError) } else { drop(request) }
    }
    assert_eq!((tracker.recent_errors(1000).len(), tracker.recent_traces(1000).len()), (1, 2));
    let refusals = tracker.recent_refusals(1000);
    assert_eq!(refusals.iter().map(|entry| entry.seq).collect::<Vec<_>>(), (981..=1000).rev().collect::<Vec<_>>());
    let newest = &refusals[0];
    assert_eq!((newest.model.as_str(), newest.error.as_deref()), ("hostile-999", Some("no key")));
    assert_eq!((newest.outcome, newest.status, newest.http_status), (Outcome::Refused, "error", Some(401)));
    assert_eq!(newest.error_type, Some(ErrorType::AuthError));
    assert_eq!(told.load(Ordering::Relaxed), 1000, "each end is told");
    let totals = tracker.running_totals(&TotalsFilter::default());
    assert_eq!((totals.total_requests, totals.total_errors, totals.refused_requests), (2, 1, 1000));
    assert_eq!(totals.providers.keys().collect::<Vec<_>>(), ["openai"], "they use up no names");
    end(&tracker, "new", Outcome::Completed);
    assert_eq!(tracker.recent_traces(1)[0].seq, 3, "traces are numbered without them");
}

#[test]
fn an_operator_and_a_panic_beat_a_refusal() {
    let tracker = RequestTracker::default();
    for outcome in [Outcome::Killed, Outcome::Panicked] {
        let request = start(&tracker, "m");
        request.handle().set_refused();
        request.finish(outcome);
        assert_eq!(tracker.recent_errors(1)[0].outcome, outcome);
    }
    assert!(tracker.recent_refusals(1).is_empty());
}
