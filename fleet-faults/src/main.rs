//! Faults of a fleet: real proxies on a real engine are killed, paused, cut off and flooded, and each viewer must show the truth again.
//!
//! `make fleet`, or `cargo run --release -p active-requests-fleet-faults -- [CHECK]..`. Everything runs on loopback, in a network of its own where
//! that is permitted. A check waits for events, with an outer bound that no machine is too slow for; the times that it took stand beside
//! those that the fleet promises. `--strict` refuses a time above the promise.

#![allow(missing_docs, reason = "a program, not a library")]

mod check;
mod engine;
mod finding;
mod http;
mod island;
mod process;
mod replica;
mod rows;
mod stage;
mod traffic;
mod viewer;

use std::{error::Error, path::PathBuf, process::ExitCode, sync::Arc};

use check::Check;
use clap::{Parser, ValueEnum};
use engine::EngineKind;
use finding::Findings;
use stage::Stage;
use tokio::{sync::Semaphore, task::JoinSet};

/// Any reason to stop.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// Checks that a fleet of real proxies shows the truth, whatever happens to it
#[derive(Parser)]
struct Args {
    /// Checks to make; all of them if none is given
    checks: Vec<Check>,
    /// Engines to make them on
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [EngineKind::Nats, EngineKind::Redis])]
    engines: Vec<EngineKind>,
    /// The proxy; by default the one beside this program
    #[arg(long)]
    proxy: Option<PathBuf>,
    /// Checks at a time
    #[arg(long, default_value_t = 6)]
    at_once: usize,
    /// Make `kills` beside the others too, instead of leaving it the machine for itself
    #[arg(long)]
    crowded: bool,
    /// Replicas of `kills`
    #[arg(long, default_value_t = 20)]
    replicas: usize,
    /// How long `kills` goes on, per engine
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Where the random numbers of `kills` begin; drawn if it is not given
    #[arg(long)]
    seed: Option<u64>,
    /// A time above what the fleet promises is a failure
    #[arg(long)]
    strict: bool,
}

fn main() -> ExitCode {
    // Before there is a thread: it starts this program again.
    island::enter_own_network();
    let args = Args::parse();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    // The servers that have been started end when the checks are dropped.
    let good = runtime.block_on(async {
        tokio::select! {
            good = make(args) => good,
            _ = tokio::signal::ctrl_c() => Err("interrupted".into()),
        }
    });
    match good {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Makes the checks. Returns whether all were passed.
async fn make(args: Args) -> Result<bool, Failure> {
    let checks = if args.checks.is_empty() { Check::value_variants().to_vec() } else { args.checks };
    let seed = args.seed.unwrap_or_else(rand_seed);
    let stage = Stage::set(args.proxy, args.replicas, args.seconds, seed).await?;
    let mut all = Findings::new(args.strict);
    let (alone, together): (Vec<_>, Vec<_>) = checks
        .iter()
        .flat_map(|check| args.engines.iter().map(|kind| (*check, *kind)))
        .partition(|(check, _)| check.is_heavy() && !args.crowded);
    let room = Arc::new(Semaphore::new(args.at_once.max(1)));
    let mut running = JoinSet::new();
    for (check, kind) in together {
        let (stage, room) = (stage.clone(), Arc::clone(&room));
        running.spawn(async move {
            let _place = room.acquire().await;
            check.make(&stage, kind).await
        });
    }
    while let Some(made) = running.join_next().await {
        all.add(made?);
    }
    for (check, kind) in alone {
        all.add(check.make(&stage, kind).await);
    }
    Ok(all.tell())
}

fn rand_seed() -> u64 {
    use std::hash::BuildHasher;
    std::hash::RandomState::new().hash_one("seed")
}
