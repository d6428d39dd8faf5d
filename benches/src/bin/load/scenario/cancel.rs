//! Requests that an operator cancels: how long their upstream requests outlive the `DELETE`.

use super::{Asked, exchange};
use crate::{
    Failure,
    client::{Ask, Connection, HOST},
    plan::{Api, Plan},
    results::{Rounds, micros, percentile},
    targets::{Kind, OPERATOR, Target},
};
use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::{BodyExt, Full};
use serde_json::Value;
use std::time::Duration;
use tokio::time::Instant;

/// Requests in a round, of each kind of client.
const REQUESTS: usize = 120;

pub async fn cancel(asked: &Asked) -> Result<Rounds, Failure> {
    let mut rounds = Rounds::default();
    let target = asked.stage.start(Kind::Cancelling).await?;
    // Chunks enough to fill all that lies between upstream and client.
    let large = Plan { size: 16_000, ..Plan::new(2500, 0) };
    for (who, reads, plan, goal) in
        [("reading", true, Plan::new(2000, 5), "p99 < 10 ms"), ("not reading", false, large, "p99 < 100 ms")]
    {
        let ask = Ask::new(&target, Api::OpenAi, plan, true);
        let mut took = Vec::with_capacity(asked.rounds * REQUESTS);
        for _ in 0..asked.rounds * REQUESTS {
            took.push(micros(cancelled(&asked.stage.upstream, &target, &ask, reads).await?) / 1000.0);
        }
        for percent in [50, 99] {
            let what = format!("DELETE to upstream gone, {who}, p{percent}, ms");
            rounds.add(&what, goal, &target, percentile(took.clone(), percent));
        }
    }
    let mut targets = Vec::new();
    for kind in [Kind::Floor, Kind::Untracked, Kind::Proxy] {
        targets.push(asked.stage.start(kind).await?);
    }
    targets.push(target);
    let what = "CPU per request, by what is on, us";
    exchange::add_cost(&targets, asked.rounds, &exchange::SHORT, what, "", &mut rounds).await?;
    Ok(rounds)
}

/// Cancels a request in mid-stream. Returns how long after the `DELETE` was sent its upstream request had gone.
async fn cancelled(upstream: &Target, target: &Target, ask: &Ask, reads: bool) -> Result<Duration, Failure> {
    let client = Connection::open(target.server.port).await?;
    let mut answer = client.ask(ask).await?;
    answer.next().await?;
    let operator = Connection::open(target.server.port).await?;
    let mut row = row(&operator).await?;
    let (reader, sleeper) = if reads { (Some(tokio::spawn(answer.finish())), None) } else { (None, Some(answer)) };
    while sleeper.is_some() {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let before = std::mem::replace(&mut row, self::row(&operator).await?);
        if before["response_bytes"] == row["response_bytes"] {
            break;
        }
    }

    let watcher = Connection::open(upstream.server.port).await?;
    let ended = String::from_utf8(ask_for(&watcher, Method::GET, "/ended").await?.into())?;
    let gone = tokio::spawn(async move {
        ask_for(&watcher, Method::GET, &format!("/ended/{ended}")).await?;
        Ok::<_, Failure>(Instant::now())
    });
    tokio::task::yield_now().await;
    let id = row["request_id"].as_str().ok_or("a row without an id")?;
    let start = Instant::now();
    ask_for(&operator, Method::DELETE, &format!("/metrics/active-requests/{id}")).await?;
    let took = gone.await?? - start;
    drop(sleeper);
    let Some(reader) = reader else { return Ok(took) };
    if reader.await?.is_ok() { Err("a cancelled answer came as a whole".into()) } else { Ok(took) }
}

/// The only row.
async fn row(operator: &Connection) -> Result<Value, Failure> {
    let page = ask_for(operator, Method::GET, "/metrics/active-requests").await?;
    let mut snapshot: Value = serde_json::from_slice(&page)?;
    match snapshot["active_requests"].as_array_mut().map(std::mem::take).as_deref_mut() {
        Some([row]) => Ok(row.take()),
        _ => Err(format!("there should be one row: {snapshot}").into()),
    }
}

async fn ask_for(connection: &Connection, method: Method, path: &str) -> Result<Bytes, Failure> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, HOST)
        .header("x-api-key", OPERATOR)
        .body(Full::default())?;
    Ok(connection.send(request).await?.into_body().collect().await?.to_bytes())
}
