//! A hundred large requests at one time, and the most memory that they take.

use super::Asked;
use crate::{
    Failure, client,
    client::Ask,
    plan::{Api, Plan},
    reply::Reply,
    results::Rounds,
};
use active_requests_benches::bodies;
use std::time::Duration;

const REQUESTS: usize = 100;

pub async fn peak(asked: &Asked) -> Result<Rounds, Failure> {
    let mut rounds = Rounds::default();
    // The answers wait until all requests have come.
    let plan = Plan { hold: Duration::from_millis(500), ..Plan::new(20, 0) };
    for (what, body) in
        [("1 MB", bodies::prompt(1 << 20)), ("1 MB, model last", bodies::with_model_last(&bodies::prompt(1 << 20)))]
    {
        for _ in 0..asked.rounds.min(3) {
            for &kind in &asked.kinds {
                // The peak is one of a process's whole life.
                let target = asked.stage.start(kind).await?;
                let small = Ask::new(&target, Api::OpenAi, Plan::new(20, 0), false);
                client::run(&target, &small, 8, 200).await?;
                let before = target.server.memory()?;
                let ask = Ask::with_body(&target, Api::OpenAi, body.clone(), Reply::Whole(plan));
                client::run(&target, &ask, REQUESTS, REQUESTS).await?;
                let megabytes = (target.server.peak_memory()? - before) / 1024.0;
                rounds.add(&format!("MB at most, {REQUESTS} requests of {what} at a time"), "", &target, megabytes);
            }
        }
    }
    Ok(rounds)
}
