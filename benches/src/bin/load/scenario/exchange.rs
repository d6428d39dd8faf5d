//! Whole exchanges, target by target, round by round: what they cost, and how long they take.

use super::Asked;
use crate::{
    Failure, client,
    client::Ask,
    plan::{Api, Plan},
    results::{Rounds, micros, percentile},
    targets::{Kind, Target},
};
use tokio::time::Instant;

/// Requests to each target before anything is measured: connections are open and buffers have grown then.
pub(super) const WARM_UP: usize = 100;

/// Short requests with short answers.
pub(super) const SHORT: Load = Load::new(32, 4000, false, Plan::new(20, 0));
/// Streams as models write them, in each of which a chunk comes every 5 ms.
pub(super) const PACED: Load = Load::new(32, 64, true, Plan::new(100, 5));
/// Streams whose chunks are all there.
pub(super) const FLOOD: Load = Load::new(8, 96, true, Plan::new(1000, 0));

pub async fn requests(asked: &Asked) -> Result<Rounds, Failure> {
    let mut targets = asked.targets().await?;
    targets.push(asked.stage.start(Kind::Unlogged).await?);
    let mut rounds = Rounds::default();
    for_each_round(&targets, asked.rounds, &SHORT, |target, api, spent| {
        let goal = if target.name == Kind::Unlogged.name() { "<= 1.05 x floor" } else { "<= 1.10 x floor" };
        rounds.add(&format!("CPU per request, us{api}"), goal, target, spent);
    })
    .await?;
    Ok(rounds)
}

pub async fn paced(asked: &Asked) -> Result<Rounds, Failure> {
    cost(asked, &PACED, "CPU per chunk, 5 ms apart, us", "<= 1.05 x floor").await
}

pub async fn flood(asked: &Asked) -> Result<Rounds, Failure> {
    cost(asked, &FLOOD, "CPU per chunk in a flood, us", "< 1.0 x floor").await
}

/// A number of exchanges, so many at a time.
#[derive(Clone, Copy)]
pub(super) struct Load {
    at_a_time: usize,
    exchanges: usize,
    stream: bool,
    plan: Plan,
    apis: &'static [(Api, &'static str)],
}

impl Load {
    const fn new(at_a_time: usize, exchanges: usize, stream: bool, plan: Plan) -> Self {
        Self {
            at_a_time,
            exchanges,
            stream,
            plan,
            apis: &[(Api::OpenAi, " (OpenAI)"), (Api::Anthropic, " (Anthropic)")],
        }
    }

    pub(super) fn of_one_api(self) -> Self {
        Self { apis: &[(Api::OpenAi, "")], ..self }
    }

    pub(super) fn to_warm_up(self) -> Self {
        Self { exchanges: WARM_UP.min(self.exchanges), ..self }
    }

    /// Runs it. Returns the microseconds on a processor for a unit, which is a request or, of streams, a chunk, and the units in a second.
    pub(super) async fn run(&self, target: &Target, api: Api) -> Result<(f64, f64), Failure> {
        let ask = Ask::new(target, api, self.plan, self.stream);
        let units = (self.exchanges * if self.stream { ask.chunks } else { 1 }) as f64;
        let (before, start) = (target.server.cpu()?, Instant::now());
        client::run(target, &ask, self.at_a_time, self.exchanges).await?;
        let took = start.elapsed().as_secs_f64();
        Ok((micros(target.server.cpu()? - before) / units, units / took))
    }
}

async fn cost(asked: &Asked, load: &Load, what: &str, goal: &'static str) -> Result<Rounds, Failure> {
    let mut rounds = Rounds::default();
    add_cost(&asked.targets().await?, asked.rounds, load, what, goal, &mut rounds).await?;
    Ok(rounds)
}

/// Adds the time on a processor per unit.
pub(super) async fn add_cost(
    targets: &[Target],
    times: usize,
    load: &Load,
    what: &str,
    goal: &'static str,
    rounds: &mut Rounds,
) -> Result<(), Failure> {
    for_each_round(targets, times, load, |target, api, spent| {
        rounds.add(&format!("{what}{api}"), goal, target, spent);
    })
    .await
}

/// Runs `load` at each target in turn, and tells the time on a processor per unit and of which API.
async fn for_each_round(
    targets: &[Target],
    times: usize,
    load: &Load,
    mut tell: impl FnMut(&Target, &str, f64),
) -> Result<(), Failure> {
    for round in 0..=times {
        for target in targets {
            for &(api, of) in load.apis {
                // The first round is for warming up.
                let load = if round == 0 { load.to_warm_up() } else { *load };
                let (spent, _) = load.run(target, api).await?;
                if round > 0 {
                    tell(target, of, spent);
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
