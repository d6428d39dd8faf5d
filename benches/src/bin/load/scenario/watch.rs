//! Viewers of the live list: how soon they know, and what they cost those who work.

use super::Asked;
use crate::{
    Failure, client,
    client::{Ask, Connection, HOST, Held},
    plan::{Api, Plan},
    process::file_limit,
    results::{Rounds, micros, percentile},
    targets::{Kind, Target},
};
use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use std::{collections::HashSet, time::Duration};
use tokio::{
    sync::mpsc::{UnboundedSender, unbounded_channel},
    task::JoinSet,
    time::{Instant, timeout},
};

/// The path, before a number, of the requests that viewers look for.
const MARK: &str = "/mark-";

/// Requests in a round.
const MARKED: usize = 10;

pub async fn viewers(asked: &Asked) -> Result<Rounds, Failure> {
    let mut rounds = Rounds::default();
    let targets = [asked.stage.start(Kind::Floor).await?, asked.stage.start(Kind::Proxy).await?];
    for (count, goal) in [(1, ""), (50, "< 1 ms"), (1000, "< 5 ms")] {
        for round in 0..asked.rounds {
            for target in &targets {
                let delays = sightings(target, count, round).await?;
                let what = |percent| format!("request to event, p{percent} of {count} viewers, ms");
                rounds.add(&what(50), goal, target, percentile(delays.clone(), 50));
                rounds.add(&what(99), "", target, percentile(delays, 99));
            }
        }
    }
    Ok(rounds)
}

/// How long after their start the marked requests of a round are seen by so many viewers, in milliseconds.
async fn sightings(target: &Target, count: usize, round: usize) -> Result<Vec<f64>, Failure> {
    let (seen, mut sightings) = unbounded_channel();
    let _viewers = open(target, count, &seen).await?;
    let connection = Connection::open(target.server.port).await?;
    let mut delays = Vec::with_capacity(count * MARKED);
    for n in 0..MARKED {
        // Events go out at most every 100 ms: one that follows another would wait for that.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let mark = round * MARKED + n;
        let mut ask = Ask::new(target, Api::OpenAi, Plan::new(2, 50), true);
        ask.path = format!("{}{MARK}{mark}/", ask.path);
        let start = Instant::now();
        let answer = connection.ask(&ask).await?;
        for _ in 0..count {
            let sighting = timeout(Duration::from_secs(5), sightings.recv()).await;
            let (number, at) = sighting.map_err(|_| "a viewer has missed a request")?.ok_or("no viewers")?;
            if number != mark {
                return Err(format!("a viewer saw request {number} during {mark}").into());
            }
            delays.push(micros(at - start) / 1000.0);
        }
        answer.finish().await?;
    }
    Ok(delays)
}

pub async fn rows(asked: &Asked) -> Result<Rounds, Failure> {
    const ROWS: usize = 10_000;
    /// Streams that share a connection, so that the proxy has files enough for the other side.
    const SHARED: usize = 100;
    let mut rounds = Rounds::default();
    if ROWS + ROWS / SHARED + 300 > file_limit()? {
        println!("{ROWS} live rows need {} open files: skipped", ROWS + ROWS / SHARED + 300);
        return Ok(rounds);
    }
    let target = asked.stage.start(Kind::Proxy).await?;
    let slow = Ask::new(&target, Api::OpenAi, Plan::new(200, 4000), true);
    let mut streams = Held::open(&target, &slow, ROWS, SHARED).await?;
    let work = Ask::new(&target, Api::OpenAi, Plan::new(20, 0), false);
    let (seen, _sightings) = unbounded_channel();
    for _ in 0..asked.rounds {
        for count in [0, 100] {
            let viewers = open(&target, count, &seen).await?;
            // The first, whole list is not what is asked about.
            tokio::time::sleep(Duration::from_secs(1)).await;
            let (cpu, start) = (target.server.cpu()?, Instant::now());
            let took: Vec<f64> = client::run(&target, &work, 1, 20_000).await?.into_iter().map(micros).collect();
            let share = (target.server.cpu()? - cpu).as_secs_f64() / start.elapsed().as_secs_f64();
            drop(viewers);
            let with = format!("10,000 rows, {count} viewers");
            rounds.add(&format!("{with}: latency p50, us"), "<= 1.02 x none", &target, percentile(took.clone(), 50));
            rounds.add(&format!("{with}: latency p99, us"), "", &target, percentile(took, 99));
            rounds.add(&format!("{with}: processors busy"), "", &target, share);
        }
        streams.check()?;
    }
    streams.abandon().await;
    Ok(rounds)
}

/// Opens so many viewers' streams, which tell of each marked request once.
async fn open(target: &Target, count: usize, seen: &UnboundedSender<(usize, Instant)>) -> Result<JoinSet<()>, Failure> {
    let mut viewers = JoinSet::new();
    for _ in 0..count {
        let connection = Connection::open(target.server.port).await?;
        let request = Request::get("/metrics/active-requests/stream?format=delta").header(header::HOST, HOST);
        let response = connection.send(request.body(Full::default())?).await?;
        let content_type = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if !content_type.is_some_and(|value| value.starts_with("text/event-stream")) {
            return Err("the proxy offers no stream of its live list".into());
        }
        let seen = seen.clone();
        viewers.spawn(async move {
            look_out(response.into_body(), &seen).await;
            drop(connection);
        });
    }
    Ok(viewers)
}

async fn look_out(mut body: Incoming, seen: &UnboundedSender<(usize, Instant)>) {
    let mut known = HashSet::new();
    // A mark may be cut in two.
    let mut text = Vec::new();
    while let Some(Ok(frame)) = body.frame().await {
        text.extend_from_slice(frame.data_ref().unwrap_or(&Bytes::new()));
        let mut rest = &text[..];
        while let Some(at) = memchr::memmem::find(rest, MARK.as_bytes()) {
            let after = &rest[at + MARK.len()..];
            let Some(end) = memchr::memchr(b'/', after) else { break };
            let number = std::str::from_utf8(&after[..end]).ok().and_then(|digits| digits.parse().ok());
            if let Some(number) = number.filter(|number| known.insert(*number)) {
                let _ = seen.send((number, Instant::now()));
            }
            rest = &after[end..];
        }
        let tail = rest.len().min(MARK.len() + 20);
        text = rest[rest.len() - tail..].to_vec();
    }
}
