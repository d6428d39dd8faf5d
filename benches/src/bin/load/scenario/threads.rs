//! One thread and two: what is carried, and what a unit costs.
//!
//! Client and upstream are on the same processors, so that two threads cannot carry twice as much where there are two; that a unit
//! costs no more on two threads tells what they would carry if there were more.

use super::{Asked, exchange};
use crate::{
    Failure,
    plan::Api,
    results::Rounds,
    targets::{Kind, Setup},
};

pub async fn threads(asked: &Asked) -> Result<Rounds, Failure> {
    let mut rounds = Rounds::default();
    let mut targets = Vec::new();
    for (more_threads, threads, goal) in [(0, "1 thread", ""), (1, "2 threads", "<= 1.05 x one thread")] {
        for kind in [Kind::Floor, Kind::Proxy] {
            targets.push((
                threads,
                goal,
                asked.stage.start_as(kind, Setup { more_threads, ..Setup::default() }).await?,
            ));
        }
    }
    for round in 0..=asked.rounds {
        for (threads, goal, target) in &targets {
            for (unit, load) in [("request", exchange::SHORT), ("chunk in a flood", exchange::FLOOD)] {
                let load = load.of_one_api();
                let load = if round == 0 { load.to_warm_up() } else { load };
                let (spent, per_second) = load.run(target, Api::OpenAi).await?;
                if round > 0 {
                    let what = format!("{threads}: CPU per {unit}, us");
                    rounds.add(&what, goal, target, spent);
                    rounds.add(&format!("{threads}: {unit}, per second"), "", target, per_second);
                }
            }
        }
    }
    Ok(rounds)
}
