//! Many streams at a time: the memory each takes, and what stays when they are gone.

use super::Asked;
use crate::{
    Failure, client,
    client::{Ask, Held},
    plan::{Api, Plan},
    process::file_limit,
    results::Rounds,
    targets::Kind,
};
use std::time::Duration;

/// After the streams have gone, before what is left is looked at.
const AFTERWARDS: Duration = Duration::from_secs(5);

pub async fn held(asked: &Asked) -> Result<Rounds, Failure> {
    let mut rounds = Rounds::default();
    // Memory that has been used once tells nothing: each time in a fresh process, which takes a while.
    for (count, times) in [(1000, 3), (8000, 2)] {
        // A connection on each side, and a few more files.
        if 2 * count + 100 > file_limit()? {
            println!("{count} held streams need {} open files: skipped", 2 * count + 100);
            continue;
        }
        for _ in 0..asked.rounds.min(times) {
            for &kind in &asked.kinds {
                hold(asked, kind, count, &mut rounds).await?;
            }
        }
    }
    Ok(rounds)
}

async fn hold(asked: &Asked, kind: Kind, count: usize, rounds: &mut Rounds) -> Result<(), Failure> {
    let target = asked.stage.start(kind).await?;
    let quick = Ask::new(&target, Api::OpenAi, Plan::new(20, 0), true);
    client::run(&target, &quick, 8, 200).await?;
    let before = target.server.memory()?;
    let slow = Ask::new(&target, Api::OpenAi, Plan::new(60, 10_000), true);
    let mut streams = Held::open(&target, &slow, count, 1).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    streams.check()?;
    let during = target.server.memory()?;
    streams.abandon().await;
    rounds.add(&format!("KB per held stream, {count}"), "<= 1.0 x floor", &target, (during - before) / count as f64);
    tokio::time::sleep(AFTERWARDS).await;
    let left = target.server.memory()? - before;
    rounds.add(&format!("MB left 5 s after {count} streams"), "given back", &target, left / 1024.0);
    Ok(())
}
