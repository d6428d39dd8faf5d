//! The series: each request once, in the step of its start and in that of its end.

use std::{thread, time::Duration};

use active_requests::{
    MonitorConfig, RequestTracker, TrackerConfig,
    tracker::{Outcome, RequestInfo, Series},
    usage::{Observation, Reading, Usage, UsageSource},
};
use http::{Method, StatusCode};
use serde_json::json;
use tokio::time::advance;

use crate::support::Watched;

const STEP: Duration = Duration::from_secs(10);

fn started(series: &Series) -> u64 {
    series.points.iter().map(|point| point.started).sum()
}

fn ended(series: &Series) -> u64 {
    series.points.iter().flat_map(|point| &point.outcomes).map(|(_, count)| count).sum()
}

#[tokio::test(start_paused = true)]
async fn a_request_is_counted_in_the_step_of_its_start_and_in_that_of_its_end() {
    let watched = Watched::new();
    let info = RequestInfo::new().is_streaming(true);
    let [mut first, second, third] = [(); 3].map(|()| watched.start(&info));
    let series = watched.tracker.series();
    assert_eq!(series.points.len(), 1, "nothing has ended yet, and three have started");
    assert_eq!((series.points[0].started, ended(&series)), (3, 0));
    let begin = series.points[0].t;

    first.head(StatusCode::OK, Some(true), Observation::Full);
    advance(Duration::from_millis(300)).await;
    let usage = Usage::new().input_tokens(10).output_tokens(20);
    first.record(&Reading::new().text_bytes(80).usage(usage).source(UsageSource::Reported));
    advance(STEP - Duration::from_millis(300)).await;
    first.finish(Outcome::Completed);
    second.finish(Outcome::ClientDisconnect);

    let series = watched.tracker.series();
    let [begun, done] = &series.points[..] else { panic!("{:?}", series.points) };
    assert_eq!((begun.t, begun.started, &begun.outcomes[..]), (begin, 3, &[][..]));
    assert_eq!((done.t, done.started), (begin + 10, 0));
    assert_eq!(done.outcomes, [(Outcome::Completed, 1), (Outcome::ClientDisconnect, 1)]);
    assert_eq!((done.input_tokens, done.output_tokens), (10, 20));
    let place = |counts: &[u32], bounds: &[u64]| {
        assert_eq!(counts.len(), bounds.len() + 1);
        let index = counts.iter().position(|count| *count > 0).unwrap();
        (counts[index], bounds[index - 1], bounds[index])
    };
    assert_eq!(place(&done.duration, series.bounds_ms.duration), (2, 8_192, 10_240));
    assert_eq!(place(&done.first_token, series.bounds_ms.first_token), (1, 256, 320));
    drop(third);
    assert_eq!((started(&watched.tracker.series()), ended(&watched.tracker.series())), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn every_end_counts_whether_it_is_still_a_note_or_handed_over() {
    let watched = Watched::new();
    for count in 1..=200 {
        watched.start(&RequestInfo::new()).finish(Outcome::Completed);
        let series = watched.tracker.series();
        assert_eq!((started(&series), ended(&series)), (count, count));
    }
    (0..200).for_each(|_| watched.start(&RequestInfo::new()).finish(Outcome::Killed));
    assert_eq!(ended(&watched.tracker.series()), 400);
}

#[tokio::test(start_paused = true)]
async fn an_hour_is_kept_and_no_more() {
    let watched = Watched::new();
    let long = watched.start(&RequestInfo::new());
    for _ in 0..400 {
        watched.start(&RequestInfo::new()).finish(Outcome::Completed);
        advance(STEP).await;
    }
    let series = watched.tracker.series();
    let now = series.points.iter().map(|point| point.t).max().unwrap() + 10;
    assert_eq!(series.points.len(), 360, "in the running step nothing has happened");
    assert!(series.points.windows(2).all(|pair| pair[0].t + 10 == pair[1].t), "oldest first, without a gap");
    assert_eq!(series.points[0].t, now - 3_600);
    assert_eq!(started(&series), 360, "the start of what is in flight is longer ago than an hour");
    long.finish(Outcome::Completed);
    let series = watched.tracker.series();
    assert_eq!((series.points.len(), started(&series), ended(&series)), (361, 360, 361));

    advance(STEP * 1_000).await;
    assert_eq!(watched.tracker.series().points.len(), 0);
    watched.start(&RequestInfo::new()).finish(Outcome::Completed);
    assert_eq!(watched.tracker.series().points.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_first_token_of_an_answer_that_is_not_streamed_is_not_counted() {
    let watched = Watched::new();
    for (is_streaming, counted) in [(Some(false), 0), (None, 0), (Some(true), 1)] {
        let mut request = watched.start(&RequestInfo::new());
        request.head(StatusCode::OK, is_streaming, Observation::Full);
        request.record(&Reading::new().text_bytes(8));
        request.finish(Outcome::Completed);
        let point = watched.tracker.series().points.pop().unwrap();
        assert_eq!(point.first_token.iter().sum::<u32>(), counted, "{is_streaming:?}");
    }
}

/// The percentile that a reader computes from buckets, evenly filled.
fn percentile(counts: &[u32], bounds: &[u64], share: f64) -> f64 {
    let mut left = share * f64::from(counts.iter().sum::<u32>());
    for (index, count) in counts.iter().enumerate() {
        if f64::from(*count) >= left {
            let lower = if index == 0 { 0.0 } else { bounds[index - 1] as f64 };
            return lower + (bounds[index] as f64 - lower) * left / f64::from(*count);
        }
        left -= f64::from(*count);
    }
    unreachable!("the last bucket is empty")
}

#[tokio::test(start_paused = true)]
async fn percentiles_are_close_to_those_of_the_durations() {
    for scale in [3.0, 40.0, 700.0, 9_000.0] {
        let watched = Watched::new();
        // Exponential, by its quantiles.
        let durations: Vec<f64> = (0..500).map(|n| -scale * (1.0 - (f64::from(n) + 0.5) / 500.0).ln()).collect();
        for duration in &durations {
            let request = watched.start(&RequestInfo::new());
            advance(Duration::from_secs_f64(duration / 1_000.0)).await;
            request.finish(Outcome::Completed);
        }
        let series = watched.tracker.series();
        let mut counts = vec![0; series.bounds_ms.duration.len() + 1];
        for point in &series.points {
            counts.iter_mut().zip(&point.duration).for_each(|(sum, count)| *sum += count);
        }
        // What is older than an hour is gone; the durations were in ascending order.
        let kept = &durations[durations.len() - counts.iter().sum::<u32>() as usize..];
        for share in [0.5, 0.95] {
            let exact = kept[(share * kept.len() as f64) as usize];
            let read = percentile(&counts, series.bounds_ms.duration, share);
            let off = (read / exact - 1.0).abs();
            assert!(off < 0.15 || (read - exact).abs() < 1.0, "{share}: {read} instead of {exact} ms");
        }
    }
}

#[test]
fn no_request_is_lost_or_counted_twice_while_threads_end_them_and_others_read() {
    const EACH: u64 = 2_000;
    let tracker = RequestTracker::default();
    thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    for _ in 0..EACH {
                        let request = tracker.start(&Method::GET, "/", &RequestInfo::new()).unwrap();
                        request.finish(Outcome::Completed);
                    }
                })
            })
            .collect();
        let mut last = (0, 0);
        while !writers.iter().all(thread::ScopedJoinHandle::is_finished) {
            let series = tracker.series();
            let now = (started(&series), ended(&series));
            assert!(now.0 >= last.0 && now.1 >= last.1, "{now:?} after {last:?}");
            assert!(now.0 >= now.1 && now.0 - now.1 <= 4, "{now:?}: each thread has at most one in flight");
            last = now;
        }
    });
    let series = tracker.series();
    assert_eq!((started(&series), ended(&series)), (4 * EACH, 4 * EACH));
}

