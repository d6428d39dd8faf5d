//! Beats, to the millisecond.

use crate::{channel, is_silent, next};
use active_requests::sse::{Event, KeepAlive, Sse};
use futures_util::stream;
use http_body_util::BodyExt;
use std::{convert::Infallible, pin::pin, time::Duration};
use tokio::time::{Instant, advance, sleep};

const SECOND: Duration = Duration::from_secs(1);

/// Seconds from `start`.
fn at(start: Instant) -> f64 {
    start.elapsed().as_secs_f64()
}

#[tokio::test(start_paused = true)]
async fn by_default_a_comment_is_sent_after_every_15_s_of_silence() {
    let (_sender, body) = channel();
    let mut body = pin!(body.keep_alive(KeepAlive::default()));
    let start = Instant::now();
    for expected in [15.0, 30.0, 45.0] {
        assert_eq!(next(&mut body).await.as_deref(), Some(": keepalive\n\n"));
        assert_eq!(at(start), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_puts_the_next_beat_off() {
    let (sender, body) = channel();
    let mut body = pin!(body.keep_alive(KeepAlive::after_silence(10 * SECOND)));
    let start = Instant::now();
    tokio::spawn(async move {
        for _ in 0..3 {
            sleep(6 * SECOND).await;
            sender.send(Event::new().data("a")).await.expect("the body is there");
        }
        sleep(60 * SECOND).await;
    });
    let mut seen = Vec::new();
    for _ in 0..5 {
        let frame = next(&mut body).await.expect("a frame");
        seen.push((at(start), frame.starts_with(": ")));
    }
    assert_eq!(seen, [(6.0, false), (12.0, false), (18.0, false), (28.0, true), (38.0, true)]);
}

#[tokio::test(start_paused = true)]
async fn a_beat_on_its_own_clock_is_not_moved_by_events() {
    let (sender, body) = channel();
    let mut body = pin!(body.keep_alive(KeepAlive::every(10 * SECOND).text("heartbeat")));
    let start = Instant::now();
    tokio::spawn(async move {
        for _ in 0..3 {
            sleep(6 * SECOND).await;
            sender.send(Event::new().data("a")).await.expect("the body is there");
        }
        sleep(60 * SECOND).await;
    });
    let mut seen = Vec::new();
    for _ in 0..6 {
        let frame = next(&mut body).await.expect("a frame");
        assert!(frame == ": heartbeat\n\n" || frame == "data: a\n\n", "{frame:?}");
        seen.push((at(start), frame.starts_with(": ")));
    }
    assert_eq!(seen, [(6.0, false), (10.0, true), (12.0, false), (18.0, false), (20.0, true), (30.0, true)]);
}

#[tokio::test(start_paused = true)]
async fn a_busy_stream_does_not_starve_a_beat_on_its_own_clock() {
    let events = stream::repeat_with(|| Ok::<_, Infallible>(Event::new().data("a")));
    let mut body = pin!(Sse::new(events).keep_alive(KeepAlive::every(10 * SECOND)));
    let mut beats = 0;
    for _ in 0..100 {
        beats += u32::from(next(&mut body).await.expect("a frame").starts_with(": "));
        advance(SECOND).await;
    }
    // 100 frames, of which every eleventh or so is a beat: at 10 s, 20 s, ... 90 s.
    assert_eq!(beats, 9);
}

#[tokio::test(start_paused = true)]
async fn a_busy_stream_needs_no_beat_after_silence() {
    let events = stream::repeat_with(|| Ok::<_, Infallible>(Event::new().data("a")));
    let mut body = pin!(Sse::new(events).keep_alive(KeepAlive::after_silence(SECOND)));
    for _ in 0..10 {
        assert_eq!(next(&mut body).await.as_deref(), Some("data: a\n\n"));
        advance(2 * SECOND).await;
    }
}

#[tokio::test(start_paused = true)]
async fn missed_beats_are_not_made_up_for() {
    let cases = [
        (KeepAlive::every(10 * SECOND), [35.0, 40.0, 50.0]),
        (KeepAlive::after_silence(10 * SECOND), [35.0, 45.0, 55.0]),
    ];
    for (keep_alive, expected) in cases {
        let (_sender, body) = channel();
        let mut body = pin!(body.keep_alive(keep_alive));
        let start = Instant::now();
        assert!(is_silent(&mut body).await);
        // A client that does not read: nobody polls.
        advance(35 * SECOND).await;
        let mut seen = Vec::new();
        for _ in 0..3 {
            next(&mut body).await.expect("a frame");
            seen.push(at(start));
        }
        assert_eq!(seen, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn the_clock_starts_with_the_first_poll() {
    for keep_alive in [KeepAlive::every(10 * SECOND), KeepAlive::after_silence(10 * SECOND)] {
        let (_sender, body) = channel();
        let mut body = pin!(body.keep_alive(keep_alive));
        advance(60 * SECOND).await;
        let start = Instant::now();
        next(&mut body).await.expect("a frame");
        assert_eq!(at(start), 10.0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_beat_may_be_any_event_and_is_encoded_once() {
    let (_sender, body) = channel();
    let ping = Event::new().event("ping").data("{}");
    let mut body = pin!(body.keep_alive(KeepAlive::every(SECOND).event(ping)));
    let mut beats = Vec::new();
    for _ in 0..2 {
        let frame = body.frame().await.expect("a frame").expect("no error");
        beats.push(frame.into_data().expect("data"));
    }
    assert_eq!(beats[0], "event: ping\ndata: {}\n\n");
    assert_eq!(beats[0].as_ptr(), beats[1].as_ptr(), "the same bytes, not a copy");
}

#[tokio::test(start_paused = true)]
async fn a_text_cannot_break_out_of_its_comment() {
    let (_sender, body) = channel();
    let mut body = pin!(body.keep_alive(KeepAlive::default().text("a\n\ndata: b")));
    assert_eq!(next(&mut body).await.as_deref(), Some(": a\n: \n: data: b\n\n"));
}

#[tokio::test(start_paused = true)]
async fn no_period_is_too_short_or_too_long() {
    let periods = [(Duration::ZERO, 0.001), (Duration::MAX, 365.0 * 86_400.0)];
    for (period, expected) in periods {
        for keep_alive in [KeepAlive::every(period), KeepAlive::after_silence(period)] {
            let (_sender, body) = channel();
            let mut body = pin!(body.keep_alive(keep_alive));
            let start = Instant::now();
            next(&mut body).await.expect("a frame");
            assert_eq!(at(start), expected);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_stream_ends_the_beats() {
    let (sender, body) = channel();
    let mut body = pin!(body.keep_alive(KeepAlive::every(SECOND)));
    assert!(next(&mut body).await.is_some());
    drop(sender);
    assert_eq!(next(&mut body).await, None);
    advance(10 * SECOND).await;
    assert_eq!(next(&mut body).await, None);
}
