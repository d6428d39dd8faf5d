//! Whole exchanges, target by target, round by round: what they cost, and how long they take.

use super::Asked;
use crate::{
    Failure, client,
    client::Ask,
    plan::{Api, Plan},
    results::{Rounds, micros, percentile},
    targets::Target,
};

/// Requests to each target before anything is measured: connections are open and buffers have grown then.
pub(super) const WARM_UP: usize = 100;

pub async fn requests(asked: &Asked) -> Result<Rounds, Failure> {
    let plan = Plan::new(20, 0);
    let load = Load { connections: 32, exchanges: 4000, stream: false, plan };
    cost(asked, &load, "CPU per request, us", "<= 1.05 x floor").await
}

/// Adds what a request costs each of these targets.
pub async fn add_requests(targets: &[Target], times: usize, what: &str, rounds: &mut Rounds) -> Result<(), Failure> {
    let load = Load { connections: 32, exchanges: 4000, stream: false, plan: Plan::new(20, 0) };
    add_cost(targets, times, &load, what, "", rounds).await
}

pub async fn paced(asked: &Asked) -> Result<Rounds, Failure> {
    let load = Load { connections: 32, exchanges: 64, stream: true, plan: Plan::new(100, 5) };
    cost(asked, &load, "CPU per chunk, 5 ms apart, us", "<= 1.05 x floor").await
}

pub async fn flood(asked: &Asked) -> Result<Rounds, Failure> {
    let load = Load { connections: 8, exchanges: 96, stream: true, plan: Plan::new(1000, 0) };
    cost(asked, &load, "CPU per chunk in a flood, us", "< 1.0 x floor").await
}

struct Load {
    connections: usize,
    exchanges: usize,
    stream: bool,
    plan: Plan,
}

/// Time on a processor per request or, of streams, per chunk.
async fn cost(asked: &Asked, load: &Load, what: &str, goal: &'static str) -> Result<Rounds, Failure> {
    let mut rounds = Rounds::default();
    add_cost(&asked.targets().await?, asked.rounds, load, what, goal, &mut rounds).await?;
    Ok(rounds)
}

async fn add_cost(
    targets: &[Target],
    times: usize,
    load: &Load,
    what: &str,
    goal: &'static str,
    rounds: &mut Rounds,
) -> Result<(), Failure> {
    for round in 0..=times {
        for target in targets {
            for (api, of) in [(Api::OpenAi, "OpenAI"), (Api::Anthropic, "Anthropic")] {
                let ask = Ask::new(target, api, load.plan, load.stream);
                // The first round is for warming up.
                let exchanges = if round == 0 { WARM_UP.min(load.exchanges) } else { load.exchanges };
                let before = target.server.cpu()?;
                client::run(target, &ask, load.connections, exchanges).await?;
                let spent = target.server.cpu()? - before;
                if round > 0 {
                    let units = exchanges * if load.stream { ask.chunks } else { 1 };
                    rounds.add(&format!("{what} ({of})"), goal, target, micros(spent) / units as f64);
                }
            }
        }
    }
    Ok(())
}

pub async fn latency(asked: &Asked) -> Result<Rounds, Failure> {
    let targets = asked.targets().await?;
    let mut rounds = Rounds::default();
    for _ in 0..asked.rounds {
        let direct = latencies(&asked.stage.upstream).await?;
        for target in &targets {
            let through = latencies(target).await?;
            for (percent, what, goal) in
                [(50, "added latency p50, us", "<= 40 us"), (99, "added latency p99, us", "<= 100 us")]
            {
                let added = percentile(through.clone(), percent) - percentile(direct.clone(), percent);
                rounds.add(what, goal, target, added);
            }
        }
    }
    Ok(rounds)
}

/// Measures requests one after the other over one connection, in microseconds.
async fn latencies(target: &Target) -> Result<Vec<f64>, Failure> {
    let ask = Ask::new(target, Api::OpenAi, Plan::new(20, 0), false);
    let took = client::run(target, &ask, 1, WARM_UP + 1000).await?;
    Ok(took.into_iter().skip(WARM_UP).map(micros).collect())
}
