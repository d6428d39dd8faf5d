//! The load harness: what the proxy costs, measured from outside, beside a floor that looks at nothing.
//!
//! `make load`, or `cargo run --release -p active-requests-benches --features fleet --bin load -- [SCENARIO]..`. It starts
//! everything it needs on free loopback ports, and ends it: a mock [upstream](mock), the [floor], the proxy, and nginx and HAProxy where
//! they are installed. Every [client] checks every byte. Figures are processor time per unit of work, which repeats on a
//! busy machine, and their ratio to the floor's in the same round.

#![allow(missing_docs, unreachable_pub, reason = "a program, not a library")]

mod client;
mod floor;
mod mock;
mod plan;
mod process;
mod reply;
mod results;
mod scenario;
mod serving;
mod targets;
mod tls;

use active_requests_benches::measures::{LOAD, target_dir};
use clap::{Parser, Subcommand, ValueEnum};
use floor::Floor;
use mock::Mock;
use results::Results;
use scenario::{Replicas, Scenario};
use std::{error::Error, path::PathBuf, process::ExitCode, time::Instant};
use targets::Kind;
use tokio::signal::unix::{SignalKind, signal};

pub type Failure = Box<dyn Error + Send + Sync>;

/// Measures the proxy under load
#[derive(Parser)]
struct Args {
    /// Scenarios to measure; all of them if none is given
    scenarios: Vec<Scenario>,
    /// How often each target has its turn
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Measure only these (floor, proxy, untracked, nginx, haproxy)
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Kind>,
    /// Where the figures of all scenarios are kept; those of chosen ones are not
    #[arg(long, default_value_os_t = target_dir().join(LOAD))]
    json: PathBuf,
    #[command(subcommand)]
    part: Option<Part>,
}

/// The servers, which the harness starts itself
#[derive(Clone, Subcommand)]
enum Part {
    #[command(hide = true)]
    Mock(Mock),
    #[command(hide = true)]
    Floor(Floor),
    #[command(hide = true)]
    Replicas(Replicas),
}

fn main() -> ExitCode {
    match run(Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: Args) -> Result<(), Failure> {
    if args.part.is_none() {
        process::raise_file_limit()?;
    }
    // One thread, like what is measured: two would take both processors of a small machine from it.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        match args.part.clone() {
            Some(Part::Mock(mock)) => mock.serve().await,
            Some(Part::Floor(floor)) => floor.serve().await,
            Some(Part::Replicas(replicas)) => replicas.serve().await,
            None => {
                let (mut interrupt, mut terminate) =
                    (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
                // What has been started ends when the measuring is dropped.
                tokio::select! {
                    result = measure(&args) => result,
                    _ = interrupt.recv() => Err("interrupted".into()),
                    _ = terminate.recv() => Err("interrupted".into()),
                }
            }
        }
    });
    // A thread may still wait for standard input.
    runtime.shutdown_background();
    result
}

async fn measure(args: &Args) -> Result<(), Failure> {
    let is_whole = args.scenarios.is_empty();
    let scenarios = if is_whole { Scenario::value_variants() } else { &args.scenarios };
    for kind in Kind::ALL.into_iter().filter(|kind| !kind.is_installed()) {
        println!("{} is not there and will be left out", kind.name());
    }
    let mut results = Results::new();
    let mut failed = Vec::new();
    for scenario in scenarios {
        let start = Instant::now();
        match scenario.run(args.rounds, &args.only).await {
            Ok(rounds) => results.add(scenario.name(), rounds),
            // The others are worth the time that they take.
            Err(why) => failed.push(format!("{}: {why}", scenario.name())),
        }
        eprintln!("{}: {:.0} s", scenario.name(), start.elapsed().as_secs_f64());
    }
    results.print();
    if is_whole {
        results.write(&args.json)?;
        println!("open files: {}; written to {}", process::file_limit()?, args.json.display());
    }
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n").into()) }
}
