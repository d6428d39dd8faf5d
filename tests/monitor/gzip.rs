//! gzip for viewers that ask, compressed once for all.

use crate::support::{Monitor, bytes, header, ms};
use flate2::{Decompress, FlushDecompress, read::GzDecoder};
use http_body_util::BodyExt;
use std::io::Read;
use tokio::time::sleep;

const GZIP: [(&str, &str); 1] = [("accept-encoding", "gzip, deflate, br")];

fn unzip(file: &[u8]) -> String {
    let mut text = String::new();
    GzDecoder::new(file).read_to_string(&mut text).unwrap();
    text
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_worth_it_is_compressed_for_those_who_ask() {
    let monitor = Monitor::new();
    let small = monitor.ask("GET", "/active-requests", &GZIP).await;
    assert_eq!(header(small.headers(), "content-encoding"), None, "fits into a packet anyway");
    assert_eq!(header(small.headers(), "vary"), Some("accept-encoding"));

    let _requests: Vec<_> = (0..100).map(|_| monitor.start("openai:gpt-4o")).collect();
    let plain = monitor.get("/active-requests").await;
    assert_eq!(header(plain.headers(), "content-encoding"), None);
    assert_eq!(header(plain.headers(), "vary"), Some("accept-encoding"));
    let zipped = monitor.ask("GET", "/active-requests", &GZIP).await;
    assert_eq!(header(zipped.headers(), "content-encoding"), Some("gzip"));
    assert_eq!(zipped.headers()["etag"], plain.headers()["etag"], "a weak tag names both");
    let (plain, zipped) = (bytes(plain).await, bytes(zipped).await);
    assert_eq!(unzip(&zipped), std::str::from_utf8(&plain).unwrap());
    assert!(zipped.len() * 5 < plain.len(), "{} of {}", zipped.len(), plain.len());
    let refused = monitor.ask("GET", "/active-requests", &[("accept-encoding", "gzip;q=0")]).await;
    assert_eq!(bytes(refused).await, plain);
}

#[tokio::test(start_paused = true)]
async fn every_event_of_a_compressed_stream_can_be_read_when_it_comes() {
    let monitor = Monitor::new();
    for format in ["update", "delta"] {
        let path = format!("/active-requests/stream?format={format}");
        let mut plain = monitor.get(&path).await.into_body();
        let response = monitor.ask("GET", &path, &GZIP).await;
        assert_eq!(header(response.headers(), "content-encoding"), Some("gzip"));
        assert_eq!(header(response.headers(), "vary"), Some("accept-encoding"));
        let mut zipped = response.into_body();
        let mut sent = zipped.frame().await.unwrap().unwrap().into_data().unwrap().to_vec();
        assert_eq!(sent.len(), 10, "the header");
        let mut inflater = Decompress::new(false);
        let mut requests = Vec::new();
        for _ in 0..5 {
            let expected = plain.frame().await.unwrap().unwrap().into_data().unwrap();
            let piece = zipped.frame().await.unwrap().unwrap().into_data().unwrap();
            let mut text = Vec::with_capacity(expected.len() + 1);
            inflater.decompress_vec(&piece, &mut text, FlushDecompress::Sync).unwrap();
            assert_eq!(text, expected);
            sent.extend_from_slice(&piece);
            requests.push(monitor.start("openai:gpt-4o"));
            sleep(ms(110)).await;
        }
        drop((plain, zipped, requests));
        sleep(ms(110)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_compressed_stream_is_a_whole_file_when_it_ends() {
    let monitor = Monitor::new();
    let mut early = monitor.watch("delta").await;
    early.event().await;
    let _request = monitor.start("openai:gpt-4o");
    sleep(ms(500)).await;
    let late = monitor.ask("GET", "/active-requests/stream?format=delta", &GZIP).await;
    let collected = tokio::spawn(bytes(late));
    sleep(ms(500)).await;
    let _other = monitor.start("openai:gpt-4o");
    sleep(ms(500)).await;
    monitor.tracker.shutdown();
    let text = unzip(&collected.await.unwrap());
    let events: Vec<_> = text.split_terminator("\n\n").map(|event| event.lines().next().unwrap()).collect();
    assert_eq!(events, ["retry: 2000", "event: update", "event: delta"]);
}
