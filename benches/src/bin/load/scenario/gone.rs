//! Clients that leave: how long their rows and their upstream requests outlive them.

use super::Asked;
use crate::{
    Failure,
    client::{Ask, Connection, HOST},
    plan::{Api, Plan},
    results::Rounds,
    targets::{Kind, Target},
};
use http::Request;
use http_body_util::{BodyExt, Full};
use std::time::Duration;
use tokio::{task::JoinSet, time::Instant};

const CLIENTS: usize = 20;

/// The time after which a target is given up.
const LONGEST: Duration = Duration::from_secs(5);

pub async fn gone(asked: &Asked) -> Result<Rounds, Failure> {
    let mut rounds = Rounds::default();
    let upstream = &asked.stage.upstream;
    for target in asked.targets().await? {
        for _ in 0..asked.rounds {
            for (when, hold) in [("before the head", 60), ("in mid-stream", 0)] {
                // Where somebody has not let go in time, the next ones are counted from there.
                let others = live(upstream, "/stats").await?;
                let plan = Plan { hold: Duration::from_secs(hold), ..Plan::new(60, 1000) };
                let ask = Ask::new(&target, Api::OpenAi, plan, true);
                let mut clients = JoinSet::new();
                for _ in 0..CLIENTS {
                    let (port, ask) = (target.server.port, ask.clone());
                    clients.spawn(async move { Connection::open(port).await?.ask(&ask).await?.finish().await });
                }
                wait_until(async || Ok(live(upstream, "/stats").await? == others + CLIENTS)).await?;
                let left = Instant::now();
                clients.shutdown().await;
                let has_rows = target.name == Kind::Proxy.name();
                wait_until(async || {
                    let rows = if has_rows { live(&target, "/health").await? } else { 0 };
                    Ok(rows + live(upstream, "/stats").await? <= others)
                })
                .await?;
                let what = format!("client gone {when} to all gone, ms");
                rounds.add(&what, "<= 100 ms", &target, left.elapsed().as_secs_f64() * 1e3);
            }
        }
    }
    Ok(rounds)
}

/// Returns when it is so, or after the longest wait.
async fn wait_until(mut is_so: impl AsyncFnMut() -> Result<bool, Failure>) -> Result<(), Failure> {
    let start = Instant::now();
    while start.elapsed() < LONGEST && !is_so().await? {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}

/// Reads a page that holds one number.
async fn live(target: &Target, path: &str) -> Result<usize, Failure> {
    let connection = Connection::open(target.server.port).await?;
    let request = Request::get(path).header(http::header::HOST, HOST).body(Full::default())?;
    let page = connection.send(request).await?.into_body().collect().await?.to_bytes();
    let digits: String = page.iter().map(|&byte| char::from(byte)).filter(char::is_ascii_digit).collect();
    Ok(digits.parse()?)
}