#[tokio::test(start_paused = true)]
async fn the_series_is_served_as_json() {
    let watched = Watched::new();
    watched.start(&RequestInfo::new()).finish(Outcome::Completed);
    advance(STEP * 3).await;
    watched.start(&RequestInfo::new()).finish(Outcome::Truncated);

    let answer = watched.get("/metrics/series", &[]).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    let series = answer.json();
    assert_eq!(series["step_ms"], 10_000);
    assert!(series["timestamp"].as_f64().unwrap() - series["since"].as_f64().unwrap() >= 30.0);
    assert!(series["since"].as_f64().unwrap() >= 1.7e9);
    let points = series["points"].as_array().unwrap();
    assert_eq!(points.len(), 2, "{points:?}");
    assert_eq!(points[0]["outcomes"], json!({"completed": 1}));
    assert_eq!(points[1]["outcomes"], json!({"truncated": 1}));
    assert_eq!(points[1]["t"].as_u64(), points[0]["t"].as_u64().map(|t| t + 30));
    for figure in ["duration", "first_token"] {
        let bounds = series["bounds_ms"][figure].as_array().unwrap().len();
        assert_eq!(points[0][figure].as_array().unwrap().len(), bounds + 1, "{figure}");
    }
    let keys: Vec<_> = points[0].as_object().unwrap().keys().map(String::as_str).collect();
    let expected = ["duration", "first_token", "input_tokens", "outcomes", "output_tokens", "started", "t"];
    assert_eq!(keys, expected);

    let later = watched.get(&format!("/metrics/series?from={}", points[1]["t"]), &[]).await.json();
    assert_eq!(later["points"].as_array().unwrap(), &points[1..]);
    assert_eq!(watched.get("/metrics/series?from=noon", &[]).await.status, 400);
}

#[tokio::test(start_paused = true)]
async fn without_tracking_the_series_is_empty_and_says_why() {
    let watched = Watched::with(TrackerConfig::default().enabled(false), MonitorConfig::default());
    let series = watched.get("/metrics/series", &[]).await.json();
    assert_eq!((&series["disabled"], &series["points"]), (&json!(true), &json!([])));
    assert_eq!(series["suggestion"], "Set LOG_REQUEST_METRICS=true to enable tracking");
    assert!(Watched::new().get("/metrics/series", &[]).await.json().get("disabled").is_none());
}
