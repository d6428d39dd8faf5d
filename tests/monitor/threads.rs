//! Many threads and the machine's own clock: subscribers come, lag and leave while requests do.

use crate::support::{Event, Monitor, Table, Viewer, ms};
use active_requests::{
    tracker::{BodyProgress, Outcome, RequestTracker},
    usage::{Observation, Reading},
};
use http::StatusCode;
use std::time::Duration;
use tokio::{sync::watch, time::timeout};

/// Starts requests and ends them again, but for the last few.
async fn produce(monitor: &Monitor, seed: usize) -> Vec<active_requests::tracker::ActiveRequest> {
    let mut requests = Vec::new();
    for number in 0..1500 {
        let mut request = monitor.start("openai:gpt-4o");
        if number % 3 == seed % 3 {
            request.head(StatusCode::OK, Some(true), Observation::Full);
            request.frame(BodyProgress { response_bytes: number as u64, text_bytes: 0 });
        }
        if number % 5 == 0 {
            request.record(&Reading::new().text_bytes(1));
        }
        requests.push(request);
        if requests.len() > 20 {
            requests.swap_remove((number * 7 + seed) % 20).finish(Outcome::Completed);
        }
        if number % 16 == 0 {
            tokio::time::sleep(Duration::from_micros(500)).await;
        }
    }
    requests
}

/// Reads until the table equals the tracker's rows, which no longer change.
async fn catch_up(viewer: &mut Viewer, table: &mut Table, tracker: &RequestTracker) {
    let truth = Table::of(tracker);
    timeout(Duration::from_secs(20), async {
        while *table != truth {
            table.apply(&Event::parse(&viewer.next().await));
        }
    })
    .await
    .expect("in time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_viewer_is_ever_left_with_a_wrong_table() {
    let monitor = Monitor::quiet();
    let (done, is_done) = watch::channel(false);
    let viewers = (0..12).map(|number| {
        let monitor = monitor.clone();
        let mut is_done = is_done.clone();
        tokio::spawn(async move {
            let format = if number % 3 == 0 { "update" } else { "delta" };
            let mut table = Table::default();
            let mut viewer = monitor.watch(format).await;
            for step in 0..20 {
                // Some are slow, and some leave and come back with what they have seen.
                if number % 2 == 0 {
                    tokio::time::sleep(ms(number)).await;
                }
                let event = tokio::select! {
                    event = viewer.event() => event,
                    _ = is_done.wait_for(|done| *done) => break,
                };
                table.apply(&event);
                if number % 4 == 1 && step % 5 == 4 {
                    drop(viewer);
                    viewer = monitor.watch_with(format, &[("last-event-id", &event.id)]).await;
                }
            }
            (viewer, table)
        })
    });
    let viewers: Vec<_> = viewers.collect();
    let producers: Vec<_> = (0..4)
        .map(|seed| {
            let monitor = monitor.clone();
            tokio::spawn(async move { produce(&monitor, seed).await })
        })
        .collect();
    let mut requests = Vec::new();
    for producer in producers {
        requests.extend(producer.await.unwrap());
    }
    done.send(true).unwrap();
    let mut followed = Vec::new();
    for viewer in viewers {
        let (mut viewer, mut table) = viewer.await.unwrap();
        catch_up(&mut viewer, &mut table, &monitor.tracker).await;
        followed.push((viewer, table));
    }
    assert_eq!(requests.len(), 80);
    // Events come in order: whoever shows one request more, and else the same, has been sent nothing wrong in between.
    requests.push(monitor.start("the last"));
    for (mut viewer, mut table) in followed {
        catch_up(&mut viewer, &mut table, &monitor.tracker).await;
    }
}
